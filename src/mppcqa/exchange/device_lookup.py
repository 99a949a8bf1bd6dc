"""Serial numbers of a column to the devices' ids, present and former ones."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mppcqa.inventory.models import Device, DeviceType, SerialAlias
from mppcqa.inventory.scope import Viewer

SQLITE_SAFE = 900


class DeviceLookup:
    """Remembers what it has looked up: one query for many serials, none for those seen before.

    What `viewer` does not see is not there.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._known: dict[str, tuple[int, int]] = {}

    def find(self, serials: pa.Array) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Ids (-1 where there is none) and numbers of channels, int32 [n] each."""
        coded = pc.dictionary_encode(serials)
        names = coded.dictionary.to_pylist()
        self._learn([name for name in names if name and name not in self._known])
        pairs = np.array([self._known.get(name, (-1, 0)) for name in names], np.int32)
        pairs = pairs.reshape(-1, 2)
        places = coded.indices.to_numpy(zero_copy_only=False)
        return pairs[places, 0], pairs[places, 1]

    def _learn(self, names: list[str]) -> None:
        found: dict[str, tuple[int, int]] = {}
        for start in range(0, len(names), SQLITE_SAFE):
            part = names[start : start + SQLITE_SAFE]
            devices = Device.objects.visible_to(self._viewer).filter(serial__in=part).order_by()
            found |= {
                serial: (pk, kind)
                for serial, pk, kind in devices.values_list("serial", "pk", "device_type")
            }
            if missing := [name for name in part if name not in found]:
                seen = SerialAlias.objects.visible_to(self._viewer)
                former = seen.filter(serial__in=missing)
                for serial, pk, kind in former.values_list(
                    "serial", "device", "device__device_type"
                ):
                    found[serial] = (pk, kind)
        # Not joined: from the few types, MariaDB may go through all devices of each.
        types = DeviceType.objects.in_bulk() if found else {}
        self._known |= {serial: (pk, types[kind].channels) for serial, (pk, kind) in found.items()}
        for name in names:
            self._known.setdefault(name, (-1, 0))

"""Writing a run file: streamed, and under its final name only once it is complete."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import uproot
from numpy.typing import ArrayLike

from mppcqa.runfile.layout import META, VERSION, RunFileError


class RunWriter:
    """Writes one run; use it in a ``with`` statement.

    The file is written beside its final name with the ending ``.part`` and renamed when the block
    ends well, so that half a file never looks like a whole one.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "run.root"
    >>> slots = [{"slot": 0, "serial": "A-1", "channels": 2}]
    >>> with RunWriter(path, {"run": 1, "stage": "pde", "station": "s", "operator": "ana",
    ...                       "program": "test 1", "started": "2026-01-01T00:00:00Z",
    ...                       "slots": slots}) as writer:
    ...     writer.point(0, bias_v=71.0, temperature_c=20.0, light=0.0)
    ...     writer.charges(0, 0, [[1.0, 2.0], [1.5, 2.5]])
    >>> path.exists()
    True
    """

    def __init__(self, path: Path, meta: Mapping[str, Any]) -> None:
        self.path = path
        self.meta = {"layout": VERSION, **meta}
        counts = {int(slot["channels"]) for slot in self.meta["slots"]}
        if len(counts) != 1:
            raise RunFileError(
                f"{path}: the devices of a run must have the same number of channels, "
                f"not {sorted(counts)}"
            )
        self.channels = counts.pop()
        self._part = path.with_name(path.name + ".part")
        self._points: list[tuple[int, float, float, float, float]] = []
        self._entries = 0

    def __enter__(self) -> Self:
        self._file = uproot.recreate(self._part, compression=uproot.LZ4(1))
        self._file.mktree(
            "charge",
            {"point": "int32", "slot": "int32", "charge": ("float32", (self.channels,))},
            title="One entry a trigger and device",
        )
        return self

    def point(
        self,
        point: int,
        *,
        bias_v: float,
        temperature_c: float,
        light: float,
        overvoltage_v: float = float("nan"),
    ) -> None:
        """Declare a measuring point. `light` is 0 in the dark."""
        self._points.append((point, bias_v, overvoltage_v, temperature_c, light))

    def charges(self, point: int, slot: int, charges: ArrayLike) -> None:
        """Append charges (events, channels) of the device in a slot at a point."""
        values = np.asarray(charges, np.float32)
        if values.ndim != 2 or values.shape[1] != self.channels:
            raise RunFileError(
                f"{self.path}: charges of slot {slot} have the shape {values.shape}; expected "
                f"(events, {self.channels})"
            )
        events = len(values)
        self._entries += events
        self._file["charge"].extend(
            {
                "point": np.full(events, point, np.int32),
                "slot": np.full(events, slot, np.int32),
                "charge": values,
            }
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            columns = np.array(self._points, float).reshape(-1, 5)
            names = ("bias_v", "overvoltage_v", "temperature_c", "light")
            # mktree, since assigning a dict would write an RNTuple, which few tools read yet.
            tree = self._file.mktree(
                "condition", {"point": "int32", **dict.fromkeys(names, "float64")}
            )
            tree.extend(
                {
                    "point": columns[:, 0].astype(np.int32),
                    **{name: columns[:, i + 1].copy() for i, name in enumerate(names)},
                }
            )
            self.meta["entries"] = {"charge": self._entries, "condition": len(columns)}
            self._file[META] = json.dumps(self.meta)
        self._file.close()
        if kind is None:
            self._part.replace(self.path)

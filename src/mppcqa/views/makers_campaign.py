"""The maker's values beside ours over the campaign: by type and lot, from summaries alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mppcqa.inventory.models import Device
from mppcqa.statistics.models import DeviceSummary, Series
from mppcqa.tables.maker_words import WORDS
from mppcqa.tables.units import conversion
from mppcqa.views.makers import OTHER, OURS, said_of

MOST_DEVICES = 5000
"""Devices of one comparison: the ones that were registered last."""
PIECE = 500
FAR = 5.0
"""Of the scatter (median absolute deviation, as a standard deviation): a device to look at."""


@dataclass(frozen=True)
class OfDevice:
    """What the maker says of a device, and our mean over its channels or their sum, in one unit."""

    serial: str
    group: tuple[str, str]
    """Type and lot; the lot is empty where it is not known."""
    maker: float
    ours: float

    @property
    def difference(self) -> float:
        return self.ours - self.maker


@dataclass(frozen=True)
class Group:
    """Differences (ours less the maker's) of the devices of one type and lot."""

    kind: str
    lot: str
    n: int
    mean: float
    mean_error: float
    """Standard error of the mean; NaN of one device."""
    scatter: float
    """Standard deviation of the differences; NaN of one device."""
    far: tuple[OfDevice, ...]
    """Devices that lie far from the others, the farthest first."""


def makers_quantity(series: Series) -> str:
    """Which of the maker's quantities a series is ours of; empty where of none."""
    title = series.quantity.title.lower()
    if OTHER.search(title):
        return ""
    fitting = [name for name, heads in OURS.items() if title.startswith(heads)]
    unit = series.quantity.unit
    return next((one for one in fitting if conversion(unit, WORDS[one][0])), "")


def comparable() -> list[Series]:
    """The series of ours that makers have values of, in a fixed order."""
    rows = Series.objects.filter(n__gt=0).select_related("quantity").order_by("pk")[:2000]
    return [one for one in rows if makers_quantity(one)]


def devices_of(series: Series) -> list[OfDevice]:
    """Devices that both have a value of, in the maker's unit (V, A, Hz)."""
    quantity = makers_quantity(series)
    change = conversion(series.quantity.unit, WORDS[quantity][0])
    if change is None:
        return []
    rows = Device.objects.exclude(maker_values={}).order_by("-pk")
    rows = rows.select_related("device_type", "lot")[:MOST_DEVICES]
    said = {one.pk: (one, there) for one in rows
            if (there := said_of(one.maker_values).get(quantity)) is not None}  # fmt: skip
    known = list(said)
    found = []
    for first in range(0, len(known), PIECE):
        summaries = DeviceSummary.objects.filter(
            device__in=known[first : first + PIECE], series=series
        )
        for pk, mean, n in summaries.values_list("device_id", "mean", "n"):
            device, maker = said[pk]
            group = (device.device_type.name, device.lot.name if device.lot else "")
            ours = mean * change.factor + change.offset
            if maker.whole:
                if n < device.device_type.channels:
                    continue  # the sum of some channels is not the device's
                ours *= n
            found.append(OfDevice(device.serial, group, maker.value, ours))
    return found


def groups_of(devices: Sequence[OfDevice]) -> list[Group]:
    """By type and lot; those with the largest mean difference for its error come first."""
    by_group: dict[tuple[str, str], list[OfDevice]] = {}
    for one in devices:
        by_group.setdefault(one.group, []).append(one)
    found = [_group(*group, members) for group, members in by_group.items()]
    return sorted(found, key=lambda one: (one.kind, -abs(one.mean), one.lot))


def _group(kind: str, lot: str, members: Sequence[OfDevice]) -> Group:
    differences = np.array([one.difference for one in members])
    n = len(members)
    scatter = float(differences.std(ddof=1)) if n > 1 else math.nan
    middle = float(np.median(differences))
    usual = 1.4826 * float(np.median(np.abs(differences - middle)))
    far = [one for one in members if usual > 0 and abs(one.difference - middle) > FAR * usual]
    far.sort(key=lambda one: (-abs(one.difference - middle), one.serial))
    error = scatter / math.sqrt(n) if n > 1 else math.nan
    return Group(kind, lot, n, float(differences.mean()), error, scatter, tuple(far))

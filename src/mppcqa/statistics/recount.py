"""Every summary counted again from values and verdicts: what it should hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mppcqa.limits.models import Verdict
from mppcqa.results.bulk_values import MeasurementColumns
from mppcqa.results.models import Standing
from mppcqa.results.reading import read_values
from mppcqa.results.references import Meaning
from mppcqa.statistics.models import DeviceSummary
from mppcqa.statistics.outcomes import GOOD, Counts, add_verdict, first_verdicts
from mppcqa.statistics.summaries import Unknown, device_summaries, group_values, sums_of

DEVICES = 200
"""Devices read at a time: some 10^5 values of arrays."""
TOLERANCE = 1e-9
SUMS = ("n", "total", "squares", "limits")
SUMMARY_COLUMNS = ("n", "mean", "uncertainty", "lowest", "highest", "limits")

Progress = Callable[[int, int], None]


@dataclass
class Recount:
    """What the summary tables should hold."""

    sums: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    """Series -> `SUMS`."""
    buckets: Counter[tuple[int, int]] = field(default_factory=Counter)
    """(series, bucket) -> n."""
    unknown: Unknown = field(default_factory=dict)
    """Series that are missing, with negative keys."""
    devices: set[int] = field(default_factory=set)
    """Devices whose rows of `DeviceSummary` are not what they should be."""
    outcomes: Counts = field(default_factory=Counter)
    quantities: Counts = field(default_factory=Counter)
    weeks: Counts = field(default_factory=Counter)
    values: int = 0
    meaning: Meaning = field(default_factory=Meaning)


def recount(progress: Progress = lambda done, total: None) -> Recount:
    """Read every value and verdict that counts, some devices at a time, in bounded memory."""
    found = Recount()
    last = Standing.objects.order_by("-device").values_list("device", flat=True).first() or 0
    summarised = DeviceSummary.objects.order_by("-device").values_list("device", flat=True).first()
    last = max(last, summarised or 0)
    for low, high in _ranges(last):
        values = counting_values(low, high)
        _count_values(found, values, low, high)
        _count_verdicts(found, low, high)
        progress(min(high, last), last)
    return found


def _ranges(last: int) -> Iterator[tuple[int, int]]:
    """Device ids (low, high]."""
    for low in range(0, last, DEVICES):
        yield low, low + DEVICES


def counting_values(low: int, high: int) -> MeasurementColumns:
    """Values that count of devices with ids in (low, high], in the order of the key."""
    return read_values(range(low + 1, high + 1), counting=True)


def _count_values(found: Recount, values: MeasurementColumns, low: int, high: int) -> None:
    expected: dict[str, NDArray[Any]] | None = None
    if len(values):
        grouped = group_values(values, found.meaning, found.unknown)
        sums, buckets = sums_of(grouped)
        rows = np.stack([sums[name] for name in SUMS], axis=1).astype("f8")
        for series, row in zip(sums["id"].tolist(), rows, strict=True):
            found.sums[series] = found.sums.get(series, 0.0) + row
        keys = zip(buckets["series_id"].tolist(), buckets["bucket"].tolist(), strict=True)
        found.buckets.update(dict(zip(keys, buckets["n"].tolist(), strict=True)))
        expected = device_summaries(grouped)
        found.values += len(values)
    found.devices |= _wrong_devices(expected, low, high)


def _wrong_devices(expected: dict[str, NDArray[Any]] | None, low: int, high: int) -> set[int]:
    """Devices in (low, high] whose summaries are not the expected ones."""
    rows = DeviceSummary.objects.filter(device__gt=low, device__lte=high)
    there = {
        (device, series): values
        for device, series, *values in rows.values_list("device", "series", *SUMMARY_COLUMNS)
    }
    wanted: dict[tuple[int, int], list[float]] = {}
    if expected is not None:
        columns = [expected[name].tolist() for name in ("device_id", "series_id", *SUMMARY_COLUMNS)]
        wanted = {(device, series): row for device, series, *row in zip(*columns, strict=True)}
    wrong = {device for device, _series in there.keys() ^ wanted.keys()}
    same = sorted(there.keys() & wanted.keys())
    if same:
        one = np.array([there[key] for key in same], dtype="f8")
        two = np.array([wanted[key] for key in same], dtype="f8")
        bad = ~np.isclose(one, two, rtol=TOLERANCE, atol=0, equal_nan=True).all(axis=1)
        wrong |= {same[row][0] for row in np.flatnonzero(bad).tolist()}
    return wrong


def _count_verdicts(found: Recount, low: int, high: int) -> None:
    rows = Standing.objects.filter(
        device__gt=low, device__lte=high, verdict__isnull=False
    ).values_list("stage", "device", "verdict")
    devices: dict[str, list[int]] = {}
    for stage, device, _verdict in rows:
        devices.setdefault(stage, []).append(device)
    first = {stage: first_verdicts(stage, ids) for stage, ids in devices.items()}
    verdicts = Verdict.objects.in_bulk([verdict for _stage, _device, verdict in rows])
    for stage, device, verdict in rows:
        standing = verdicts[verdict]
        add_verdict(found.outcomes, found.quantities, standing, +1)
        week, passed = first[stage][device]
        found.weeks[stage, week, "judged"] += 1
        found.weeks[stage, week, "first_passed"] += passed
        found.weeks[stage, week, "last_passed"] += standing.outcome in GOOD

"""Are the summaries equal to a recount of everything? If not: what differs, and its repair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Model, Sum

from mppcqa.database.number_rows import add_to_rows, insert_rows
from mppcqa.database.retry import again_after_deadlock
from mppcqa.database.snapshot import one_moment
from mppcqa.inventory.locks import lock_devices
from mppcqa.results.models import Analysis
from mppcqa.results.references import Meaning
from mppcqa.statistics.models import (
    Bucket,
    DeviceSummary,
    OutcomeCount,
    QuantityCount,
    Series,
    WeekYield,
)
from mppcqa.statistics.outcomes import Counts, add_counts
from mppcqa.statistics.recount import SUMS, Progress, Recount, counting_values, recount
from mppcqa.statistics.summaries import group_values, write_device_summaries

SUM_TOLERANCE = 1e-6
ROUNDING = 1e-13
"""Of sums of 10^5 terms with either sign, against the sum of their sizes."""
COUNTED: dict[str, tuple[type[Model], tuple[str, ...], tuple[str, ...]]] = {
    "outcomes": (OutcomeCount, ("stage", "week", "outcome"), ("n",)),
    "quantities": (QuantityCount, ("stage", "week", "quantity", "outcome"), ("n",)),
    "weeks": (WeekYield, ("stage", "week"), ("judged", "first_passed", "last_passed")),
}


@dataclass(frozen=True)
class Difference:
    """One number of a summary that is not what a recount gives."""

    table: str
    row: str
    found: float | None
    expected: float | None

    def __str__(self) -> str:
        return f"{self.table}, {self.row}: {self.found} is there, {self.expected} was counted"


@dataclass(frozen=True)
class Checked:
    """What a check found; `differences` is empty where all is well."""

    values: int
    differences: list[Difference]
    repaired: bool = False


def check_summaries(
    *, repair: bool = False, progress: Progress = lambda done, total: None
) -> Checked:
    """Count everything again, of one moment, while others go on working.

    With `repair` the differences are added, which is right whatever was ingested meanwhile.
    """
    with one_moment():
        counted = recount(progress)
        found = _differences(counted)
    if repair and found.differences:
        _repair(counted, found)
    told = found.differences
    return Checked(counted.values, told, repaired=repair and bool(told))


@dataclass
class _Found:
    differences: list[Difference]
    sums: dict[int, np.ndarray[Any, Any]]
    """Series -> what must be added to each of `SUMS`."""
    buckets: dict[tuple[int, int], int]
    counts: dict[str, Counts]


def _differences(counted: Recount) -> _Found:
    found = _Found([], {}, {}, {})
    there: Counter[tuple[int, int]] = Counter(
        {
            (series, bucket): n
            for series, bucket, n in Bucket.objects.values_list("series", "bucket", "n").iterator()
        }
    )
    _compare_series(counted, _reaches(there), found)
    for key in sorted(there.keys() | counted.buckets.keys()):
        wrong = counted.buckets[key] - there[key]
        if wrong:
            found.buckets[key] = wrong
            row = f"series {key[0]}, bucket {key[1]}"
            found.differences.append(Difference("histogram", row, there[key], counted.buckets[key]))
    found.differences += [
        Difference("device", f"device {device}", None, None) for device in sorted(counted.devices)
    ]
    for name, (model, keys, columns) in COUNTED.items():
        expected: Counts = getattr(counted, name)
        rows = model._default_manager.values_list(*keys, *columns).order_by()
        held: Counts = Counter()
        for row in rows:
            for column, n in zip(columns, row[len(keys) :], strict=True):
                held[(*row[: len(keys)], column)] = n
        wrong_counts = Counter(
            {key: expected[key] - held[key] for key in held.keys() | expected.keys()}
        )
        found.counts[name] = Counter({key: n for key, n in wrong_counts.items() if n})
        found.differences += [
            Difference(name, " ".join(map(str, key)), held[key], expected[key])
            for key in sorted(found.counts[name], key=str)
        ]
    return found


def _reaches(buckets: Iterable[tuple[int, int]]) -> dict[int, int]:
    """How far from their origin values of each series ever lay, in buckets.

    What was taken away leaves its bucket behind, empty.
    """
    reaches: dict[int, int] = {}
    for series, bucket in buckets:
        reaches[series] = max(reaches.get(series, 0), abs(bucket) + 1)
    return reaches


def _compare_series(counted: Recount, reaches: dict[int, int], found: _Found) -> None:
    ever = Analysis.objects.aggregate(values=Sum("values"))["values"] or 1
    there = {
        row.pk: (row, np.array([getattr(row, name) for name in SUMS]))
        for row in Series.objects.all()
    }
    nothing = np.zeros(len(SUMS))
    for series in sorted(there.keys() | counted.sums.keys()):
        expected = counted.sums.get(series, nothing)
        row, held = there.get(series, (None, nothing))
        width = row.width if row else 1.0
        # Sums of many additions and removals: equal within rounding, not bit for bit. What was
        # taken away leaves the rounding of sums that were larger than what is left.
        scale = np.array([1.0, width, width**2, 1.0]) * max(1.0, expected[0])
        reach = reaches.get(series, 1) * width
        left = ROUNDING * ever * np.array([0.0, reach, reach**2, 0.0])
        slack = SUM_TOLERANCE * (scale + np.abs(expected)) + left
        slack[[0, 3]] = 0.5
        wrong = ~(np.abs(expected - held) <= slack)
        if wrong.any():
            found.sums[series] = expected - held
            found.differences += [
                Difference("series", f"series {series}, {name}", float(held[i]), float(expected[i]))
                for i, name in enumerate(SUMS)
                if wrong[i]
            ]


@again_after_deadlock
def _repair(counted: Recount, found: _Found) -> None:
    with transaction.atomic():
        devices = sorted(counted.devices)
        lock_devices(devices)
        made = {series.pk: _made(series) for series in counted.unknown.values()}
        sums = {made.get(series, series): wrong for series, wrong in found.sums.items()}
        ids = np.array(sorted(sums), dtype="i8")
        if len(ids):
            wrong = np.stack([sums[series] for series in ids.tolist()])
            added = {"id": ids, **dict(zip(SUMS, wrong.T, strict=True))}
            for name in ("n", "limits"):
                added[name] = added[name].astype("i8")
            add_to_rows(Series._meta.db_table, "id", added)
        buckets = sorted((made.get(s, s), bucket, n) for (s, bucket), n in found.buckets.items())
        if buckets:
            table = np.array(buckets, dtype="i8")
            columns = dict(zip(("series_id", "bucket", "n"), table.T, strict=True))
            key = ("series_id", "bucket")
            insert_rows(Bucket._meta.db_table, columns, keys=key, on_conflict="add")
        for name, counts in found.counts.items():
            model, keys, _columns = COUNTED[name]
            add_counts(model, keys, counts)
        for device in devices:
            DeviceSummary.objects.filter(device=device).delete()
            values = counting_values(device - 1, device)
            if len(values):
                write_device_summaries(group_values(values, Meaning()))


def _made(series: Series) -> int:
    row, _new = Series.objects.get_or_create(
        quantity_id=series.quantity_id,
        at=series.at,
        defaults={name: getattr(series, name) for name in ("origin", "width")},
    )
    return row.pk

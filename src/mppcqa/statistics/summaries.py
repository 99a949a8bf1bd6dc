"""Summaries of values, kept up by the ingest in its own transaction."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mppcqa.database.number_rows import add_to_rows, insert_rows
from mppcqa.results.bulk_values import MeasurementColumns
from mppcqa.results.conditions import compared
from mppcqa.results.counting import CountingChange
from mppcqa.results.references import Meaning
from mppcqa.stages import Condition
from mppcqa.statistics.models import Bucket, DeviceSummary, Series

BATCH = 2000
BUCKETS_A_SPREAD = 8
"""Buckets a standard deviation of the first values: fine enough to merge for any chart."""
LEAST_SPREAD = 1e-6
STATED = ("mean", "uncertainty", "lowest", "highest")
LAST_BUCKET = 2**31 - 1
"""What lies beyond is counted here, so that one absurd value can't make the sums infinite."""


class Grid(NamedTuple):
    """Where the buckets of a series lie."""

    series: int
    origin: float
    width: float


@dataclass(frozen=True)
class Grouped:
    """Values by series: rows sorted by series and, within one, by the key of the big table."""

    grids: list[Grid]
    """One a series."""
    starts: NDArray[np.intp]
    """Where the rows of each series begin [number of series]."""
    values: MeasurementColumns

    @property
    def sizes(self) -> NDArray[np.intp]:
        return np.diff(self.starts, append=len(self.values))


def replace_values(change: CountingChange) -> None:
    """Some values count now; others do so no longer."""
    if change.lost is not None and len(change.lost):
        lost = group_values(change.lost, change.meaning)
        add_up(lost, -1)
        _forget_devices(lost)
    if len(change.gained):
        gained = group_values(change.gained, change.meaning)
        add_up(gained, +1)
        write_device_summaries(gained)


Unknown = dict[tuple[int, Condition], Series]


def group_values(
    values: MeasurementColumns, meaning: Meaning, unknown: Unknown | None = None
) -> Grouped:
    """Values (not empty) by the series that they belong to; series that are new are made.

    Where a dict `unknown` is given nothing is made: new series, with negative keys, go there.
    """
    conditions, condition_index = np.unique(values.condition, return_inverse=True)
    meaning.learn(conditions.tolist(), np.unique(values.quantity).tolist())
    keys = [compared(meaning.points[condition]) for condition in conditions.tolist()]
    compareds = sorted(set(keys))
    place = {at: number for number, at in enumerate(compareds)}
    key_of = np.array([place[key] for key in keys])[condition_index]
    code = values.quantity.astype("i8") * len(compareds) + key_of
    order = np.lexsort((values.condition, values.channel, values.device, code))
    values, code, key_of = values.take(order), code[order], key_of[order]
    starts = np.flatnonzero(np.diff(code, prepend=code[0] - 1))
    stops = [*starts[1:].tolist(), len(values)]
    wanted = {
        (int(values.quantity[start]), compareds[key_of[start]]): (start, stop)
        for start, stop in zip(starts.tolist(), stops, strict=True)
    }
    return Grouped(_grids(wanted, values, unknown), starts, values)


def _grids(
    wanted: dict[tuple[int, Condition], tuple[int, int]],
    values: MeasurementColumns,
    unknown: Unknown | None,
) -> list[Grid]:
    """The grids of (quantity, condition) in that order; new series get theirs from these values."""
    found = _known(wanted)
    for pair, series in (unknown or {}).items():
        found.setdefault(pair, Grid(series.pk, series.origin, series.width))
    fresh = []
    for (quantity, at), (start, stop) in wanted.items():
        if (quantity, at) not in found:
            origin, width = _round_grid(values.value[start:stop])
            fresh.append(
                Series(
                    quantity_id=quantity,
                    at=at,
                    origin=origin,
                    width=width,
                )
            )
    if unknown is not None:
        for one in fresh:
            one.pk = -1 - len(unknown)
            unknown[one.quantity_id, one.at] = one
            found[one.quantity_id, one.at] = Grid(one.pk, one.origin, one.width)
    elif fresh:
        # Another ingest may make them at the same time: then its grid holds.
        Series.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=BATCH)
        found = _known(wanted)
    return [found[pair] for pair in wanted]


def _known(wanted: Iterable[tuple[int, Condition]]) -> dict[tuple[int, Condition], Grid]:
    """Grids of the series that are there, at least those wanted, by quantity and condition."""
    pairs = list(wanted)
    quantities, conditions = {one for one, _at in pairs}, {at for _one, at in pairs}
    rows = Series.objects.filter(quantity__in=quantities, at__in=conditions).order_by()
    return {
        (quantity, at): Grid(pk, origin, width)
        for quantity, at, pk, origin, width in rows.values_list(
            "quantity", "at", "pk", "origin", "width"
        )
    }


def _round_grid(values: NDArray[np.float64]) -> tuple[float, float]:
    """Origin and width of buckets from the first values: round numbers."""
    mean = math.fsum(values) / len(values)
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values.tolist()) / len(values))
    if spread <= abs(mean) * LEAST_SPREAD:  # equal values, or equal but for rounding
        spread = abs(mean) * 0.01 or 1.0
    width = float(f"{spread / BUCKETS_A_SPREAD:.0e}")
    return round(mean / width) * width, width


def add_up(grouped: Grouped, sign: int) -> None:
    """Add (+1) values to their series and buckets, or take them away (-1)."""
    sums, buckets = sums_of(grouped)
    by_id = np.argsort(sums["id"])  # in one order everywhere, or two ingests deadlock
    add_to_rows(
        Series._meta.db_table,
        "id",
        {name: column[by_id] * (1 if name == "id" else sign) for name, column in sums.items()},
    )
    insert_rows(
        Bucket._meta.db_table,
        {**buckets, "n": buckets["n"] * sign},
        keys=("series_id", "bucket"),
        on_conflict="add",
    )


def sums_of(grouped: Grouped) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """What values add to columns of `Series` and of `Bucket` (sorted by its key)."""
    ids = np.array([one.series for one in grouped.grids])
    sizes = grouped.sizes
    width = np.repeat([one.width for one in grouped.grids], sizes)
    shifted = grouped.values.value - np.repeat([one.origin for one in grouped.grids], sizes)
    shifted = np.clip(shifted, -LAST_BUCKET * width, LAST_BUCKET * width)
    # Limits are no values: where the true ones lie nobody knows.
    measured = grouped.values.bound == 0
    shifted = np.where(measured, shifted, 0.0)
    n_measured = np.add.reduceat(measured.astype("i8"), grouped.starts)
    sums = {
        "id": ids,
        "n": n_measured,
        "total": np.add.reduceat(shifted, grouped.starts),
        "squares": np.add.reduceat(shifted * shifted, grouped.starts),
        "limits": sizes - n_measured,
    }
    bucket = np.clip(np.floor(shifted / width), -LAST_BUCKET, LAST_BUCKET).astype("i8")[measured]
    series = np.repeat(ids, sizes).astype("i8")[measured]
    code, n = np.unique((series << 32) + (bucket + LAST_BUCKET), return_counts=True)
    return sums, {
        "series_id": code >> 32,
        "bucket": (code & 0xFFFFFFFF) - LAST_BUCKET,
        "n": n,
    }


def device_summaries(grouped: Grouped) -> dict[str, NDArray[Any]]:
    """Columns of `DeviceSummary` for every device and series, sorted by its key."""
    values, sizes = grouped.values, grouped.sizes
    series = np.repeat([one.series for one in grouped.grids], sizes)
    measured = values.bound == 0
    code = (series.astype("i8") << 32) | values.device.astype("i8")
    with_limits, n_limits = np.unique(code[~measured], return_counts=True)
    values, series = values.take(measured), series[measured]
    if not len(values):
        names = ("device_id", "series_id", "n", *STATED, "limits")
        return {name: np.zeros(0, "f8" if name in STATED else "i8") for name in names}
    begins = np.diff(series, prepend=-1) != 0
    begins |= np.diff(values.device, prepend=-1) != 0
    starts = np.flatnonzero(begins)
    n = np.diff(starts, append=len(values))
    # Systematic ones do not shrink in a mean, see `numbers.mean_with_uncertainties`. A NaN among
    # the statistical ones makes the sum NaN: unknown.
    statistical = np.sqrt(np.add.reduceat(values.statistical**2, starts)) / n
    systematic = np.add.reduceat(values.systematic.astype("f8"), starts) / n
    limits = np.zeros(len(starts), "i8")
    if len(with_limits):
        code = (series[starts].astype("i8") << 32) | values.device[starts].astype("i8")
        place = np.minimum(np.searchsorted(with_limits, code), len(with_limits) - 1)
        limits = np.where(with_limits[place] == code, n_limits[place], 0)
    columns = {
        "device_id": values.device[starts],
        "series_id": series[starts],
        "n": n,
        "mean": np.add.reduceat(values.value, starts) / n,
        "uncertainty": np.hypot(statistical, systematic),
        "lowest": np.minimum.reduceat(values.value, starts),
        "highest": np.maximum.reduceat(values.value, starts),
        "limits": limits,
    }
    order = np.lexsort((columns["series_id"], columns["device_id"]))
    return {name: column[order] for name, column in columns.items()}


def write_device_summaries(grouped: Grouped) -> None:
    """Write the summaries of the devices, in place of what was there for the same series."""
    summaries = device_summaries(grouped)
    if not len(summaries["n"]):
        return
    insert_rows(
        DeviceSummary._meta.db_table,
        summaries,
        keys=("device_id", "series_id"),
        on_conflict="replace",
    )


def _forget_devices(lost: Grouped) -> None:
    """Series belong to a stage, so a device's row of one rests on one analysis alone."""
    devices = np.unique(lost.values.device).tolist()
    series = [one.series for one in lost.grids]
    for start in range(0, len(devices), BATCH):
        DeviceSummary.objects.filter(
            device__in=devices[start : start + BATCH], series__in=series
        ).delete()

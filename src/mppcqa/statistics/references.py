"""What stations measured of their reference devices, and the alarm when that changes."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mppcqa.results.conditions import distance, setting
from mppcqa.results.means import ChannelSums, channel_sums
from mppcqa.results.models import Analysis, ConditionPoint, QuantityRow
from mppcqa.runs.alarms import StationAlarm, open_alarm
from mppcqa.runs.models import Run, Station
from mppcqa.stages import Condition, all_stages
from mppcqa.statistics.control import Drift, drift

MOST = 300
"""The latest analyses that are looked at."""
WATCHED = 6
"""Quantities at most: with each the limits of all become wider."""


@dataclass(frozen=True)
class Watched:
    """A quantity of the reference device, day by day."""

    quantity: QuantityRow
    at: Condition
    """What was set."""
    days: list[dt.date]
    """UTC, ascending."""
    groups: list[list[float]]
    """Of each day the values: means over the channels, one a run."""
    errors: list[float]
    """Standard uncertainty of each day's mean; NaN where unknown."""
    runs: list[int]
    """Of each day the last run."""

    @property
    def values(self) -> NDArray[np.float64]:
        """The mean of each day, in the quantity's stored unit [n]."""
        return np.array([np.mean(one) for one in self.groups])


@dataclass(frozen=True)
class Looked:
    """A quantity and what the alarm says of it."""

    watched: Watched
    drift: Drift


def looked(station: Station) -> list[Looked]:
    """All watched quantities of a station's reference device, as its stage declares them."""
    closed = StationAlarm.objects.filter(station=station, device=station.reference_device_id)
    closed = closed.exclude(closed_at=None).order_by("-closed_at")
    begun = closed.filter(anew=True).values_list("closed_at", flat=True).first()
    last = closed.values_list("closed_at", flat=True).first()
    found = references(station, begun)
    # What somebody has seen to is not told again; a run of that day is judged by the next day.
    restart = last.astimezone(dt.UTC).date() if last else None
    return [
        Looked(
            one,
            drift(
                one.values,
                len(found),
                restart=0 if restart is None else sum(day <= restart for day in one.days),
            ),
        )
        for one in found
    ]


def references(station: Station, since: dt.datetime | None = None) -> list[Watched]:
    """The headlines of a station's stage, each at the setting that was measured most often."""
    device = station.reference_device_id
    stage = next((one for one in all_stages() if one.key == station.stage), None)
    if device is None or stage is None:
        return []
    analyses = Analysis.objects.visible_to(None).filter(
        run_file__run__station=station, run_file__run__slots__device=device, counts=True
    )
    if since is not None:
        analyses = analyses.filter(run_file__run__measured_at__gt=since)
    rows = analyses.order_by("-pk").values_list(
        "pk", "run_file__run__measured_at", "run_file__run"
    )[:MOST]
    when = {pk: (at, run) for pk, at, run in rows}
    if not when:
        return []
    headlines = [one.key for one in stage.quantities if one.headline]
    quantities = {
        row.pk: row for row in QuantityRow.objects.filter(stage=stage.key, key__in=headlines)
    }
    sums = list(channel_sums([device], when.keys(), quantities.keys()))
    found = _by_setting(sums, stage.typical, when)
    made = [
        _watched(quantities[pk], at, points)
        for pk, (at, points) in found.items()
        if pk in quantities
    ]
    return sorted(made, key=lambda one: headlines.index(one.quantity.key))[:WATCHED]


Points = list[tuple[dt.datetime, int, float, float]]
"""When, run, value, standard uncertainty."""


def _by_setting(
    sums: Sequence[ChannelSums], typical: Condition, when: dict[int, tuple[dt.datetime, int]]
) -> dict[int, tuple[Condition, Points]]:
    """Quantity (id) -> its setting of most analyses, and the mean over channels of each."""
    points = ConditionPoint.objects.in_bulk({one.condition for one in sums})
    settings = {pk: setting(one.at).rounded() for pk, one in points.items()}
    cells: dict[tuple[int, Condition], dict[int, list[ChannelSums]]] = defaultdict(dict)
    for one in sums:
        mine = cells[one.quantity, settings[one.condition]]
        mine.setdefault(one.analysis, []).append(one)
    best: dict[int, tuple[tuple[float, float], Condition]] = {}
    for (quantity, at), mine in cells.items():
        rank = (-len(mine), distance(at, typical))
        if quantity not in best or rank < best[quantity][0]:
            best[quantity] = rank, at
    found = {}
    for quantity, (_rank, at) in best.items():
        rows: Points = []
        for analysis, some in cells[quantity, at].items():
            moment, run = when[analysis]
            n = sum(one.n for one in some)
            error = math.sqrt(sum(one.statistical + one.systematic for one in some)) / n
            rows.append((moment, run, sum(one.value for one in some) / n, error))
        found[quantity] = at, sorted(rows)
    return found


def _watched(quantity: QuantityRow, at: Condition, points: Points) -> Watched:
    by_day: dict[dt.date, Points] = defaultdict(list)
    for point in points:
        by_day[point[0].astimezone(dt.UTC).date()].append(point)
    days = sorted(by_day)
    return Watched(
        quantity,
        at,
        days,
        [[value for _at, _run, value, _error in by_day[day]] for day in days],
        [
            float(np.sqrt(sum(one[3] ** 2 for one in by_day[day]))) / len(by_day[day])
            for day in days
        ],
        [by_day[day][-1][1] for day in days],
    )


def watch(run: Run) -> StationAlarm | None:
    """Look at a station after a run with its reference device; raise an alarm where it drifts.

    The new alarm, or None. Costs a query where the run has no such device.
    """
    station = run.station
    if station is None or station.reference_device_id is None:
        return None
    if not run.slots.filter(device=station.reference_device_id).exists():
        return None
    if open_alarm(station.pk) is not None:
        return None
    off = [one for one in looked(station) if one.drift.first is not None]
    if not off:
        return None
    worst = max(off, key=lambda one: abs(one.drift.off))
    device = station.reference_device
    assert device is not None  # noqa: S101
    return StationAlarm.objects.create(
        station=station,
        device=device,
        run=run,
        quantity=worst.watched.quantity.key,
        off=worst.drift.off,
    )

"""What had been done to devices before they were measured, as part of their values' conditions.

The sums are derived: from the records of a device (`mppcqa.inventory.records`) and the moment at
which its run measured it. What a run file or table says itself of such an axis stands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mppcqa.inventory.models import Device
from mppcqa.inventory.records import Rows, standing_records, sums_of
from mppcqa.results.columns import ValueColumns
from mppcqa.results.models import Analysis, ConditionPoint, Measurement, SumsAt
from mppcqa.results.reading import analyses_of
from mppcqa.runs.models import Run
from mppcqa.stages import Condition, Stage, all_stages, get_axis

BATCH = 900
Sums = dict[int, Condition]
"""What was done to devices (ids) before; those to which nothing was are not there."""


def summed_axes(stage: Stage) -> list[str]:
    """Keys of the axes of a stage that records add up to."""
    return [axis.key for axis in stage.axes if axis.adds_up]


def sums_before(run: Run | None, stage: Stage, devices: Iterable[int]) -> Sums:
    """What had been done to devices (ids) before a run measured them."""
    if run is None or not (axes := summed_axes(stage)):
        return {}
    rows = standing_records(devices)
    return sums_of(rows, run.measured_at, axes) if rows else {}


def save_sums(analysis: Analysis, sums: Sums) -> None:
    """Note what was done before in an analysis's conditions."""
    SumsAt.objects.bulk_create(
        (SumsAt(analysis=analysis, device_id=device, at=at) for device, at in sorted(sums.items())),
        batch_size=BATCH,
    )


def kept_sums(analysis: Analysis, devices: Iterable[int] | None = None) -> Sums:
    """What `save_sums` noted."""
    rows = SumsAt.objects.filter(analysis=analysis)
    if devices is not None:
        rows = rows.filter(device__in=list(devices))
    return dict(rows.values_list("device", "at"))


def groups_of(sums: Sums) -> Iterator[tuple[Condition, list[int]]]:
    """Devices with the same sums."""
    groups: dict[Condition, list[int]] = defaultdict(list)
    for device, at in sums.items():
        groups[at].append(device)
    yield from groups.items()


def with_sums(at: Condition, sums: Condition) -> Condition:
    """A condition with sums; what it has already of such axes stands."""
    return Condition({**sums, **at})


def at_sums(values: ValueColumns, sums: Sums) -> ValueColumns:
    """Values whose conditions know what was done to their devices before."""
    if not sums or not len(values):
        return values
    conditions = {at: place for place, at in enumerate(values.conditions)}
    index = np.asarray(values.condition).copy()
    for done, devices in groups_of(sums):
        mine = np.isin(values.device, devices)
        for place in np.unique(values.condition[mine]).tolist():
            at = with_sums(values.conditions[place], done)
            number = conditions.setdefault(at, len(conditions))
            index[mine & (values.condition == place)] = number
    return replace(values, conditions=tuple(conditions), condition=index)


def moved_points(
    points: Mapping[int, Condition], before: Condition, after: Condition
) -> dict[int, Condition]:
    """Conditions by their ids as they are with other sums: those of before go."""
    return {
        pk: with_sums(
            at.without(*(key for key, value in before.items() if at.get(key) == value)), after
        )
        for pk, at in points.items()
    }


def points_at(columns: ArrayLike) -> dict[int, Condition]:
    """Conditions of ids."""
    ids = np.unique(columns).tolist()
    rows = ConditionPoint.objects.order_by().values_list("pk", "at")
    return {
        pk: at
        for start in range(0, len(ids), BATCH)
        for pk, at in rows.filter(pk__in=ids[start : start + BATCH])
    }


@dataclass(frozen=True)
class Stale:
    """A device whose values in an analysis were had after something else than they say."""

    analysis: Analysis
    device: int
    before: Condition
    after: Condition


def stale(devices: Sequence[int], records: Rows | None = None) -> list[Stale]:
    """What is to be changed so that analyses fit the records of devices (ids).

    Of each file the analysis that counts. `records` are taken for those of the devices, to see what
    others would change.
    """
    rows = list(standing_records(devices) if records is None else records)
    stages = {one.key: one for one in all_stages()}
    found: list[Stale] = []
    for analysis in current_analyses(devices):
        run, stage = analysis.run_file.run, stages.get(analysis.stage)
        if run is None or stage is None:
            continue
        after = sums_of(rows, run.measured_at, summed_axes(stage))
        before = kept_sums(analysis, devices)
        changed = {
            device
            for device in after.keys() | before.keys()
            if after.get(device) != before.get(device)
        }
        found += [
            Stale(analysis, device, before.get(device, Condition()), after.get(device, Condition()))
            for device in _measured_in(analysis, changed)
        ]
    return found


def current_analyses(devices: Sequence[int]) -> list[Analysis]:
    """The analyses that count of all files with values of some devices."""
    ids = analyses_of(devices)
    return [
        row
        for start in range(0, len(ids), BATCH)
        for row in Analysis.objects.filter(pk__in=ids[start : start + BATCH], counts=True)
        .select_related("run_file__run")
        .order_by("pk")
    ]


def _measured_in(analysis: Analysis, devices: Iterable[int]) -> list[int]:
    """Those of some devices (ids) that an analysis has values of."""
    mine = Measurement.objects.filter(analysis=analysis)
    return [device for device in sorted(devices) if mine.filter(device=device).exists()]


def changes_told(found: Iterable[Stale]) -> list[dict[str, Any]]:
    """What is to be changed, for people: device, run, stage, what it says and what it will."""
    rows = list(found)
    serials = dict(
        Device.objects.filter(pk__in={one.device for one in rows}).values_list("pk", "serial")
    )
    return [
        {
            "serial": serials[one.device],
            "run": one.analysis.run_file.run_id,
            "stage": one.analysis.stage,
            "axes": [
                (get_axis(key), one.before.get(key, 0.0), one.after.get(key, 0.0))
                for key in sorted(one.before.keys() | one.after.keys())
                if one.before.get(key) != one.after.get(key)
            ],
        }
        for one in rows
    ]

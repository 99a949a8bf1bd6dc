"""A device before and after what was done to it: the values of all its runs, in one chart each."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from django.utils.translation import gettext as _

from mppcqa.inventory.models import Device
from mppcqa.results.conditions import compared, told_axes
from mppcqa.results.models import QuantityRow
from mppcqa.results.reading import read_values
from mppcqa.results.sums import current_analyses, points_at
from mppcqa.stages import Axis, Condition, all_stages
from mppcqa.views.explore import One
from mppcqa.views.shown import ShownQuantity, shown_quantities
from mppcqa.views.trends import Trend, trends_of


@dataclass
class Course:
    """What the runs of a device at one stage measured, whichever of them counts for it now."""

    stages: dict[str, str]
    """Titles of the stages at which it was measured, by key."""
    stage: str = ""
    runs: int = 0
    quantities: dict[str, ShownQuantity] = field(default_factory=dict)
    headlines: set[str] = field(default_factory=set)
    axes: list[Axis] = field(default_factory=list)
    """What was done between the runs."""
    run_of: dict[int, int | None] = field(default_factory=dict)
    """The run of each analysis, which stands for the slot in its values."""
    _values: dict[str, list[One]] = field(default_factory=dict)
    _points: dict[int, Condition] = field(default_factory=dict)

    def trends(self, quantity: str, axis: Axis) -> list[Trend]:
        """A quantity along what was done, a series for each of the other settings.

        Of settings that no two amounts have in common there is nothing to compare.
        """
        found = trends_of(self._values.get(quantity, []), self._points.__getitem__, axis)
        return [one for one in found if len(one.x) > 1]


def device_course(device: Device, asked: str = "") -> Course:
    """The course of a device at the stage that was asked for, or else at the one of most runs."""
    analyses = current_analyses([device.pk])
    values = read_values([device.pk], analyses=[one.pk for one in analyses])
    there = set(np.unique(values.analysis).tolist())
    analyses = [one for one in analyses if one.pk in there]
    known = {stage.key: stage for stage in all_stages()}
    measured = [one.stage for one in analyses]
    order = [*known, *sorted(set(measured) - known.keys())]
    course = Course(
        {key: _(known[key].title) if key in known else key for key in order if key in measured}
    )
    if not analyses:
        return course
    course.stage = asked if asked in course.stages else max(course.stages, key=measured.count)
    mine = [one.pk for one in analyses if one.stage == course.stage]
    course.runs = len(mine)
    course.run_of = {one.pk: one.run_file.run_id for one in analyses}
    values = values.take(np.isin(values.analysis, mine))
    points = {pk: compared(at) for pk, at in points_at(values.condition).items()}
    course.axes = [
        axis
        for axis in told_axes({key: value for at in points.values() for key, value in at.items()})
        if axis.adds_up
    ]
    # Where nothing is said of it, nothing had been done.
    nothing = {axis.key: 0.0 for axis in course.axes}
    course._points = {pk: Condition({**nothing, **at}) for pk, at in points.items()}
    rows = QuantityRow.objects.in_bulk(np.unique(values.quantity).tolist())
    stage = known.get(course.stage)
    shown = shown_quantities(stage, {row.key: row for row in rows.values()})
    course.quantities = {
        key: one for key, one in shown.items() if key in {row.key for row in rows.values()}
    }
    if stage is not None:
        course.headlines = {one.key for one in stage.quantities if one.headline}
    cells = (values.quantity, values.analysis, values.channel, values.condition)
    numbers = (values.value, values.statistical, values.systematic, values.bound)
    for row, analysis, channel, at, value, error, systematic, bound in zip(
        *(column.tolist() for column in (*cells, *numbers)), strict=True
    ):
        key = rows[row].key
        scale = shown[key].scale
        statistical = error * scale if math.isfinite(error) else None
        one = One(analysis, channel, at, value * scale, statistical, systematic * scale, bound)
        course._values.setdefault(key, []).append(one)
    return course

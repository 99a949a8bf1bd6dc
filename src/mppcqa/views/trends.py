"""A run's values against what was changed while they were taken."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from mppcqa.results.conditions import setting, told_axes, value_text
from mppcqa.results.models import WHOLE_DEVICE, ConditionPoint
from mppcqa.stages import Axis, Condition
from mppcqa.stages.numbers import Bound
from mppcqa.views.explore import One, RunView, mean_of


@dataclass(frozen=True)
class Trend:
    """Points of one series, and the straight line through them where there is one."""

    name: str
    x: list[float]
    y: list[float]
    error: list[float | None]
    bound: list[Bound]
    """Of a point that is a limit: 1 of an upper, -1 of a lower one."""
    means: list[One]
    """What each point is of: its condition, and the first of those that are taken together."""
    line: Any = None
    """`mppcqa.physics.Line` in display units."""


def axes_of(points: Collection[ConditionPoint]) -> list[Axis]:
    """What values at some points can be drawn against: all that was changed while the rest stayed.

    Where nothing was, the first that is known; nothing for values without a condition.
    """
    settings = {setting(point.at) for point in points}
    known = told_axes({key: value for at in settings for key, value in at.items()})
    return [axis for axis in known if _changed(settings, axis)] or known[:1]


def _changed(settings: Collection[Condition], axis: Axis) -> bool:
    groups: dict[Condition, set[float]] = defaultdict(set)
    for at in settings:
        # Darkness beside one light is no scan of the light.
        if axis.key in at and at[axis.key] != axis.off:
            groups[at.without(axis.key)].add(at[axis.key])
    return any(len(values) > 1 for values in groups.values())


def trends(
    view: RunView, quantity: str, axis: Axis, slot: int | None = None, channel: int | None = None
) -> list[Trend]:
    """A quantity along an axis, a series for each setting of the others.

    Means over the channels of a device, and over the devices of the run where no slot is given;
    one channel where it is.
    """
    values = view.values(quantity, None if slot is None else [slot])
    if channel is not None:
        values = [one for one in values if one.channel in (channel, WHOLE_DEVICE)]
    return trends_of(values, view.setting, axis)


def trends_of(
    values: Iterable[One], setting_of: Callable[[int], Condition], axis: Axis
) -> list[Trend]:
    """Values along an axis, a series for each setting of the others; means of each setting.

    setting_of
        What was set, by the id of a condition.
    """
    groups: dict[int, list[One]] = defaultdict(list)
    for one in values:
        groups[one.condition].append(one)
    series: dict[tuple[Any, ...], dict[float, list[One]]] = defaultdict(lambda: defaultdict(list))
    for key, group in groups.items():
        at = setting_of(key)
        if axis.key in at and (mean := mean_of(group)) is not None:
            others = tuple(value_text(one, at[one.key]) for one in told_axes(at) if one != axis)
            series[others][at[axis.key]].append(mean)
    # Devices differ in overvoltage at one bias: their means at a bias are taken together.
    found = []
    # A name says what tells the series apart; what all have in common, where there is but one.
    common = set.intersection(*map(set, series)) if len(series) > 1 else set()
    for names, points in sorted(series.items(), key=lambda pair: str(pair[0])):
        told = {x: mean for x in sorted(points) if (mean := mean_of(points[x])) is not None}
        xs, means = list(told), list(told.values())
        errors = [one.total for one in means]
        ys = [one.value for one in means]
        bounds = [one.bound for one in means]
        name = ", ".join(one for one in names if one not in common)
        found.append(Trend(name, xs, ys, errors, bounds, means, _line(xs, ys, errors, bounds)))
    return found


def _line(x: list[float], y: list[float], error: list[float | None], bounds: list[Bound]) -> Any:
    from mppcqa.physics import LineError, fit_line

    rows = [row for row in zip(x, y, error, bounds, strict=True) if not row[3]]
    x, y = [row[0] for row in rows], [row[1] for row in rows]
    error = [row[2] for row in rows]
    usable = [one if one else math.nan for one in error]
    try:
        return fit_line(x, y, usable) if len(x) > 1 else None
    except LineError:
        return None

"""A device's charts: those that its stage declares, the same on the page and in the report."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from mppcqa import charts
from mppcqa.inventory.models import DeviceType
from mppcqa.results.conditions import condition_text, distance, setting, sort_key, values_there
from mppcqa.stages import Axis, Condition, get_axis
from mppcqa.stages.numbers import SIGNS
from mppcqa.views.evidence import Evidence
from mppcqa.views.shown import ShownQuantity
from mppcqa.views.stage_values import StageValues, Value


@dataclass(frozen=True)
class DrawnChart:
    """A chart without its title, which page and report set in their own ways."""

    key: str
    title: str
    chart: Any
    series: Sequence[Sequence[Evidence]] = ()
    """What the points of each series came from."""
    cells: Mapping[tuple[int, int], Evidence] = field(default_factory=dict)
    """What the cells of a map came from, by (row, column)."""


def device_charts(kind: DeviceType, section: StageValues) -> Iterator[DrawnChart]:
    """Charts along axes and maps of the channels. A chart without values is left out."""
    for declared in section.stage.charts if section.stage else ():
        for key in declared.quantities:
            rows = [row for row in section.values.get(key, ()) if row.channel >= 0]
            rows = [row for row in rows if math.isfinite(row.value)]
            if not rows:
                continue
            drawn, title = None, _(declared.title)
            series: list[list[Evidence]] = []
            cells: dict[tuple[int, int], Evidence] = {}
            if declared.kind == "against":
                axis = get_axis(declared.x)
                drawn, shown = _against(
                    section.declared[key], axis, rows, _bands(section, key, axis)
                )
                series = [[_about(section, key, row) for row in one] for one in shown]
            elif declared.kind == "map" and kind.channels > 1:
                rows, at = _at_one_setting(section, rows)
                title += at
                drawn = _map(kind, section.declared[key], rows)
                places = {channel: place for place, channel in _places(kind)}
                cells = {places[row.channel]: _about(section, key, row) for row in rows}
            if drawn is not None:
                name = f"{section.key}-{declared.key}-{key}"
                yield DrawnChart(name, title, drawn, series, cells)


def _about(section: StageValues, key: str, row: Value) -> Evidence:
    return section.about(key, row.channel, row.condition.at)


def _places(kind: DeviceType) -> list[tuple[tuple[int, int], int]]:
    """Every place of a type's channels, by row and column, with the channel there."""
    return [
        ((row, column), kind.channel_at(row, column))
        for row in range(kind.rows)
        for column in range(kind.columns)
    ]


def _bands(section: StageValues, key: str, axis: Axis) -> tuple[charts.Band, ...]:
    """The pass bands that a quantity was judged by: over the axis, or where it was judged alone."""
    found = []
    for line in section.judged():
        if line["quantity"] == key:
            everywhere = line["judged"] >= len(section.values[key])
            at = None if everywhere else line["condition_at"].get(axis.key)
            found.append(charts.Band(line["pass_low"], line["pass_high"], at))
    return tuple(found)


def _against(
    quantity: ShownQuantity, axis: Axis, rows: list[Value], bands: tuple[charts.Band, ...]
) -> tuple[Any, list[list[Value]]]:
    """One thin line a channel and setting of the other axes; of a source the highest alone.

    With the values of each line.
    """
    there = values_there(row.condition.at for row in rows)
    highest = {key: max(values) for key, values in there.items() if get_axis(key).off is not None}
    lines: dict[tuple[int, Condition], list[tuple[float, Value]]] = defaultdict(list)
    others_at: dict[Condition, Condition | None] = {}
    for row in rows:
        at = setting(row.condition.at)
        if at not in others_at:
            here = all(at.get(key, value) == value for key, value in highest.items())
            others_at[at] = at.without(axis.key, *highest) if axis.key in at and here else None
        others = others_at[at]
        if others is not None:
            lines[row.channel, others].append((at[axis.key], row))
    several = len({others for _channel, others in lines}) > 1
    series, shown = [], []
    for (channel, others), own in sorted(lines.items(), key=_order):
        own.sort(key=lambda pair: pair[0])
        at_text = condition_text(others) if several else ""
        shown.append([row for _x, row in own])
        series.append(
            charts.Series(
                name=f"{channel}, {at_text}" if at_text else str(channel),
                group=at_text,
                of=str(channel),
                x=[x for x, _row in own],
                y=[row.value for _x, row in own],
                error=[row.total for _x, row in own],
                bound=[row.bound for _x, row in own],
            )
        )
    if not series:
        return None, []
    drawn = charts.against(
        series,
        title="",
        x_title=_(axis.title),
        x_unit=axis.unit,
        y_title=quantity.title,
        y_unit=quantity.unit,
        bands=bands,
    )
    return drawn, shown


def _order(line: tuple[tuple[int, Condition], Any]) -> tuple[Any, ...]:
    (channel, others), _points = line
    return (sort_key(others), channel)


def _at_one_setting(section: StageValues, rows: list[Value]) -> tuple[list[Value], str]:
    """A map has one value a channel: those at the setting nearest to the typical one."""
    settings = sorted({setting(row.condition.at) for row in rows}, key=sort_key)
    if len(settings) < 2:
        return rows, ""
    point = section.typical()
    wanted = setting(point.at) if point is not None else Condition()
    chosen = min(settings, key=lambda at: _apart(at, wanted))
    at_text = condition_text(chosen)
    return [row for row in rows if setting(row.condition.at) == chosen], f", {at_text}"


def _apart(at: Condition, wanted: Condition) -> float:
    """Distance on the axes that both have."""
    both = {key: value for key, value in wanted.items() if key in at}
    return distance(at, Condition(both))


def _map(kind: DeviceType, quantity: ShownQuantity, rows: list[Value]) -> Any:
    by_channel = {row.channel: row.value for row in rows}
    limits = {row.channel: row.bound for row in rows if row.bound}
    places = _places(kind)
    return charts.channel_map(
        {place: by_channel.get(channel) for place, channel in places},
        rows=kind.rows,
        columns=kind.columns,
        title="",
        unit=quantity.unit,
        labels={
            place: f"{channel} {SIGNS[limits.get(channel, 0)]}".rstrip()
            for place, channel in places
        },
    )

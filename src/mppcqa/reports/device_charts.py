"""A device's charts: those that its stage declares, the same on the page and in the report."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from mppcqa import charts
from mppcqa.inventory.models import Device
from mppcqa.testing.device_values import ShownQuantity, StageValues, Value


@dataclass(frozen=True)
class DrawnChart:
    """A chart without its title, which page and report set in their own ways."""

    key: str
    title: str
    chart: Any


def device_charts(device: Device, section: StageValues) -> Iterator[DrawnChart]:
    """Charts against bias and maps of the channels. A chart without values is left out."""
    for declared in section.stage.charts if section.stage else ():
        for key in declared.quantities:
            rows = [row for row in section.values.get(key, ()) if row.channel >= 0]
            rows = [row for row in rows if math.isfinite(row.value)]
            if not rows:
                continue
            drawn, title = None, _(declared.title)
            if declared.kind == "against_bias":
                drawn = _against_bias(section.declared[key], rows)
            elif declared.kind == "map" and device.device_type.channels > 1:
                rows, at = _at_one_temperature(section, rows)
                title += at
                drawn = _map(device, section.declared[key], rows)
            if drawn is not None:
                name = f"{section.key}-{declared.key}-{key}"
                yield DrawnChart(name, title, drawn)


def _against_bias(quantity: ShownQuantity, rows: list[Value]) -> Any:
    """One thin line a channel and temperature; where light differs, the highest light alone."""
    lights = {row.condition.light for row in rows if row.condition.light is not None}
    if len(lights) > 1:
        rows = [row for row in rows if row.condition.light == max(lights)]
    lines: dict[tuple[int, float | None], list[tuple[float, Value]]] = defaultdict(list)
    for row in rows:
        if row.condition.bias_v is not None:
            key = row.channel, row.condition.temperature_c
            lines[key].append((row.condition.bias_v, row))
    several = len({temperature_c for _channel, temperature_c in lines}) > 1
    series = []
    for (channel, temperature_c), own in sorted(lines.items(), key=_order):
        own.sort(key=lambda pair: pair[0])
        at = "" if temperature_c is None or not several else f"{temperature_c:g} °C"
        series.append(
            charts.Series(
                name=f"{channel}, {at}" if at else str(channel),
                group=at,
                x=[bias_v for bias_v, _row in own],
                y=[row.value for _bias, row in own],
                error=[row.uncertainty for _bias, row in own],
            )
        )
    if not series:
        return None
    return charts.against_bias(
        series, title="", x_title=_("Bias"), y_title=quantity.title, y_unit=quantity.unit
    )


def _order(line: tuple[tuple[int, float | None], Any]) -> tuple[float, int]:
    (channel, temperature_c), _points = line
    return (-math.inf if temperature_c is None else temperature_c, channel)


def _at_one_temperature(section: StageValues, rows: list[Value]) -> tuple[list[Value], str]:
    """A map has one value a channel: those at the typical point's temperature, and its name."""
    there = {row.condition.temperature_c for row in rows}
    known = sorted(one for one in there if one is not None)
    if len(there) < 2 or not known:
        return rows, ""
    point = section.typical()
    wanted = point.temperature_c if point is not None else None
    chosen = wanted if wanted in known else known[0]
    return [row for row in rows if row.condition.temperature_c == chosen], f", {chosen:g} °C"


def _map(device: Device, quantity: ShownQuantity, rows: list[Value]) -> Any:
    kind = device.device_type
    by_channel = {row.channel: row.value for row in rows}
    places = [(row, column) for row in range(kind.rows) for column in range(kind.columns)]
    return charts.channel_map(
        {place: by_channel.get(kind.channel_at(*place)) for place in places},
        rows=kind.rows,
        columns=kind.columns,
        title="",
        unit=quantity.unit,
        labels={place: str(kind.channel_at(*place)) for place in places},
    )

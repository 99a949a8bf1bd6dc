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
            drawn = None
            if declared.kind == "against_bias":
                drawn = _against_bias(section.declared[key], rows)
            elif declared.kind == "map" and device.device_type.channels > 1:
                drawn = _map(device, section.declared[key], rows)
            if drawn is not None:
                name = f"{section.key}-{declared.key}-{key}"
                yield DrawnChart(name, _(declared.title), drawn)


def _against_bias(quantity: ShownQuantity, rows: list[Value]) -> Any:
    """One thin line a channel; where light differs, the highest light alone."""
    lights = {row.condition.light for row in rows if row.condition.light is not None}
    if len(lights) > 1:
        rows = [row for row in rows if row.condition.light == max(lights)]
    by_channel: dict[int, list[tuple[float, Value]]] = defaultdict(list)
    for row in rows:
        if row.condition.bias_v is not None:
            by_channel[row.channel].append((row.condition.bias_v, row))
    series = []
    for channel, own in sorted(by_channel.items()):
        own.sort(key=lambda pair: pair[0])
        series.append(
            charts.Series(
                name=str(channel),
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

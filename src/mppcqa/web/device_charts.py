"""A device's charts: those that its stage declares, drawn by the charts room."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from mppcqa import charts
from mppcqa.web.charting import place_chart
from mppcqa.web.stages import find_stage

if TYPE_CHECKING:
    from mppcqa.inventory.models import Device
    from mppcqa.testing.models import Measurement
    from mppcqa.web.device_data import Column, Section


def section_charts(
    device: Device, section: Section, by_quantity: Mapping[str, list[Measurement]]
) -> list[dict[str, Any]]:
    """Charts against bias and maps of the channels. A chart without values is left out."""
    stage = find_stage(section.key)
    if stage is None:
        return []
    columns = {column.key: column for column in section.columns}
    found: list[dict[str, Any]] = []
    for declared in stage.charts:
        for key in declared.quantities:
            rows = [row for row in by_quantity.get(key, ()) if row.channel >= 0]
            if key not in columns or not rows:
                continue
            identity = f"{section.key}-{declared.key}-{key}"
            title = _(declared.title)
            if declared.kind == "against_bias":
                drawn = _against_bias(columns[key], rows)
            elif declared.kind == "map" and device.device_type.channels > 1:
                drawn = _map(device, columns[key], rows)
            else:
                continue
            if drawn is not None:
                found.append(place_chart(identity, title, drawn))
    return found


def _against_bias(column: Column, rows: list[Measurement]) -> Any:
    """One thin line a channel; where light differs, the highest light alone."""
    lights = {row.condition.light for row in rows if row.condition.light is not None}
    if len(lights) > 1:
        rows = [row for row in rows if row.condition.light == max(lights)]
    by_channel: dict[int, list[Measurement]] = {}
    for row in rows:
        if row.condition.bias_v is not None and math.isfinite(row.value):
            by_channel.setdefault(row.channel, []).append(row)
    series = []
    for channel, own in sorted(by_channel.items()):
        own.sort(key=lambda row: row.condition.bias_v or 0.0)
        series.append(
            charts.Series(
                name=str(channel),
                x=[row.condition.bias_v for row in own],
                y=[row.value * column.scale for row in own],
                error=[
                    None if row.uncertainty is None else row.uncertainty * column.scale
                    for row in own
                ],
            )
        )
    if not series:
        return None
    return charts.against_bias(
        series, title="", x_title=_("Bias"), y_title=column.title, y_unit=column.unit
    )


def _map(device: Device, column: Column, rows: list[Measurement]) -> Any:
    kind = device.device_type
    by_channel = {row.channel: row.value * column.scale for row in rows}
    values: dict[tuple[int, int], float | None] = {}
    labels: dict[tuple[int, int], str] = {}
    for row in range(kind.rows):
        for place in range(kind.columns):
            channel = kind.channel_at(row, place)
            values[row, place] = by_channel.get(channel)
            labels[row, place] = str(channel)
    if not any(value is not None and math.isfinite(value) for value in values.values()):
        return None
    return charts.channel_map(
        values, rows=kind.rows, columns=kind.columns, title="", unit=column.unit, labels=labels
    )

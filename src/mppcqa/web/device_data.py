"""What a device's page shows: identity, and a section for each stage with values and charts."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from mppcqa.inventory.models import Device
from mppcqa.testing.models import (
    WHOLE_DEVICE,
    ConditionPoint,
    Measurement,
    RunSlot,
    Standing,
    condition_text,
)
from mppcqa.web.device_charts import section_charts
from mppcqa.web.stages import find_stage, stage_titles


@dataclass
class Cell:
    """One value as shown, in the quantity's display unit."""

    value: float
    uncertainty: float | None


@dataclass
class Column:
    """A quantity as the head of a table's column."""

    key: str
    title: str
    symbol: str
    unit: str
    scale: float
    """Multiplies a stored value into `unit`."""
    conditional: bool
    scope: str


@dataclass
class Section:
    """One stage of a device's page."""

    key: str
    title: str
    standing: Standing
    columns: list[Column] = field(default_factory=list)
    whole: list[tuple[Column, str, Cell]] = field(default_factory=list)
    """Values of the whole device: quantity, condition in words, value."""
    table_columns: list[Column] = field(default_factory=list)
    rows: list[tuple[int, list[Cell | None]]] = field(default_factory=list)
    """Values by channel: those without a condition, then those at the chosen one."""
    conditions: list[ConditionPoint] = field(default_factory=list)
    chosen: ConditionPoint | None = None
    judged: list[dict[str, Any]] = field(default_factory=list)
    problems: list[Any] = field(default_factory=list)
    charts: list[dict[str, Any]] = field(default_factory=list)
    values: int = 0


def identity(device: Device) -> dict[str, Any]:
    """Address that the QR code carries, and its image as SVG."""
    address = settings.MPPCQA_URL + device.get_absolute_url()
    return {"address": address, "qr": _qr(address)}


def _qr(address: str) -> SafeString:
    try:
        from mppcqa.reports import qr_svg
    except ImportError:
        return SafeString("")
    # segno's own markup around an address that we made: nothing in it comes from a person but
    # a serial, which the address carries percent-encoded.
    return mark_safe(qr_svg(address))  # noqa: S308


def stage_sections(device: Device, asked: Mapping[str, str]) -> list[Section]:
    """A section for each stage that the device has passed; five queries for all of them.

    ``?at-STAGE=ID`` chooses the condition whose values are in the table.
    """
    standings = list(
        Standing.objects.filter(device=device).select_related(
            "analysis__run_file__run__station", "verdict__limit_set", "verdict__waiver"
        )
    )
    if not standings:
        return []
    wanted = [standing.analysis_id for standing in standings]
    rows = Measurement.objects.filter(device=device, analysis__in=wanted).select_related(
        "quantity", "condition"
    )
    by_analysis: dict[int, list[Measurement]] = defaultdict(list)
    for row in rows:
        by_analysis[row.analysis_id].append(row)
    titles = stage_titles()
    order = {key: place for place, key in enumerate(titles)}
    standings.sort(key=lambda standing: order.get(standing.stage, len(order)))
    runs = [standing.analysis.run_file.run_id for standing in standings]
    slots = dict(RunSlot.objects.filter(device=device, run__in=runs).values_list("run_id", "slot"))
    return [
        _section(
            device,
            standing,
            by_analysis[standing.analysis_id],
            titles,
            asked,
            slots.get(standing.analysis.run_file.run_id),
        )
        for standing in standings
    ]


def _section(
    device: Device,
    standing: Standing,
    rows: list[Measurement],
    titles: Mapping[str, str],
    asked: Mapping[str, str],
    slot: int | None,
) -> Section:
    section = Section(standing.stage, titles.get(standing.stage, standing.stage), standing)
    section.values = len(rows)
    section.columns = _columns(standing.stage, rows)
    section.problems = _problems(standing, slot)
    by_quantity: dict[str, list[Measurement]] = defaultdict(list)
    for row in rows:
        by_quantity[row.quantity.key].append(row)
    _fill_whole(section, by_quantity)
    channel_wise = [column for column in section.columns if column.scope == "channel"]
    varying = [column for column in channel_wise if column.conditional]
    points = {
        row.condition_id: row.condition for c in varying for row in by_quantity.get(c.key, ())
    }
    section.conditions = sorted(points.values(), key=_condition_order)
    section.chosen = _chosen(section, asked.get(f"at-{section.key}"))
    here = section.chosen.pk if section.chosen else None
    # Dark and lit conditions have values of different quantities: show what there is.
    section.table_columns = [
        column
        for column in channel_wise
        if not column.conditional
        or any(row.condition_id == here for row in by_quantity.get(column.key, ()))
    ]
    channels = device.device_type.channels
    section.rows = _table(section.table_columns, by_quantity, channels, here)
    section.judged = _judged(section)
    section.charts = section_charts(device, section, by_quantity)
    return section


def _columns(stage_key: str, rows: list[Measurement]) -> list[Column]:
    """Quantities that have values, in the order in which the stage declares them."""
    stage = find_stage(stage_key)
    declared = list(stage.quantities) if stage else []
    present = {row.quantity.key: row.quantity for row in rows}
    columns = [
        Column(
            quantity.key,
            _(quantity.title),
            quantity.symbol,
            quantity.display_unit or quantity.unit,
            quantity.display_scale if quantity.display_unit else 1.0,
            quantity.conditional,
            quantity.scope,
        )
        for quantity in declared
        if quantity.key in present
    ]
    known = {column.key for column in columns}
    columns += [
        Column(row.key, row.title, row.symbol, row.unit, 1.0, False, "channel")
        for key, row in present.items()
        if key not in known
    ]
    return columns


def _fill_whole(section: Section, by_quantity: Mapping[str, list[Measurement]]) -> None:
    for column in section.columns:
        rows = by_quantity.get(column.key, [])
        for row in sorted(rows, key=lambda row: _condition_order(row.condition)):
            if row.channel == WHOLE_DEVICE:
                at = str(row.condition) if column.conditional else ""
                section.whole.append((column, at, _cell(row, column)))


def _cell(row: Measurement, column: Column) -> Cell:
    known = row.uncertainty is not None and math.isfinite(row.uncertainty)
    return Cell(row.value * column.scale, row.uncertainty * column.scale if known else None)


def _table(
    columns: list[Column],
    by_quantity: Mapping[str, list[Measurement]],
    channels: int,
    condition: int | None,
) -> list[tuple[int, list[Cell | None]]]:
    """Rows (channel, cells); rows without any value are left out."""
    found: dict[tuple[int, str], Cell] = {}
    for column in columns:
        for row in by_quantity.get(column.key, ()):
            if row.channel >= 0 and (not column.conditional or row.condition_id == condition):
                found[row.channel, column.key] = _cell(row, column)
    table: list[tuple[int, list[Cell | None]]] = [
        (channel, [found.get((channel, column.key)) for column in columns])
        for channel in range(channels)
    ]
    return [row for row in table if any(row[1])]


def _condition_order(point: ConditionPoint) -> tuple[float, ...]:
    return tuple(
        -math.inf if value is None else value
        for value in (point.temperature_c, point.light, point.overvoltage_v, point.bias_v)
    )


def _chosen(section: Section, asked: str | None) -> ConditionPoint | None:
    """The condition asked for; otherwise one in the middle of the scan."""
    if not section.conditions:
        return None
    for point in section.conditions:
        if asked == str(point.pk):
            return point
    return section.conditions[len(section.conditions) // 2]


def _judged(section: Section) -> list[dict[str, Any]]:
    """The verdict's details with titles, and numbers in display units."""
    if section.standing.verdict is None:
        return []
    columns = {column.key: column for column in section.columns}
    stage = find_stage(section.key)
    titles = {quantity.key: _(quantity.title) for quantity in stage.quantities} if stage else {}
    lines = []
    for detail in section.standing.verdict.details:
        column = columns.get(detail.get("quantity", ""))
        scale = column.scale if column else 1.0
        line = dict(detail)
        for name in ("value", "uncertainty", "pass_low", "pass_high", "warn_low", "warn_high"):
            if isinstance(line.get(name), int | float):
                line[name] = line[name] * scale
        line["condition"] = condition_text(detail.get("condition") or {})
        line["title"] = titles.get(detail.get("quantity", ""), detail.get("quantity", ""))
        line["unit"] = column.unit if column else ""
        lines.append(line)
    return lines


def _problems(standing: Standing, slot: int | None) -> list[Any]:
    """What the analysis could not measure of this device, or of the whole run."""
    problems = standing.analysis.problems or []
    return [p for p in problems if p.get("slot") is None or p.get("slot") == slot][:50]

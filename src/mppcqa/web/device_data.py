"""What a device's page shows: identity, and a section for each stage with values and charts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.safestring import mark_safe

from mppcqa.inventory.models import Device
from mppcqa.reports import device_address, qr_svg
from mppcqa.reports.device_charts import device_charts
from mppcqa.testing.device_values import ShownQuantity, StageValues, Value, device_stages
from mppcqa.testing.models import ConditionPoint, RunSlot, Standing
from mppcqa.web.charting import place_chart


@dataclass
class Section:
    """One stage of a device's page."""

    key: str
    title: str
    standing: Standing
    judged: list[dict[str, Any]]
    problems: list[Any]
    charts: list[dict[str, Any]]
    whole: list[tuple[ShownQuantity, str, Value]]
    """Values of the whole device: quantity, condition in words, value."""
    conditions: list[tuple[ConditionPoint, str]]
    """With what tells them apart, in words."""
    chosen: ConditionPoint | None
    table_columns: list[ShownQuantity] = field(default_factory=list)
    rows: list[tuple[int, list[Value | None]]] = field(default_factory=list)
    """Values by channel: those without a condition, and those at the chosen one."""


def identity(device: Device) -> dict[str, Any]:
    """Address that the QR code carries, and its image as SVG."""
    address = device_address(device)
    # segno's own markup around an address that we made: nothing in it comes from a person but
    # a serial, which the address carries percent-encoded.
    return {"address": address, "qr": mark_safe(qr_svg(address))}  # noqa: S308


def stage_sections(device: Device, asked: Mapping[str, str]) -> list[Section]:
    """A section for each stage that the device has passed.

    ``?at-STAGE=ID`` chooses the condition whose values are in the table.
    """
    stages = device_stages(device)
    # Where the device sat matters where something could not be measured.
    analyses = [stage.standing.analysis for stage in stages]
    runs = [one.run_file.run_id for one in analyses if one.problems]
    there = RunSlot.objects.filter(device=device, run__in=runs)
    slots = dict(there.values_list("run_id", "slot")) if runs else {}
    return [
        _section(
            device,
            stage,
            asked.get(f"at-{stage.key}"),
            slots.get(stage.standing.analysis.run_file.run_id),
        )
        for stage in stages
    ]


def _section(device: Device, stage: StageValues, asked: str | None, slot: int | None) -> Section:
    conditions = stage.conditions(scope="channel")
    chosen = next((one for one in conditions if str(one.pk) == asked), None) or stage.typical()
    section = Section(
        key=stage.key,
        title=stage.title,
        standing=stage.standing,
        judged=stage.judged(),
        problems=_problems(stage.standing, slot),
        charts=[
            place_chart(drawn.key, drawn.title, drawn.chart)
            for drawn in device_charts(device, stage)
        ],
        whole=[
            (shown, stage.in_words(row.condition) if shown.conditional else "", row)
            for shown, row in stage.of_device()
        ],
        conditions=[(one, stage.in_words(one)) for one in conditions],
        chosen=chosen,
    )
    # Dark and lit conditions have values of different quantities: show what there is.
    by_key = {one.key: stage.of_channels(one.key, chosen) for one in stage.quantities}
    section.table_columns = [
        one for one in stage.quantities if one.scope == "channel" and by_key[one.key]
    ]
    for channel in range(device.device_type.channels):
        cells = [by_key[column.key].get(channel) for column in section.table_columns]
        if any(cells):
            section.rows.append((channel, cells))
    return section


def _problems(standing: Standing, slot: int | None) -> list[Any]:
    """What the analysis could not measure of this device, or of the whole run."""
    problems = standing.analysis.problems or []
    return [p for p in problems if p.get("slot") is None or p.get("slot") == slot][:50]

"""The report of one device."""

from __future__ import annotations

import math
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override
from reportlab.platypus import KeepTogether, Spacer, Table, TableStyle

import mppcqa
from mppcqa import charts
from mppcqa.inventory.models import Device
from mppcqa.reports.device_charts import device_charts
from mppcqa.reports.document import (
    BOLD,
    HEAD,
    HEADING,
    OUTCOMES,
    SMALL,
    TITLE,
    WIDTH,
    build,
    paragraph,
    picture,
    table,
)
from mppcqa.reports.qr import device_address, qr_png
from mppcqa.stages.numbers import with_uncertainty
from mppcqa.testing.device_values import ShownQuantity, StageValues, Value, device_stages
from mppcqa.testing.models import ConditionPoint

QR_WIDTH = 78
MEANS_BESIDE, CHANNELS_BESIDE = 5, 6
"""Columns of a table that are wide enough for a value with its uncertainty."""
ROWS_TOGETHER = 40


def device_report(device: Device, language: str | None = None) -> bytes:
    """PDF of a device as it stands now, in the current language or the one named."""
    if language is not None:
        with override(language):
            return device_report(device)
    stages = device_stages(device)
    now = timezone.now()
    story: list[Any] = [_head(device, stages)]
    if not stages:
        story.append(paragraph(_("This device has not been measured yet.")))
    for number, section in enumerate(stages):
        parts = _section(device, section)
        # One stage, one page, where it fits. The first begins below the head in any case.
        story += [KeepTogether(parts[:2]), *parts[2:]] if number == 0 else [KeepTogether(parts)]
    footer = _("%(serial)s, written %(when)s UTC by mppcqa %(version)s") % {
        "serial": device.serial,
        "when": f"{now:%Y-%m-%d %H:%M}",
        "version": mppcqa.__version__,
    }
    return build(story, title=_("Report of %s") % device.serial, footer=footer)


def _head(device: Device, stages: list[StageValues]) -> Table:
    """Serial, identity and verdicts at the left, QR code at the right."""
    facts = [
        (
            _("Type"),
            f"{device.device_type} ({device.device_type.rows} × {device.device_type.columns})",
        ),
        (_("Lot"), device.lot or "–"),
        (_("Place"), device.location or "–"),
        (_("Tray"), _tray(device)),
        (_("Registered"), f"{device.registered_at:%Y-%m-%d}"),
    ]
    rows: list[list[Any]] = [[paragraph(name, SMALL), paragraph(value)] for name, value in facts]
    identity = Table(rows, colWidths=[55, WIDTH - QR_WIDTH - 75], hAlign="LEFT")
    identity.setStyle(
        TableStyle(
            [
                ("TOPPADDING", (0, 0), (-1, -1), 0.5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 0.5),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ]
        )
    )
    left = [paragraph(device.serial, TITLE), identity, Spacer(1, 4), *_verdict_line(stages)]
    right = [
        picture(qr_png(device_address(device)), QR_WIDTH),
        paragraph(device_address(device), SMALL),
    ]
    columns = [WIDTH - QR_WIDTH - 10, QR_WIDTH + 10]
    head = Table([[left, right]], colWidths=columns, hAlign="LEFT")
    head.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
            ]
        )
    )
    return head


def _tray(device: Device) -> str:
    if device.tray is None:
        return "–"
    return _("%(tray)s, row %(row)s, column %(column)s") % {
        "tray": device.tray,
        "row": device.tray_row,
        "column": device.tray_column,
    }


def _verdict_line(stages: list[StageValues]) -> list[Table]:
    if not stages:
        return []
    cells, style = [], [("FONT", (0, 0), (-1, -1), BOLD, 8), ("LEFTPADDING", (0, 0), (-1, -1), 6)]
    for number, section in enumerate(stages):
        standing = section.standing
        outcome = standing.get_outcome_display() if standing.outcome else _("not judged")
        cells.append(f"{section.title}: {outcome}")
        colour = OUTCOMES.get(standing.outcome, OUTCOMES["incomplete"])
        style += [
            ("BACKGROUND", (number, 0), (number, 0), colour),
            ("TEXTCOLOR", (number, 0), (number, 0), "white"),
        ]
    line = Table([cells], hAlign="LEFT", spaceBefore=2)
    line.setStyle(TableStyle(style))
    return [line]


def _section(device: Device, section: StageValues) -> list[Any]:
    parts: list[Any] = [paragraph(section.title, HEADING)]
    if section.standing.verdict is not None:
        parts += [_verdict_table(section), Spacer(1, 6)]
    parts += _summary(section)
    drawn = _pictures(device, section)
    if drawn:
        parts += [Spacer(1, 6), drawn]
    parts += _channel_table(device, section)
    return [*parts, Spacer(1, 4), paragraph(_provenance(section), SMALL)]


def _shown(value: Value | None) -> str:
    return "–" if value is None else with_uncertainty(value.value, value.uncertainty)


def _verdict_table(section: StageValues) -> Table:
    """Every judged quantity with its worst value and the band that it was judged by."""
    heads = _("Judged"), _("Worst value"), _("Channel"), _("Pass band"), _("At"), _("Verdict")
    rows: list[list[Any]] = [[paragraph(head, HEAD) for head in heads]]
    labels = dict(type(section.standing)._meta.get_field("outcome").flatchoices)
    for line in section.judged():
        value, channel = line.get("value"), line.get("channel")
        rows.append(
            [
                paragraph(line["shown"].head, HEAD),
                "–" if value is None else with_uncertainty(value, line.get("uncertainty")),
                "–" if channel in (None, -1) else str(channel),
                _band(line.get("pass_low"), line.get("pass_high")),
                paragraph(line["condition"], SMALL),
                str(labels.get(line["outcome"], line["outcome"])),
            ]
        )
    return table(rows, [WIDTH * part for part in (0.25, 0.14, 0.1, 0.12, 0.28, 0.11)])


def _band(low: float | None, high: float | None) -> str:
    """A pass band in words."""
    if low is None and high is None:
        return _("none")
    if low is None:
        return f"≤ {high:.5g}"
    if high is None:
        return f"≥ {low:.5g}"
    return f"{low:.5g} … {high:.5g}"


def _summary(section: StageValues) -> list[Any]:
    """Means over the channels: at each bias, at each temperature, and what belongs to neither."""
    conditional = [one for one in section.quantities if one.conditional]
    at_bias = [
        one
        for one in conditional
        if any(_has_bias(row.condition) for row in section.values[one.key])
    ]
    others = [one for one in conditional if one not in at_bias]
    parts: list[Any] = []
    for quantities in (at_bias, others):
        biased = quantities is at_bias
        points = [point for point in section.conditions() if _has_bias(point) is biased]
        rows = _brightest(points)
        for piece in _pieces(quantities, MEANS_BESIDE):
            heads = (_("Mean over the channels at"), *(one.head for one in piece))
            lines: list[list[Any]] = [[paragraph(head, HEAD) for head in heads]]
            for point in rows:
                means = [_shown(section.mean(one.key, point)) for one in piece]
                lines.append([paragraph(section.in_words(point), SMALL), *means])
            first = WIDTH * 0.34
            widths = [first, *[(WIDTH - first) / len(piece)] * len(piece)]
            parts += [table(lines, widths), Spacer(1, 6)]
    fixed = [one for one in section.quantities if not one.conditional]
    if fixed:
        lines = [[_("Quantity"), _("Value")]]
        lines += [[paragraph(one.head), _shown(section.mean(one.key))] for one in fixed]
        parts.append(table(lines, [WIDTH * 0.5, WIDTH * 0.3]))
    return parts


def _has_bias(point: ConditionPoint) -> bool:
    return point.bias_v is not None or point.overvoltage_v is not None


def _brightest(points: list[ConditionPoint]) -> list[ConditionPoint]:
    """Of points that differ in light alone the brightest: what was had in the dark holds there."""
    best: dict[tuple[float | None, ...], ConditionPoint] = {}
    for point in points:
        key = point.temperature_c, point.bias_v, point.overvoltage_v
        if key not in best or (point.light or 0) > (best[key].light or 0):
            best[key] = point
    return list(best.values())


def _pieces(quantities: list[ShownQuantity], most: int) -> list[list[ShownQuantity]]:
    """Quantities that stand beside each other in a table, about as many in each."""
    number = math.ceil(len(quantities) / most)
    size = math.ceil(len(quantities) / number) if number else 1
    return [quantities[i : i + size] for i in range(0, len(quantities), size)]


def _pictures(device: Device, section: StageValues) -> Table | None:
    """The stage's charts, three in a row."""
    cells = [
        picture(
            # About 250 dots an inch; drawing the dots is most of the time of a report.
            charts.to_png(drawn.chart.properties(title=drawn.title)),
            WIDTH / 3 - 8,
            WIDTH / 4,
        )
        for drawn in device_charts(device, section)
    ]
    if not cells:
        return None
    lines = [
        [*cells[i : i + 3], *[""] * (3 - len(cells[i : i + 3]))] for i in range(0, len(cells), 3)
    ]
    grid = Table(lines, colWidths=[WIDTH / 3] * 3, hAlign="LEFT")
    grid.setStyle(
        TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)])
    )
    return grid


def _channel_table(device: Device, section: StageValues) -> list[Any]:
    """Values of each channel at the typical condition; nothing for a single channel."""
    if device.device_type.channels < 2:
        return []
    quantities = [q for q in section.quantities if q.scope == "channel"]
    point = section.typical()
    caption = _("Channels") if point is None else _("Channels at %s") % section.in_words(point)
    parts: list[Any] = []
    for piece in _pieces(quantities, CHANNELS_BESIDE):
        columns = [section.of_channels(one.key, point) for one in piece]
        rows: list[list[Any]] = [
            [paragraph(head, HEAD) for head in (_("Channel"), *(one.head for one in piece))]
        ]
        rows += [
            [str(channel), *(_shown(column.get(channel)) for column in columns)]
            for channel in range(device.device_type.channels)
        ]
        first = WIDTH * 0.1
        widths = [first, *[(WIDTH - first) / len(piece)] * len(piece)]
        whole = [Spacer(1, 6), paragraph(caption, HEAD), Spacer(1, 2), table(rows, widths)]
        parts += [KeepTogether(whole)] if len(rows) < ROWS_TOGETHER else whole
    return parts


def _provenance(section: StageValues) -> str:
    """Where the numbers come from: run, file, program's analysis, limits."""
    analysis = section.standing.analysis
    run = analysis.run_file.run
    parts = []
    if run is not None:
        values = {
            "run": run.pk,
            "station": run.station.name if run.station else "",
            "operator": run.operator.get_username() if run.operator else _("nobody named"),
            "when": f"{run.created_at:%Y-%m-%d %H:%M} UTC",
        }
        measured = _("Run %(run)s at %(station)s by %(operator)s, %(when)s.")
        imported = _("Run %(run)s, imported by %(operator)s, %(when)s.")
        parts.append((measured if run.station else imported) % values)
    parts.append(
        _("File %(file)s, SHA-256 %(sha)s. Analysis %(stage)s %(version)s (mppcqa %(code)s).")
        % {
            "file": analysis.run_file.original_name,
            "sha": analysis.run_file.sha256,
            "stage": analysis.stage,
            "version": analysis.version,
            "code": analysis.code_version,
        }
    )
    if section.standing.verdict is not None:
        parts.append(_("Limits: %s.") % section.standing.verdict.limit_set)
    parts.append(_("± is one standard uncertainty."))
    return " ".join(parts)

"""Rows of the lists of runs, tasks and devices, and of the tables of a device's values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from mppcqa.queue.models import lane_title
from mppcqa.testing.models import Outcome
from mppcqa.web.rows import address, begun_cells, escaped, link, table_cells, table_rows
from mppcqa.web.templatetags.web import (
    NO_VERDICT,
    band,
    duration,
    kind_of,
    measured,
    moment,
    outcome_badge,
    short,
    state_badge,
    task_badge,
)

register = template.Library()

NONE = "—"


@register.simple_tag
def run_rows(runs: Iterable[Any], with_stage: bool = False) -> SafeString:
    """Runs; with their stage and station where these are not all the same."""
    word, imported = _("Run"), _("import")
    heads = [(word, "text-nowrap"), (_("State"), "")]
    if with_stage:
        heads += [(_("Stage"), "text-nowrap"), (_("Station"), "text-nowrap")]
    heads += [(_("Started"), "text-nowrap"), (_("Operator"), "")]
    return table_rows(
        heads,
        (
            [
                link(address("run", run.pk), f"{word} {run.pk}"),
                state_badge(run.shown_state),
                *([run.stage_title, _station(run.station_name) or imported] if with_stage else []),
                moment(run.created_at),
                run.operator_name or NONE,
            ]
            for run in runs
        ),
    )


def _station(name: str | None) -> SafeString | None:
    return None if name is None else link(address("station", name), name)


@register.simple_tag
def task_rows(tasks: Iterable[Any]) -> SafeString:
    """Tasks of a list, whatever their state."""
    heads = [
        ("#", "number"),
        (_("Task"), ""),
        (_("State"), ""),
        (_("Lane"), ""),
        (_("Asked for"), "text-nowrap"),
        (_("By"), ""),
        (_("Run time"), "number"),
    ]
    return table_rows(
        heads,
        (
            [
                *_number_and_title(task),
                _state(task, f"{task.percent} %" if task.progress_total else ""),
                lane_title(task.lane),
                moment(task.created_at),
                task.asker or NONE,
                duration(task.seconds),
            ]
            for task in tasks
        ),
    )


@register.simple_tag
def open_task_rows(tasks: Iterable[Any]) -> SafeString:
    """Tasks that run or wait, with what they wait for and when they will start."""
    heads = [
        ("#", "number"),
        (_("Task"), ""),
        (_("State"), "text-nowrap"),
        (_("Waits for"), ""),
        (_("Starts about"), "text-nowrap"),
        (_("Priority"), "number"),
        (_("By"), ""),
    ]
    rows = []
    for task in tasks:
        running = task.state == "running"
        done = f"{task.percent} % · " if running and task.progress_total else ""
        rows.append(
            [
                *_number_and_title(task),
                _state(task, f"{done}{duration(task.seconds)}", "number text-secondary"),
                getattr(task, "waits_for", "") or NONE,
                moment(task.started_at if running else getattr(task, "starts", None)),
                task.priority,
                task.asker or NONE,
            ]
        )
    return table_rows(heads, rows)


def _number_and_title(task: Any) -> tuple[SafeString, SafeString]:
    url = address("task", task.pk)
    title = link(url, task.title)
    if task.group_id is not None:
        group = link(address("task_group", task.group_id), task.group_title, "text-secondary")
        title = SafeString(f'{title}<div class="small">{group}</div>')
    return link(url, task.pk), title


def _state(task: Any, progress: str, css: str = "number") -> SafeString:
    badge = task_badge(task.state)
    if task.state != "running" or not progress:
        return badge
    return SafeString(f'{badge} <span class="{css}">{escaped(progress)}</span>')


@register.simple_tag
def device_rows(
    devices: Iterable[Any],
    stages: Mapping[str, str],
    outcomes: Mapping[int, Mapping[str, str]],
) -> SafeString:
    """Devices, with the outcome (by device and stage) that stands at each stage (titles by key)."""
    heads = [(_("Serial"), ""), (_("Type"), ""), (_("Where"), ""), (_("Tray"), "")]
    heads += [(title, "") for title in stages.values()]
    # A few words, said hundreds of times.
    verdicts = {one: outcome_badge(one) for one in ("", *Outcome.values)}
    return table_rows(
        heads,
        (
            [
                link(address("device", device.serial), device.serial, "serial"),
                device.device_type__name,
                device.location__name or NONE,
                _place(device),
                *(verdicts.get(outcomes[device.pk].get(key), NO_VERDICT) for key in stages),
            ]
            for device in devices
        ),
    )


def _place(device: Any) -> Any:
    tray = device.tray__name
    if not tray:
        return NONE
    there = link(address("tray", tray), tray)
    if device.tray_row is None:
        return there
    at = f"{device.tray_row}, {device.tray_column}"
    return SafeString(f'{there} <span class="text-secondary">{at}</span>')


@register.simple_tag
def tray_rows(grid: Iterable[Iterable[Any]]) -> SafeString:
    """Places of a tray, each with its device's value or, without one, its verdict's sign."""
    return SafeString(
        "".join(
            f'<tr><th scope="row">{number}</th>{"".join(map(_tray_place, line))}</tr>'
            for number, line in enumerate(grid)
        )
    )


def _tray_place(place: Mapping[str, Any] | None) -> str:
    if place is None:
        return "<td></td>"
    serial, (kind, icon) = escaped(place["serial"]), kind_of(place["outcome"])
    sign = f'<i class="ti ti-{icon}" aria-hidden="true"></i>'
    shown = sign if place["value"] is None else short(place["value"])
    url = address("device", place["serial"])
    said = f"{serial} {escaped(place['outcome'])}"
    return (
        f'<td class="state-{kind}">'
        f'<a href="{escaped(url)}" title="{serial}" aria-label="{said}">{shown}</a></td>'
    )


@register.simple_tag
def channel_rows(rows: Iterable[tuple[int, Iterable[Any]]]) -> SafeString:
    """Values by channel; a cell may be empty."""
    return SafeString(
        "".join(
            f'<tr><th scope="row" class="number">{channel}</th>{"".join(map(_number, cells))}</tr>'
            for channel, cells in rows
        )
    )


def _number(cell: Any) -> str:
    shown = escaped(measured(cell.value, cell.uncertainty)) if cell else NONE
    return f'<td class="number">{shown}</td>'


@register.simple_tag
def whole_device(lines: Iterable[tuple[Any, str, Any]]) -> SafeString:
    """Values of the whole device: quantity, condition in words, value."""
    return SafeString(
        "".join(
            f"<dt>{escaped(shown.title)}{', ' if at else ''}{escaped(at)}</dt>"
            f'<dd class="number">{escaped(measured(cell.value, cell.uncertainty, shown.unit))}</dd>'
            for shown, at, cell in lines
        )
    )


@register.simple_tag
def judged_rows(lines: Iterable[Mapping[str, Any]]) -> SafeString:
    """What a verdict says of each quantity: its worst value against the bands."""
    heads = [
        (_("Worst value"), "number"),
        (_("Pass band"), "number"),
        (_("Warning band"), "number"),
        (_("Verdict"), ""),
    ]
    begun = begun_cells(heads)
    return SafeString("".join(_judged(line, begun) for line in lines))


def _judged(line: Mapping[str, Any], begun: list[str]) -> str:
    at = f' <span class="text-secondary">{escaped(line["condition"])}</span>'
    title = f"{escaped(line['title'])}{at if line['condition'] else ''}"
    unit = line["unit"]
    cells = table_cells(
        begun,
        [
            _worst(line),
            band(line["pass_low"], line["pass_high"], unit),
            band(line["warn_low"], line["warn_high"], unit),
            _said(line),
        ],
    )
    return f'<tr><th scope="row" class="fw-normal">{title}</th>{cells}</tr>'


def _worst(line: Mapping[str, Any]) -> str:
    if line.get("value") is None:
        return _("missing")
    value = escaped(measured(line["value"], line.get("uncertainty"), line["unit"]))
    channel = line.get("channel")
    if channel is None or channel < 0:
        return value
    return SafeString(f'{value} <span class="text-secondary">({_("ch.")} {channel})</span>')


def _said(line: Mapping[str, Any]) -> SafeString:
    text = str(outcome_badge(line["outcome"]))
    if wrong := line["failed"] + line["warned"]:
        hint = escaped(_("outside the pass band, of the judged values"))
        text += f' <span class="text-secondary" title="{hint}">{wrong}/{line["judged"]}</span>'
    if line["text"]:
        text += f'<div class="small text-secondary">{escaped(line["text"])}</div>'
    return SafeString(text)


NUMBER = '<td class="number">'


@register.simple_tag
def bin_rows(rows: Iterable[tuple[float, float, int]]) -> SafeString:
    """Bins of a histogram: from, to, how many."""
    cells = (table_cells([NUMBER] * 3, [short(low), short(high), n]) for low, high, n in rows)
    return SafeString("".join(f"<tr>{one}</tr>" for one in cells))


@register.simple_tag
def yield_rows(rows: Iterable[Mapping[str, Any]]) -> SafeString:
    """Weeks with the number of devices and both yields [%]."""
    cells = (
        table_cells(
            ["<td>", NUMBER, NUMBER, NUMBER],
            [
                row["week"].isoformat(),
                row["judged"],
                f"{row['first']['percent']:.1f}",
                f"{row['last']['percent']:.1f}",
            ],
        )
        for row in rows
    )
    return SafeString("".join(f"<tr>{one}</tr>" for one in cells))

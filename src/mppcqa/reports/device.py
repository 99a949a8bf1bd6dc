"""The report of one device: its view, laid out on paper."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override
from reportlab.platypus import CondPageBreak, KeepTogether, Spacer, Table, TableStyle

import mppcqa
from mppcqa.charts.paper import BESIDE, Figure, figure
from mppcqa.charts.paper.lettering import BOLD, printable, width_of
from mppcqa.inventory.models import Device
from mppcqa.inventory.scope import Viewer
from mppcqa.public_address import PublicAddress, public_address
from mppcqa.reports.assembly import assembly_pieces
from mppcqa.reports.document import (
    CELL,
    HEAD,
    HEADING,
    PADDING,
    SMALL,
    WIDTH,
    build,
    paragraph,
    table,
)
from mppcqa.reports.inputs import inputs_of, newest
from mppcqa.reports.kinds import ReportKind, Written
from mppcqa.reports.layout import Part
from mppcqa.reports.letterhead import closing, letterhead, running
from mppcqa.reports.look import PLAIN, Look, look_about
from mppcqa.reports.numbers import Column, column
from mppcqa.reports.pieces import beside, facts_table, signs, title_style
from mppcqa.reports.qr import Symbol
from mppcqa.reports.sections import WITHIN, Section, added_to, chosen, within_a_stage
from mppcqa.stages import all_stages
from mppcqa.views.device import DeviceView, device_view
from mppcqa.views.stage import Grid, Source, StageView
from mppcqa.views.texts import moment
from mppcqa.views.verdict import VerdictView

QR_WIDTH = 78
STAGE = "stage."
"""Before the key of a stage, as the key of its section."""
ROWS_TOGETHER = 40
CAPTION_AND_ROWS = 90.0
"""Room [points] without which a caption begins a page."""


def device_report(
    device: Device,
    language: str | None = None,
    *,
    address: PublicAddress | None = None,
    paper: str = "A4",
    viewer: Viewer = None,
) -> bytes:
    """PDF of a device as it stands now, in the current language or the one named.

    The same data gives the same bytes, whenever it is written.

    address
        Where others find the pages, where the caller knows better than the settings.
    paper
        ``A4`` or ``letter``.
    viewer
        Whom it is written for: of other devices it names those that this person sees.
    """
    if language is not None:
        with override(language):
            return device_report(device, address=address, paper=paper, viewer=viewer)
    with _write(device, address or public_address(), paper, viewer).opened() as file:
        return file.read()


def _write(device: Device, address: PublicAddress, paper: str, viewer: Viewer = None) -> Written:
    view = device_view(device.serial, viewer=viewer)
    if view is None:
        raise Device.DoesNotExist(_("The device %s is not there any more.") % device.serial)
    look = look_about(device)
    data = lay_out(view, address, paper=paper, look=look)
    return Written(data, view.serial, inputs_of(view, look))


def lay_out(
    view: DeviceView, address: PublicAddress, *, paper: str = "A4", look: Look = PLAIN
) -> bytes:
    """PDF of a view, in the current language."""
    story: list[Any] = [
        *letterhead(look),
        _head(view, address),
    ]
    parts = list(chosen("device", _parts(view, look), look))
    first = next((one for one in parts if one.key.startswith(STAGE)), None)
    for one in parts:
        if one is first or not one.key.startswith(STAGE):
            if one.story and (one is first or one.title):
                story.append(CondPageBreak(CAPTION_AND_ROWS))
            story += [paragraph(one.title, HEADING)] if one.title and one.story else []
            story += one.story
        else:
            # One stage, one page, where it fits. The first begins below the head in any case.
            story.append(KeepTogether(one.story))
    as_of = newest(view)
    footer = _("%(serial)s, as of %(when)s UTC; mppcqa %(version)s") % {
        "serial": view.serial,
        "when": moment(as_of),
        "version": mppcqa.__version__,
    }
    title = _("Report of %s") % view.serial
    story += closing(look)
    return build(
        story, title=title, footer=footer, paper=paper, as_of=as_of, subject=view.kind,
        head=running(look, title),
    )  # fmt: skip


def _sections() -> list[Section]:
    return [
        Section("sign-offs", gettext_lazy("Sign-offs")),
        Section("records", gettext_lazy("What was done to the device")),
        Section("assembly", gettext_lazy("Assembly")),
        *(Section(STAGE + one.key, gettext_lazy(one.title)) for one in all_stages()),
    ]


def _parts(view: DeviceView, look: Look) -> Iterator[Part]:
    """What stands below the head; sections of packages have a title of their own."""
    yield Part("sign-offs", "", _sign_offs(view))
    yield Part("records", "", _records(view))
    yield Part("assembly", "", assembly_pieces(view))
    if not view.stages:
        yield Part("none", "", [paragraph(_("This device has not been measured yet."))])
    for stage in view.stages:
        yield Part(STAGE + stage.key, "", _section(stage, look))
    for section, story in added_to("device", view):
        yield Part(section.key, str(section.title), story)


def _head(view: DeviceView, address: PublicAddress) -> Table:
    """Serial, identity and verdicts at the left, QR code at the right."""
    facts = ((fact.title, fact.text) for fact in view.facts)
    left = [
        paragraph(view.serial, title_style(view.serial)),
        facts_table(facts, WIDTH - QR_WIDTH - 20),
        Spacer(1, 4),
        *_verdict_lines(view),
    ]
    code = address.of_device(view.serial)
    right = [Symbol(code, QR_WIDTH), paragraph(code, SMALL)]
    return beside(left, right, QR_WIDTH + 10)


def _verdict_lines(view: DeviceView) -> list[Table]:
    states = [(one.verdict.state, f"{one.title}: {one.verdict.text}") for one in view.stages]
    return signs(states, WIDTH - QR_WIDTH - 20)


def _sign_offs(view: DeviceView) -> list[Any]:
    lines = []
    for one in view.sign_offs:
        outdated = f" ({_('verdicts have changed since')})" if one.outdated else ""
        lines.append(paragraph(one.text + outdated))
    return lines


def _records(view: DeviceView) -> list[Any]:
    """What was done to the device, and when."""
    there = [one for one in view.records if not one.withdrawn]
    if not there:
        return []
    heads = _("When (UTC)"), _("What was done"), _("Amount"), _("By")
    rows: list[list[Any]] = [[paragraph(head, HEAD) for head in heads]]
    for one in there:
        text = f"{one.text}; {one.remark}" if one.remark else one.text
        cells = moment(one.at), one.title, text, one.by
        rows.append([paragraph(cell, CELL) for cell in cells])
    return [table(rows, [WIDTH * part for part in (0.17, 0.18, 0.5, 0.15)]), Spacer(1, 6)]


def _section(stage: StageView, look: Look) -> list[Any]:
    parts: list[Any] = [paragraph(stage.title, HEADING)]
    parts += _decision(stage.verdict)
    for section in chosen(WITHIN, within_a_stage(), look):
        parts += INSIDE[section.key](stage)
    return [*parts, Spacer(1, 4), paragraph(_provenance(stage), SMALL)]


def _problems(stage: StageView) -> list[Any]:
    if not stage.problems:
        return []
    said = [paragraph(problem) for problem in stage.problems]
    return [paragraph(_("Not measured"), HEAD), *said, Spacer(1, 6)]


def _means(stage: StageView) -> list[Any]:
    made = (one for grid in stage.means for one in _grid(grid, 0.34))
    return [part for one in made for part in (one, Spacer(1, 6))]


def _decision(verdict: VerdictView) -> list[Any]:
    """What people decided in spite of a verdict."""
    if verdict.pk is None:
        return [paragraph(_("Not judged: no limit set is in use for this stage."))]
    if (waiver := verdict.waiver) is None:
        return []
    return [paragraph(f"{waiver.head}: {waiver.reason} ({waiver.granted})"), Spacer(1, 4)]


def _judged(stage: StageView) -> list[Any]:
    """Every judged quantity with its worst value and the bands that it was judged by."""
    if not stage.judged:
        return []
    heads = _("Quantity"), _("Worst value"), _("Pass band"), _("Warning band"), _("Verdict")
    rows: list[list[Any]] = [[paragraph(head, HEAD) for head in heads]]
    for line in stage.judged:
        title = [paragraph(line.title, HEAD)]
        if line.condition:
            title.append(paragraph(line.condition, SMALL))
        channel = "" if line.channel is None else f" ({_('ch.')} {line.channel})"
        said: list[Any] = [paragraph(f"{line.outcome_text} {line.outside}".strip(), CELL)]
        if line.text:
            said.append(paragraph(line.text, SMALL))
        cells = line.worst + channel, line.pass_band, line.warning_band
        rows.append([title, *(paragraph(cell, CELL) for cell in cells), said])
    made = table(rows, [WIDTH * part for part in (0.22, 0.21, 0.16, 0.16, 0.25)])
    return [made, Spacer(1, 6)]


def _whole(stage: StageView) -> list[Any]:
    """Values of the device as a whole."""
    if not stage.whole:
        return []
    values = column(_("Value"), [line.text for line in stage.whole], HEAD)
    rows: list[list[Any]] = [[paragraph(_("Whole device"), HEAD), paragraph(values.head, HEAD)]]
    for line, cell in zip(stage.whole, values.cells(), strict=True):
        at = f", {line.condition}" if line.condition else ""
        rows.append([paragraph(line.title + at, CELL), cell])
    return [table(rows, [WIDTH * 0.5, max(values.width, WIDTH * 0.3)]), Spacer(1, 6)]


def _grid(grid: Grid, most: float) -> list[Table]:
    """Tables of as many columns as have room; the first, of names, takes `most` of the width."""
    names = [printable(name) for name, _cells in grid.rows]
    longest = max((width_of(name, SMALL.fontSize) for name in names), default=0.0)
    words = [width_of(word, HEAD.fontSize, BOLD) for word in printable(grid.corner).split()]
    first = min(max(longest, *words, 0.0) + 2 * PADDING, WIDTH * most)
    columns = [
        column(str(head), [cells[n].text for _name, cells in grid.rows], HEAD)
        for n, head in enumerate(grid.heads)
    ]
    return [_columns(grid, names, first, piece) for piece in pieces(columns, WIDTH - first)]


def _columns(grid: Grid, names: list[str], first: float, piece: list[Column]) -> Table:
    lines: list[list[Any]] = [[paragraph(grid.corner, HEAD)]]
    lines[0] += [paragraph(one.head, HEAD) for one in piece]
    for name, *cells in zip(names, *(one.cells() for one in piece), strict=True):
        lines.append([paragraph(name, SMALL), *cells])
    spare = (WIDTH - first - sum(one.width for one in piece)) / len(piece)
    return table(lines, [first, *[one.width + spare for one in piece]])


def pieces(columns: list[Column], room: float) -> list[list[Column]]:
    """Columns that stand beside each other in a table, about as many in each."""
    number = max(1, math.ceil(sum(one.width for one in columns) / room))
    size = math.ceil(len(columns) / number)
    found: list[list[Column]] = []
    for one in columns:
        full = found and sum(other.width for other in found[-1]) + one.width > room
        if not found or full or len(found[-1]) >= size:
            found.append([])
        found[-1].append(one)
    return found


def _pictures(stage: StageView) -> list[Any]:
    """The stage's charts, as many beside each other as the line has room for."""
    lines: list[list[Figure]] = []
    for drawn in stage.charts:
        made = figure(replace(drawn.chart, title=drawn.title), whole=WIDTH)
        for line in lines:
            if sum(one.width + BESIDE for one in (*line, made)) <= WIDTH + 0.1:
                line.append(made)
                break
        else:
            lines.append([made])
    return [_beside(line) for line in lines]


def _beside(line: list[Figure]) -> Table:
    found = Table([line], colWidths=[one.width + BESIDE for one in line], hAlign="LEFT")
    style = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]
    found.setStyle(TableStyle(style))
    return found


def _channels(stage: StageView) -> list[Any]:
    """Values by channel, each table below its caption and, where it fits, on one page."""
    grid, at = stage.channels, stage.chosen
    if not grid.rows:
        return []
    caption = _("Values by channel") if at is None else f"{_('Values by channel')}: {at.text}"
    parts: list[Any] = []
    for made in _grid(grid, 0.2):
        whole = [Spacer(1, 6), paragraph(caption, HEAD), Spacer(1, 2), made]
        if len(grid.rows) < ROWS_TOGETHER:
            parts.append(KeepTogether(whole))
        else:
            parts += [CondPageBreak(CAPTION_AND_ROWS), *whole]
    return parts


def _provenance(stage: StageView) -> str:
    """Where the numbers come from: run, file, program's analysis, limits."""
    source, parts = stage.source, [_measured(stage.source)]
    said = _("File %(file)s, SHA-256 %(sha)s. Analysis %(stage)s %(version)s (mppcqa %(code)s).")
    parts.append(
        said
        % {
            "file": source.file_name,
            "sha": source.sha256,
            "stage": source.stage,
            "version": source.version,
            "code": source.code_version,
        }
    )
    if stage.verdict.limits:
        parts.append(_("Limits: %s.") % stage.verdict.limits)
    parts.append(
        _("± is one standard uncertainty: statistical, then systematic where there is any.")
    )
    parts.append(
        _("< and > are limits, at a confidence of 0.95 where nothing else is known of them.")
    )
    if source.shared:
        parts.append(_("Systematic, in common: %s.") % source.shared)
    return " ".join(filter(None, parts))


def _measured(source: Source) -> str:
    if source.run is None:
        return ""
    values = {
        "run": source.run,
        "station": source.station,
        "operator": source.operator or _("nobody named"),
        "when": f"{moment(source.started_at)} UTC",
    }
    measured = _("Run %(run)s at %(station)s by %(operator)s, %(when)s.")
    imported = _("Run %(run)s, imported by %(operator)s, %(when)s.")
    return (measured if source.station else imported) % values


INSIDE: dict[str, Callable[[StageView], list[Any]]] = {
    "judged": _judged,
    "problems": _problems,
    "whole": _whole,
    "means": _means,
    "charts": _pictures,
    "channels": _channels,
}


KIND = ReportKind(
    "device",
    gettext_lazy("Full report"),
    "inventory.device",
    _write,
    place=10,
    sections=_sections,
)

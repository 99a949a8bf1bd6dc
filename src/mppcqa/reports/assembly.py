"""A device's assembly on paper: what is part of it, what gathers, and what it was part of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.translation import gettext as _
from reportlab.platypus import Spacer

from mppcqa.reports.document import CELL, HEAD, HEADING, WIDTH, paragraph, table
from mppcqa.views.assembly import AssemblyView
from mppcqa.views.device import DeviceView
from mppcqa.views.texts import NONE

PARTS_OF_LINE = 60
"""Parts that a report lists; the rest is counted."""


def assembly_pieces(view: DeviceView) -> list[Any]:
    """What is part of the device, its verdicts and values over all parts, and the history."""
    if view.assembly is None:
        return []
    return [
        *_parts(view.assembly),
        *_gathered(view.assembly),
        *_history(view.assembly),
    ]


def _parts(found: AssemblyView) -> list[Any]:
    if not found.parts:
        return []
    rows = [
        (
            "– " * one.depth + one.serial,
            one.kind,
            one.place or NONE,
            str(one.since or NONE),
            "; ".join(f"{title}: {text}" for title, _state, text in one.verdicts) or NONE,
        )
        for one in found.parts[:PARTS_OF_LINE]
    ]
    heads = (_("Serial"), _("Type"), _("Place"), _("From"), _("Verdicts"))
    story = [
        paragraph(_("Parts: %d") % found.number, HEADING),
        _table(heads, rows, (0.2, 0.16, 0.22, 0.1, 0.32)),
    ]
    if found.number > len(rows):
        story.append(paragraph(_("and %d more") % (found.number - len(rows))))
    return [*story, Spacer(1, 6)]


def _gathered(found: AssemblyView) -> list[Any]:
    story = [
        paragraph(f"{one.title}: " + ", ".join(f"{n} {text}" for _state, text, n in one.counts))
        for one in found.verdicts
    ]
    if found.values:
        heads = (
            *(_("Quantity"), _("Condition"), _("Parts")),
            *(_("Mean"), _("Spread"), _("Lowest"), _("Highest")),
        )
        rows = [
            (
                *(one.title, one.condition, str(one.n)),
                *(one.mean, one.spread, one.lowest, one.highest),
            )
            for one in found.values
        ]
        story.append(_table(heads, rows, (0.22, 0.2, 0.06, 0.13, 0.13, 0.13, 0.13)))
    return [*story, Spacer(1, 6)] if story else []


def _history(found: AssemblyView) -> list[Any]:
    rows = [
        (one.part, one.whole or NONE, one.place or NONE, one.period, one.why, one.who)
        for one in found.history
    ]
    if not rows:
        return []
    heads = (_("Part"), _("Part of"), _("Place"), _("From – to"), _("Reason"), _("By"))
    return [
        paragraph(_("Installed history"), HEADING),
        _table(heads, rows, (0.15, 0.15, 0.22, 0.22, 0.16, 0.1)),
        Spacer(1, 6),
    ]


def _table(heads: Iterable[str], rows: Sequence[tuple[str, ...]], parts: Iterable[float]) -> Any:
    cells: list[list[Any]] = [[paragraph(one, HEAD) for one in heads]]
    cells += [[paragraph(one, CELL) for one in row] for row in rows]
    return table(cells, [WIDTH * part for part in parts])

"""What reports about many things are put together from: sections, charts beside each other."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from reportlab.platypus import CondPageBreak, Paragraph, Spacer, Table, TableStyle

import mppcqa
from mppcqa.charts.counted import Counted
from mppcqa.charts.paper import BESIDE, Figure, figure
from mppcqa.charts.plots import Plot
from mppcqa.reports.document import (
    HEAD,
    SMALL,
    WIDTH,
    Contents,
    Heading,
    build,
    paragraph,
)
from mppcqa.reports.letterhead import closing, letterhead, running
from mppcqa.reports.look import PLAIN, Look
from mppcqa.reports.pieces import facts_table, title_style
from mppcqa.reports.sections import added_to, chosen
from mppcqa.views.texts import moment

LISTED = 4
"""Sections from which a report has contents."""
HEAD_HEIGHT, MOST = 30.0, 500.0
TOGETHER = 110.0
"""Room [points] without which a section begins a page."""


@dataclass(frozen=True)
class Part:
    """A section of a report that was laid out; without anything in it it is left out."""

    key: str
    title: str
    story: list[Any] = field(default_factory=list)


def whole_report(
    *,
    kind: str,
    name: str,
    facts: Sequence[tuple[str, str]],
    parts: Iterable[Part],
    as_of: dt.datetime,
    paper: str,
    subject: str = "",
    look: Look = PLAIN,
    key: str = "",
    view: Any = None,
) -> bytes:
    """PDF of a head and its sections, with contents where they are many.

    key
        Of the kind of report, whose sections the institution chose and packages add to.
    view
        What packages' sections are made of.
    """
    added = (Part(one.key, str(one.title), made) for one, made in added_to(key, view))
    there = [one for one in chosen(key, [*parts, *added], look) if one.story]
    story: list[Any] = [
        *letterhead(look),
        paragraph(kind, SMALL),
        paragraph(name, title_style(name)),
        facts_table(facts, WIDTH),
        Spacer(1, 6),
    ]
    if len(there) >= LISTED:
        story += [paragraph(_("Contents"), HEAD), Contents(len(there))]
    for one in there:
        story += [CondPageBreak(_needed(one)), Heading(one.title), *one.story, Spacer(1, 4)]
    footer = _("%(name)s, as of %(when)s UTC; mppcqa %(version)s") % {
        "name": name,
        "when": moment(as_of),
        "version": mppcqa.__version__,
    }
    title = f"{kind}: {name}"
    story += closing(look)
    return build(
        story, title=title, footer=footer, paper=paper, as_of=as_of, subject=subject or title,
        head=running(look, title),
    )  # fmt: skip


def _needed(part: Part) -> float:
    """Room [points] that the head of a section needs with what can't be parted from it."""
    needed = HEAD_HEIGHT
    for one in part.story:
        high = one.wrap(WIDTH, math.inf)[1]
        if isinstance(one, Figure) or (isinstance(one, Table) and len(one._cellvalues) == 1):
            needed += high
            break
        if not isinstance(one, Paragraph | Spacer) or needed > TOGETHER:
            needed += min(high, TOGETHER)
            break
        needed += high
    return float(min(max(TOGETHER, needed), MOST))


def beside_each_other(plots: Sequence[Plot | Counted], across: int = 2) -> list[Any]:
    """Charts in lines of so many."""
    width = WIDTH / across - BESIDE
    made = [figure(one, width) for one in plots]
    return lines_of_figures(made, across)


def lines_of_figures(made: Sequence[Figure], across: int) -> list[Any]:
    """Drawn charts in lines of so many, each line on one page."""
    story: list[Any] = []
    for start in range(0, len(made), across):
        line = list(made[start : start + across])
        found = Table([line], colWidths=[WIDTH / across] * len(line), hAlign="LEFT")
        style = [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 0),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
        ]
        found.setStyle(TableStyle(style))
        story.append(found)
    return story

"""An answer of the workbench on paper: the question in words, the chart, the table."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from reportlab.lib.utils import ImageReader
from reportlab.platypus import Spacer

import mppcqa
from mppcqa.charts.paper.lettering import BOLD, printable, width_of
from mppcqa.charts.render import PRINTED
from mppcqa.digits import number
from mppcqa.reports.document import HEIGHTS, SMALL, WIDTH, build, paragraph, picture
from mppcqa.reports.letterhead import closing, letterhead, running
from mppcqa.reports.look import PLAIN, Look
from mppcqa.reports.pieces import facts_table, title_style
from mppcqa.reports.rows import GAP, SIZE, Rows, broken
from mppcqa.views.texts import NONE

FIRST, WIDEST = 150.0, 120.0
"""Widths [points] of the first column and of any other at most; longer texts are broken."""
POINTS = 0.72
"""To a pixel of the screen: a chart's letters of 10 pixels are 7.2 points high."""
CHART = 0.5
"""Part of a page's height that the chart takes at most."""


@dataclass(frozen=True)
class PrintedAnswer:
    """What is printed, as plain texts and numbers."""

    title: str
    question: Sequence[tuple[str, str]]
    """What was asked, title and words."""
    heads: Sequence[str]
    rows: Sequence[Sequence[Any]]
    """Cells: texts, numbers, or None."""
    facts: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()
    chart: bytes = b""
    """PNG by `mppcqa.charts.render.to_print`; empty where there is no chart."""
    numbers: frozenset[int] = field(default_factory=frozenset)
    """Columns that hold numbers."""


def lay_out(found: PrintedAnswer, paper: str = "A4", look: Look = PLAIN) -> bytes:
    """PDF of an answer: the same bytes for the same answer."""
    kind = _("Answer of the workbench")
    story: list[Any] = [
        *letterhead(look),
        paragraph(kind, SMALL),
        paragraph(found.title, title_style(found.title)),
        facts_table([*found.question, *found.facts], WIDTH),
        Spacer(1, 8),
    ]
    if found.chart:
        wide = ImageReader(io.BytesIO(found.chart)).getSize()[0] / PRINTED * POINTS
        story += [
            picture(found.chart, min(wide, WIDTH), HEIGHTS[paper] * CHART),
            Spacer(1, 6),
        ]
    story += [paragraph(note, SMALL) for note in found.notes]
    story += _tables(found)
    if not found.rows:
        story.append(paragraph(_("No value is as asked.")))
    story += closing(look)
    footer = _("%(title)s; mppcqa %(version)s") % {
        "title": found.title,
        "version": mppcqa.__version__,
    }
    title = f"{kind}: {found.title}"
    return build(story, title=title, footer=footer, paper=paper, head=running(look, title))


def _tables(found: PrintedAnswer) -> list[Any]:
    """As many tables as its columns need, the first column in each."""
    rows = [[_text(cell) for cell in row] for row in found.rows]
    if not rows:
        return []
    wide = [_width(head, rows, k) for k, head in enumerate(found.heads)]
    story: list[Any] = []
    left = list(range(1, len(wide)))
    while left or not story:
        taken, room = [0], WIDTH - wide[0]
        while left and (wide[left[0]] <= room or taken == [0]):
            room -= wide[left[0]]
            taken.append(left.pop(0))
        heads = [found.heads[k] for k in taken]
        cells = [[row[k] for k in taken] for row in rows]
        right = [n for n, k in enumerate(taken) if k in found.numbers]
        lines = broken(heads, cells, [wide[k] for k in taken], right=right)
        story += [Spacer(1, 8), Rows(lines)]
    return story


def _width(head: str, rows: Sequence[Sequence[str]], column: int) -> float:
    most = max(width_of(printable(row[column]), SIZE) for row in rows)
    words = max((width_of(printable(one), SIZE, BOLD) for one in head.split()), default=0.0)
    return min(max(most, words) + GAP + 2, WIDEST if column else FIRST)


def _text(cell: Any) -> str:
    if cell is None or cell == "":
        return NONE
    return number(cell) if isinstance(cell, float) else str(cell)

"""What several kinds of reports have in common: facts beside each other, signs, places to sign."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Table, TableStyle

from mppcqa.charts.paper.lettering import BOLD, printable, width_of
from mppcqa.reports.document import HEAD, LINE, OUTCOMES, SMALL, TITLE, WIDTH, paragraph

BADGE = ParagraphStyle("badge", parent=HEAD, fontSize=8, leading=10, textColor="white")
LONG_NAME = 40


def facts_table(facts: Iterable[tuple[str, str]], width: float) -> Table:
    """Titles with their texts, one below the other."""
    rows = [[paragraph(title, SMALL), paragraph(text)] for title, text in facts]
    first = min(110.0, 0.3 * width)
    made = Table(rows or [["", ""]], colWidths=[first, width - first], hAlign="LEFT")
    made.setStyle(
        TableStyle(
            [
                ("TOPPADDING", (0, 0), (-1, -1), 0.5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 0.5),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ]
        )
    )
    return made


def beside(left: list[Any], right: list[Any], side: float) -> Table:
    """The head of a report: what it is about, and at its right a column of `side` points."""
    made = Table([[left, right]], colWidths=[WIDTH - side, side], hAlign="LEFT")
    made.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
            ]
        )
    )
    return made


def title_style(name: str) -> ParagraphStyle:
    """Of what a report is about; smaller for a name that is longer than a line or two."""
    if len(name) <= LONG_NAME:
        return TITLE
    return ParagraphStyle("long title", parent=TITLE, fontSize=9, leading=11.5)


def signs(states: Iterable[tuple[str, str]], room: float) -> list[Table]:
    """States as words on their colours; as many in a line as there is room for."""
    lines: list[list[tuple[str, float, Any]]] = []
    for state, text in states:
        width = min(width_of(printable(text), BADGE.fontSize, BOLD) + 14, room)
        colour = OUTCOMES.get(state, OUTCOMES["incomplete"])
        if not lines or sum(one[1] for one in lines[-1]) + width > room:
            lines.append([])
        lines[-1].append((text, width, colour))
    return [_badges(line) for line in lines]


def _badges(line: list[tuple[str, float, Any]]) -> Table:
    cells = [paragraph(text, BADGE) for text, _width, _colour in line]
    found = Table([cells], colWidths=[one[1] for one in line], hAlign="LEFT", spaceBefore=2)
    style: list[Any] = [("LEFTPADDING", (0, 0), (-1, -1), 6)]
    style += [("BACKGROUND", (n, 0), (n, 0), one[2]) for n, one in enumerate(line)]
    style.append(("LINEAFTER", (0, 0), (-1, -1), 2, "white"))
    found.setStyle(TableStyle(style))
    return found


def signature_lines(*titles: str, width: float = WIDTH) -> Table:
    """Lines to sign on, beside each other in a width, with what is signed below."""
    gap = 24.0
    width = (width - gap * (len(titles) - 1)) / max(len(titles), 1)
    widths: list[float] = []
    below: list[Any] = []
    style: list[Any] = [("LEFTPADDING", (0, 0), (-1, -1), 0), ("NOSPLIT", (0, 0), (-1, -1))]
    for number, title in enumerate(titles):
        if number:
            widths.append(gap)
            below.append("")
        style.append(("LINEABOVE", (len(widths), 1), (len(widths), 1), 0.6, LINE))
        widths.append(width)
        below.append(paragraph(title, SMALL))
    made = Table([[""] * len(widths), below], widths, [24, None], hAlign="LEFT")
    made.setStyle(TableStyle(style))
    return made

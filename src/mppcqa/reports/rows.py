"""Long lists on paper: as many rows as anybody has, drawn as they come.

ReportLab's own tables take seconds and hundreds of megabytes for ten thousand rows; here a cell is
its lines of text, and a page takes the rows that fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from reportlab.platypus import Flowable

from mppcqa.charts.paper.lettering import BOLD, FONT, lines_of, printable, width_of, write
from mppcqa.reports.document import INK, LINE, OUTCOMES, QUIET, STRIPE, WIDTH

SIZE, LEAD = 7.0, 8.6
PAD = 3.0
GAP = 8.0
"""Between columns [points]."""
FRESH = 500.0
"""Room [points] that a page has only at its beginning."""
HEADS = 6
"""Lines of a head; what is longer ends in an ellipsis."""
LEAST = 2
"""Rows that stand together at the end of a page and at the beginning of the next."""


@dataclass(frozen=True)
class Cell:
    """A text, and the outcome whose colour it has."""

    text: str
    state: str = ""


@dataclass
class Lines:
    """What a list was broken into, shared by its parts on all pages."""

    heads: list[list[str]]
    cells: list[list[tuple[list[str], str]]]
    widths: Sequence[float]
    right: frozenset[int]
    heights: list[float] = field(default_factory=list)


def broken(
    heads: Sequence[str],
    rows: Sequence[Sequence[Cell | str]],
    widths: Sequence[float],
    right: Sequence[int] = (),
) -> Lines:
    """Texts in lines that fit into columns of some widths [points]; `right` end at their right."""
    rooms = [width - GAP for width in widths]
    found = Lines(
        [
            _cut(lines_of(printable(one), room, SIZE, BOLD))
            for one, room in zip(heads, rooms, strict=True)
        ],
        [],
        widths,
        frozenset(right),
    )
    for row in rows:
        cells = []
        for cell, room in zip(row, rooms, strict=True):
            text, state = (cell.text, cell.state) if isinstance(cell, Cell) else (cell, "")
            said = printable(text)
            # Most texts fit: whoever measures each word of ten thousand rows waits.
            fits = width_of(said, SIZE) <= room
            cells.append(([said] if fits else lines_of(said, room, SIZE), state))
        found.cells.append(cells)
        most = max(len(lines) for lines, _state in cells)
        found.heights.append(most * LEAD + PAD)
    return found


def _cut(lines: list[str]) -> list[str]:
    """A head of at most `HEADS` lines: it stands on every page."""
    return lines if len(lines) <= HEADS else [*lines[: HEADS - 1], "…"]


class Rows(Flowable):  # type: ignore[misc]
    """Rows of a list below their heads, which stand on every page."""

    def __init__(
        self, lines: Lines, first: int = 0, last: int | None = None, *, squares: bool = False
    ) -> None:
        super().__init__()
        self.lines, self.first, self.squares = lines, first, squares
        self.last = len(lines.cells) if last is None else last
        self.head = max((len(one) for one in lines.heads), default=1) * LEAD + PAD
        self.width = sum(lines.widths)
        self.height = self.head + sum(lines.heights[self.first : self.last])

    def wrap(self, _width: float, _height: float) -> tuple[float, float]:
        """Its size [points]."""
        return self.width, self.height

    def split(self, _width: float, height: float) -> list[Flowable]:
        """Two parts, the first as high as there is room for; none where too few rows fit."""
        room, end = height - self.head, self.first
        while end < self.last and self.lines.heights[end] <= room:
            room -= self.lines.heights[end]
            end += 1
        fitting = end
        if 0 < self.last - end < LEAST:
            end = self.last - LEAST
        if end - self.first < min(LEAST, self.last - self.first):
            if height <= FRESH:
                return []
            # Two have no room on a whole page; of one that is higher than that, what has.
            end = max(fitting, self.first + 1)
        squares = self.squares
        return [
            Rows(self.lines, self.first, end, squares=squares),
            Rows(self.lines, end, self.last, squares=squares),
        ]

    def draw(self) -> None:
        """Draw heads and rows."""
        canvas, top = self.canv, self.height
        x = 0.0
        canvas.setFillColor(INK)
        for n, lines in enumerate(self.lines.heads):
            self._text(canvas, x, top - self.head + PAD, n, lines, BOLD)
            x += self.lines.widths[n]
        top -= self.head
        self._rule(canvas, top, 0.8, INK)
        for place in range(self.first, self.last):
            height = self.lines.heights[place]
            if place % 2:
                canvas.setFillColor(STRIPE)
                canvas.rect(0, top - height, self.width, height, stroke=0, fill=1)
            x = 0.0
            for n, (lines, state) in enumerate(self.lines.cells[place]):
                canvas.setFillColor(OUTCOMES.get(state, INK))
                middle = top - (height - len(lines) * LEAD) / 2
                self._text(canvas, x, middle - len(lines) * LEAD, n, lines, FONT)
                x += self.lines.widths[n]
            if self.squares:
                self._square(canvas, top - height / 2)
            top -= height
            self._rule(canvas, top, 0.25, LINE)

    def _text(
        self, canvas: Any, x: float, bottom: float, column: int, lines: list[str], font: str
    ) -> None:
        right = column in self.lines.right
        at = x + self.lines.widths[column] - GAP if right else x + 2
        y = bottom + (len(lines) - 1) * LEAD + 2.2
        for line in lines:
            write(canvas, at, y, line, SIZE, font=font, anchor=1.0 if right else 0.0)
            y -= LEAD

    def _square(self, canvas: Any, middle: float) -> None:
        """An empty square to tick, where the first column is."""
        canvas.setStrokeColor(QUIET)
        canvas.setLineWidth(0.6)
        canvas.rect(4, middle - 3.5, 7, 7, stroke=1, fill=0)

    def _rule(self, canvas: Any, y: float, width: float, colour: Any) -> None:
        canvas.setStrokeColor(colour)
        canvas.setLineWidth(width)
        canvas.line(0, y, self.width, y)


def shares(*parts: float, whole: float = WIDTH) -> list[float]:
    """Widths [points] of columns that take parts of a width."""
    return [whole * one / sum(parts) for one in parts]

"""Columns of numbers whose decimal points and uncertainties stand below each other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Flowable

from mppcqa.charts.paper.lettering import printable, width_of, write
from mppcqa.reports.document import CELL, PADDING, paragraph

BETWEEN = " ± "
WIDEST = 170.0
"""Of a column of aligned numbers [points]; what is wider is broken into lines instead."""


@dataclass(frozen=True)
class Part:
    """A number cut at its decimal point."""

    before: str
    after: str


def parts(text: str) -> list[Part]:
    """``51.61 ± 0.12 V`` as (51, .61), (0, .12 V)."""
    found = []
    for one in text.split(BETWEEN):
        cut = one.find(".")
        if cut < 0:
            # What follows a number without a point, such as its unit, stands after the point.
            match = re.match(r"[^\d]*\d+", one)
            cut = match.end() if match else len(one)
        found.append(Part(one[:cut], one[cut:]))
    return found


@dataclass(frozen=True)
class Places:
    """Widths before and after the points of a column, for each of its parts."""

    before: tuple[float, ...]
    after: tuple[float, ...]
    between: float

    @property
    def width(self) -> float:
        """Of all parts together [points]."""
        return sum(self.before) + sum(self.after) + self.between * (len(self.before) - 1)


def places(texts: Sequence[str], style: ParagraphStyle = CELL) -> Places:
    """Where the points of a column's numbers stand."""
    size, font = style.fontSize, style.fontName
    before: list[float] = []
    after: list[float] = []
    for text in texts:
        for n, part in enumerate(parts(text)):
            wide = width_of(part.before, size, font), width_of(part.after, size, font)
            if n == len(before):
                before.append(0.0)
                after.append(0.0)
            before[n], after[n] = max(before[n], wide[0]), max(after[n], wide[1])
    return Places(tuple(before), tuple(after), width_of(BETWEEN, size, font))


class Aligned(Flowable):  # type: ignore[misc]
    """A number in its column."""

    def __init__(self, text: str, at: Places, style: ParagraphStyle = CELL) -> None:
        super().__init__()
        self.text, self.at, self.style = text, at, style
        self.width, self.height = at.width, style.leading

    def wrap(self, _width: float, _height: float) -> tuple[float, float]:
        """Its size [points]."""
        return self.width, self.height

    def draw(self) -> None:
        """Write its parts, each at its point."""
        size, font = self.style.fontSize, self.style.fontName
        self.canv.setFillColor(self.style.textColor)
        x, y = 0.0, self.height - size * 1.05
        for n, part in enumerate(parts(self.text)):
            if n:
                write(self.canv, x + self.at.between / 2, y, "±", size, font=font, anchor=0.5)
                x += self.at.between
            x += self.at.before[n]
            whole = part.before + part.after
            write(self.canv, x - width_of(part.before, size, font), y, whole, size, font=font)
            x += self.at.after[n]


@dataclass(frozen=True)
class Column:
    """A column of a table: its head, and texts that stand aligned where they can."""

    head: str
    texts: tuple[str, ...]
    at: Places | None
    """None where the texts are broken into lines."""
    width: float
    """What it needs, with its padding."""

    def cells(self) -> list[Flowable]:
        """A flowable for each text."""
        if self.at is None:
            return [paragraph(text, CELL) for text in self.texts]
        return [Aligned(text, self.at) for text in self.texts]


def column(head: str, texts: Sequence[str], head_style: ParagraphStyle) -> Column:
    """A column as wide as its numbers and the words of its head need."""
    said = tuple(printable(text) for text in texts)
    at = places(said)
    words = printable(head).split() or [""]
    wide = max(width_of(word, head_style.fontSize, head_style.fontName) for word in words)
    # A head is broken into three lines sooner than into its words' letters.
    least = width_of(printable(head), head_style.fontSize, head_style.fontName) / 3
    needed = max(min(max(wide, least), WIDEST / 2), at.width) + 2 * PADDING
    if at.width > WIDEST:
        return Column(head, said, None, WIDEST)
    return Column(head, said, at, needed)

"""A map of values on paper: light cells with their numbers, or colours with a scale."""

from __future__ import annotations

import math
from typing import Any

from reportlab.lib.colors import Color, HexColor

from mppcqa.charts.paper.frame import (
    BESIDE,
    GAP,
    INK,
    LEAD,
    QUIET,
    reach_of,
    sparse,
    stroke,
    words,
)
from mppcqa.charts.paper.lettering import SMALLEST, printable, width_of, write
from mppcqa.charts.paper.ticks import Ticks, raised
from mppcqa.charts.plots import CellMap

# From light to dark in one hue: the order of the values is that of the greys, and black type can
# be read on all of it.
LIGHT, DARK = (0.955, 0.97, 0.985), (0.36, 0.60, 0.80)
EMPTY = HexColor("#9aa2ac")
BAR = 7.0
TALLEST = 150.0
NUMBERED = 40
"""Maps of smaller cells [pixels on a screen] have no numbers anywhere."""


def shade(part: float) -> Color:
    """The colour of a value that lies at a part of the way from the lowest to the highest."""
    part = min(max(part, 0.0), 1.0)
    return Color(*(low + part * (high - low) for low, high in zip(LIGHT, DARK, strict=True)))


def numbers(values: list[float]) -> tuple[list[str], int]:
    """Values to the same decimal, fine enough to tell them apart, and the power that they share."""
    largest = max(map(abs, values), default=0.0)
    size = math.floor(math.log10(largest)) if largest else 0
    power = 3 * math.floor(size / 3) if largest and not -3 <= size < 5 else 0
    spread = (max(values) - min(values)) if values else 0.0
    place = math.floor(math.log10(spread / 3)) - 1 if spread > 0 else size - 2
    decimals = min(max(0, power - place), 6)
    found = [f"{one / 10.0**power:.{decimals}f}".replace("-", "−") for one in values]
    return found, power


class Cells:
    """A map drawn into a width."""

    def __init__(self, plot: CellMap, width: float) -> None:
        self.plot, self.width = plot, width
        self.finite = plot.finite()
        self.texts, self.power = numbers(list(self.finite.values()))
        self.reach = reach_of(self.finite.values(), room=0.0)
        self.ticks: Ticks = self.reach.ticks(3)
        unit = " ".join(filter(None, [raised(self.power) if self.power else "", plot.unit]))
        self.words = words(width, plot.title, f"[{unit}]" if unit else "")
        longest = max((width_of(text, SMALLEST) for text in self.texts), default=0.0)
        self.labels = {place: printable(text) for place, text in plot.labels.items()}
        named = max((width_of(text, SMALLEST) for text in self.labels.values()), default=0.0)
        self.left = 0.0
        side = self.width / plot.columns
        fits = max(longest, named) + 4 <= side and plot.cell >= NUMBERED
        self.written = bool(self.finite) and fits
        if self.written:
            # A line for the name, a line for the value.
            self.high = (2 * LEAD + 3) if self.labels else LEAD + 5
            self.wide = min(side, 60.0)
            self.foot = 0.0
        else:
            self.left = width_of(str(plot.rows - 1), SMALLEST) + GAP if plot.rows > 1 else 0.0
            self.wide = min((width - self.left) / plot.columns, 22.0)
            self.high = min(max(self.wide, 16.0 if plot.rows < 3 else 2.0), TALLEST / plot.rows)
            self.foot = LEAD + (BAR + LEAD + 5 if self.finite else 0.0)
        self.height = self.words.height + plot.rows * self.high + self.foot + 2

    def draw(self, canvas: Any) -> None:
        """Draw it with its lower left corner at the origin."""
        self.words.write(canvas, 0, self.height)
        texts = dict(zip(self.finite, self.texts, strict=True))
        empty = canvas.beginPath()
        canvas.setStrokeColor(HexColor("#ffffff"))
        canvas.setLineWidth(0.5 if self.wide > 6 else 0.0)
        for row in range(self.plot.rows):
            for column in range(self.plot.columns):
                place = row, column
                x = self.left + column * self.wide
                y = self.foot + (self.plot.rows - 1 - row) * self.high
                value = self.finite.get(place)
                if value is None:
                    empty.rect(x + 0.4, y + 0.4, self.wide - 0.8, self.high - 0.8)
                    empty.moveTo(x + 0.4, y + 0.4)
                    empty.lineTo(x + self.wide - 0.4, y + self.high - 0.4)
                else:
                    canvas.setFillColor(shade(self.reach.part(value)))
                    canvas.rect(x, y, self.wide, self.high, stroke=int(self.wide > 6), fill=1)
                if self.written:
                    self._say(canvas, x, y, self.labels.get(place, ""), texts.get(place, ""))
        stroke(canvas, empty, EMPTY, 0.4)
        if not self.written:
            self._count(canvas)
            if self.finite:
                self._bar(canvas)

    def _say(self, canvas: Any, x: float, y: float, label: str, text: str) -> None:
        if label:
            canvas.setFillColor(INK if text else QUIET)
            write(canvas, x + 2, y + self.high - SMALLEST, label)
        canvas.setFillColor(INK)
        write(canvas, x + self.wide - 2.5, y + 2.5, text, anchor=1.0)

    def _count(self, canvas: Any) -> None:
        """Numbers of the rows and columns, as many as don't touch."""
        canvas.setFillColor(QUIET)
        columns = range(self.plot.columns)
        middles = [self.left + (n + 0.5) * self.wide for n in columns]
        every = sparse(middles, [width_of(str(n), SMALLEST) + 4 for n in columns])
        for n in columns[:: in_counts(every)]:
            half = width_of(str(n), SMALLEST) / 2
            x = min(max(middles[n], half), self.width - half)
            write(canvas, x, self.foot - SMALLEST - 0.5, str(n), anchor=0.5)
        if self.plot.rows > 1:
            every = in_counts(math.ceil(LEAD / self.high))
            for n in range(0, self.plot.rows, every):
                y = self.foot + (self.plot.rows - n - 0.5) * self.high - SMALLEST * 0.36
                write(canvas, self.left - GAP, y, str(n), anchor=1.0)

    def _bar(self, canvas: Any) -> None:
        """The colours from the lowest to the highest value, which stand at its ends."""
        wide, y = min(self.width, 150.0), LEAD + 1.0
        steps = 24
        for n in range(steps):
            canvas.setFillColor(shade((n + 0.5) / steps))
            canvas.rect(n * wide / steps, y, wide / steps + 0.2, BAR, stroke=0, fill=1)
        ends, _power = numbers([min(self.finite.values()), max(self.finite.values())])
        canvas.setFillColor(INK)
        write(canvas, 0, y - SMALLEST - 0.5, ends[0])
        write(canvas, wide, y - SMALLEST - 0.5, ends[1], anchor=1.0)


def in_counts(every: int) -> int:
    """The next of 1, 2, 4, 5, 8, 10 …: places that people count in."""
    if every <= 1:
        return 1
    power = int(10 ** math.floor(math.log10(every)))
    return next(one * power for one in (1, 2, 4, 5, 8, 10) if one * power >= every)


def lay_out(plot: CellMap, width: float | None = None, whole: float = 500.0) -> Cells:
    """A map at a width, or at the part of the whole that its numbers want."""
    if width is not None:
        return Cells(plot, width)
    part = 1 / 3
    for wider in (1 / 3, 1 / 2, 1.0):
        if Cells(plot, whole * wider - BESIDE).written:
            part = wider
            break
    else:
        part = 1.0 if plot.columns > 40 else 1 / 3
    return Cells(plot, whole * part - BESIDE)

"""A map of states on paper: which place of a tray holds what."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from reportlab.lib.colors import HexColor

from mppcqa.charts.counted import StateMap
from mppcqa.charts.paper.cells import in_counts
from mppcqa.charts.paper.frame import BESIDE, GAP, INK, LEAD, QUIET, sparse, stroke, words
from mppcqa.charts.paper.lettering import SMALLEST, lines_of, printable, width_of, write
from mppcqa.charts.paper.tones import fill, swatch, tone_of

EMPTY = HexColor("#9aa2ac")
WIDEST = 20.0
TALLEST = 190.0


class States:
    """Cells in their tones with row and column numbers, and a key with numbers below."""

    def __init__(self, plot: StateMap, width: float) -> None:
        self.plot, self.width = plot, width
        self.words = words(width, plot.title, "")
        self.left = width_of(str(plot.rows - 1), SMALLEST) + GAP
        self.wide = min((width - self.left) / plot.columns, WIDEST)
        self.high = min(self.wide, TALLEST / plot.rows)
        counts = Counter(plot.states.values())
        self.key = [
            (state, lines_of(printable(f"{name}: {counts[state]}"), width - 12, SMALLEST))
            for state, name in plot.names.items()
            if counts[state]
        ]
        lines = sum(len(text) for _state, text in self.key)
        self.foot = (LEAD + 1) * lines + LEAD + 3
        self.height = self.words.height + plot.rows * self.high + self.foot

    def draw(self, canvas: Any) -> None:
        """Draw it with its lower left corner at the origin."""
        self.words.write(canvas, 0, self.height)
        empty = canvas.beginPath()
        for row in range(self.plot.rows):
            for column in range(self.plot.columns):
                x = self.left + column * self.wide
                y = self.foot + (self.plot.rows - 1 - row) * self.high
                edge = min(0.5, self.wide / 10)
                path = canvas.beginPath()
                state = self.plot.states.get((row, column))
                if state is None:
                    empty.rect(x + edge, y + edge, self.wide - 2 * edge, self.high - 2 * edge)
                    continue
                path.rect(x + edge, y + edge, self.wide - 2 * edge, self.high - 2 * edge)
                fill(canvas, path, tone_of(state, 0), (x, y, x + self.wide, y + self.high))
        stroke(canvas, empty, EMPTY, 0.25)
        self._count(canvas)
        top = self.foot - LEAD - 3
        for state, lines in self.key:
            swatch(canvas, 0, top - SMALLEST + 0.5, tone_of(state, 0))
            canvas.setFillColor(INK)
            for line in lines:
                write(canvas, 11, top - SMALLEST + 1, line)
                top -= LEAD + 1

    def _count(self, canvas: Any) -> None:
        """Numbers of rows and columns, as many as don't touch."""
        canvas.setFillColor(QUIET)
        columns = range(self.plot.columns)
        middles = [self.left + (n + 0.5) * self.wide for n in columns]
        every = sparse(middles, [width_of(str(n), SMALLEST) + 4 for n in columns])
        for n in columns[:: in_counts(every)]:
            write(canvas, middles[n], self.foot - SMALLEST - 1, str(n), anchor=0.5)
        for n in range(0, self.plot.rows, in_counts(math.ceil(LEAD / self.high))):
            y = self.foot + (self.plot.rows - n - 0.5) * self.high - SMALLEST * 0.36
            write(canvas, self.left - GAP, y, str(n), anchor=1.0)


def lay_out(plot: StateMap, width: float | None = None, whole: float = 500.0) -> States:
    """A map at a width, or at half of the whole."""
    return States(plot, whole / 2 - BESIDE if width is None else width)

"""Boxes of groups below each other, on paper."""

from __future__ import annotations

import math
from typing import Any

from mppcqa.charts.counted import Box, Boxes
from mppcqa.charts.paper.bars import FILL
from mppcqa.charts.paper.frame import (
    BESIDE,
    GAP,
    INK,
    LEAD,
    Frame,
    Reach,
    axis_words,
    below,
    label_x,
    reach_of,
    stroke,
    words,
)
from mppcqa.charts.paper.lettering import SMALLEST, lines_of, printable, width_of, within, write
from mppcqa.charts.paper.ticks import Ticks

BOX, BETWEEN = 7.0, 4.0
LINES = 3
"""Of a name; a longer one is shortened in its middle."""


class BoxRows:
    """Names at the left; of each a line from 5 to 95 %, a box from 25 to 75 %, and the median."""

    def __init__(self, plot: Boxes, width: float) -> None:
        self.plot, self.width = plot, width
        self.rows = [one for one in plot.rows if all(map(math.isfinite, _numbers(one)))]
        self.x = reach_of([value for one in self.rows for value in _numbers(one)])
        longest = max((width_of(printable(one.name), SMALLEST) for one in self.rows), default=0.0)
        self.left = min(longest + 6, width * 0.35)
        self.names = [
            within(printable(one.name), self.left - 5, SMALLEST, LINES) for one in self.rows
        ]
        self.xs = self.x.ticks(max(2, int((width - self.left) / 32)))
        self.words = words(width, plot.title, "")
        self.x_words = lines_of(axis_words(plot.x, self.xs), width, SMALLEST)
        self.heights = [max(len(lines) * LEAD, BOX) + BETWEEN for lines in self.names]
        self.foot = SMALLEST + GAP + len(self.x_words) * LEAD
        self.height = self.words.height + sum(self.heights) + 4 + self.foot

    def draw(self, canvas: Any) -> None:
        """Draw it with its lower left corner at the origin."""
        self.words.write(canvas, 0, self.height)
        high = sum(self.heights) + 4
        frame = Frame(
            self.left, self.foot, self.width - self.left - 9, high, self.x, Reach(0.0, 1.0)
        )
        frame.rules(canvas, self.xs, Ticks((), ())).draw(canvas)
        label_x(canvas, frame, self.xs, room=9)
        top = frame.top - 2
        for one, lines, height in zip(self.rows, self.names, self.heights, strict=True):
            middle = top - height / 2
            canvas.setFillColor(INK)
            y = middle + (len(lines) / 2 - 1) * LEAD + 2.2
            for text in lines:
                write(canvas, 0, y, text)
                y -= LEAD
            self._box(canvas, frame, one, middle)
            top -= height
        below(canvas, self.left, frame.bottom - SMALLEST - GAP, frame.width, self.x_words)

    def _box(self, canvas: Any, frame: Frame, one: Box, middle: float) -> None:
        ends = sorted(frame.at(value, 0.0)[0] for value in (one.q25, one.q75))
        path = canvas.beginPath()
        path.moveTo(frame.at(one.q05, 0.0)[0], middle)
        path.lineTo(frame.at(one.q95, 0.0)[0], middle)
        stroke(canvas, path, INK, 0.7)
        canvas.setFillColor(FILL)
        canvas.setStrokeColor(INK)
        canvas.setLineWidth(0.5)
        canvas.rect(ends[0], middle - BOX / 2, ends[1] - ends[0], BOX, stroke=1, fill=1)
        path = canvas.beginPath()
        x = frame.at(one.median, 0.0)[0]
        path.moveTo(x, middle - BOX / 2 - 1)
        path.lineTo(x, middle + BOX / 2 + 1)
        stroke(canvas, path, INK, 1.6)


def _numbers(one: Box) -> tuple[float, ...]:
    return one.q05, one.q25, one.median, one.q75, one.q95


def lay_out(plot: Boxes, width: float | None = None, whole: float = 500.0) -> BoxRows:
    """Boxes at a width, or over all of the whole."""
    return BoxRows(plot, whole - BESIDE if width is None else width)

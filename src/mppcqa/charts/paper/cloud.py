"""Points of two quantities, on paper: each group has a mark of its own."""

from __future__ import annotations

import math
from typing import Any

from mppcqa.charts.counted import Cloud
from mppcqa.charts.paper.frame import (
    BESIDE,
    GAP,
    INK,
    LEAD,
    Frame,
    axis_words,
    below,
    label_x,
    label_y,
    reach_of,
    room_left,
    words,
)
from mppcqa.charts.paper.lettering import SMALLEST, lines_of, printable, write
from mppcqa.charts.paper.marks import STYLES, draw_marks

SMALL, LARGE = 104.0, 210.0
"""Height of a cloud beside others, and of one over the whole line [points]."""
MARK = 1.2


class Points:
    """A cloud in a width."""

    def __init__(self, plot: Cloud, width: float, height: float) -> None:
        self.plot, self.width, self.high = plot, width, height
        self.groups = [
            (name, [one for one in points if all(map(math.isfinite, one))])
            for name, points in plot.groups
        ]
        there = [one for _name, points in self.groups for one in points] + list(plot.within)
        self.x, self.y = reach_of(x for x, _y in there), reach_of(y for _x, y in there)
        self.ys = self.y.ticks(6)
        left = room_left(self.ys)
        self.xs = self.x.ticks(max(2, int((width - left) / 28)))
        self.words = words(width, plot.title, axis_words(plot.y, self.ys))
        self.x_words = lines_of(axis_words(plot.x, self.xs), width, SMALLEST)
        self.key = self._key() if len(self.groups) > 1 else []
        self.foot = SMALLEST + GAP + LEAD * (len(self.x_words) + len(self.key))
        self.height = self.words.height + height + self.foot

    def _key(self) -> list[tuple[str, int | None]]:
        """Lines of the key, and the place of the group that begins there."""
        return [
            (line, place if n == 0 else None)
            for place, (name, _points) in enumerate(self.groups)
            for n, line in enumerate(lines_of(printable(name), self.width - 12, SMALLEST))
        ]

    def draw(self, canvas: Any) -> None:
        """Draw it with its lower left corner at the origin."""
        self.words.write(canvas, 0, self.height)
        left = room_left(self.ys)
        frame = Frame(left, self.foot, self.width - left - 9, self.high - 4, self.x, self.y)
        frame.rules(canvas, self.xs, self.ys).draw(canvas)
        label_x(canvas, frame, self.xs, room=9)
        label_y(canvas, frame, self.ys)
        canvas.saveState()
        frame.clip(canvas)
        for place, (_name, points) in enumerate(self.groups):
            style = STYLES[place % len(STYLES)]
            draw_marks(canvas, style, [frame.at(*one) for one in points], MARK)
        canvas.restoreState()
        top = frame.bottom - SMALLEST - GAP
        below(canvas, left, top, frame.width, self.x_words)
        top -= len(self.x_words) * LEAD
        for text, begins in self.key:
            top -= LEAD
            canvas.setFillColor(INK)
            write(canvas, 10, top + 2, text)
            if begins is not None:
                draw_marks(canvas, STYLES[begins % len(STYLES)], [(4, top + 4.4)], MARK * 1.6)


def lay_out(plot: Cloud, width: float | None = None, whole: float = 500.0) -> Points:
    """A cloud at a width; without one, the only one over all of the whole, else a third of it."""
    if width is None:
        part, height = (1 / 3, SMALL) if plot.within else (1.0, LARGE)
        return Points(plot, whole * part - BESIDE, height)
    return Points(plot, width, LARGE if width > whole / 2 else SMALL)

"""Histograms and spectra on paper."""

from __future__ import annotations

import math
from typing import Any

from reportlab.lib.colors import HexColor

from mppcqa.charts.paper.frame import (
    BESIDE,
    FIT,
    GAP,
    INK,
    LEAD,
    LIMIT,
    Frame,
    Reach,
    axis_words,
    below,
    label_x,
    label_y,
    reach_of,
    room_left,
    stroke,
    words,
)
from mppcqa.charts.paper.lettering import SMALLEST, lines_of
from mppcqa.charts.plots import Bars

FILL = HexColor("#b8cfe0")
HEIGHT = 104.0
ZERO = 0.5
"""Where no count is drawn on a logarithmic axis."""


class Histogram:
    """Bars, or steps on a logarithmic axis, in a width."""

    def __init__(self, plot: Bars, width: float) -> None:
        self.plot, self.width = plot, width
        edges = [one for one in plot.edges if math.isfinite(one)]
        more = [*plot.band.sides, *([] if plot.mark is None else [plot.mark])]
        span = max(edges) - min(edges) if edges else 0.0
        near = [one for one in more if edges and min(edges) - span <= one <= max(edges) + span]
        self.x = reach_of([*edges, *near], room=0.0)
        counts = [n for n in (*plot.counts, *(plot.fit or ())) if math.isfinite(n)]
        top = max(counts, default=0.0)
        self.y = Reach(ZERO, max(top, 1.0) * 1.5, True) if plot.y.log else Reach(0, top * 1.06 or 1)
        self.ys = self.y.ticks(6)
        left = room_left(self.ys)
        self.xs = self.x.ticks(max(2, int((width - left) / 24)))
        self.words = words(width, plot.title, axis_words(plot.y, self.ys))
        self.x_words = lines_of(axis_words(plot.x, self.xs), width, SMALLEST)
        self.foot = SMALLEST + GAP + len(self.x_words) * LEAD
        self.height = self.words.height + HEIGHT + self.foot

    def draw(self, canvas: Any) -> None:
        """Draw it with its lower left corner at the origin."""
        self.words.write(canvas, 0, self.height)
        left = room_left(self.ys)
        frame = Frame(left, self.foot, self.width - left - 9, HEIGHT - 4, self.x, self.y)
        frame.rules(canvas, self.xs, self.ys).draw(canvas)
        label_x(canvas, frame, self.xs, room=9)
        label_y(canvas, frame, self.ys)
        canvas.saveState()
        frame.clip(canvas)
        outline = self._steps(canvas, frame, list(self.plot.counts))
        if not self.plot.y.log:
            canvas.setFillColor(FILL)
            canvas.drawPath(outline, stroke=0, fill=1)
        stroke(canvas, self._steps(canvas, frame, list(self.plot.counts)), INK, 0.5)
        if self.plot.fit is not None:
            stroke(canvas, self._curve(canvas, frame, list(self.plot.fit)), FIT, 0.9)
        path = canvas.beginPath()
        for side in self.plot.band.sides:
            x = frame.at(side, self.y.low)[0]
            path.moveTo(x, frame.bottom)
            path.lineTo(x, frame.top)
        stroke(canvas, path, LIMIT, 0.9, (2, 1.6))
        if self.plot.mark is not None:
            path = canvas.beginPath()
            x = frame.at(self.plot.mark, self.y.low)[0]
            path.moveTo(x, frame.bottom)
            path.lineTo(x, frame.top)
            stroke(canvas, path, INK, 1.6)
        canvas.restoreState()
        below(canvas, left, frame.bottom - SMALLEST - GAP, frame.width, self.x_words)

    def _count(self, n: float) -> float:
        if not math.isfinite(n):
            n = 0.0
        return max(n, ZERO) if self.plot.y.log else n

    def _steps(self, canvas: Any, frame: Frame, counts: list[float]) -> Any:
        """The outline of the bars, from the ground back to it."""
        path = canvas.beginPath()
        path.moveTo(*frame.at(self.plot.edges[0], self.y.low))
        for (low, high, _n), n in zip(self.plot.bins(), counts, strict=True):
            path.lineTo(*frame.at(low, self._count(n)))
            path.lineTo(*frame.at(high, self._count(n)))
        path.lineTo(*frame.at(self.plot.edges[-1], self.y.low))
        return path

    def _curve(self, canvas: Any, frame: Frame, counts: list[float]) -> Any:
        path = canvas.beginPath()
        for n, ((low, high, _n), count) in enumerate(zip(self.plot.bins(), counts, strict=True)):
            place = frame.at((low + high) / 2, self._count(count))
            (path.lineTo if n else path.moveTo)(*place)
        return path


def lay_out(plot: Bars, width: float | None = None, whole: float = 500.0) -> Histogram:
    """A histogram at a width, or at the part of the whole that it wants."""
    part = 1 / 2 if plot.y.log else 1 / 3
    return Histogram(plot, whole * part - BESIDE if width is None else width)

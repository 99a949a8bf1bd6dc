"""Lines, error bars and marks of series on paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reportlab.lib.colors import HexColor

from mppcqa.charts.paper.frame import FIT, Frame, stroke
from mppcqa.charts.plots import Curves, Series

Style = tuple[Any, tuple[float, ...], str]
STYLES: tuple[Style, ...] = (
    (HexColor("#00507f"), (), "disc"),
    (HexColor("#a33f00"), (3, 1.5), "square"),
    (HexColor("#00694e"), (1, 1.2), "triangle"),
    (HexColor("#3d4451"), (5, 1.5, 1, 1.5), "diamond"),
    (HexColor("#7a3e69"), (6, 2), "ring"),
    (HexColor("#2b7fa8"), (2, 2), "cross"),
)
"""Colour, dash and mark of a group; dark enough on white, and different without the colour."""
BACKGROUND = HexColor("#c3c9d1")
LINES = ("disc", "ring", "cross")
"""Marks that are drawn as lines."""


def all_lines(canvas: Any, frame: Frame, plot: Curves) -> Any:
    """The path of all lines of a plot, to be drawn faintly behind one of them."""
    path = canvas.beginPath()
    for one in plot.series:
        for n, (x, y, _e) in enumerate(one.points()):
            (path.lineTo if n else path.moveTo)(*frame.at(x, y))
    return path


def draw_faint(canvas: Any, frame: Frame, path: Any) -> None:
    """Draw a path behind others."""
    canvas.saveState()
    frame.clip(canvas)
    stroke(canvas, path, BACKGROUND, 0.4)
    canvas.restoreState()


def draw_series(
    canvas: Any,
    frame: Frame,
    one: Series,
    style: Style,
    size: float = 1.5,
) -> None:
    """Line, error bars and marks of a series."""
    colour, dash, _mark = style
    points = [(*frame.at(x, y), y, e) for x, y, e in one.points()]
    canvas.saveState()
    frame.clip(canvas)
    line, bars = canvas.beginPath(), canvas.beginPath()
    for n, (x, at, y, e) in enumerate(points):
        (line.lineTo if n else line.moveTo)(x, at)
        if e > 0:
            low, high = (frame.at(frame.x.low, end)[1] for end in (y - e, y + e))
            bars.moveTo(x, max(low, frame.bottom - 2))
            bars.lineTo(x, min(high, frame.top + 2))
    if len(points) > 1:
        stroke(canvas, line, colour, 0.6, dash)
    stroke(canvas, bars, colour, 0.7)
    bounds = one.bounds()
    places = [(x, at) for x, at, _y, _e in points]
    draw_marks(canvas, style, [p for p, b in zip(places, bounds, strict=True) if not b], size)
    arrows = canvas.beginPath()
    for (x, at), bound in zip(places, bounds, strict=True):
        if bound:
            add_arrow(arrows, x, at, -bound)
    if any(bounds):
        stroke(canvas, arrows, colour, 0.7)
    canvas.restoreState()


def draw_marks(
    canvas: Any, style: Style, places: Sequence[tuple[float, float]], size: float
) -> None:
    """Marks at places of the paper."""
    colour, _dash, mark = style
    canvas.saveState()
    canvas.setFillColor(colour)
    canvas.setStrokeColor(colour)
    canvas.setLineWidth(0.6)
    path = canvas.beginPath()
    for x, y in places:
        add_mark(path, mark, x, y, size)
    if mark == "disc":
        # A line of no length with round ends: a dot, of a tenth of the numbers of a circle.
        canvas.setLineCap(1)
        canvas.setLineWidth(2 * size)
    lines = mark in LINES
    canvas.drawPath(path, stroke=int(lines), fill=int(not lines))
    canvas.restoreState()


def add_arrow(path: Any, x: float, y: float, up: int) -> None:
    """Add what a limit is drawn as: a bar, and an arrow to the side on which the value lies."""
    path.moveTo(x - 2.2, y)
    path.lineTo(x + 2.2, y)
    path.moveTo(x, y)
    path.lineTo(x, y + 6 * up)
    path.moveTo(x - 1.5, y + 4 * up)
    path.lineTo(x, y + 6 * up)
    path.lineTo(x + 1.5, y + 4 * up)


def add_mark(path: Any, mark: str, x: float, y: float, size: float) -> None:
    """Add a mark around a place to a path."""
    if mark == "disc":
        path.moveTo(x, y)
        path.lineTo(x, y)
    elif mark == "ring":
        path.circle(x, y, size)
    elif mark == "square":
        path.rect(x - size * 0.9, y - size * 0.9, size * 1.8, size * 1.8)
    elif mark == "cross":
        for sign in (-1, 1):
            path.moveTo(x - size, y - sign * size)
            path.lineTo(x + size, y + sign * size)
    else:
        corners = (
            ((0, 1.3), (1.2, -0.8), (-1.2, -0.8))
            if mark == "triangle"
            else ((0, 1.4), (1.4, 0), (0, -1.4), (-1.4, 0))
        )
        path.moveTo(x + corners[0][0] * size, y + corners[0][1] * size)
        for right, up in corners[1:]:
            path.lineTo(x + right * size, y + up * size)
        path.close()


def sample(canvas: Any, x: float, y: float, style: Style) -> None:
    """A piece of line with its mark, for a key."""
    colour, dash, _mark = style
    path = canvas.beginPath()
    path.moveTo(x, y)
    path.lineTo(x + 13, y)
    stroke(canvas, path, colour, 0.6, dash)
    draw_marks(canvas, style, [(x + 6.5, y)], 1.5)


def draw_fit(canvas: Any, frame: Frame, plot: Curves) -> None:
    """The fitted line of a plot."""
    ends = plot.fitted()
    if not ends:
        return
    canvas.saveState()
    frame.clip(canvas)
    path = canvas.beginPath()
    path.moveTo(*frame.at(*ends[0]))
    path.lineTo(*frame.at(*ends[1]))
    stroke(canvas, path, FIT, 0.9, (4, 2))
    canvas.restoreState()

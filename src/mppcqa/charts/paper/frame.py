"""The frame of a chart on paper: scales, ticks, grid, titles, limits."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from reportlab.lib.colors import HexColor

from mppcqa.charts.paper.lettering import BOLD, SMALLEST, lines_of, printable, width_of, write
from mppcqa.charts.paper.ticks import Ticks, linear, logarithmic
from mppcqa.charts.plots import Scale

INK, QUIET, FAINT = HexColor("#1d2733"), HexColor("#66707d"), HexColor("#d8dde3")
LIMIT, FIT = HexColor("#b3261e"), HexColor("#b3261e")
LEAD = 8.6
"""From one line of small type to the next [points]."""
GAP = 3.0
BESIDE = 8.0
"""Room between charts that stand beside each other [points]."""


@dataclass(frozen=True)
class Reach:
    """From where to where an axis goes, and how."""

    low: float
    high: float
    log: bool = False

    def part(self, value: float) -> float:
        """Where a value lies: 0 at the low end, 1 at the high one."""
        if self.log:
            value = max(value, self.low / 10)
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self, most: int) -> Ticks:
        """Round values inside."""
        make = logarithmic if self.log else linear
        return make(self.low, self.high, most)


def reach_of(values: Iterable[float], *, log: bool = False, room: float = 0.06) -> Reach:
    """An axis that holds all values with a little room; of none and of one alike as well."""
    finite = [one for one in values if math.isfinite(one) and (one > 0 or not log)]
    if not finite:
        return Reach(1.0, 10.0, log) if log else Reach(0.0, 1.0)
    low, high = min(finite), max(finite)
    if log:
        wide = max((high / low) ** room, 1.3)
        return Reach(low / wide, high * wide, True)
    # Digits end sixteen places below a value: what differs by less is alike.
    span = high - low
    if span <= 1e-9 * max(abs(low), abs(high)):
        span = abs(high) * 0.02 or 1.0
        return Reach(low - span, high + span)
    return Reach(low - room * span, high + room * span)


@dataclass(frozen=True)
class Rules:
    """The lines of a frame."""

    grid: Any
    border: Any

    def draw(self, canvas: Any) -> None:
        """Draw them, faintly."""
        stroke(canvas, self.grid, FAINT, 0.4)
        stroke(canvas, self.border, QUIET, 0.5)


@dataclass(frozen=True)
class Frame:
    """A rectangle on paper [points] and the scales of its two axes."""

    left: float
    bottom: float
    width: float
    height: float
    x: Reach
    y: Reach

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a pair of values lies on paper."""
        return self.left + self.x.part(x) * self.width, self.bottom + self.y.part(y) * self.height

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def top(self) -> float:
        return self.bottom + self.height

    def clip(self, canvas: Any) -> None:
        """Let nothing be drawn outside, but for half a mark."""
        path = canvas.beginPath()
        path.rect(self.left - 2, self.bottom - 2, self.width + 4, self.height + 4)
        canvas.clipPath(path, stroke=0, fill=0)

    def rules(self, canvas: Any, xs: Ticks, ys: Ticks) -> Rules:
        """Lines at the ticks and a border at the left and below, to be drawn once or often."""
        grid, border = canvas.beginPath(), canvas.beginPath()
        for value in xs.values:
            x = self.at(value, self.y.low)[0]
            grid.moveTo(x, self.bottom)
            grid.lineTo(x, self.top)
        for value in ys.values:
            y = self.at(self.x.low, value)[1]
            grid.moveTo(self.left, y)
            grid.lineTo(self.right, y)
        border.moveTo(self.left, self.top)
        border.lineTo(self.left, self.bottom)
        border.lineTo(self.right, self.bottom)
        return Rules(grid, border)

    def limits(self, canvas: Any, sides: Sequence[tuple[float, float | None]]) -> None:
        """Level lines at the limits; short ones where they hold at one place alone."""
        level, short = canvas.beginPath(), canvas.beginPath()
        for side, at in sides:
            if not self.y.low <= side <= self.y.high:
                continue
            x, y = self.at(self.x.low if at is None else at, side)
            path, ends = (level, (x, self.right)) if at is None else (short, (x - 4, x + 4))
            path.moveTo(ends[0], y)
            path.lineTo(ends[1], y)
        stroke(canvas, level, LIMIT, 0.9, (2, 1.6))
        stroke(canvas, short, LIMIT, 1.3)


def stroke(canvas: Any, path: Any, colour: Any, width: float, dash: Sequence[float] = ()) -> None:
    """Draw a path's lines."""
    canvas.saveState()
    canvas.setStrokeColor(colour)
    canvas.setLineWidth(width)
    canvas.setLineJoin(1)
    if dash:
        canvas.setDash(*[list(dash)])
    canvas.drawPath(path, stroke=1, fill=0)
    canvas.restoreState()


def label_x(canvas: Any, frame: Frame, ticks: Ticks, *, room: float = 0.0) -> None:
    """Labels below; those that would touch the one before are left out, evenly.

    A label at an end of the axis stands out by `room` at most, and is moved inward for the rest.
    """
    widths = [width_of(one, SMALLEST) for one in ticks.labels]
    places = []
    for value, width in zip(ticks.values, widths, strict=True):
        x, half = frame.at(value, frame.y.low)[0], width / 2
        places.append(min(max(x, frame.left - room + half), frame.right + room - half))
    every = sparse(places, [width + 4 for width in widths])
    canvas.setFillColor(INK)
    for n in range(0, len(places), every):
        write(canvas, places[n], frame.bottom - SMALLEST - 1.5, ticks.labels[n], anchor=0.5)


def sparse(places: Sequence[float], widths: Sequence[float]) -> int:
    """Each how manieth label to write so that none touches the next."""
    for every in range(1, len(places) + 1):
        chosen = range(0, len(places), every)
        pairs = itertools.pairwise(chosen)
        if all(places[b] - places[a] >= (widths[a] + widths[b]) / 2 for a, b in pairs):
            return every
    return max(len(places), 1)


def label_y(canvas: Any, frame: Frame, ticks: Ticks) -> None:
    """Labels at the left."""
    canvas.setFillColor(INK)
    for value, label in zip(ticks.values, ticks.labels, strict=True):
        y = frame.at(frame.x.low, value)[1] - SMALLEST * 0.36
        write(canvas, frame.left - GAP, y, label, anchor=1.0)


def room_left(ticks: Ticks) -> float:
    """What the labels at the left of a frame take [points]."""
    return max((width_of(label, SMALLEST) for label in ticks.labels), default=0.0) + GAP + 1


@dataclass(frozen=True)
class Words:
    """The title of a chart and that of its level axis, above it in lines that fit."""

    title: tuple[str, ...]
    axis: tuple[str, ...]

    @property
    def height(self) -> float:
        """What they take [points]."""
        return len(self.title) * 9.6 + len(self.axis) * LEAD + (3 if self.title or self.axis else 0)

    def write(self, canvas: Any, x: float, top: float) -> None:
        """Write them downward from the top."""
        canvas.setFillColor(INK)
        for line in self.title:
            top -= 9.6
            write(canvas, x, top + 2, line, 7.5, font=BOLD)
        canvas.setFillColor(QUIET)
        for line in self.axis:
            top -= LEAD
            write(canvas, x, top + 2, line)


def words(width: float, title: str, axis: str) -> Words:
    """Title and axis title, broken into a width."""
    return Words(
        tuple(lines_of(printable(title), width, 7.5, BOLD)),
        tuple(lines_of(printable(axis), width, SMALLEST)),
    )


def axis_words(scale: Scale, ticks: Ticks) -> str:
    """The title of an axis with its unit and the power of ten of its labels."""
    return printable(ticks.title(scale.title, scale.unit))


def below(canvas: Any, x: float, top: float, width: float, text: Sequence[str]) -> None:
    """The title of the lower axis, in the middle below it."""
    canvas.setFillColor(QUIET)
    for line in text:
        top -= LEAD
        write(canvas, x + width / 2, top + 2, line, anchor=0.5)

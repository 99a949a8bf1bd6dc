"""Values over days on paper: yields by week, control charts."""

from __future__ import annotations

import datetime as dt
from typing import Any

from mppcqa.charts.counted import Course
from mppcqa.charts.paper.frame import (
    BESIDE,
    GAP,
    INK,
    LEAD,
    LIMIT,
    Frame,
    Reach,
    axis_words,
    label_x,
    label_y,
    reach_of,
    room_left,
    stroke,
    words,
)
from mppcqa.charts.paper.lettering import SMALLEST, lines_of, printable, width_of, write
from mppcqa.charts.paper.marks import STYLES, draw_marks, sample
from mppcqa.charts.paper.ticks import Ticks

HEIGHT = 108.0
STEPS = (1, 2, 7, 14, 28, 56, 91, 182, 364, 728, 1820, 3640)
"""Days between labels."""
DATE = 48.0
"""Room for a date [points]."""


def days(low: float, high: float, most: int) -> Ticks:
    """Days inside [low, high] (ordinals), from a Monday on, at most so many."""
    step = next((one for one in STEPS if (high - low) / one <= most), STEPS[-1])
    first = int(low) - (int(low) - 1) % 7 if step >= 7 else int(low)  # ordinal 1 was a Monday
    values = [n for n in range(first, int(high) + 1, step) if n >= low]
    labels = tuple(dt.date.fromordinal(n).isoformat() for n in values)
    return Ticks(tuple(float(n) for n in values), labels)


class Over:
    """A course in a width."""

    def __init__(self, plot: Course, width: float) -> None:
        self.plot, self.width = plot, width
        self.lines = [(one.name, one.there()) for one in plot.lines]
        moments = [one for _name, there in self.lines for one in there]
        at = [one.day.toordinal() for one in moments] or [dt.date(2001, 1, 1).toordinal()]
        room = max(3.0, 0.03 * (max(at) - min(at)))
        self.x = Reach(min(at) - room, max(at) + room)
        levels = [value for _name, value in plot.levels]
        found = reach_of([value for one in moments for value in one.known()] + levels)
        top = max([plot.top, *(one.value for one in moments)]) if moments else plot.top
        self.y = Reach(found.low, min(found.high, top)) if top > found.low else found
        self.ys = self.y.ticks(6)
        left = room_left(self.ys)
        self.named = [(printable(name), value) for name, value in plot.levels]
        longest = max((width_of(name, SMALLEST) for name, _value in self.named), default=0.0)
        self.right = min(longest + 6, width * 0.3) if self.named else 6.0
        self.xs = days(self.x.low, self.x.high, max(1, int((width - left - self.right) / DATE)))
        self.words = words(width, plot.title, axis_words(plot.y, self.ys))
        self.key = self._key() if len(self.lines) > 1 else []
        self.foot = SMALLEST + GAP + LEAD * len(self.key)
        self.height = self.words.height + HEIGHT + self.foot

    def _key(self) -> list[tuple[str, int | None]]:
        """Lines of the key, and the place of the series that begins there."""
        return [
            (line, place if n == 0 else None)
            for place, (name, _there) in enumerate(self.lines)
            for n, line in enumerate(lines_of(printable(name), self.width - 18, SMALLEST))
        ]

    def draw(self, canvas: Any) -> None:
        """Draw it with its lower left corner at the origin."""
        self.words.write(canvas, 0, self.height)
        left = room_left(self.ys)
        frame = Frame(left, self.foot, self.width - left - self.right, HEIGHT - 4, self.x, self.y)
        frame.rules(canvas, self.xs, self.ys).draw(canvas)
        label_x(canvas, frame, self.xs, room=self.right)
        label_y(canvas, frame, self.ys)
        self._levels(canvas, frame)
        for place, (_name, there) in enumerate(self.lines):
            # Beside each other, or the interval of one hides that of the other.
            shift = 1.6 * (place - (len(self.lines) - 1) / 2)
            self._line(canvas, frame, place, there, shift)
        top = self.foot - SMALLEST - GAP
        for text, begins in self.key:
            top -= LEAD
            canvas.setFillColor(INK)
            write(canvas, 18, top + 2, text)
            if begins is not None:
                sample(canvas, 0, top + 4.4, STYLES[begins % len(STYLES)])

    def _line(self, canvas: Any, frame: Frame, place: int, there: list[Any], shift: float) -> None:
        style = STYLES[place % len(STYLES)]
        line, bars = canvas.beginPath(), canvas.beginPath()
        places = []
        for n, one in enumerate(there):
            x, y = frame.at(one.day.toordinal(), one.value)
            places.append((x + shift, y))
            (line.lineTo if n else line.moveTo)(x + shift, y)
            if one.low == one.low and one.high == one.high:
                ends = [
                    frame.at(self.x.low, max(end, self.y.low))[1] for end in (one.low, one.high)
                ]
                bars.moveTo(x + shift, ends[0])
                bars.lineTo(x + shift, min(ends[1], frame.top))
        canvas.saveState()
        frame.clip(canvas)
        if len(there) > 1 and self.plot.joined:
            stroke(canvas, line, style[0], 0.6, style[1])
        stroke(canvas, bars, style[0], 0.7)
        draw_marks(canvas, style, places, 1.7)
        canvas.restoreState()

    def _levels(self, canvas: Any, frame: Frame) -> None:
        path = canvas.beginPath()
        ceiling = frame.top + LEAD
        for name, value in sorted(self.named, key=lambda pair: -pair[1]):
            y = frame.at(self.x.low, value)[1]
            path.moveTo(frame.left, y)
            path.lineTo(frame.right, y)
            height = min(y - SMALLEST * 0.36, ceiling - LEAD)
            ceiling = height
            canvas.setFillColor(LIMIT)
            write(canvas, frame.right + 4, height, name)
        stroke(canvas, path, LIMIT, 0.8, (2, 1.6))


def lay_out(plot: Course, width: float | None = None, whole: float = 500.0) -> Over:
    """A course at a width, or over all of the whole."""
    return Over(plot, whole - BESIDE if width is None else width)

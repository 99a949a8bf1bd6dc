"""Pies and ranked bars on paper."""

from __future__ import annotations

import itertools
import math
from typing import Any

from mppcqa import digits
from mppcqa.charts.counted import Ranked, Shares
from mppcqa.charts.paper.frame import BESIDE, INK, LEAD, QUIET, words
from mppcqa.charts.paper.lettering import SMALLEST, printable, width_of, within, write
from mppcqa.charts.paper.tones import fill, swatch, tone_of

RADIUS = 38.0
SLICES = 7
KEY = 11.0
"""From the left edge of a key's swatch to its text [points]."""
LINES = 3
"""Of a name in a chart; a longer one is shortened in its middle."""
BAR, BETWEEN = 8.0, 4.0


def percent(n: float, whole: float) -> str:
    """A part of a whole, so that only all of it is 100 % and only nothing 0 %."""
    if whole <= 0:
        return ""
    share = 100 * n / whole
    if 0 < share < 0.1:
        return "< 0.1 %"
    if share < 100:
        share = min(share, 99.9)
    return f"{share:.1f} %" if share < 99.95 and share > 0 else f"{share:.0f} %"


def number(n: float) -> str:
    """A count without an exponent; what is none to five digits."""
    return str(int(n)) if math.isfinite(n) and n == int(n) else digits.number(n)


class Pie:
    """A pie with its key at the right: name, number and share of each slice."""

    def __init__(self, plot: Shares, width: float) -> None:
        self.plot, self.width = plot, width
        self.slices = plot.slices(SLICES)
        self.whole = sum(one.n for one in self.slices)
        self.words = words(width, plot.title, "")
        room = width - 2 * RADIUS - 12 - KEY
        texts = (
            f"{one.name}: {number(one.n)} ({percent(one.n, self.whole)})" for one in self.slices
        )
        self.key = [within(printable(text), room, SMALLEST, LINES) for text in texts]
        high = sum(len(lines) for lines in self.key) * LEAD + 2 * len(self.key)
        self.height = self.words.height + max(2 * RADIUS + 4, high + 2)

    def draw(self, canvas: Any) -> None:
        """Draw it with its lower left corner at the origin, clockwise from the top."""
        self.words.write(canvas, 0, self.height)
        top = self.height - self.words.height
        x, y = RADIUS + 1, top - RADIUS - 2
        box = (x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS)
        angle = 90.0
        for place, one in enumerate(self.slices):
            extent = 360.0 * one.n / self.whole
            path = canvas.beginPath()
            if extent > 359.99:
                path.circle(x, y, RADIUS)
            else:
                path.moveTo(x, y)
                path.arcTo(*box, startAng=angle, extent=-extent)
                path.close()
            fill(canvas, path, tone_of(one.state, place), box)
            angle -= extent
        if not self.slices:
            canvas.setStrokeColor(QUIET)
            canvas.circle(x, y, RADIUS, stroke=1, fill=0)
        left, down = 2 * RADIUS + 12, top - 2
        for place, (one, lines) in enumerate(zip(self.slices, self.key, strict=True)):
            swatch(canvas, left, down - SMALLEST + 0.5, tone_of(one.state, place))
            canvas.setFillColor(INK)
            for line in lines:
                write(canvas, left + KEY, down - SMALLEST + 1, line)
                down -= LEAD
            down -= 2


class RankedBars:
    """Bars below each other: names at the left, numbers at their ends, kinds in a key above."""

    def __init__(self, plot: Ranked, width: float) -> None:
        self.plot, self.width = plot, width
        self.words = words(width, plot.title, "")
        self.totals = [sum(n for n in ns if math.isfinite(n)) for _name, ns in plot.rows]
        # What nothing is known of is the blank end of a bar, and not counted in its number.
        known = [state != "none" for state, _name in plot.kinds]
        counted = [
            sum(n for n, told in zip(ns, known, strict=True) if told and math.isfinite(n))
            for _name, ns in plot.rows
        ]
        whole = max([plot.whole, *self.totals])
        self.texts = [self._text(total) for total in counted]
        right = max((width_of(text, SMALLEST) for text in self.texts), default=0.0) + 6
        longest = max((width_of(printable(name), SMALLEST) for name, _ns in plot.rows), default=0.0)
        self.left = min(longest + 6, width * 0.4)
        self.names = [
            within(printable(name), self.left - 5, SMALLEST, LINES) for name, _ns in plot.rows
        ]
        self.scale = (width - self.left - right) / whole if whole > 0 else 0.0
        self.key = self._key() if len(plot.kinds) > 1 else []
        self.heights = [max(len(lines) * LEAD, BAR) + BETWEEN for lines in self.names]
        self.height = self.words.height + len(self.key) * (LEAD + 2) + sum(self.heights) + 2

    def _text(self, total: float) -> str:
        share = f" ({percent(total, self.plot.whole)})" if self.plot.whole > 0 else ""
        return f"{number(total)}{share}"

    def _key(self) -> list[list[tuple[float, str, str]]]:
        """Lines of (place, state, name)."""
        lines: list[list[tuple[float, str, str]]] = [[]]
        x = 0.0
        for state, name in self.plot.kinds:
            # At most a line of its own, shortened in its middle as names are.
            text = "".join(within(printable(name), self.width - KEY, SMALLEST, 1)[:1])
            wide = KEY + width_of(text, SMALLEST) + 12
            if lines[-1] and x + wide > self.width:
                lines.append([])
                x = 0.0
            lines[-1].append((x, state, text))
            x += wide
        return lines

    def draw(self, canvas: Any) -> None:
        """Draw it with its lower left corner at the origin."""
        self.words.write(canvas, 0, self.height)
        top = self.height - self.words.height
        places = {state: n for n, (state, _name) in enumerate(self.plot.kinds)}
        for line in self.key:
            for x, state, name in line:
                swatch(canvas, x, top - SMALLEST + 0.5, tone_of(state, places[state]))
                canvas.setFillColor(INK)
                write(canvas, x + KEY, top - SMALLEST + 1, name)
            top -= LEAD + 2
        for row, (_name, ns) in enumerate(self.plot.rows):
            middle = top - self.heights[row] / 2
            canvas.setFillColor(INK)
            lines = self.names[row]
            y = middle + (len(lines) / 2 - 1) * LEAD + 2.2
            for text in lines:
                write(canvas, 0, y, text)
                y -= LEAD
            end = self._bar(canvas, middle, ns)
            canvas.setFillColor(INK)
            write(canvas, end + 4, middle - SMALLEST * 0.36, self.texts[row])
            top -= self.heights[row]

    def _bar(self, canvas: Any, middle: float, ns: tuple[float, ...]) -> float:
        edges = [0.0, *itertools.accumulate(n if math.isfinite(n) else 0.0 for n in ns)]
        for place, (low, high) in enumerate(itertools.pairwise(edges)):
            if high <= low:
                continue
            left, right = (self.left + one * self.scale for one in (low, high))
            box = (left, middle - BAR / 2, right, middle + BAR / 2)
            path = canvas.beginPath()
            path.rect(left, box[1], right - left, BAR)
            fill(canvas, path, tone_of(self.plot.kinds[place][0], place), box)
        return self.left + edges[-1] * self.scale


def lay_out_pie(plot: Shares, width: float | None = None, whole: float = 500.0) -> Pie:
    """A pie at a width, or at half of the whole."""
    return Pie(plot, whole / 2 - BESIDE if width is None else width)


def lay_out_bars(plot: Ranked, width: float | None = None, whole: float = 500.0) -> RankedBars:
    """Bars at a width, or over all of the whole."""
    return RankedBars(plot, whole - BESIDE if width is None else width)

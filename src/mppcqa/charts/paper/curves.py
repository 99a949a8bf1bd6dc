"""Values with error bars over an axis, on paper.

A few series share one panel, each named at its end, with a dash and a mark of its own, so that no
colour is needed to tell them apart. More get small panels, one for each thing that they are of (a
channel), all on the same axes and each before the faint lines of all others. Far more than fit on
paper are drawn faint together, the outermost ones strong and named.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mppcqa.charts.paper.frame import (
    BESIDE,
    GAP,
    INK,
    LEAD,
    LIMIT,
    Frame,
    Reach,
    Words,
    axis_words,
    below,
    label_x,
    label_y,
    reach_of,
    room_left,
    stroke,
    words,
)
from mppcqa.charts.paper.lettering import SMALLEST, lines_of, printable, width_of, write
from mppcqa.charts.paper.marks import (
    BACKGROUND,
    STYLES,
    Style,
    all_lines,
    draw_faint,
    draw_fit,
    draw_series,
    sample,
)
from mppcqa.charts.plots import Curves, Series

TOGETHER = 4
"""Series that one panel holds."""
PANELS = 32
PANEL_HEIGHT = 40.0
NARROWEST = 58.0
"""Width of a small panel [points]."""
BETWEEN = 9.0
"""Room between small panels, of which labels at the ends of their axes take two thirds."""
HIDDEN = 2.5
"""Lines that lie this close to each other [points] on the whole can't be followed."""
HEIGHT = 104.0
OUTERMOST = 3


@dataclass(frozen=True)
class Groups:
    """Series by what they are of, and the groups' names in their order."""

    of: dict[str, list[Series]]
    names: tuple[str, ...]

    def style(self, one: Series) -> Style:
        """How a series is drawn."""
        return STYLES[self.names.index(one.group) % len(STYLES)]


def groups(plot: Curves) -> Groups:
    """The series of a plot that have points."""
    of: dict[str, list[Series]] = {}
    there = [one for one in plot.series if one.points()]
    for one in there:
        of.setdefault(one.of or one.name, []).append(one)
    return Groups(of, tuple(dict.fromkeys(one.group for one in there)))


def reach_y(plot: Curves) -> Reach:
    """Of values, error bars and limits; what is far from all values does not shrink them."""
    points = [point for one in plot.series for point in one.points()]
    values = [y for _x, y, _e in points]
    sides = [side for side, _at in plot.sides()]
    if not values:
        return reach_of(sides, log=plot.y.log)
    low, high = min(values), max(values)
    room = max((high - low) * 1.5, max(abs(low), abs(high)) * 1e-6)
    more = [y + sign * e for _x, y, e in points for sign in (-1, 1)]
    more += sides + [y for _x, y in plot.fitted()]
    near = [one for one in more if low - room <= one <= high + room]
    clipped = [max(min(one, high + room), low - room) for one in more if one not in sides]
    return reach_of([*values, *near, *clipped], log=plot.y.log)


class Panel:
    """Several series in one frame."""

    def __init__(self, plot: Curves, found: Groups, width: float) -> None:
        self.plot, self.found, self.width = plot, found, width
        xs = [x for one in plot.series for x, _y, _e in one.points()]
        xs += [x for x, _y in plot.fitted()]
        self.x, self.y = reach_of(xs, log=plot.x.log), reach_y(plot)
        self.ys = self.y.ticks(6)
        self.words = words(width, plot.title, axis_words(plot.y, self.ys))
        self.names = _ends(found)
        longest = max((width_of(name, SMALLEST) for name, _one in self.names), default=0.0)
        self.named = longest <= width * 0.3
        # Long names stand in a key below instead, each beside its line and mark.
        self.right = longest + 5 if self.names and self.named else 4.0
        left = room_left(self.ys)
        self.xs = self.x.ticks(max(2, int((width - left - self.right) / 24)))
        self.x_words = lines_of(axis_words(plot.x, self.xs), width, SMALLEST)
        self.key = [] if self.named else _key(self.names, width)
        self.beyond = _beyond(plot, self.y)
        self.foot = SMALLEST + GAP + len(self.x_words) * LEAD + len(self.key) * LEAD
        self.foot += LEAD * len(self.beyond)
        self.height = self.words.height + HEIGHT + self.foot

    def draw(self, canvas: Any) -> None:
        """Draw it with its lower left corner at the origin."""
        self.words.write(canvas, 0, self.height)
        left = room_left(self.ys)
        frame = Frame(left, self.foot, self.width - left - self.right, HEIGHT - 4, self.x, self.y)
        frame.rules(canvas, self.xs, self.ys).draw(canvas)
        label_x(canvas, frame, self.xs, room=3)
        label_y(canvas, frame, self.ys)
        frame.limits(canvas, self.plot.sides())
        for one in (one for own in self.found.of.values() for one in own):
            style = self._style(one)
            draw_series(canvas, frame, one, style)
        draw_fit(canvas, frame, self.plot)
        if self.named:
            self._name_ends(canvas, frame)
        top = frame.bottom - SMALLEST - GAP
        below(canvas, left, top, frame.width, self.x_words)
        top -= len(self.x_words) * LEAD
        canvas.setFillColor(LIMIT)
        for text in self.beyond:
            top -= LEAD
            write(canvas, 0, top + 2, text)
        for line in self.key:
            top -= LEAD
            canvas.setFillColor(INK)
            write(canvas, 16, top + 2, line.text)
            if line.begins is not None:
                sample(canvas, 0, top + 4.4, self._style(line.begins))

    def _style(self, one: Series) -> Style:
        order = [series for own in self.found.of.values() for series in own]
        return STYLES[order.index(one) % len(STYLES)]

    def _name_ends(self, canvas: Any, frame: Frame) -> None:
        places = [frame.at(*one.points()[-1][:2]) for _name, one in self.names]
        heights = spread([y for _x, y in places], LEAD - 0.8, frame.bottom, frame.top)
        for (name, one), (x, y), height in zip(self.names, places, heights, strict=True):
            colour = self._style(one)[0]
            if abs(height - y) > 1.5 or frame.right - x > 6:
                path = canvas.beginPath()
                path.moveTo(x + 2, y)
                path.lineTo(frame.right + 2, height)
                stroke(canvas, path, BACKGROUND, 0.4)
            canvas.setFillColor(colour)
            write(canvas, frame.right + 4, height - SMALLEST * 0.36, name)


@dataclass(frozen=True)
class KeyLine:
    """A line of a key; the first of a name has the line and mark of its series beside it."""

    text: str
    begins: Series | None


def _key(names: Sequence[tuple[str, Series]], width: float) -> list[KeyLine]:
    found = []
    for name, one in names:
        for n, line in enumerate(lines_of(name, width - 16, SMALLEST)):
            found.append(KeyLine(line, one if n == 0 else None))
    return found


def _ends(found: Groups) -> list[tuple[str, Series]]:
    """The names to write at the ends of lines; one alone needs none."""
    series = [one for own in found.of.values() for one in own]
    if len(series) < 2:
        return []
    # By height at the right end, so that names don't cross.
    series.sort(key=lambda one: one.points()[-1][1])
    return [(printable(one.name), one) for one in series]


def _beyond(plot: Curves, reach: Reach) -> list[str]:
    """Limits that lie outside the frame, with an arrow toward them."""
    found = []
    for band in plot.bands:
        for sign, side in (("≥", band.pass_low), ("≤", band.pass_high)):
            if side is not None and not reach.low <= side <= reach.high:
                arrow = "↑" if side > reach.high else "↓"
                found.append(printable(f"{arrow} {sign} {side:.12g} {plot.y.unit}".rstrip()))
    return list(dict.fromkeys(found))


def spread(wanted: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """Heights near the wanted ones (rising), at least so far apart; inside where they fit."""
    found: list[float] = []
    for one in wanted:
        found.append(max(one, found[-1] + apart) if found else max(one, low))
    ceiling = high
    for n in range(len(found) - 1, -1, -1):
        found[n] = min(found[n], ceiling)
        ceiling = found[n] - apart
    return found


class Panels:
    """Small panels on the same axes, one for each thing that series are of."""

    def __init__(self, plot: Curves, found: Groups, width: float) -> None:
        self.plot, self.found, self.width = plot, found, width
        xs = [x for one in plot.series for x, _y, _e in one.points()]
        self.x, self.y = reach_of(xs, log=plot.x.log), reach_y(plot)
        self.columns = min(max(int(width / NARROWEST), 1), len(found.of))
        self.rows = math.ceil(len(found.of) / self.columns)
        self.ys = self.y.ticks(3)
        self.left = room_left(self.ys)
        self.panel = (width - self.left) / self.columns
        self.xs = self.x.ticks(3)
        self.words: Words = words(width, plot.title, axis_words(plot.y, self.ys))
        self.x_words = lines_of(axis_words(plot.x, self.xs), width, SMALLEST)
        several = [name for name in found.names if name] if len(found.names) > 1 else []
        self.key = [
            (line, name if n == 0 else None)
            for name in several
            for n, line in enumerate(lines_of(printable(name), width - 16, SMALLEST))
        ]
        self.beyond = _beyond(plot, self.y)
        self.foot = SMALLEST + GAP + LEAD * (len(self.x_words) + len(self.key) + len(self.beyond))
        self.names = {
            name: lines_of(printable(name), self.panel - 6, SMALLEST) for name in found.of
        }
        self.head = LEAD * max(len(lines) for lines in self.names.values())
        self.each = PANEL_HEIGHT + self.head
        self.height = self.words.height + self.rows * self.each + self.foot

    def draw(self, canvas: Any) -> None:
        """Draw it with its lower left corner at the origin."""
        self.words.write(canvas, 0, self.height)
        last = len(self.found.of) - 1
        frame = Frame(0, 0, self.panel - BETWEEN, PANEL_HEIGHT - 4, self.x, self.y)
        # What is the same in each panel is put together once.
        rules = frame.rules(canvas, self.xs, self.ys)
        others = all_lines(canvas, frame, self.plot)
        for n, (name, own) in enumerate(self.found.of.items()):
            row, column = divmod(n, self.columns)
            canvas.saveState()
            canvas.translate(
                self.left + column * self.panel, self.foot + (self.rows - 1 - row) * self.each + 3
            )
            rules.draw(canvas)
            if column == 0:
                label_y(canvas, frame, self.ys)
            if n + self.columns > last:
                label_x(canvas, frame, self.xs, room=BETWEEN / 3)
            draw_faint(canvas, frame, others)
            frame.limits(canvas, self.plot.sides())
            for one in own:
                draw_series(canvas, frame, one, self.found.style(one), size=1.2)
            canvas.setFillColor(INK)
            for line, text in enumerate(self.names[name]):
                write(canvas, 1, frame.top + self.head - (line + 1) * LEAD + 3, text)
            canvas.restoreState()
        top = self.foot - SMALLEST - GAP + 3
        below(canvas, self.left, top, self.width - self.left, self.x_words)
        top -= len(self.x_words) * LEAD
        canvas.setFillColor(LIMIT)
        for text in self.beyond:
            top -= LEAD
            write(canvas, 0, top + 2, text)
        for text, named in self.key:
            top -= LEAD
            canvas.setFillColor(INK)
            write(canvas, 16, top + 2, text)
            if named is not None:
                style = STYLES[self.found.names.index(named) % len(STYLES)]
                sample(canvas, 0, top + 4.4, style)


class Crowd(Panel):
    """Very many series: all faint, the median strong, the outermost ones named."""

    def __init__(self, plot: Curves, found: Groups, width: float) -> None:
        series = [one for own in found.of.values() for one in own]
        self.strong = outermost(series)
        kept = Groups(
            {one.name: [one] for one in series if one in self.strong},
            found.names,
        )
        super().__init__(plot, kept, width)

    def draw(self, canvas: Any) -> None:
        """Draw it with its lower left corner at the origin."""
        left = room_left(self.ys)
        frame = Frame(left, self.foot, self.width - left - self.right, HEIGHT - 4, self.x, self.y)
        draw_faint(canvas, frame, all_lines(canvas, frame, self.plot))
        super().draw(canvas)


def outermost(series: Sequence[Series]) -> list[Series]:
    """The series that lie farthest from the median of all at the same places, both ways."""
    by_x: dict[float, list[float]] = {}
    for one in series:
        for x, y, _e in one.points():
            by_x.setdefault(x, []).append(y)
    middle = {x: statistics.median(ys) for x, ys in by_x.items()}

    def off(one: Series) -> float:
        return statistics.fmean(y - middle[x] for x, y, _e in one.points())

    ordered = sorted(series, key=off)
    return [*ordered[:OUTERMOST], *ordered[-OUTERMOST:]]


def lay_out(plot: Curves, width: float | None = None, whole: float = 500.0) -> Panel | Panels:
    """How the curves are drawn: at a width, or at the part of the whole that they want."""
    found = groups(plot)
    number = sum(map(len, found.of.values()))
    made: type[Panel] | type[Panels]
    one_panel = number <= TOGETHER or (len(found.of) == 1 and number <= len(STYLES))
    if one_panel and (len(found.of) == 1 or not hidden(plot)):
        made, part = Panel, 1 / 3
    elif len(found.of) <= PANELS and len(found.names) <= len(STYLES):
        made, part = Panels, 1 / 3 if len(found.of) <= TOGETHER else 1 / 2
    else:
        made, part = Crowd, 1 / 2
    return made(plot, found, whole * part - BESIDE if width is None else width)


def hidden(plot: Curves) -> bool:
    """Whether lines lie so close to each other that one hides the next."""
    at: dict[float, list[float]] = {}
    reach = reach_y(plot)
    for one in plot.series:
        for x, y, _e in one.points():
            at.setdefault(x, []).append(reach.part(y) * HEIGHT)
    gaps = [b - a for ys in at.values() for a, b in itertools.pairwise(sorted(ys))]
    return bool(gaps) and statistics.median(gaps) < HIDDEN

"""How a code and its text fit a label.

Of the error levels the strongest is taken at which a module is at least `LEAST` wide, in whole dots
of the printer, and then the largest modules that leave room for the text. Text gets smaller, then
goes into lines; it is never cut.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import segno
from django.utils.translation import gettext as _

from mppcqa.charts.paper.lettering import BOLD, FONT, lines_of, printable, width_of
from mppcqa.refused import Refused
from mppcqa.reports.qr import QUIET

LEAST = 0.33
"""Width of a module [mm] that scanners and telephones read at arm's length."""
LEVELS = "hqml"
PADDING = 1.0
"""Of a label [mm], beside the quiet zone of the code."""
MOST_DOTS, FEWEST_DOTS = 12, 2
LARGEST, SMALLEST = 14.0, 4.5
"""Type [points]."""
TRIES = ((9.0, True), (6.5, True), (SMALLEST, False))
"""Least size of the name [points], and whether it has to be in one line: the first that fits."""
LEADING = 1.2
INCH = 25.4
POINT = INCH / 72
NARROW = 6.0
"""Least width [mm] of text beside a code."""


class NoRoom(Refused):
    """A label is too small for what it has to say."""


@dataclass(frozen=True)
class Label:
    """What stands on a label."""

    code: str
    """What is scanned, see `mppcqa.codes`."""
    name: str
    about: str = ""
    """A second, smaller text."""


@dataclass(frozen=True)
class Line:
    """A line of text: its left end and baseline from the upper left corner [mm]; size [points]."""

    text: str
    font: str
    size: float
    x: float
    y: float


@dataclass(frozen=True)
class Fitted:
    """A label laid out: lengths in mm from its upper left corner."""

    label: Label
    level: str
    dots: int
    """Of the printer, a module."""
    module: float
    x: float
    """Left edge of the first module; the quiet zone is outside."""
    y: float
    lines: tuple[Line, ...]

    @property
    def too_small(self) -> bool:
        """Whether scanners may fail on its code."""
        return self.module < LEAST


@lru_cache(4000)
def modules(text: str, level: str, mode: str | None = None) -> int:
    """Modules along a side of a code, without its quiet zone."""
    try:
        code = segno.make(text, error=level, boost_error=False, micro=False, mask=0, mode=mode)
    except segno.DataOverflowError:
        return 10_000
    return int(code.symbol_size(border=0)[0])


def fit(
    label: Label, width: float, height: float, dpi: int = 300, mode: str | None = None
) -> Fitted:
    """Lay out a label of a size [mm]; `NoRoom` where code and text fit in no way.

    mode
        ``byte`` where a printer makes the code, which may not know the shorter ways.
    """
    per_dot = INCH / dpi
    least = math.ceil(LEAST / per_dot)
    ways = [(one, level, MOST_DOTS, least) for one in TRIES for level in LEVELS]
    if least > FEWEST_DOTS:
        ways += [(one, LEVELS[-1], least - 1, FEWEST_DOTS) for one in TRIES]
    for type_, level, most, fewest in ways:
        number = modules(label.code, level, mode)
        for dots in range(most, fewest - 1, -1):
            side = (number + 2 * QUIET) * dots * per_dot
            if side > min(width, height) - 2 * PADDING:
                continue
            for x, y, box in _places(side, width, height):
                lines = _text(label, box, *type_)
                if lines is not None:
                    module = dots * per_dot
                    edge = QUIET * module
                    return Fitted(label, level, dots, module, x + edge, y + edge, tuple(lines))
    raise NoRoom(
        _("“%(name)s” and its code have no room on a label of %(width)g × %(height)g mm.")
        % {"name": label.name[:60], "width": width, "height": height}
    )


Box = tuple[float, float, float, float]
"""Left and upper edge, width, height [mm]."""


def _places(side: float, width: float, height: float) -> Iterator[tuple[float, float, Box]]:
    """Where a code of a side may lie, and the room for text: beside it, or below."""
    inner = width - 2 * PADDING, height - 2 * PADDING
    if inner[0] - side >= NARROW:
        box = (PADDING + side, PADDING, inner[0] - side, inner[1])
        yield PADDING, (height - side) / 2, box
    if inner[1] > side:
        box = (PADDING, PADDING + side, inner[0], inner[1] - side)
        yield (width - side) / 2, PADDING, box


def _text(label: Label, box: Box, least: float, in_one: bool) -> list[Line] | None:
    """The lines that fit a box, in the largest type down to `least`; None where none does.

    `in_one`: the name is not broken.
    """
    size = LARGEST
    while size >= least:
        lines = _lines(label, box[2] / POINT, size)
        names = sum(font == BOLD for _text, font, _size in lines)
        high = sum(one * LEADING for _text, _font, one in lines) * POINT
        fits = all(width_of(text, one, font) * POINT <= box[2] for text, font, one in lines)
        if fits and high <= box[3] and (names == 1 or not in_one):
            return list(_placed(lines, box, high))
        size -= 0.5
    return None


def _lines(label: Label, width: float, size: float) -> list[tuple[str, str, float]]:
    small = max(SMALLEST, round(size * 1.4) / 2)
    return [
        *((one, BOLD, size) for one in lines_of(printable(label.name), width, size, BOLD)),
        *((one, FONT, small) for one in lines_of(printable(label.about), width, small)),
    ]


def _placed(lines: list[tuple[str, str, float]], box: Box, high: float) -> Iterator[Line]:
    middle = box[0] == PADDING
    y = box[1] + (box[3] - high) / 2
    for text, font, size in lines:
        # Below a code its middle is the label's.
        spare = box[2] - width_of(text, size, font) * POINT if middle else 0.0
        yield Line(text, font, size, box[0] + spare / 2, y + size * POINT)
        y += size * LEADING * POINT

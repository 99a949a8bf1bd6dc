"""What charts of many devices show: shares, ranked numbers, a course over time, boxes, clouds.

Descriptions as in `mppcqa.charts.plots`, without looks; `mppcqa.charts.paper` draws them in print.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mppcqa.charts.plots import Scale

OTHERS = "others"
"""State of the part that stands for all that have no slice of their own."""


@dataclass(frozen=True)
class Share:
    """A part of a whole."""

    name: str
    n: float
    state: str = ""
    """An outcome, whose tone it then has; empty for what is none."""


@dataclass(frozen=True)
class Shares:
    """A pie."""

    parts: tuple[Share, ...]
    title: str = ""
    others: str = "others"
    """What the part is called that stands for all that have no slice of their own."""

    def slices(self, most: int) -> list[Share]:
        """What is drawn: the parts that are not empty, at most so many, and the rest as one."""
        there = [one for one in self.parts if math.isfinite(one.n) and one.n > 0]
        if len(there) <= most:
            return there
        largest = sorted(there, key=lambda one: -one.n)[: most - 1]
        kept = [one for one in there if one in largest]
        rest = sum(one.n for one in there if one not in largest)
        return [*kept, Share(self.others, rest, OTHERS)]


@dataclass(frozen=True)
class Ranked:
    """Bars of numbers below each other, each stacked of the same kinds."""

    rows: tuple[tuple[str, tuple[float, ...]], ...]
    """Name of a bar and a number of each kind."""
    kinds: tuple[tuple[str, str], ...]
    """State of a kind, whose tone it has, and its name."""
    title: str = ""
    whole: float = 0.0
    """What the longest bar could be; 0 where that is nothing fixed."""


@dataclass(frozen=True)
class Moment:
    """A value at a day; `low` and `high` are the ends of its interval, NaN where unknown."""

    day: dt.date
    value: float
    low: float = math.nan
    high: float = math.nan

    def known(self) -> list[float]:
        """Those of its numbers that are any."""
        return [one for one in (self.value, self.low, self.high) if math.isfinite(one)]


@dataclass(frozen=True)
class CourseLine:
    """What belongs together in a course."""

    name: str
    moments: Sequence[Moment]

    def there(self) -> list[Moment]:
        """What can be drawn, in the order of the days."""
        found = [one for one in self.moments if math.isfinite(one.value)]
        return sorted(found, key=lambda one: one.day)


@dataclass(frozen=True)
class Course:
    """Values with intervals over days."""

    lines: tuple[CourseLine, ...]
    y: Scale
    title: str = ""
    levels: tuple[tuple[str, float], ...] = field(default=())
    """Level lines with their names: a mean, control limits."""
    top: float = math.inf
    """Where values can't go beyond, such as 100 %."""
    joined: bool = True
    """Whether a line leads from one value to the next."""


@dataclass(frozen=True)
class StateMap:
    """Places in rows and columns from the top left, each with a state; others are empty."""

    rows: int
    columns: int
    states: Mapping[tuple[int, int], str]
    names: Mapping[str, str]
    """States in words, in the order in which the key tells them."""
    title: str = ""


@dataclass(frozen=True)
class Box:
    """Values of a group: the shares of them that lie below."""

    name: str
    q05: float
    q25: float
    median: float
    q75: float
    q95: float


@dataclass(frozen=True)
class Boxes:
    """Boxes below each other on one axis."""

    rows: tuple[Box, ...]
    x: Scale
    title: str = ""


@dataclass(frozen=True)
class Cloud:
    """Points of two quantities, by group."""

    groups: tuple[tuple[str, Sequence[tuple[float, float]]], ...]
    x: Scale
    y: Scale
    title: str = ""
    within: tuple[tuple[float, float], ...] = ()
    """Corners of what the axes reach at least, so that clouds beside each other are alike."""


Counted = StateMap | Shares | Ranked | Course | Boxes | Cloud

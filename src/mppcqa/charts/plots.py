"""What a chart shows, in plain numbers and words: page and paper are both drawn from it.

A description holds no looks. `mppcqa.charts.browser` makes Vega-Lite of it, `mppcqa.charts.paper`
draws it in print; what the one can't show, such as a link on paper, it leaves out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Scale:
    """What an axis stands for."""

    title: str
    unit: str = ""
    log: bool = False

    @property
    def text(self) -> str:
        """``Gain [ADC/p.e.]``; the name alone for a pure number."""
        return axis_title(self.title, self.unit)


def axis_title(name: str, unit: str) -> str:
    """``Gain [ADC/p.e.]``; the name alone for a pure number."""
    return f"{name} [{unit}]" if unit else name


@dataclass(frozen=True)
class Series:
    """Points with standard uncertainties: `x`, `y`, `error` of equal length."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    error: Sequence[float | None]
    group: str = ""
    """Series of one group have one colour; without groups each has its own."""
    of: str = ""
    """What it belongs to, such as a channel: on paper all groups of it stand together."""
    bound: Sequence[int] = ()
    """Of each point, 1 where it is an upper limit, -1 a lower one: drawn as arrows. Empty where
    there are none."""
    links: Sequence[str] = ()
    """Where each point leads on a page; empty where they lead nowhere."""

    def points(self) -> list[tuple[float, float, float]]:
        """(x, y, error) of what can be drawn; an error that nobody knows is zero."""
        return [
            (x, y, e if e is not None and math.isfinite(e) else 0.0)
            for x, y, e in zip(self.x, self.y, self.error, strict=True)
            if math.isfinite(x) and math.isfinite(y)
        ]

    def bounds(self) -> list[int]:
        """The bound of each of the `points`."""
        rows = zip(self.x, self.y, self.bound or [0] * len(self.x), strict=True)
        return [bound for x, y, bound in rows if math.isfinite(x) and math.isfinite(y)]

    def led(self) -> list[dict[str, str]]:
        """For each of the `points` its address as a part of a row; nothing where there is none."""
        rows = zip(self.x, self.y, self.links or [""] * len(self.x), strict=True)
        there = [link for x, y, link in rows if math.isfinite(x) and math.isfinite(y)]
        return [{"href": link} if self.links else {} for link in there]


@dataclass(frozen=True)
class Band:
    """Limits to draw: outside [pass_low, pass_high] is not a pass. ``None`` leaves a side open."""

    pass_low: float | None = None
    pass_high: float | None = None
    at: float | None = None
    """Where on the axis it holds; None for everywhere."""

    @property
    def sides(self) -> list[float]:
        """The sides that are not open."""
        return [side for side in (self.pass_low, self.pass_high) if side is not None]


NO_BAND = Band()


@dataclass(frozen=True)
class Curves:
    """Values with their uncertainties over an axis."""

    series: tuple[Series, ...]
    x: Scale
    y: Scale
    title: str = ""
    line: tuple[float, float] | None = None
    """(intercept, slope) of a fitted straight line, drawn down to where it meets zero."""
    bands: tuple[Band, ...] = ()

    def sides(self) -> list[tuple[float, float | None]]:
        """Sides of the limits with the place that they hold at, each once."""
        return list(dict.fromkeys((side, one.at) for one in self.bands for side in one.sides))

    def fitted(self) -> list[tuple[float, float]]:
        """The two ends of the fitted line; none without one."""
        right = [x for one in self.series for x, _y, _e in one.points()]
        if self.line is None or self.line[1] == 0 or not right:
            return []
        intercept, slope = self.line
        return [(x, intercept + slope * x) for x in (-intercept / slope, max(right))]


@dataclass(frozen=True)
class CellMap:
    """Values by (row, column) from the top left; what is missing stays empty."""

    values: Mapping[tuple[int, int], float | None]
    rows: int
    columns: int
    unit: str
    title: str = ""
    labels: Mapping[tuple[int, int], str] = field(default_factory=dict)
    """What a cell is: a channel or a serial number."""
    links: Mapping[tuple[int, int], str] = field(default_factory=dict)
    cell: int = 52
    """Size on a screen [pixels]."""

    def finite(self) -> dict[tuple[int, int], float]:
        """The values that are numbers."""
        return {
            place: value
            for place, value in self.values.items()
            if value is not None and math.isfinite(value)
        }


@dataclass(frozen=True)
class Bars:
    """Counts (n) between edges (n + 1)."""

    edges: Sequence[float]
    counts: Sequence[float]
    x: Scale
    y: Scale
    """Logarithmic for a charge spectrum, whose zeros are drawn as one half."""
    title: str = ""
    fit: Sequence[float] | None = None
    """Counts that a fitted model expects (n)."""
    band: Band = NO_BAND
    mark: float | None = None
    """A value to point out."""
    width: int = 340
    """On a screen [pixels]."""

    def bins(self) -> list[tuple[float, float, float]]:
        """(low, high, count)."""
        return list(zip(self.edges[:-1], self.edges[1:], self.counts, strict=True))


Plot = Curves | CellMap | Bars

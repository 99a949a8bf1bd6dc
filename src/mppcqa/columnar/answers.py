"""What questions are answered with: plain numbers in the quantities' stored units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Summary:
    """A group in numbers; `scatter` is the median absolute deviation as a standard deviation."""

    group: Any
    n: int
    devices: int
    median: float
    scatter: float
    mean: float
    sigma: float | None
    quantiles: tuple[float, float, float, float]
    """5, 25, 75 and 95 %."""
    low: float
    high: float


@dataclass(frozen=True)
class Histogram:
    """Counts (n) by group between edges (n + 1), and how many lie outside."""

    edges: list[float]
    counts: dict[Any, list[int]]
    below: int
    above: int
    groups: int = 0
    """How many there are, of which the largest are told."""


@dataclass(frozen=True)
class Moment:
    """A group in one week."""

    group: Any
    week: int
    n: int
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Pairs:
    """Two quantities: how many pairs, their coefficients (None where there is none), and some."""

    n: int
    pearson: float | None
    spearman: float | None
    slope: float | None
    offset: float | None
    points: list[tuple[Any, ...]]
    """Device, channel, group, x, y."""


@dataclass(frozen=True)
class Outlier:
    """A value that lies far from the median of its group."""

    group: Any
    device: int
    channel: int
    condition: int
    run: int | None
    value: float
    pull: float


@dataclass(frozen=True)
class Yield:
    """How many devices of a group were judged, and how many pass."""

    group: Any
    judged: int
    passed: int


@dataclass(frozen=True)
class Listed:
    """One value."""

    device: int
    channel: int
    condition: int
    run: int | None
    value: float
    uncertainty: float | None
    outcome: str


def known(value: float | None) -> float | None:
    """None for what is no number."""
    return value if value is not None and math.isfinite(value) else None


def bin_edges(
    n: int, least: float, greatest: float, quantiles: Sequence[float], most: int
) -> list[float]:
    """Edges of round width (Freedman and Diaconis), over all values unless a few lie far out."""
    far_low, quarter, three_quarters, far_high = quantiles
    spread = three_quarters - quarter
    low, high = (far_low, far_high) if n >= 2000 else (least, greatest)
    if spread > 0:  # what lies within ten quartile distances is no stray
        low = max(least, min(low, quarter - 3 * spread))
        high = min(greatest, max(high, three_quarters + 3 * spread))
    if not high > low:
        width = abs(low) * 0.01 or 1.0
        return [low - width / 2, low + width / 2]
    wished = 2 * spread / n ** (1 / 3) if spread > 0 else (high - low) / 10
    width = max(wished, (high - low) / most)
    power = 10.0 ** math.floor(math.log10(width))
    width = next(one * power for one in (1, 2, 2.5, 5, 10) if one * power >= width * (1 - 1e-9))
    first = math.floor(low / width)
    count = max(1, math.ceil(high / width - first))
    return [float((first + i) * width) for i in range(count + 1)]

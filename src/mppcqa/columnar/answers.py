"""What questions are answered with: plain numbers in the quantities' stored units."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mppcqa.columnar.grouped import sum_of_products

CHUNK = 1 << 16
MANY = 200_000
"""So many values are ranked by bins."""
OF_MANY, RANK_BINS = 20_000, 1 << 18
NEAR = 1e-4
"""How far a coefficient of ranks by bins may be from that of ranks."""
FAR = 1e12
"""Quartile distances that a value may be from zero, to be ranked by bins."""
HUGE = 1e300
"""Differences of lesser numbers are numbers."""


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
class Extent:
    """How much there is."""

    values: int
    devices: int


@dataclass(frozen=True)
class Listed:
    """One value."""

    device: int
    channel: int
    condition: int
    run: int | None
    value: float


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
    # The nearest one, for the next larger is up to twice as wide; never more bins than asked for.
    widths = [one * power for one in (1, 2, 2.5, 5, 10) if high - low <= one * power * most * 1.001]
    width = min(widths, key=lambda one: abs(math.log(one / width)))
    first = math.floor(low / width)
    count = max(1, math.ceil(high / width - first))
    return [float((first + i) * width) for i in range(count + 1)]


def in_order(group: Any) -> tuple[bool, Any]:
    """By which groups are sorted: what belongs to none comes last."""
    return group is None, 0 if group is None else group


def largest(
    values: Sequence[NDArray[np.float64]],
    codes: Sequence[NDArray[Any] | None],
    keys: Sequence[Any],
    edges: list[float],
    most: int,
    *,
    last: bool,
) -> Histogram:
    """Values (n,) of parts and the number of each one's group among `keys`, counted; of the `most`
    groups that have most in the bins. Where `last`, what lies at or rounds above the last edge is
    of the last bin."""
    many = len(keys) * (len(edges) + 1) > CHUNK
    if many:  # then a table of all is never made: it is larger than the values
        inner = in_bins(values, codes, len(keys), edges, last=last)
        chosen = _largest(inner, keys, most)
        place = np.full(len(keys), len(chosen), np.int32)
        place[chosen] = np.arange(len(chosen))
        codes = [None if one is None else place[one] for one in codes]
        counts = counted(values, codes, len(chosen) + 1, edges, last=last)
        rows = counts[:-1, 1:-1]
    else:
        counts = counted(values, codes, len(keys), edges, last=last)
        inner = counts[:, 1:-1].sum(axis=1)
        chosen = _largest(inner, keys, most)
        rows = counts[chosen, 1:-1]
    below, above = (int(counts[:, end].sum()) for end in (0, -1))
    told = {keys[code]: row for code, row in zip(chosen, rows.tolist(), strict=True)}
    return Histogram(edges, told, below, above, int(np.count_nonzero(inner)))


def _largest(sizes: NDArray[np.int64], keys: Sequence[Any], most: int) -> list[int]:
    """Places of the largest, which have some; of equal ones those whose key comes first as text."""
    least = np.partition(sizes, -most)[-most] if len(sizes) > most else 0
    there = np.flatnonzero(sizes >= max(1, least)).tolist()
    return sorted(there, key=lambda code: (-sizes[code], str(keys[code])))[:most]


def in_bins(
    values: Sequence[NDArray[np.float64]],
    codes: Sequence[NDArray[Any] | None],
    groups: int,
    edges: Sequence[float],
    *,
    last: bool,
) -> NDArray[np.int64]:
    """How many values (groups,) of each group lie in any bin.

    >>> in_bins([np.array([0.5, 3.0, 1.5])], [np.array([0, 0, 1])], 2, [0.0, 1.0, 2.0], last=False)
    array([1, 1])
    """
    found = np.zeros(groups, np.int64)
    for place, code in _places(values, codes, edges, max(CHUNK, groups), last=last):
        inner = (place >= 1) & (place < len(edges))
        if code is None:
            found[0] += np.count_nonzero(inner)
        else:
            found += np.bincount(code[inner], minlength=groups)
    return found


def counted(
    values: Sequence[NDArray[np.float64]],
    codes: Sequence[NDArray[Any] | None],
    groups: int,
    edges: Sequence[float],
    *,
    last: bool,
) -> NDArray[np.int64]:
    """How many values (groups, bins + 2) lie below the first edge, in each bin and above the last
    edge; where `last`, what lies at or rounds above it is of the last bin.

    >>> counted([np.array([0.5, 2.0])], [None], 1, [0.0, 1.0, 2.0], last=True)
    array([[0, 1, 1, 0]])
    """
    across = len(edges) + 1
    found = np.zeros(groups * across, np.int64)
    for place, code in _places(values, codes, edges, max(CHUNK, len(found)), last=last):
        if code is not None:
            place += code.astype(np.intp) * across
        found += np.bincount(place, minlength=len(found))
    return found.reshape(groups, across)


def _places(
    values: Sequence[NDArray[np.float64]],
    codes: Sequence[NDArray[Any] | None],
    edges: Sequence[float],
    step: int,
    *,
    last: bool,
) -> Iterator[tuple[NDArray[np.intp], NDArray[Any] | None]]:
    """Bins of values from 1, with 0 and bins + 1 for those outside, and their groups: so many at a
    time as fit the processor's own memory, and no fewer than what they are counted into."""
    low, width, count = edges[0], edges[1] - edges[0], len(edges) - 1
    for one, code in zip(values, codes, strict=True):
        for start in range(0, len(one), step):
            place = np.floor((one[start : start + step] - low) / width)
            place = np.clip(place, -1, count, out=place).astype(np.intp)
            if last:
                np.minimum(place, count - 1, out=place)
            place += 1
            yield place, None if code is None else code[start : start + step]


def rank_correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> float | None:
    """Spearman's coefficient of values (n,) and (n,); equal ones share their mean rank.

    Of `MANY` values and more it is within 0.0001 of the exact one, which takes ten times as long.

    >>> rank_correlation(np.array([1.0, 2.0, 3.0, 3.0]), np.array([2.0, 4.0, 9.0, 9.0]))
    1.0
    """
    if len(x) < 2:
        return None
    middle = (len(x) - 1) / 2
    near = [one for one in (_near_ranks(x), _near_ranks(y)) if one] if len(x) >= MANY else []
    if len(near) == 2:
        parts = [(a - middle, b - middle) for a, b in zip(*near, strict=True)]
    else:
        # In the order of x ranks need no places to be written to; `by_y` leads from there to y's.
        by_x = np.argsort(x)
        by_y = np.argsort(y[by_x])
        parts = [((_ranks(np.sort(x)) - middle)[by_y], _ranks(np.sort(y)) - middle)]
    xx = sum(sum_of_products(a, a) for a, _b in parts)
    yy = sum(sum_of_products(b, b) for _a, b in parts)
    xy = sum(sum_of_products(a, b) for a, b in parts)
    return xy / math.sqrt(xx * yy) if xx > 0 and yy > 0 else None


def _near_ranks(values: NDArray[np.float64]) -> Iterator[NDArray[np.float64]] | None:
    """Ranks of many values, piece by piece; None where that would not be near enough.

    Values of one bin share their mean rank. By Cauchy and Schwarz what that changes of the
    coefficient is at most twice the root of the sum of (part of all values that a bin has)^3.
    """
    some = values[:: max(1, len(values) // OF_MANY)]
    low, middle, high = np.quantile(some, (0.25, 0.5, 0.75)).tolist()
    spread = high - low
    if not max(abs(float(values.min())), abs(float(values.max()))) < min(spread * FAR, HUGE):
        return None
    place = np.empty(len(values), np.int32)
    for start in range(0, len(values), CHUNK):
        away = (values[start : start + CHUNK] - middle) / spread
        away /= 1.0 + np.abs(away)  # what lies far out has bins too, wide ones
        away += 1.0
        away *= RANK_BINS / 2
        place[start : start + CHUNK] = away
    counts = np.bincount(place, minlength=RANK_BINS + 1)
    part = counts / len(values)
    if sum_of_products(part * part, part) > NEAR**2 / 4:
        return None
    ranks = np.cumsum(counts) - (counts + 1) / 2
    return (ranks[place[at : at + CHUNK]] for at in range(0, len(values), CHUNK))


def _ranks(ascending: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of values in their order, from 0; equal ones share their mean."""
    steps = np.flatnonzero(ascending[1:] != ascending[:-1]) + 1
    if len(steps) == len(ascending) - 1:
        return np.arange(len(ascending), dtype=np.float64)
    edges = np.concatenate([[0], steps, [len(ascending)]])
    return np.repeat((edges[:-1] + edges[1:] - 1) / 2, np.diff(edges))

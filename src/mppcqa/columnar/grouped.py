"""Numbers of groups of values, without an approximation: quantiles are those that SQL has."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
AS_SIGMA = 1.4826
"""Median absolute deviation -> standard deviation of a normal distribution."""


@dataclass(frozen=True)
class Grouped:
    """Values (n,) in groups (g,) that each have some: sorted within each."""

    codes: NDArray[np.int64]
    """(g,) which groups these are."""
    counts: NDArray[np.int64]
    starts: NDArray[np.int64]
    values: Floats
    """(n,), of one group after the other."""

    def quantile(self, part: float) -> Floats:
        """(g,) by linear interpolation, as ``quantile_cont`` and `numpy.quantile` have it."""
        return _quantile(self.values, self.starts, self.counts, part)

    @cached_property
    def medians(self) -> Floats:
        """(g,)"""
        return self.quantile(0.5)

    @cached_property
    def scatter(self) -> Floats:
        """(g,) median absolute deviation, as a standard deviation of a normal distribution."""
        away = np.abs(self.values - np.repeat(self.medians, self.counts))
        _sort_each(away, self.starts, self.counts)
        return AS_SIGMA * _quantile(away, self.starts, self.counts, 0.5)

    @cached_property
    def means(self) -> Floats:
        """(g,)"""
        return self._sums(self.values) / self.counts

    @cached_property
    def sigmas(self) -> Floats:
        """(g,) standard deviation of the sample; not a number for a single value."""
        away = self.values - np.repeat(self.means, self.counts)
        with np.errstate(invalid="ignore", divide="ignore"):
            found: Floats = np.sqrt(self._sums(away * away) / (self.counts - 1))
        return found

    def _sums(self, of: Floats) -> Floats:
        if len(self.codes) == 1:
            return np.array([of.sum()])
        return np.add.reduceat(of, self.starts) if len(of) else np.zeros(0)


def grouped(values: Floats, codes: NDArray[Any] | None = None, most: int | None = None) -> Grouped:
    """Values by the code of their group, ascending; of the `most` largest groups alone. Without
    codes all are one group.

    >>> found = grouped(np.array([3.0, 1.0, 2.0, 9.0]), np.array([0, 0, 0, 2]))
    >>> found.codes.tolist(), found.medians.tolist()
    ([0, 2], [2.0, 9.0])
    """
    if not len(values):
        none = np.zeros(0, np.int64)
        return Grouped(none, none, none, values)
    if codes is None:
        counts = np.array([len(values)])
        return Grouped(np.zeros(1, np.int64), counts, np.zeros(1, np.int64), np.sort(values))
    counts = np.bincount(codes)
    there = np.flatnonzero(counts)
    if most is not None and len(there) > most:
        there = np.sort(there[np.argsort(-counts[there], kind="stable")[:most]])
        chosen = np.zeros(len(counts), bool)
        chosen[there] = True
        mine = chosen[codes]
        values, codes = values[mine], codes[mine]
    # Sixteen bits are sorted by counting.
    kind = np.int16 if len(counts) < 1 << 15 else np.int32
    values = values[np.argsort(codes.astype(kind, copy=False), kind="stable")]
    counts = counts[there]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    _sort_each(values, starts, counts)
    return Grouped(there, counts, starts, values)


def _sort_each(values: Floats, starts: NDArray[Any], counts: NDArray[Any]) -> None:
    for start, n in zip(starts.tolist(), counts.tolist(), strict=True):
        values[start : start + n].sort()


def _quantile(values: Floats, starts: NDArray[Any], counts: NDArray[Any], part: float) -> Floats:
    place = part * (counts - 1)
    below = np.floor(place).astype(np.int64)
    low = values[starts + below]
    high = values[starts + np.minimum(below + 1, counts - 1)]
    found: Floats = low + (high - low) * (place - below)
    return found


@dataclass(frozen=True)
class Columns:
    """Values of a quantity by channel: (device, channel) as one ascending key, and the mean."""

    key: NDArray[np.int64]
    value: Floats

    @classmethod
    def of(
        cls, device: NDArray[Any], channel: NDArray[Any], value: Floats
    ) -> tuple[Columns, NDArray[np.int64] | None]:
        """Means of equal keys, and where each key stood first (None: as they came)."""
        key = (device.astype(np.int64) << 16) + (channel.astype(np.int64) + 1)
        if len(key) < 2 or (key[1:] > key[:-1]).all():
            return cls(key, value), None
        order = np.argsort(key, kind="stable")
        key = key[order]
        differs = key[1:] != key[:-1]
        if differs.all():
            return cls(key, value[order]), order
        first = np.flatnonzero(np.concatenate([[True], differs]))
        counts = np.diff(first, append=len(key))
        return cls(key[first], np.add.reduceat(value[order], first) / counts), order[first]

    def common(self, other: Columns) -> tuple[Any, Any]:
        """Places in both of the keys that both have."""
        if len(self.key) == len(other.key) and (self.key == other.key).all():
            return slice(None), slice(None)
        if not len(self.key) or not len(other.key):
            return slice(0), slice(0)
        place = np.minimum(np.searchsorted(other.key, self.key), len(other.key) - 1)
        mine = np.flatnonzero(other.key[place] == self.key)
        return mine, place[mine]


def device_and_channel(key: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """What a key of `Columns` is made of."""
    return (key >> 16).tolist(), ((key & 0xFFFF) - 1).tolist()


def always_the_same(key: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Places of at most so many keys, drawn by their own number: the same ones each time."""
    if len(key) <= most:
        return np.arange(len(key))
    mixed = key.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    return np.sort(np.argpartition(mixed, most)[:most])


def sum_of_products(a: Floats, b: Floats) -> float:
    """The scalar product. Not by ``@``, whose library takes ten times as long to wake its threads
    and let them wait."""
    return float(np.einsum("i,i->", a, b))


@dataclass(frozen=True)
class Line:
    """How two columns go together; None where they do not vary."""

    pearson: float | None
    slope: float | None
    offset: float | None


def line_of(x: Floats, y: Floats) -> Line:
    """Pearson's coefficient and the straight line of least squares of y by x."""
    if len(x) < 2 or x.min() == x.max():
        return Line(None, None, None)
    a, b = x - x.mean(), y - y.mean()
    xx, yy, xy = sum_of_products(a, a), sum_of_products(b, b), sum_of_products(a, b)
    flat = y.min() == y.max()
    slope = xy / xx
    return Line(
        None if flat else xy / math.sqrt(xx * yy), slope, float(y.mean()) - slope * float(x.mean())
    )

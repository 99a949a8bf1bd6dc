"""Groups of alike things from values alone: the smallest sum of spreads there can be.

The spread of a group is its greatest value less its least: for devices on one bias channel, how
far apart their operating voltages lie. Of any grouping another one is as good or better in which
each group is made of neighbours in the sorted line of values and no group lies within another:

- two groups that cross or lie within each other may be dealt out again as the lower and the upper
  half of what both hold, which makes the sum of their spreads no larger;
- a value that is left out between a group's least and greatest may take the place of its greatest.

So only windows of the sorted line need be looked at, and the best choice of windows that do not
overlap is found by dynamic programming (R. Bellman, 1957): what it gives is not near a bound, it
is the bound. `tests/statistics/test_matching.py` holds it against SciPy's `milp` over all
groupings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
MOST = 10_000
"""Values that are grouped at once: time and memory go with their square, divided by the size."""


@dataclass(frozen=True)
class Grouping:
    """Groups of equal size, the lowest values first within each class."""

    groups: list[list[int]]
    """Indices into the values, each group's in ascending order of value."""
    spreads: Floats
    """Greatest less least value of each group (m,)."""

    @property
    def total(self) -> float:
        """The sum of spreads."""
        return float(self.spreads.sum())

    @property
    def mean(self) -> float:
        """The mean spread; NaN of no group."""
        return float(self.spreads.mean()) if len(self.spreads) else math.nan


def match(
    values: ArrayLike,
    size: int,
    *,
    groups: int | None = None,
    classes: Sequence[Any] | None = None,
    widest: float = math.inf,
) -> Grouping:
    """The groups of `size` out of finite `values` (n,) whose spreads have the smallest sum.

    At most `groups` are made, or as many as there can be; all of a group are of one of `classes`
    (n,), where those are given, and no group is wider than `widest`. The number of groups comes
    first, then the sum of their spreads. Raises ValueError for a size below 2, more than `MOST`
    values or one that is not finite.

    >>> match([5.0, 1.0, 1.1, 5.2, 3.0], 2).groups
    [[1, 2], [0, 3]]
    """
    x = _checked(values, size)
    lines = _lines(x, classes)
    tables = [_table(x[line], size, groups, widest) for line in lines]
    counts = _shared_out([sums for sums, _taken in tables], groups)
    found: list[list[int]] = []
    for line, (_sums, taken), wanted in zip(lines, tables, counts, strict=True):
        found += [line[start : start + size].tolist() for start in _windows(taken, size, wanted)]
    return _grouping(x, found)


def cut(
    values: ArrayLike,
    size: int,
    *,
    groups: int | None = None,
    classes: Sequence[Any] | None = None,
    ordered: bool = True,
) -> Grouping:
    """The groups of plain sorting, to compare with: each class in order, cut from its lowest on.

    Not `ordered` they are cut as they come.
    """
    x = _checked(values, size)
    found: list[list[int]] = []
    for line in _lines(x, classes):
        here = line if ordered else np.sort(line)
        found += [here[i : i + size].tolist() for i in range(0, len(here) - size + 1, size)]
    return _grouping(x, found[:groups])


def _checked(values: ArrayLike, size: int) -> Floats:
    x = np.asarray(values, float)
    if size < 2:
        raise ValueError(f"a group has two members or more, not {size}")
    if len(x) > MOST:
        raise ValueError(f"{len(x)} values; at most {MOST} are grouped at once")
    if not np.isfinite(x).all():
        raise ValueError("values to group must be finite")
    return x


def _lines(x: Floats, classes: Sequence[Any] | None) -> list[NDArray[np.intp]]:
    """Indices of each class in ascending order of value; of equal values the first comes first."""
    order = np.argsort(x, kind="stable")
    if classes is None:
        return [order]
    found: dict[Any, list[int]] = {}
    for index in order.tolist():
        found.setdefault(classes[index], []).append(index)
    return [np.array(found[name], np.intp) for name in dict.fromkeys(classes)]


def _table(
    x: Floats, size: int, groups: int | None, widest: float
) -> tuple[Floats, NDArray[np.bool_]]:
    """The smallest sum for 0, 1, … groups of sorted values, and where each ends with a window.

    ``best[i][j]`` of the first i values in j groups is the smaller of ``best[i - 1][j]`` and
    ``best[i - size][j - 1]`` + the spread of the last `size` values; `size` rows back are kept.
    """
    n = len(x)
    most = n // size if groups is None else min(groups, n // size)
    taken = np.zeros((n + 1, most + 1), bool)
    rows = np.full((size + 1, most + 1), np.inf)
    rows[:, 0] = 0.0
    last = rows[0]
    for i in range(size, n + 1):
        spread = x[i - 1] - x[i - size]
        row, former = rows[i % (size + 1)], rows[(i - size) % (size + 1)]
        row[:] = rows[(i - 1) % (size + 1)]
        if spread <= widest:
            with_it = former[:-1] + spread
            taken[i, 1:] = with_it < row[1:]
            np.minimum(row[1:], with_it, out=row[1:])
        last = row
    return last.copy(), taken


def _windows(taken: NDArray[np.bool_], size: int, wanted: int) -> list[int]:
    """Where the windows of `wanted` groups begin."""
    found, i = [], len(taken) - 1
    while wanted:
        if taken[i, wanted]:
            i -= size
            wanted -= 1
            found.append(i)
        else:
            i -= 1
    return found[::-1]


def _shared_out(sums: list[Floats], groups: int | None) -> list[int]:
    """How many groups each class gives, so that there are as many as can be for the least sum."""
    best = np.zeros(1)
    steps: list[NDArray[np.int_]] = []
    for one in sums:
        finite = one[np.isfinite(one)]
        length = len(best) + len(finite) - 1
        if groups is not None:
            length = min(length, groups + 1)
        joined, step = np.full(length, np.inf), np.zeros(length, int)
        for own, cost in enumerate(finite[:length]):
            part = best[: length - own] + cost
            here = joined[own : own + len(part)]
            better = part < here
            step[own : own + len(part)][better] = own
            here[better] = part[better]
        best, steps = joined, [*steps, step]
    left, counts = len(best) - 1, []
    for step in reversed(steps):
        counts.append(int(step[left]))
        left -= counts[-1]
    return counts[::-1]


def _grouping(x: Floats, found: list[list[int]]) -> Grouping:
    if not found:
        return Grouping([], np.zeros(0))
    inside = x[np.array(found)]
    return Grouping(found, inside.max(axis=1) - inside.min(axis=1))

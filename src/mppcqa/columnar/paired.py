"""Two quantities of the same channel: which of their values meet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mppcqa.columnar.grouped import Columns, Floats
from mppcqa.columnar.looked import Looked, joined


@dataclass(frozen=True)
class Met:
    """Pairs (n,)."""

    key: NDArray[np.int64]
    """Device and channel, see `Columns`."""
    x: Floats
    y: Floats
    group: NDArray[Any]
    """Its place among `groups`."""
    groups: list[Any]


def meet(left: Looked, right: Looked, group: str, sql: str) -> Met:
    """Pairs of values of the same device and channel, with the group of the first of them.

    Values at several conditions are averaged. Grouped by condition there is a pair for each
    condition of the first quantity instead: with the second one's value at the same condition where
    it was asked for at all of them, with its mean otherwise.
    """
    parts: list[tuple[Any, ...]] = []
    groups: list[Any] = []
    others = _columns(right)[0]
    for mine, theirs in _by_condition(left, right) if group == "point" else [(left, right)]:
        one, origin = _columns(mine)
        two = others if theirs is right else _columns(theirs)[0]
        here, there = one.common(two)
        codes, keys = mine.codes(group, sql)
        if (of := joined(codes)) is None:
            of = np.zeros(len(one.key), np.int16)
        elif origin is not None:
            of = of[origin]
        of = of[here]
        parts.append(
            (one.key[here], one.value[here], two.value[there], of + len(groups) if groups else of)
        )
        groups += keys
    if not parts:
        return Met(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros(0, np.int16), [])
    key, x, y, code = (
        one[0] if len(one) == 1 else np.concatenate(one) for one in zip(*parts, strict=True)
    )
    return Met(key, x, y, code, groups)


def _columns(looked: Looked) -> tuple[Columns, NDArray[np.int64] | None]:
    return Columns.of(looked.all("device"), looked.all("channel"), looked.all("value"))


def _by_condition(left: Looked, right: Looked) -> Iterator[tuple[Looked, Looked]]:
    points, others = left.points, right.points
    same = len(points) > 1 and set(points) <= set(others)
    for point in points:
        yield left.at(point), right.at(point) if same else right

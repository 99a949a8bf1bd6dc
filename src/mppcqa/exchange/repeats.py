"""Values that come twice in a table of any length, by 24 bytes a value."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

TOLD = 100_000


class Repeats:
    """Keys of values as two numbers that together are exact, and the rows they stand in."""

    def __init__(self) -> None:
        self._parts: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]] = []

    def add(
        self,
        rows: NDArray[np.int64],
        device: NDArray[np.int32],
        quantity: NDArray[np.int16],
        channel: NDArray[np.int16],
        condition: NDArray[np.int32],
    ) -> None:
        first = device.astype(np.int64) << 16 | (channel.astype(np.int64) + 1)
        second = condition.astype(np.int64) << 16 | quantity.astype(np.int64)
        self._parts.append((first, second, rows.astype(np.int32)))

    def found(self) -> Iterator[tuple[int, int]]:
        """(row, the row that had it first), in the order of rows."""
        if not self._parts:
            return
        first, second, rows = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        self._parts.clear()
        if _ascending(first, second):
            return
        order = np.lexsort((rows, second, first))
        same = (np.diff(first[order]) == 0) & (np.diff(second[order]) == 0)
        if not same.any():
            return
        # The first of each group of equal keys.
        starts = np.concatenate(([True], ~same))
        group = np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))
        again = np.flatnonzero(~starts)
        pairs = np.column_stack((rows[order[again]], rows[order[group[again]]]))
        yield from pairs[np.argsort(pairs[:, 0], kind="stable")][:TOLD].tolist()


def _ascending(first: NDArray[np.int64], second: NDArray[np.int64]) -> bool:
    """Whether the keys come in order, each once: then no sorting is needed."""
    steps = np.diff(first)
    return bool(((steps > 0) | ((steps == 0) & (np.diff(second) > 0))).all())

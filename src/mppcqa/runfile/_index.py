"""Where in a tree the entries of a point, slot and channel lie."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mppcqa.runfile._trees import Array, ColumnError, Table
from mppcqa.runfile.layout import WHOLE_DEVICE

Ints = NDArray[np.int64]
STEP_BYTES = 20_000_000
KEYS = {
    "charge": ("point", "slot"),
    "waveform": ("point", "slot", "channel"),
    "iv": ("curve", "slot", "channel"),
    "staircase": ("point", "slot", "channel"),
}


class CellIndex:
    """Blocks of entries sorted by their keys, for looking up by halving."""

    def __init__(self, keys: Ints, start: Ints, stop: Ints) -> None:
        """`keys` (blocks, 3): point or curve, slot, channel; `start`, `stop` (blocks,)."""
        order = np.lexsort((start, keys[:, 2], keys[:, 1], keys[:, 0]))
        self.keys, self.start, self.stop = keys[order], start[order], stop[order]

    def cells(self) -> tuple[Ints, Ints]:
        """Distinct keys (cells, 3) in order and the entries of each (cells,)."""
        if not len(self.keys):
            return self.keys, np.empty(0, np.int64)
        new = np.flatnonzero((np.diff(self.keys, axis=0) != 0).any(axis=1)) + 1
        first = np.concatenate([[0], new])
        return self.keys[first], np.add.reduceat(self.stop - self.start, first)

    def ranges(self, *key: int) -> tuple[Ints, Ints]:
        """First and last entries, in order, of the blocks whose key begins with `key`."""
        low, high = 0, len(self.keys)
        for i, value in enumerate(key):
            part = self.keys[low:high, i]
            low, high = (
                low + int(np.searchsorted(part, value, "left")),
                low + int(np.searchsorted(part, value, "right")),
            )
        start, stop = self.start[low:high], self.stop[low:high]
        order = np.argsort(start, kind="stable")
        return start[order], stop[order]


def build(table: Table) -> CellIndex:
    """The index of a tree from its small columns, read in pieces."""
    names = KEYS[table.name]
    kept: list[Array] = []
    starts: list[Ints] = []
    before: Array | None = None
    for begin in range(0, table.entries, STEP_BYTES // 12):
        end = min(begin + STEP_BYTES // 12, table.entries)
        keys = np.stack([table.read(name, begin, end) for name in names], axis=1)
        change = (np.diff(keys, axis=0) != 0).any(axis=1)
        fresh = before is None or (keys[0] != before).any()
        first = np.flatnonzero(np.concatenate([[fresh], change]))
        kept.append(keys[first])
        starts.append(first.astype(np.int64) + begin)
        before = keys[-1]
    if not kept:
        return CellIndex(np.empty((0, 3), np.int64), np.empty(0, np.int64), np.empty(0, np.int64))
    keys = np.concatenate(kept).astype(np.int64)
    if keys.shape[1] == 2:
        keys = np.column_stack([keys, np.full(len(keys), WHOLE_DEVICE)])
    start = np.concatenate(starts)
    return CellIndex(keys, start, np.append(start[1:], table.entries))


def runs(keys: Array) -> list[tuple[int, int]]:
    """First and last entries, exclusive, of each run of equal rows of `keys` (entries, n)."""
    if not len(keys):
        return []
    change = np.flatnonzero((np.diff(keys, axis=0) != 0).any(axis=1)) + 1
    edges = [0, *change.tolist(), len(keys)]
    return list(pairwise(edges))


def from_rows(rows: dict[str, Array], number: int, entries: int) -> CellIndex:
    """The index that a file brings along; only its bounds are checked here."""
    mine = rows["tree"] == number
    keys = np.column_stack([rows[name][mine] for name in ("point", "slot", "channel")])
    start, stop = rows["start"][mine], rows["stop"][mine]
    if len(start) and ((start < 0) | (stop <= start) | (stop > entries)).any():
        raise ColumnError("points outside of the tree that it is about", "index", "stop")
    order = np.argsort(start)
    if (start[order][1:] < stop[order][:-1]).any():
        raise ColumnError("has blocks that overlap", "index", "start")
    return CellIndex(keys.astype(np.int64), start, stop)


def take(table: Table, column: str, start: Ints, stop: Ints) -> Array:
    """Values of the entries in ranges that are in order; each basket is read once."""
    dtype = table.columns[column]
    length = np.maximum(stop - start, 0)
    out = np.empty((int(length.sum()), *dtype.shape), dtype.base)
    if len(start) == 1:
        return table.read(column, int(start[0]), int(stop[0]))
    begin = done = 0
    for end in table.stops(column).tolist():
        low = int(np.searchsorted(stop, begin, "right"))
        high = int(np.searchsorted(start, end, "left"))
        if low < high:
            first = np.maximum(start[low:high], begin)
            last = np.minimum(stop[low:high], end)
            values = table.read(column, int(first[0]), int(last[-1]))
            if high - low > 1:
                values = values[_members(first, last) - first[0]]
            out[done : done + len(values)] = values
            done += len(values)
        begin = end
    return out


def _members(first: Ints, last: Ints) -> Ints:
    """All entries of the ranges [first, last)."""
    length = last - first
    ends = np.cumsum(length)
    members: Ints = np.arange(ends[-1]) + np.repeat(first - (ends - length), length)
    return members

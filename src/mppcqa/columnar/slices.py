"""Values of one quantity at one condition as columns in memory, read from a file of the copy.

A file never changes, so what was read stays true, and the latest asked are kept: a question reads
a file once, and a page that asks it again, of other lots or in another way, reads none.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import duckdb

Cursor = Callable[[], "duckdb.DuckDBPyConnection"]
EVERY: tuple[int, ...] = ()
"""Of all conditions."""


@dataclass(frozen=True)
class Slice:
    """Values (n,) in the order of devices and channels, in runs (r,) of one device and analysis."""

    point: int
    device: NDArray[np.int32]
    """(r,)"""
    analysis: NDArray[np.int32]
    """(r,)"""
    of: NDArray[np.int32]
    """(n,) the run that a value is in."""
    channel: NDArray[np.int16]
    condition: NDArray[np.int32]
    value: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.value)

    @property
    def size(self) -> int:
        """Bytes; a condition that all share takes none."""
        kept = (self.device, self.analysis, self.of, self.channel, self.value)
        return sum(one.nbytes for one in kept) + (
            self.condition.nbytes if self.condition.strides[0] else 0
        )


def read_slices(
    duck: duckdb.DuckDBPyConnection,
    source: str,
    parameters: Sequence[Any],
    quantity: int,
    points: Sequence[int] = EVERY,
    *,
    one_sided: bool = False,
) -> list[Slice]:
    """What a source has of a quantity: one slice a condition. One-sided limits alone, or none."""
    where = f"AND point IN ({', '.join('?' * len(points))})" if points else ""
    found = duck.execute(
        "SELECT point, device, analysis, channel, condition, value "
        f"FROM {source} WHERE quantity = ? AND bound {'<>' if one_sided else '='} 0 {where}",
        [*parameters, quantity, *points],
    ).fetchnumpy()
    columns = {name: np.asarray(column) for name, column in found.items()}
    return list(_cut(_in_order(columns)))


def _in_order(columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Rows by condition, device and channel: several threads read, and give parts as they come."""
    point = columns["point"]
    place = (columns["device"].astype(np.int64) << 16) + columns["channel"]
    later = point[1:] > point[:-1]
    if (later | ((point[1:] == point[:-1]) & (place[1:] >= place[:-1]))).all():
        return columns
    order = np.lexsort((place, point))
    return {name: one[order] for name, one in columns.items()}


def _cut(columns: dict[str, NDArray[Any]]) -> Iterator[Slice]:
    point = columns["point"]
    ends = [*(np.flatnonzero(point[1:] != point[:-1]) + 1).tolist(), len(point)]
    for start, end in zip([0, *ends], ends, strict=False):
        if end > start:
            yield _slice(int(point[start]), {n: one[start:end] for n, one in columns.items()})


def _slice(point: int, columns: dict[str, NDArray[Any]]) -> Slice:
    device, analysis = columns["device"], columns["analysis"]
    begins = np.ones(len(device), bool)
    np.not_equal(device[1:], device[:-1], out=begins[1:])
    begins[1:] |= analysis[1:] != analysis[:-1]
    condition = columns["condition"]
    if condition[0] == condition[-1] and (condition == condition[0]).all():
        condition = np.broadcast_to(condition[:1].copy(), condition.shape)
    else:
        condition = condition.copy()
    return Slice(
        point,
        device[begins],
        analysis[begins],
        np.cumsum(begins, dtype=np.int32) - np.int32(1),
        columns["channel"].copy(),
        condition,
        columns["value"].copy(),
    )


@dataclass
class Kept:
    """Slices of files, the latest asked within `most` bytes; several questions may ask at once."""

    most: int
    _held: OrderedDict[tuple[str, int, int], list[Slice]] = field(default_factory=OrderedDict)
    _points: dict[tuple[str, int], tuple[int, ...]] = field(default_factory=dict)
    """Of files that were read whole: the conditions of a quantity in them."""
    _size: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(
        self, cursor: Cursor, path: str, quantity: int, points: Sequence[int] = EVERY
    ) -> list[Slice]:
        """What a file of the copy has of a quantity at some conditions, each of them once."""
        found: dict[int, list[Slice]] = {}
        with self._lock:
            points = tuple(dict.fromkeys(points))
            wanted = points or self._points.get((path, quantity), EVERY)
            for point in wanted:
                if (held := self._held.get((path, quantity, point))) is not None:
                    self._held.move_to_end((path, quantity, point))
                    found[point] = held
        absent = [point for point in wanted if point not in found]
        if absent or not (wanted or (path, quantity) in self._points):
            read = read_slices(cursor(), "read_parquet(?)", [[path]], quantity, absent)
            there = {one.point: [one] for one in read}
            new = {point: there.get(point, []) for point in absent or there}
            self._keep(path, quantity, new, whole=not absent)
            found |= new
        return [one for point in (points or sorted(found)) for one in found[point]]

    def _keep(self, path: str, quantity: int, new: dict[int, list[Slice]], *, whole: bool) -> None:
        with self._lock:
            if whole:
                self._points[path, quantity] = tuple(new)
            for point, some in new.items():
                if (path, quantity, point) not in self._held:
                    self._held[path, quantity, point] = some
                    self._size += sum(one.size for one in some)
            while self._size > self.most and self._held:
                _key, some = self._held.popitem(last=False)
                self._size -= sum(one.size for one in some)

    def drop_others(self, paths: set[str]) -> None:
        """Forget files that are no longer of the copy."""
        with self._lock:
            for key in [one for one in self._held if one[0] not in paths]:
                self._size -= sum(one.size for one in self._held.pop(key))
            self._points = {key: one for key, one in self._points.items() if key[0] in paths}

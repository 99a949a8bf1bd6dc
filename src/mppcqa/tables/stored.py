"""Waveforms that stay in their file until they are asked for: a gigabyte of them fits no memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PIECE_BYTES = 4 << 20
"""Larger ones are slower: they fit no cache, and their memory is new each time."""
Waves = NDArray[Any]


class Stored:
    """Waveforms (n, samples) of a file, read a piece at a time.

    >>> table = np.arange(12, dtype="i2").reshape(4, 3)
    >>> waves = Stored(table.shape, table.dtype, lambda first, end: table[first:end])
    >>> waves[1].tolist(), waves[::2].tolist(), waves[np.array([3])][0].tolist()
    ([3, 4, 5], [[0, 1, 2], [6, 7, 8]], [9, 10, 11])
    """

    ndim = 2

    def __init__(
        self,
        shape: tuple[int, int],
        dtype: np.dtype[Any],
        read: Callable[[int, int], Waves],
        rows: NDArray[np.int64] | None = None,
    ) -> None:
        """`read` gives waveforms from one number to before another; `rows` (n,) are those meant."""
        self.shape, self.dtype = shape, np.dtype(dtype)
        self._read, self._rows = read, rows

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, which: Any) -> Any:
        """A waveform, an array of some (a slice), or those of some numbers, left in the file."""
        if isinstance(which, slice):
            numbers = range(*which.indices(len(self)))
            if numbers.step == 1:
                return self._between(numbers.start, numbers.stop)
            parts = [self._between(at, at + 1) for at in numbers]
            return np.concatenate(parts) if parts else self._between(0, 0)
        if isinstance(which, np.ndarray):
            numbers_ = np.arange(len(self))[which]
            rows = numbers_ if self._rows is None else self._rows[numbers_]
            return Stored((len(rows), self.shape[1]), self.dtype, self._read, rows)
        at = which if which >= 0 else len(self) + which
        return self._between(at, at + 1)[0]

    def _between(self, first: int, end: int) -> Waves:
        if self._rows is None:
            return self._read(first, end)
        rows = self._rows[first:end]
        if not len(rows):
            return np.empty((0, self.shape[1]), self.dtype)
        # Neighbours are read together: conditions and channels mostly lie in one piece.
        if int(rows[-1]) - int(rows[0]) == len(rows) - 1 and bool((np.diff(rows) == 1).all()):
            return self._read(int(rows[0]), int(rows[-1]) + 1)
        cuts = np.flatnonzero(np.diff(rows) != 1) + 1
        runs = [(int(run[0]), int(run[-1]) + 1) for run in np.split(rows, cuts)]
        return np.concatenate([self._read(low, high) for low, high in runs])


def read_array(path: Path, dtype: np.dtype[Any], count: int, offset: int) -> Waves:
    """Numbers (n,) of a file from an offset [bytes]; fewer than `count` where it ends before."""
    found = np.empty(count, dtype)
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        got = file.readinto(found.view(np.uint8).data) or 0
    return found[: got // dtype.itemsize]


def pieces(waveforms: Any, at_once: int = PIECE_BYTES) -> Iterator[Waves]:
    """Waveforms (n, samples) some at a time, whether they lie in memory or in a file."""
    row = max(1, waveforms.shape[1] * waveforms.dtype.itemsize)
    step = max(1, at_once // row)
    for first in range(0, len(waveforms), step):
        yield waveforms[first : first + step]

"""Work on all cores, by threads of Python around compiled functions that release the lock.

Numba's own parallel loops would do the same, but one takes ten to twenty seconds to compile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from itertools import pairwise
from typing import TypeVar

from numba import config

from mppcqa.physics._kept import alone

Piece = TypeVar("Piece")
Found = TypeVar("Found")
_compiled: set[object] = set()


def cores() -> int:
    """Threads to use; ``NUMBA_NUM_THREADS`` limits them, as a worker does for its attempts."""
    count: int = config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    return count


def on_all_cores(work: Callable[[Piece], Found], pieces: Sequence[Piece]) -> list[Found]:
    """What `work` finds in each piece, in their order.

    The first piece of the first call is done alone: two threads that compile one function at once
    have been seen to fail in Numba's type inference, and a second process finds what was compiled.
    """
    code = getattr(work, "__code__", work)
    first = 0 if code in _compiled else 1
    with alone() if first else nullcontext():
        found = [work(piece) for piece in pieces[:first]]
    _compiled.add(code)
    left = pieces[first:]
    threads = min(cores(), len(left))
    if threads < 2:
        return found + [work(piece) for piece in left]
    with ThreadPoolExecutor(threads) as pool:
        return found + list(pool.map(work, left))


def stretches(n: int, least: int = 1) -> list[tuple[int, int]]:
    """First and last of n things for each core, of at least so many where there are more."""
    parts = max(min(cores(), n // least), 1)
    return list(pairwise([n * i // parts for i in range(parts + 1)]))

"""Work on all cores, by threads of Python around compiled functions that release the lock.

Numba's own parallel loops would do the same, but one takes ten to twenty seconds to compile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from numba import config

Piece = TypeVar("Piece")
Found = TypeVar("Found")


def cores() -> int:
    """Threads to use; ``NUMBA_NUM_THREADS`` limits them, as a worker does for its attempts."""
    count: int = config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    return count


def on_all_cores(work: Callable[[Piece], Found], pieces: Sequence[Piece]) -> list[Found]:
    """What `work` finds in each piece, in their order."""
    threads = min(cores(), len(pieces))
    if threads < 2:
        return [work(piece) for piece in pieces]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, pieces))

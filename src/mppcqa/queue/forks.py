"""No process is forked in the middle of what another thread of ours does.

A child of `fork` has one thread and a copy of every lock as it stood. What another thread held in
that moment (SQLite's own mutex, that of a look-up of addresses) nobody ever frees there: a new
pool process waited for ever at its first connection, and the worker for it when it should end.
So a thread that works beside one which forks does so within `held_back`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.RLock()
"""Whoever holds it works, or forks."""
_here = threading.local()


@contextmanager
def held_back() -> Iterator[None]:
    """Within it no other thread forks; it waits. May be entered again."""
    with _lock:
        _here.depth = getattr(_here, "depth", 0) + 1
        try:
            yield
        finally:
            _here.depth -= 1


@contextmanager
def let() -> Iterator[None]:
    """Around a long wait for something outside, within `held_back` or not: others may fork."""
    depth, _here.depth = getattr(_here, "depth", 0), 0
    for _ in range(depth):
        _lock.release()
    try:
        yield
    finally:
        for _ in range(depth):
            _lock.acquire()
        _here.depth = depth


# In the child the thread that forked is the only one, and has the same number: it may release.
os.register_at_fork(
    before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
)

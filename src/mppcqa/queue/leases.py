"""Who owns a running attempt, and what keeps a second owner out.

A worker renews the lease of what it runs. Whether one has expired is judged by a clock that never
jumps: a reaper must itself have seen the same lease, unrenewed, for the whole time. So a clock that
is set, or two computers whose clocks differ, end nobody's attempt.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from mppcqa.queue.models import Lane, Task

LEASE = dt.timedelta(seconds=float(os.environ.get("MPPCQA_LEASE_S", "30")))
RENEW_EVERY_S = LEASE.total_seconds() / 6

_seen: dict[int, tuple[object, float]] = {}


def length_s(task: Task) -> float:
    """How long the owner of a running attempt may leave its lease unrenewed."""
    return task.lease_s or LEASE.total_seconds()


def unrenewed_s(task: Task) -> float:
    """For how long this process has seen the lease of a running attempt unchanged."""
    lease = (task.attempt, task.lease_until)
    now = time.monotonic()
    known = _seen.get(task.pk)
    if known is None or known[0] != lease:
        _seen[task.pk] = (lease, now)
        return 0.0
    return now - known[1]


def forget_all_but(running: set[int]) -> None:
    """Drop what was remembered of attempts that are over."""
    for number in _seen.keys() - running:
        del _seen[number]


def _lane_file(lane: str) -> Path:
    folder = Path(settings.MPPCQA_HOME) / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "".join(one if one.isalnum() or one in "-_." else "-" for one in lane)


def in_use_here(lane: str) -> bool:
    """Whether a program still uses a station of this computer, whatever the database says."""
    with _lane_file(lane).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def lane_lock(lane: Lane | None, log: Callable[[str], None]) -> Iterator[None]:
    """Hold the station's lock on this computer while an attempt uses it.

    The lock in the database may have been given on while this computer was cut off and the former
    program still ran here; the next one then waits until that has ended.
    """
    if lane is None or not lane.exclusive:
        yield
        return
    with _lane_file(lane.name).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log(f"waits for a former program on {lane.name}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield

"""An attempt ends only when all that it started has ended; what can't be ended is named."""

from __future__ import annotations

import os
import time

from mppcqa.queue import keeper, offspring
from mppcqa.queue.context import Context
from mppcqa.queue.logs import note
from mppcqa.queue.models import Message, Task
from mppcqa.queue.offspring import Process
from mppcqa.queue.untrusted import told

STRAYS_S = 30.0
"""So long an attempt whose process died waits until a keeper has ended what it left."""
_seen: dict[Process, float] = {}
_waited: dict[tuple[int, int], set[Process]] = {}


def end_offspring(context: Context, grace_s: float) -> None:
    """In a pool process: end what the attempt has left running."""
    if not offspring.adopts() or offspring.childless():
        return
    there, left = offspring.end(os.getpid(), grace_s)
    offspring.reap()
    if there:
        context.log(f"left running, ended: {offspring.names(there)}")
    if left:
        context.message("error", _could_not(left))


def has_ended(task: Task) -> bool:
    """Whether all is gone that the dead process of a running attempt of this computer left.

    What does not go is named after a while, and then waited for no longer.
    """
    # The kernel's table is read process by process: one whose parent ends meanwhile is seen below
    # none, and so is missed. The second look finds it where it has gone.
    left = keeper.strays() or keeper.strays()
    now = time.monotonic()
    for one in _seen.keys() - set(left):
        del _seen[one]
    fresh = {one for one in left if now - _seen.setdefault(one, now) < STRAYS_S}
    key = (task.pk, task.attempt)
    if fresh:
        _waited.setdefault(key, set()).update(fresh)
        return False
    stuck = [one for one in left if one in _waited.get(key, ())]
    _waited.pop(key, None)
    if stuck:
        text = told(_could_not(stuck), 500)
        note(task.pk, task.attempt, text)
        Message.objects.create(task=task, level=Message.Level.ERROR, text=text)
    return True


def _could_not(left: list[Process]) -> str:
    return (
        f"could not be ended and still runs: {offspring.names(left)}. "
        "End it by hand (kill -9 as its user or as root) before the next run."
    )

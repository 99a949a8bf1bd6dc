"""What comes after an attempt was given up as lost: its computer was only cut off.

A lost attempt that nobody ran again still belongs to the process that began it. If that is still
at work it goes on (`resume`); if it has ended meanwhile, its end is accepted (`accept`). Either way
what waited for the task waits again. Decision 17 has the rules.
"""

from __future__ import annotations

import socket
from typing import Any

from django.db import transaction
from django.utils import timezone

from mppcqa.queue.dispatch import hold_back
from mppcqa.queue.history import take_back
from mppcqa.queue.leases import LEASE
from mppcqa.queue.models import (
    DEFAULT_LANE,
    OPEN_STATES,
    Attempt,
    Lane,
    State,
    Task,
    TaskGroup,
)
from mppcqa.queue.notices import notify_late
from mppcqa.queue.repeats import bring_back
from mppcqa.queue.transitions import move

ACCEPTED = (State.SUCCEEDED, State.FAILED, State.TIMED_OUT)


def resume(task: Task, **owner: Any) -> bool:
    """Let a lost attempt run again under its owner; False if it was run again or stopped.

    `owner` are the columns that say whose it is: a reaper may have put itself there.
    """
    with transaction.atomic():
        if not _is_free(task) or not _hold_lane(task):
            return False
        _bring_back(task, **owner)
        notify_late(task)
    return True


def accept(task: Task, state: State, **fields: Any) -> bool:
    """Take the end of an attempt that had been given up; False if that is too late."""
    if state not in ACCEPTED:
        return False
    with transaction.atomic():
        if not _is_free(task):
            return False
        _bring_back(task, host=socket.gethostname())
        move(task, State.RUNNING, state, expected_attempt=task.attempt, **fields)
        notify_late(task)
    return True


def _is_free(task: Task) -> bool:
    """Whether it still is lost in this attempt, and nobody has asked for it again.

    Locks the row until the transaction ends, so that of many who come late one is first.
    """
    rows = Task.objects.select_for_update().filter(pk=task.pk)
    row = rows.filter(state=State.LOST, attempt=task.attempt).first()
    if row is None or row.kill_requested_at is not None:
        return False
    again = Task.objects.filter(repeat_of_id=task.pk, state__in=(*OPEN_STATES, State.SUCCEEDED))
    if row.key and Task.objects.filter(open_key=row.key).exists():
        return False
    return not again.exists()


def _hold_lane(task: Task) -> bool:
    """Get the station's lock back, unless another task runs there already."""
    if task.lane == DEFAULT_LANE:
        return True
    lane = Lane.objects.select_for_update().filter(name=task.lane).first()
    if lane is None or not lane.exclusive:
        return True
    if lane.holder is not None and not hold_back(lane.holder):
        return False
    free = Lane.objects.filter(pk=lane.pk, holder=None)
    return bool(free.update(holder=task, held_since=timezone.now()))


def _bring_back(task: Task, **owner: Any) -> None:
    row = Task.objects.get(pk=task.pk)
    take_back(row)
    Attempt.objects.filter(task_id=task.pk, number=task.attempt).delete()
    move(
        task,
        State.LOST,
        State.RUNNING,
        expected_attempt=task.attempt,
        ended_at=None,
        tallied=None,
        open_key=row.key or None,
        error_class="",
        error_text="",
        lease_until=timezone.now() + LEASE,
        **owner,
    )
    _bring_back_followers(task)
    if task.group_id is not None:
        TaskGroup.objects.filter(pk=task.group_id).update(ended_at=None)


def _bring_back_followers(task: Task) -> None:
    """What was ended only because this was lost waits for it again."""
    ended = Task.objects.select_for_update().filter(
        after_id=task.pk, state=State.KILLED, attempt=0, kill_requested_at=None
    )
    for follower in list(ended):
        bring_back(follower)
        _bring_back_followers(follower)

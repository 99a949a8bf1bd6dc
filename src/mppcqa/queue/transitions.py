"""The only place that changes a task's state, by compare and set.

Every change is one UPDATE with the expected former state (and attempt) in its WHERE, so that two
workers, a person and the reaper can all try at once and exactly one of them wins.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone

from mppcqa.queue.models import FINAL_STATES, OPEN_STATES, Attempt, Lane, State, Task, TaskGroup

logger = logging.getLogger(__name__)

task_ended = Signal()
"""Sent after a task reached a final state, whoever brought it there; keyword `task`."""

group_ended = Signal()
"""Sent once, after the last task of a group reached a final state; keyword `group`."""


def move(
    task_id: int,
    former: State | tuple[State, ...],
    new: State,
    *,
    expected_attempt: int | None = None,
    **fields: Any,
) -> bool:
    """Change the state if it still is `former`; False if somebody else was first."""
    allowed = former if isinstance(former, tuple) else (former,)
    rows = Task.objects.filter(pk=task_id, state__in=allowed)
    if expected_attempt is not None:
        rows = rows.filter(attempt=expected_attempt)
    if new not in FINAL_STATES:
        return bool(rows.update(state=new, **fields))
    with transaction.atomic():
        if not rows.update(state=new, ended_at=timezone.now(), lease_until=None, **fields):
            return False
        Attempt.objects.filter(task_id=task_id, ended_at=None).update(
            ended_at=timezone.now(), state=new, error_text=fields.get("error_text", "")
        )
        Lane.objects.filter(holder_id=task_id).update(holder=None, held_since=None)
        if new != State.SUCCEEDED:
            _cancel_followers(task_id, new)
    _announce(task_id)
    return True


def _cancel_followers(task_id: int, why: State) -> None:
    """What waits for a task that did not succeed will never run."""
    followers = Task.objects.filter(after_id=task_id, state__in=OPEN_STATES)
    for follower in list(followers):
        move(
            follower.pk,
            OPEN_STATES,
            State.KILLED,
            kill_reason=f"task {task_id}, which it waited for, ended as {State(why).label}",
        )


def _announce(task_id: int) -> None:
    """Tell the house, once the change is in the database, and start what may start now."""

    def tell() -> None:
        from mppcqa.queue.dispatch import dispatch
        from mppcqa.queue.notices import notify

        task = Task.objects.select_related("group").get(pk=task_id)
        _send(task_ended, Task, task=task)
        if task.state != State.SUCCEEDED:
            notify(task)
        group = task.group
        if group is not None and not group.tasks.filter(state__in=OPEN_STATES).exists():
            now = timezone.now()
            if TaskGroup.objects.filter(pk=group.pk, ended_at=None).update(ended_at=now):
                group.ended_at = now
                _send(group_ended, TaskGroup, group=group)
        dispatch(ended=True)

    transaction.on_commit(tell)


def _send(signal: Signal, sender: type[Any], **named: Any) -> None:
    """Tell every receiver; one that fails must not keep the queue from going on."""
    for receiver, answer in signal.send_robust(sender, **named):
        if isinstance(answer, Exception):
            logger.error("%s failed for %s", receiver, named, exc_info=answer)

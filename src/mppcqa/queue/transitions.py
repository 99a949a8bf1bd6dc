"""The only place that changes a task's state, by compare and set.

Every change is one UPDATE with the expected former state (and attempt) in its WHERE, so that two
workers, a person and the reaper can all try at once and exactly one of them wins.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, Q, QuerySet
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.queue.models import (
    DEFAULT_LANE,
    FINAL_STATES,
    OPEN_STATES,
    Attempt,
    Lane,
    State,
    Task,
    TaskGroup,
    Worker,
)
from mppcqa.queue.untrusted import told

logger = logging.getLogger(__name__)
LONGEST = {
    "error_class": 100,
    "error_text": 20_000,
    "traceback": 100_000,
    "kill_reason": 200,
    "progress_text": 200,
}
"""Characters that are kept of texts which come from programs, errors and people."""
TOLD = ("name", "state", "lane", "group", "requested_by", "about_model", "about_id")
"""What is asked of a task when its end is told."""

task_ended = Signal()
"""Sent after a task reached a final state, whoever brought it there; keyword `task`."""

may_go_on = Signal()
"""Sent once what waited for a station or a task may be looked at again."""

group_ended = Signal()
"""Sent once, after the last task of a group reached a final state; keyword `group`."""


def move(
    task: Task,
    former: State | tuple[State, ...],
    new: State,
    *,
    expected_attempt: int | None = None,
    attempt_state: State = State.FAILED,
    **fields: Any,
) -> bool:
    """Change the state if it still is `former`; False if somebody else was first.

    `task` is changed alike. Leaving `State.RUNNING` closes the attempt and gives its lane's lock
    back, in the same transaction; `attempt_state` is how a try ended that is to be repeated.
    What somebody wanted stopped meanwhile is not repeated: it is killed instead.
    """
    fields = _fitting(fields)
    allowed = former if isinstance(former, tuple) else (former,)
    rows = Task.objects.filter(pk=task.pk, state__in=allowed)
    if expected_attempt is not None:
        rows = rows.filter(attempt=expected_attempt)
    final = new in FINAL_STATES
    if final:
        fields |= _ending()
    if final or State.RUNNING in allowed:
        fields["lease_until"] = None
    if not final and State.RUNNING not in allowed:
        if not rows.update(state=new, **fields):
            return False
        _remember(task, new, fields)
        return True
    with transaction.atomic():
        if not final and (asked := _asked_to_end(rows)):
            fields.pop("not_before", None)
            new, final, fields = State.KILLED, True, {**fields, **asked, **_ending()}
        if not rows.update(state=new, **fields):
            return False
        if State.RUNNING in allowed:
            _close_attempt(task, fields, new if final else attempt_state)
        _remember(task, new, fields)
        _free_lanes([task])
        if final and new != State.SUCCEEDED:
            _cancel_followers([task])
        transaction.on_commit(lambda: _tell([task]) if final else _go_on([task]))
    return True


def begin(task: Task, worker: str, **fields: Any) -> bool:
    """From queued to running: a worker takes the next attempt; False if it can't.

    The attempt's number counts tries that began, so it grows here. A worker that somebody asked to
    end takes nothing more: that is part of the same UPDATE, so nothing begins after the asking.
    """
    ending = Worker.objects.filter(name=worker, drain=True)
    rows = Task.objects.filter(pk=task.pk, state=State.QUEUED, attempt=task.attempt)
    rows = rows.exclude(overdue())
    fields |= {"worker": worker, "attempt": task.attempt + 1}
    if not rows.filter(~Exists(ending)).update(state=State.RUNNING, **fields):
        return False
    _remember(task, State.RUNNING, fields)
    return True


def overdue() -> Q:
    """Tasks that had to begin by now and have not; what began once may be tried again."""
    return Q(expires_at__lte=timezone.now(), attempt=0)


def expire(task: Task) -> bool:
    """End a task whose time to begin has passed; False if somebody was first."""
    when = task.expires_at
    return move(
        task,
        (State.WAITING, State.QUEUED),
        State.EXPIRED,
        expected_attempt=0,
        error_class="Expired",
        error_text=_("It had to begin by %s UTC, and had not.") % f"{when:%Y-%m-%d %H:%M:%S}",
    )


def _asked_to_end(rows: QuerySet[Task]) -> dict[str, str]:
    """What a kill that was asked for while it ran makes of it; empty if nobody has asked.

    Locks the row: whoever asks from now on finds it in its next state.
    """
    row = rows.select_for_update().values("kill_requested_at", "kill_reason").first()
    if row is None or row["kill_requested_at"] is None:
        return {}
    return {"error_class": "", "error_text": row["kill_reason"]}


def kill_unstarted(rows: QuerySet[Task], **fields: Any) -> list[Task]:
    """Kill those of some tasks that have not started, all in one change; returns them.

    Their rows are locked first: no worker begins one between the look and the change.
    """
    fields = _fitting(fields) | _ending()
    with transaction.atomic():
        unstarted = rows.filter(state__in=(State.WAITING, State.QUEUED)).order_by("pk")
        tasks = list(unstarted.select_for_update().only(*TOLD))
        if not tasks:
            return []
        changed = Task.objects.filter(pk__in=[task.pk for task in tasks])
        changed.update(state=State.KILLED, **fields)
        # One that waits holds no station: dispatch takes that first, then this row.
        _free_lanes([task for task in tasks if task.state == State.QUEUED])
        for task in tasks:
            _remember(task, State.KILLED, fields)
        _cancel_followers(tasks)
        transaction.on_commit(lambda: _tell(tasks))
    return tasks


def _fitting(fields: dict[str, Any]) -> dict[str, Any]:
    """The same with texts that fit their columns, whatever they are."""
    there = fields.keys() & LONGEST.keys()
    return fields | {name: told(str(fields[name]), LONGEST[name]) for name in there}


def _ending() -> dict[str, Any]:
    return {
        "ended_at": timezone.now(),
        "open_key": None,
        "tallied": False,
        "lease_until": None,
    }


def _remember(task: Task, new: State, fields: dict[str, Any]) -> None:
    task.state = new
    for name, value in fields.items():
        setattr(task, name, value)


def _close_attempt(task: Task, fields: dict[str, Any], state: State) -> None:
    """What is kept of a try: the row is written once, when it is over."""
    if task.started_at is None:
        return  # killed before it began
    Attempt.objects.create(
        task_id=task.pk,
        number=task.attempt,
        worker=task.worker,
        started_at=task.started_at,
        ended_at=fields.get("ended_at") or timezone.now(),
        state=state,
        error_text=fields.get("error_text", ""),
    )


def _free_lanes(tasks: list[Task]) -> None:
    """Give back the locks of stations that these tasks hold."""
    held = [task.pk for task in tasks if task.lane != DEFAULT_LANE]
    if held:
        Lane.objects.filter(holder__in=held).update(holder=None, held_since=None)


def _cancel_followers(tasks: list[Task]) -> None:
    """What waits for a task that did not succeed will never run."""
    ended = {task.pk: State(task.state).label for task in tasks}
    for follower in Task.objects.filter(after__in=ended, state__in=OPEN_STATES).order_by("pk"):
        number = follower.after_id or 0
        move(
            follower,
            (State.WAITING, State.QUEUED),
            State.KILLED,
            kill_reason=f"task {number}, which it waited for, ended as {ended[number]}",
        )


def _tell(tasks: list[Task]) -> None:
    """Tell the house, once the ends are in the database, and start what may start now."""
    from mppcqa.queue.notices import notify

    for task in tasks:
        _send(task_ended, Task, task=task)
        if task.state != State.SUCCEEDED:
            notify(task)
    for number in {task.group_id for task in tasks if task.group_id is not None}:
        group = TaskGroup(pk=number)
        if not group.tasks.filter(state__in=OPEN_STATES).exists():
            rows = TaskGroup.objects.filter(pk=number, ended_at=None)
            if rows.update(ended_at=timezone.now()):
                _send(group_ended, TaskGroup, group=TaskGroup.objects.get(pk=number))
    _go_on(tasks)


def _go_on(tasks: list[Task]) -> None:
    """A free lane, or a success that others waited for, lets more begin."""
    if any(task.lane != DEFAULT_LANE or _lets_go_on(task) for task in tasks):
        may_go_on.send(Task)


def _lets_go_on(task: Task) -> bool:
    if task.state != State.SUCCEEDED:
        return False
    # Asked at the end of each task: written out, it costs a fifth of what it does through the ORM.
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM queue_task WHERE after_id = %s LIMIT 1", [task.pk])
        return cursor.fetchone() is not None


def _send(signal: Signal, sender: type[Any], **named: Any) -> None:
    """Tell every receiver; one that fails must not keep the queue from going on."""
    for receiver, answer in signal.send_robust(sender, **named):
        if isinstance(answer, Exception):
            logger.error("%s failed for %s", receiver, named, exc_info=answer)

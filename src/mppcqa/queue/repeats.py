"""Asking for the same again: a task by itself, a member of a group, a chain from one link on.

A repeat is a new task. In a group it takes the former one's place, so that the group's state
follows from it; in a chain what follows runs after it, whether it had run before or not.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from mppcqa.queue.actions import Call, check_call, start_task
from mppcqa.queue.errors import SubmitError
from mppcqa.queue.history import take_back
from mppcqa.queue.models import State, Task, TaskGroup
from mppcqa.queue.transitions import move

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

COPIED = (
    *("name", "arguments", "lane", "priority", "topic", "limit_s", "override"),
    *("about_model", "about_id"),
)
KEPT = ("name", "lane", "topic", "limit_s", "override")
"""Of these what stays with other arguments; it may be about something else then."""


def again(task: Task, *, by: AbstractBaseUser | None = None) -> Task:
    """Ask for the same again, as a new task with the same arguments.

    With a link of a chain, all that follows it runs again as well. Raises `SubmitError` where the
    chain is still under way, or where what comes before the link has not succeeded.
    """
    with transaction.atomic():
        group = _locked(task.group_id)
        if group is None:
            return _repeat(task, None, by)
        task = _newest(task)
        _refuse_while_open(group, [task])
        if task.after is not None and task.after.state != State.SUCCEEDED:
            values = {"task": task.title, "former": task.after.title, "number": task.after.pk}
            raise SubmitError(
                _(
                    "%(task)s comes after %(former)s #%(number)d, which has not succeeded: "
                    "run that again"
                )
                % values
            )
        return _take_up(task, by)


def again_with(
    task: Task,
    arguments: dict[str, Any],
    *,
    by: AbstractBaseUser | None = None,
    priority: int = 5,
    not_before: dt.datetime | None = None,
    expires_at: dt.datetime | None = None,
) -> Task:
    """Ask for a task's routine once more with other arguments, as a task by itself.

    It takes no place in a group: what it does is not what the group was asked for. Raises
    `SubmitError`.
    """
    check_call(Call(task.name, arguments, task.lane, not_before=not_before, expires_at=expires_at))
    changed = Task(
        **{name: getattr(task, name) for name in KEPT},
        arguments=arguments,
        priority=priority,
        not_before=not_before,
        expires_at=expires_at,
        requested_by_id=None if by is None else by.pk,
        repeat_of=task,
    )
    with transaction.atomic():
        start_task(changed)
    return changed


@dataclass(frozen=True)
class Changed:
    """An argument that is not as it was; None where there is or was none."""

    name: str
    former: Any
    now: Any


def changed_arguments(task: Task) -> list[Changed]:
    """What a repeat was asked for with that its former was not."""
    former = task.repeat_of
    if former is None:
        return []
    old, new = former.arguments, task.arguments
    return [
        Changed(name, old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def resume(group: TaskGroup, *, by: AbstractBaseUser | None = None) -> list[Task]:
    """Run again what did not succeed: a chain goes on from its first such link.

    Returns the new tasks. Raises `SubmitError` where it is under way or has succeeded.
    """
    with transaction.atomic():
        _locked(group.pk)
        rows = list(group.current_tasks().select_related("after").order_by("pk"))
        failed = [task for task in rows if task.state != State.SUCCEEDED]
        _refuse_while_open(group, failed)
        if not failed:
            raise SubmitError(_("All tasks of this group have succeeded: nothing is left to do."))
        first = [
            task for task in failed if task.after is None or task.after.state == State.SUCCEEDED
        ]
        return [_take_up(task, by) for task in first]


def bring_back(task: Task, **fields: Any) -> bool:
    """Let a task wait again that was ended before it began; False if it is not so."""
    if task.state != State.KILLED or task.started_at is not None:
        return False
    take_back(task)
    return move(
        task, State.KILLED, State.WAITING, ended_at=None, tallied=None, kill_reason="", **fields
    )


def _locked(number: int | None) -> TaskGroup | None:
    """The group; of two who repeat something of it at once, one waits for the other here."""
    if number is None:
        return None
    return TaskGroup.objects.select_for_update().get(pk=number)


def _newest(task: Task) -> Task:
    """Whoever asks for a task again that was repeated already means what took its place."""
    while newer := Task.objects.filter(repeat_of=task, group=task.group_id).order_by("-pk").first():
        task = newer
    return task


def _refuse_while_open(group: TaskGroup, tasks: list[Task]) -> None:
    rows = list(group.current_tasks()) if group.chain else tasks
    for task in rows:
        if task.is_open:
            values = {"task": task.title, "number": task.pk}
            raise SubmitError(
                _("%(task)s #%(number)d is still under way: wait for its end or stop it first")
                % values
            )


def _take_up(task: Task, by: AbstractBaseUser | None) -> Task:
    """Repeat a member of a group, and let what follows it in its chain follow the repeat."""
    repeated = _repeat(task, task.after, by)
    _follow(task, repeated, by)
    if task.group is not None:
        TaskGroup.objects.filter(pk=task.group.pk).update(ended_at=None)
    return repeated


def _follow(former: Task, now: Task, by: AbstractBaseUser | None) -> None:
    rows = Task.objects.filter(after=former, group=former.group_id)
    for task in list(rows.exclude(repeats__group=former.group_id).order_by("pk")):
        asker = {} if by is None else {"requested_by": by}
        unasked = {"kill_requested_at": None, "kill_requested_by": None}
        if bring_back(task, after=now, **asker, **unasked):
            _follow(task, task, by)
        else:
            _follow(task, _repeat(task, now, by), by)


def _repeat(task: Task, after: Task | None, by: AbstractBaseUser | None) -> Task:
    check_call(Call(task.name, task.arguments, task.lane))
    repeated = Task(
        **{name: getattr(task, name) for name in COPIED},
        requested_by_id=None if by is None else by.pk,
        repeat_of=task,
        group_id=task.group_id,
        after=after,
    )
    start_task(repeated)
    return repeated

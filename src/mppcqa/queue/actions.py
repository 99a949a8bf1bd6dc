"""What people and programs ask of the queue. Pages, command line and API call these."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.queue.dispatch import dispatch, is_gone, wake
from mppcqa.queue.errors import SubmitError
from mppcqa.queue.models import (
    DEFAULT_LANE,
    OPEN_STATES,
    State,
    Task,
    TaskGroup,
    Worker,
    about_key,
    lane_title,
    queue_name,
)
from mppcqa.queue.registry import find, not_now
from mppcqa.queue.transitions import kill_unstarted
from mppcqa.queue.untrusted import plain_json, told

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

MAX_ARGUMENT_BYTES = 64 * 1024
LAST_PRIORITY = 9


@dataclass(frozen=True)
class Call:
    """One link of a chain or member of a group: a routine's name and arguments."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    lane: str = DEFAULT_LANE
    priority: int = 5
    topic: str = ""
    limit_s: float | None = None
    override: str = ""
    not_before: dt.datetime | None = None
    expires_at: dt.datetime | None = None


def submit(
    name: str,
    arguments: dict[str, Any] | None = None,
    *,
    by: AbstractBaseUser | None = None,
    about: models.Model | None = None,
    lane: str = DEFAULT_LANE,
    priority: int = 5,
    after: Task | None = None,
    key: str = "",
    override: str = "",
    topic: str = "",
    limit_s: float | None = None,
    not_before: dt.datetime | None = None,
    expires_at: dt.datetime | None = None,
) -> Task:
    """Ask for one task. With a `key`, an open task of the same key is returned instead.

    `override` is the recorded reason to start on a station whose calibration has expired; `topic`
    says what its run times are compared by; `limit_s` replaces the routine's own time limit.
    It begins at `not_before` at the earliest; if it has not by `expires_at`, it ends as expired.
    Raises `SubmitError` for an unknown routine or arguments that it can't take.
    """
    when = (not_before, expires_at)
    call = Call(name, arguments or {}, lane, priority, topic, limit_s, override, *when)
    check_call(call)
    for last in (False, False, True):
        try:
            with transaction.atomic():
                return _create(call, by, about, after=after, key=key)
        except IntegrityError:
            if not key or last:
                raise
            same = Task.objects.filter(open_key=key).first()
            if same is not None:
                return same
            # It ended in this moment: now there is room.
    raise AssertionError


def submit_chain(
    calls: Sequence[Call],
    *,
    title: str = "",
    by: AbstractBaseUser | None = None,
    about: models.Model | None = None,
) -> TaskGroup:
    """Ask for tasks that run one after the other; a failure ends the rest."""
    return _submit_many(calls, title=title, by=by, about=about, chain=True)


def submit_group(
    calls: Sequence[Call],
    *,
    title: str = "",
    by: AbstractBaseUser | None = None,
    about: models.Model | None = None,
) -> TaskGroup:
    """Ask for tasks that run side by side."""
    return _submit_many(calls, title=title, by=by, about=about, chain=False)


def _submit_many(
    calls: Sequence[Call],
    *,
    title: str,
    by: AbstractBaseUser | None,
    about: models.Model | None,
    chain: bool,
) -> TaskGroup:
    if not calls:
        raise SubmitError("a chain or group needs at least one task")
    for call in calls:
        check_call(call)
    # No savepoint within the asker's own transaction: what fails here is not gone on with.
    with transaction.atomic(savepoint=False):
        group = TaskGroup.objects.create(
            title=title or calls[0].name, chain=chain, requested_by_id=_pk(by), **about_key(about)
        )
        former: Task | None = None
        for call in calls:
            task = _create(call, by, about, after=former, group=group)
            former = task if chain else None
    return group


def _pk(by: AbstractBaseUser | None) -> Any:
    return None if by is None else by.pk


def check_call(call: Call) -> None:
    """Raise `SubmitError` where a call can't be taken, and say why."""
    if call.expires_at and call.expires_at <= max(
        call.not_before or timezone.now(), timezone.now()
    ):
        raise SubmitError(_("It would expire before it may begin."))
    routine = find(call.name)
    if routine is None:
        raise SubmitError(f"there is no routine called {call.name!r}")
    if is_gone(call.lane):
        raise SubmitError(
            f"there is no station {lane_title(call.lane)}; was it removed or renamed?"
        )
    try:
        plain_json(call.arguments, MAX_ARGUMENT_BYTES)
    except (TypeError, ValueError) as error:
        raise SubmitError(
            f"the arguments of {call.name} are not plain JSON, or too much: {error}"
        ) from None
    try:
        routine.check_arguments(call.arguments)
    except TypeError as error:
        raise SubmitError(f"{call.name} can't take these arguments: {error}") from None


def _create(
    call: Call,
    by: AbstractBaseUser | None,
    about: models.Model | None,
    *,
    after: Task | None = None,
    group: TaskGroup | None = None,
    key: str = "",
) -> Task:
    task = Task(
        name=call.name,
        arguments=call.arguments,
        lane=call.lane,
        priority=call.priority,
        topic=call.topic,
        limit_s=call.limit_s,
        requested_by_id=_pk(by),
        after=after,
        group=group,
        key=key,
        open_key=key or None,
        override=told(call.override, 200),
        not_before=call.not_before,
        expires_at=call.expires_at,
        **about_key(about),
    )
    start_task(task)
    return task


def start_task(task: Task) -> None:
    """Store a new task: queued at once where nothing can be in its way.

    All that is asked for, for the first time or again, comes through here. Raises `SubmitError`
    where its routine takes nothing now.
    """
    if why := not_now(task.name):
        raise SubmitError(why)
    if task.lane != DEFAULT_LANE or task.after is not None or task.not_before is not None:
        task.save(force_insert=True)
        if task.after is None or not task.after.is_open:
            transaction.on_commit(dispatch)
        return
    task.state = State.QUEUED
    task.queued_at = task.created_at
    task.served_by = queue_name(DEFAULT_LANE)
    task.save(force_insert=True)
    transaction.on_commit(lambda: wake(task.served_by))


def set_priority(task: Task, priority: int) -> bool:
    """Move a task forward (0) or back (9) among those that wait; False once it has begun."""
    if not 0 <= priority <= LAST_PRIORITY:
        raise SubmitError(_("A priority is a number from 0 (first) to 9 (last)."))
    rows = Task.objects.filter(pk=task.pk, state__in=(State.WAITING, State.QUEUED))
    return bool(rows.update(priority=priority))


def kill(task: Task, *, by: AbstractBaseUser | None = None, reason: str = "") -> bool:
    """Stop a task: at once if it has not started, through its worker if it runs.

    False if it had ended already. A request stays in the row, so one that comes while the worker
    is away holds as well: the reaper carries it out.
    """
    return _kill(Task.objects.filter(pk=task.pk), by, reason) > 0


def kill_group(group: TaskGroup, *, by: AbstractBaseUser | None = None, reason: str = "") -> int:
    """Stop every open task of a group; returns how many were open."""
    return _kill(group.tasks.all(), by, reason)


def _kill(rows: models.QuerySet[Task], by: AbstractBaseUser | None, reason: str) -> int:
    """Stop the open ones among some tasks; returns how many were open.

    Locked for both halves: a task that a worker gives back in between, to be tried again, would
    be missed by one as not waiting yet and by the other as not running any more.
    """
    asked = _kill_request(by, reason)
    with transaction.atomic():
        opened = rows.filter(state__in=OPEN_STATES).order_by("pk").select_for_update()
        states = dict(opened.values_list("pk", "state"))
        running = [number for number, state in states.items() if state == State.RUNNING]
        kill_unstarted(Task.objects.filter(pk__in=states.keys() - set(running)), **asked)
        # Who asked first stays.
        Task.objects.filter(pk__in=running, kill_requested_at=None).update(**asked)
    return len(states)


def _kill_request(by: AbstractBaseUser | None, reason: str) -> dict[str, Any]:
    return {
        "kill_requested_at": timezone.now(),
        "kill_requested_by_id": _pk(by),
        "kill_reason": told(reason or _("stopped by request"), 200),
    }


def drain(worker: Worker) -> None:
    """Let a worker end its running tasks, take no new ones, and stop.

    From this moment on `transitions.begin` gives it nothing more.
    """
    Worker.objects.filter(pk=worker.pk).update(drain=True)


def stop_worker(worker: Worker, *, by: AbstractBaseUser | None = None) -> int:
    """Stop a worker at once: what it runs is killed, then it ends; returns how many it ran."""
    drain(worker)
    reason = _("its worker %s was stopped") % worker.name
    return sum(kill(task, by=by, reason=reason) for task in worker.running())

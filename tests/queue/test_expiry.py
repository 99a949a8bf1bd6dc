"""Earliest start, latest start and priority of a task, and a repeat with other arguments."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

import tests.queue.routines  # noqa: F401
from mppcqa.queue import Call, submit, submit_chain
from mppcqa.queue.actions import set_priority
from mppcqa.queue.dispatch import dispatch
from mppcqa.queue.errors import SubmitError
from mppcqa.queue.models import Lane, Notice, State, Task, queue_name
from mppcqa.queue.reaper import reap
from mppcqa.queue.repeats import again_with, changed_arguments
from mppcqa.queue.runner import claim, work
from mppcqa.queue.transitions import begin, expire

ADD = {"a": 1, "b": 1}
HOUR = dt.timedelta(hours=1)


def soon() -> dt.datetime:
    return timezone.now() + HOUR


def overdue(task: Task) -> Task:
    """As it stands when its time to begin has passed."""
    Task.objects.filter(pk=task.pk).update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    task.refresh_from_db()
    return task


@pytest.mark.django_db
def test_what_did_not_begin_in_time_ends_as_expired_and_says_so(
    operator: User, django_capture_on_commit_callbacks: Any
) -> None:
    lane = Lane.objects.create(name="station:a", exclusive=True)
    queued = overdue(submit("test.add", ADD, by=operator, expires_at=soon()))
    waiting = overdue(submit("test.add", ADD, not_before=soon(), expires_at=soon() + HOUR))
    held = submit("test.add", ADD, lane=lane.name, expires_at=soon())
    dispatch()
    overdue(held)
    assert held.state == State.QUEUED
    in_time = submit("test.add", ADD, expires_at=soon())
    with django_capture_on_commit_callbacks(execute=True):
        assert reap()["expired"] == 3
    for task in (queued, waiting, held):
        task.refresh_from_db()
        assert (task.state, task.attempt, task.open_key) == (State.EXPIRED, 0, None)
        assert "had to begin by" in task.error_text
        assert task.ended_at is not None
    lane.refresh_from_db()
    assert lane.holder is None
    in_time.refresh_from_db()
    assert in_time.state == State.QUEUED
    assert "expired" in Notice.objects.get(user=operator).text


@pytest.mark.django_db
def test_no_worker_begins_what_is_overdue_before_the_reaper_comes() -> None:
    task = overdue(submit("test.add", ADD, expires_at=soon()))
    assert claim("h:1", [queue_name("work")]) is None
    assert not begin(task, "h:1", started_at=timezone.now())
    task.refresh_from_db()
    assert (task.state, task.attempt) == (State.QUEUED, 0)


@pytest.mark.django_db
def test_what_has_begun_once_does_not_expire() -> None:
    task = submit("test.add", ADD, expires_at=soon())
    begin(task, "h:1", started_at=timezone.now())
    overdue(task)
    assert not expire(task)
    Task.objects.filter(pk=task.pk).update(state=State.WAITING)  # to be tried again
    assert reap()["expired"] == 0
    task.refresh_from_db()
    assert task.state == State.QUEUED


@pytest.mark.django_db
def test_what_waits_for_an_expired_task_does_not_run() -> None:
    group = submit_chain([Call("test.add", ADD, expires_at=soon()), Call("test.add", ADD)])
    first, second = group.tasks.order_by("id")
    overdue(first)
    reap()
    second.refresh_from_db()
    assert (second.state, group.state) == (State.KILLED, State.EXPIRED)


@pytest.mark.django_db(transaction=True)
def test_of_a_worker_and_the_reaper_exactly_one_has_it() -> None:
    moments = timezone.now() + dt.timedelta(milliseconds=30)
    tasks = [submit("test.add", ADD) for _ in range(20)]
    Task.objects.update(expires_at=moments)
    taken: list[Task] = []

    def worker() -> None:
        while (task := claim("h:1", [queue_name("work")])) is not None:
            taken.append(task)
        connection.close()

    thread = threading.Thread(target=worker)
    thread.start()
    thread.join()
    while timezone.now() < moments:
        pass
    reap()
    states = list(Task.objects.order_by("pk").values_list("state", flat=True))
    assert states.count(State.RUNNING) == len(taken)
    assert states.count(State.RUNNING) + states.count(State.EXPIRED) == len(tasks)


@pytest.mark.django_db
def test_an_earliest_start_holds_and_then_lets_go() -> None:
    task = submit("test.add", ADD, not_before=soon())
    dispatch()
    task.refresh_from_db()
    assert task.state == State.WAITING
    Task.objects.update(not_before=timezone.now())
    dispatch()
    task.refresh_from_db()
    assert task.state == State.QUEUED


@pytest.mark.django_db
def test_what_would_expire_before_it_may_begin_is_refused() -> None:
    for wrong in (
        {"expires_at": timezone.now() - HOUR},
        {"expires_at": soon(), "not_before": soon() + HOUR},
    ):
        with pytest.raises(SubmitError, match="expire before"):
            submit("test.add", ADD, **wrong)
    assert not Task.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_priority_that_is_changed_is_the_order_in_which_tasks_run() -> None:
    first, second, third = (submit("test.add", ADD) for _ in range(3))
    assert set_priority(third, 0)
    assert set_priority(first, 9)
    work("test:1", [queue_name("work")], lambda: False)
    began = Task.objects.order_by("started_at").values_list("pk", flat=True)
    assert list(began) == [third.pk, second.pk, first.pk]
    assert not set_priority(first, 1)  # it has begun
    with pytest.raises(SubmitError, match="from 0"):
        set_priority(first, 10)


@pytest.mark.django_db
def test_a_repeat_with_other_arguments_says_what_changed(operator: User) -> None:
    group = submit_chain([Call("test.add", ADD)])
    task = group.tasks.get()
    changed = again_with(task, {"a": 5, "b": 1}, by=operator, priority=2)
    assert (changed.repeat_of, changed.group, changed.priority) == (task, None, 2)
    assert [(one.name, one.former, one.now) for one in changed_arguments(changed)] == [("a", 1, 5)]
    assert group.current_tasks().get() == task
    with pytest.raises(SubmitError, match="can't take"):
        again_with(task, {"c": 1})

"""What the queue refuses, and what it does without a worker."""

from __future__ import annotations

import pytest

import tests.queue.routines  # noqa: F401
from mppcqa.queue import Call, kill, submit, submit_chain
from mppcqa.queue.errors import SubmitError
from mppcqa.queue.models import Lane, State, Task
from mppcqa.queue.transitions import begin

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("test.none", {}, "no routine"),
        ("test.add", {"a": 1}, "'b'"),
        ("test.add", {"a": 1, "b": object()}, "not plain JSON"),
        ("test.add", {"a": 1, "b": float("nan")}, "not plain JSON"),
        ("test.add", {"a": 1, "b": "x" * 100_000}, "at most"),
    ],
)
def test_what_can_not_run_is_refused_at_once(name, arguments, message) -> None:
    with pytest.raises(SubmitError, match=message):
        submit(name, arguments)
    assert not Task.objects.exists()


def test_a_kill_before_the_start_holds() -> None:
    task = submit("test.add", {"a": 1, "b": 1})
    assert kill(task)
    task.refresh_from_db()
    assert task.state == State.KILLED
    assert not kill(task)


def test_only_one_of_two_owners_wins() -> None:
    task = submit("test.add", {"a": 1, "b": 1})
    task.refresh_from_db()
    assert task.state == State.QUEUED
    same = Task.objects.get(pk=task.pk)
    assert begin(task, "one:1")
    assert not begin(same, "two:1")


def test_a_key_makes_equal_open_tasks_one() -> None:
    first = submit("test.add", {"a": 1, "b": 1}, key="same")
    assert submit("test.add", {"a": 1, "b": 1}, key="same") == first
    kill(first)
    assert submit("test.add", {"a": 1, "b": 1}, key="same") != first


def test_a_lane_in_maintenance_starts_nothing() -> None:
    lane = Lane.objects.create(name="station:a", exclusive=True, maintenance="lamp broken")
    task = submit("test.add", {"a": 1, "b": 1}, lane="station:a")
    task.refresh_from_db()
    assert task.state == State.WAITING
    lane.refresh_from_db()
    assert lane.holder is None


def test_an_exclusive_lane_queues_one_at_a_time() -> None:
    Lane.objects.create(name="station:a", exclusive=True)
    tasks = [submit("test.add", {"a": n, "b": 1}, lane="station:a") for n in range(3)]
    states = [Task.objects.get(pk=task.pk).state for task in tasks]
    assert states == [State.QUEUED, State.WAITING, State.WAITING]
    kill(tasks[0])
    assert Task.objects.get(pk=tasks[1].pk).state == State.QUEUED


def test_links_of_a_killed_chain_never_run() -> None:
    group = submit_chain([Call("test.add", {"a": 1, "b": 1})] * 3, title="three")
    kill(group.tasks.order_by("id")[0])
    assert set(group.tasks.values_list("state", flat=True)) == {State.KILLED}

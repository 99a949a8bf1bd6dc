"""A computer that was cut off: what it measured meanwhile is not lost, and nothing is doubled."""

from __future__ import annotations

import datetime as dt
import json
import socket
import threading
import time
from collections import Counter
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, connections
from django.utils import timezone

import tests.queue.routines  # noqa: F401
from mppcqa.queue import Call, again, ends, kill, runner, submit, submit_chain
from mppcqa.queue.history import durations, tally
from mppcqa.queue.housekeeping import remove_own_logs, retention
from mppcqa.queue.late import resume
from mppcqa.queue.logs import LogWriter, log_path, read_from
from mppcqa.queue.models import Lane, Notice, State, Task, queue_name
from mppcqa.queue.reaper import reap
from mppcqa.queue.runner import work
from mppcqa.queue.transitions import begin, move
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.django_db(transaction=True)
HERE = queue_name("work")


def run_all() -> int:
    return work("test:1", [HERE], lambda: False)


def started(task: Task) -> Task:
    task.refresh_from_db()
    now = timezone.now()
    assert begin(task, "far:1", host="far", process_id=1, started_at=now, lease_until=now)
    return task


def given_up(task: Task) -> Task:
    """As the reaper of another computer leaves it."""
    assert move(started(task), State.RUNNING, State.LOST, error_class="WorkerGone", error_text="x")
    return task


def away(*_: Any, **__: Any) -> None:
    raise OperationalError(2013, "Lost connection to server")


def test_an_end_in_the_absence_of_the_database_is_delivered_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = submit("test.add", {"a": 2, "b": 3})
    with monkeypatch.context() as patch:
        patch.setattr(ends, "move", away)
        assert run_all() == 1
    task.refresh_from_db()
    assert task.state == State.RUNNING
    assert [path.name for path in ends.folder().iterdir()] == [f"{task.pk}-1.json"]
    assert reap()["delivered"] == 1
    task.refresh_from_db()
    assert (task.state, task.result, task.attempts.count()) == (State.SUCCEEDED, {"sum": 5}, 1)
    assert list(ends.folder().iterdir()) == []
    assert reap()["delivered"] == 0


def test_the_late_end_of_a_lost_measurement_is_accepted_and_its_chain_goes_on() -> None:
    person = User.objects.create_user("ana")
    calls = [Call("test.program", {"code": "1"}), Call("test.add", {"a": 1, "b": 2})]
    group = submit_chain([*calls, calls[1]], by=person)
    first = given_up(group.tasks.earliest("id"))
    assert [task.state for task in group.tasks.order_by("id")] == ["lost", "killed", "killed"]
    tally()
    ends.write_end(first, State.SUCCEEDED, {"result": {"bytes": 7}, "error_text": "", "run_s": 9})
    first.refresh_from_db()
    assert (first.state, first.result, first.error_class) == (State.SUCCEEDED, {"bytes": 7}, "")
    assert [one.state for one in first.attempts.all()] == [State.SUCCEEDED]
    assert "accepted" in read_from(log_path(first.pk, 1), 0).text
    assert "not lost after all" in Notice.objects.filter(user=person, task=first).latest("id").text
    assert run_all() == 2
    assert [task.state for task in group.tasks.order_by("id")] == ["succeeded"] * 3
    group.refresh_from_db()
    assert group.ended_at is not None
    tally()
    found = {one.name: dict(one.outcomes) for one in durations()}
    assert +Counter(found["test.program"]) == {"succeeded": 1}
    assert +Counter(found["test.add"]) == {"succeeded": 2}


@pytest.mark.parametrize("why", ["run again", "killed", "repeated attempt"])
def test_a_late_end_is_not_taken_where_it_would_double_or_undo(why: str) -> None:
    task = submit("test.add", {"a": 1, "b": 1})
    if why == "killed":
        kill(started(task))
        task.refresh_from_db()
        assert move(task, State.RUNNING, State.KILLED)
    else:
        given_up(task)
    if why == "run again":
        again(task)
    if why == "repeated attempt":
        Task.objects.filter(pk=task.pk).update(state=State.QUEUED, attempt=2)
    before = Task.objects.get(pk=task.pk).state
    ends.write_end(task, State.SUCCEEDED, {"result": {"sum": 2}})
    kept = Task.objects.get(pk=task.pk)
    assert (kept.state, kept.result) == (before, None)
    assert "not taken" in read_from(log_path(task.pk, 1), 0).text
    assert list(ends.folder().iterdir()) == []


def test_an_end_cut_short_by_a_full_disk_is_set_aside() -> None:
    ends.folder().mkdir(parents=True, exist_ok=True)
    (ends.folder() / "7-1.json").write_text('{"task": 7, "att')
    (ends.folder() / ".8-1.json").touch()  # is being written
    assert reap()["delivered"] == 0
    left = sorted(path.name for path in ends.folder().iterdir())
    assert left == [".8-1.json", "7-1.json.unreadable"]
    for name in left:
        (ends.folder() / name).unlink()


def test_who_runs_a_lost_program_goes_on_and_what_was_queued_there_waits() -> None:
    lane = Lane.objects.create(name="station:a", exclusive=True)
    first = submit("test.program", {"code": "1"}, lane="station:a")
    second = submit("test.add", {"a": 1, "b": 1}, lane="station:a")
    given_up(first)
    second.refresh_from_db()
    assert second.state == State.QUEUED
    assert resume(first, host="far", process_id=1)
    lane.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, lane.holder, second.state) == (State.RUNNING, first, State.WAITING)
    assert not resume(first)
    assert move(first, State.RUNNING, State.SUCCEEDED)
    assert run_all() == 1
    second.refresh_from_db()
    assert (second.state, second.attempt) == (State.SUCCEEDED, 1)


def test_a_lost_program_does_not_go_on_beside_the_next_one() -> None:
    Lane.objects.create(name="station:a", exclusive=True)
    first = submit("test.program", {"code": "1"}, lane="station:a")
    second = submit("test.program", {"code": "1"}, lane="station:a")
    given_up(first)
    started(second)
    assert not resume(first)
    first.refresh_from_db()
    assert first.state == State.LOST


def test_nothing_starts_at_a_station_while_a_former_program_uses_it() -> None:
    from mppcqa.queue.leases import lane_lock

    lane = Lane.objects.create(name="station:a", exclusive=True)
    task = submit("test.add", {"a": 1, "b": 1}, lane="station:a")
    with lane_lock(lane, lambda text: None):
        assert run_all() == 0
        task.refresh_from_db()
        assert (task.state, task.attempt) == (State.WAITING, 0)
    reap()
    assert run_all() == 1


def test_a_running_program_that_was_given_up_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch of the pool process finds that its task is called lost, and takes it back."""
    code = "import time; print('up', flush=True); time.sleep(2.5)"
    task = submit("test.program", {"code": code})
    monkeypatch.setattr(runner, "HOST", socket.gethostname())

    def give_up() -> None:
        try:
            while b"Z up" not in log_path(task.pk, 1).read_bytes():
                time.sleep(0.05)
            other = Task.objects.get(pk=task.pk)
            Task.objects.filter(pk=task.pk).update(host="elsewhere", process_id=1)
            assert move(other, State.RUNNING, State.LOST, error_text="went away")
        finally:
            connections.close_all()

    thread = threading.Thread(target=give_up)
    path = log_path(task.pk, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    thread.start()
    assert run_all() == 1
    thread.join(PATIENCE_S)
    task.refresh_from_db()
    assert (task.state, task.result, task.host) == (
        State.SUCCEEDED,
        {"status": 0},
        socket.gethostname(),
    )
    assert task.attempts.get().state == State.SUCCEEDED
    assert "it goes on" in task.messages.get().text


def test_old_logs_go_from_each_computer_and_those_of_failures_stay() -> None:
    tasks = {name: submit(name, values) for name, values in KINDS.items()}
    run_all()
    old = timezone.now() - dt.timedelta(days=400)
    Task.objects.update(ended_at=old)
    recent = submit("test.add", {"a": 1, "b": 1})
    run_all()
    log = LogWriter(log_path(recent.pk, 1))
    done = retention(runner.Context(recent, log))
    log.close()
    assert (done["archived"], done["removed"]) == (1, 1)
    assert not log_path(tasks["test.add"].pk, 1).exists()
    assert log_path(tasks["test.fail"].pk, 1).exists()
    assert log_path(recent.pk, 1).exists()
    # Another computer still has its own.
    log_path(tasks["test.add"].pk, 1).write_text("there\n")
    assert remove_own_logs() == (1, 6)


KINDS: dict[str, dict[str, int]] = {"test.add": {"a": 1, "b": 1}, "test.fail": {}}


def test_connections_to_a_server_ask_whether_it_is_there() -> None:
    if connection.vendor != "mysql":
        pytest.skip("SQLite has no connection")
    connection.ensure_connection()
    link = connection.connection._sock
    assert link.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000
    assert link.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    with connection.cursor() as cursor:  # and wait for long answers all the same
        cursor.execute("SELECT SLEEP(0.2)")


def test_an_end_is_written_by_one_of_two_at_once() -> None:
    task = started(submit("test.add", {"a": 1, "b": 1}))
    record = {"task": task.pk, "attempt": 1, "state": "succeeded", "fields": {"result": {"sum": 2}}}
    ends.folder().mkdir(parents=True, exist_ok=True)
    (ends.folder() / f"{task.pk}-1.json").write_text(json.dumps(record))
    with ends._locked(ends.folder() / f"{task.pk}-1.json") as text:
        assert text
        assert ends.deliver_left() == 0
    assert ends.deliver_left() == 1
    assert Task.objects.get(pk=task.pk).result == {"sum": 2}
    assert list(ends.folder().iterdir()) == []

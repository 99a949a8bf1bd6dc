"""A kill that was asked for holds, whatever else happens to the task in the same moment."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.db import connection, connections
from django.utils import timezone

import tests.queue.routines  # noqa: F401
from mppcqa.queue import Call, kill, kill_group, leases, submit, submit_chain, submit_group
from mppcqa.queue.dispatch import dispatch
from mppcqa.queue.models import Lane, State, Task, TaskGroup, Worker, queue_name
from mppcqa.queue.reaper import reap
from mppcqa.queue.runner import work
from mppcqa.queue.transitions import begin, move
from tests.queue.test_worker import HANG, ended, running
from tests.workers import running_worker, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
HERE = queue_name("work")


def run_all() -> int:
    dispatch()
    return work("test:1", [HERE], lambda: False)


def began(path: Path) -> int:
    """How many attempts of ``test.trace`` began."""
    return path.read_text().count("began") if path.exists() else 0


def dead_process() -> int:
    done = subprocess.Popen([sys.executable, "-S", "-c", ""])
    done.wait()
    return done.pid


def left_running(task: Task) -> Task:
    """As a worker of this computer leaves it that was killed in the midst of it."""
    task.refresh_from_db()
    now = timezone.now()
    owner: dict[str, Any] = {"host": socket.gethostname(), "process_id": dead_process()}
    assert begin(task, "dead:1", started_at=now, lease_until=now, **owner)
    return task


def reap_until_lost() -> None:
    """A round waits while anything that some dead worker of this computer left still runs."""
    wait_until(lambda: reap()["lost"] == 1, what="an attempt given up")


def aside(function: Callable[[], object]) -> threading.Thread:
    """Run something on a database connection of its own."""

    def run() -> None:
        try:
            function()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_kill_asked_for_while_the_worker_is_away_holds(
    transactional_db, tmp_path, django_user_model
) -> None:
    person = django_user_model.objects.create_user("ana")
    options = ("--lane", "far", "--lane", "station:far", "--concurrency", "2")
    marker = tmp_path / "safe"
    Lane.objects.create(
        name="station:far", exclusive=True, dedicated=True, make_safe=["touch", str(marker)]
    )
    with running_worker(*options, routines="tests.queue.routines") as first:
        wait_until(lambda: Worker.objects.filter(stopped_at=None).exists(), what="worker ready")
        sturdy = submit("test.compute", {"seconds": 600}, lane="far")
        measuring = submit("test.program", {"code": HANG}, lane="station:far")
        waiting = submit("test.add", {"a": 1, "b": 1}, lane="station:far")
        wait_until(lambda: running(sturdy) and running(measuring), what="both run")
        family = [first, *psutil.Process(first.pid).children(recursive=True)]
        for process in family:
            process.kill()
    for task in (sturdy, measuring, waiting):
        assert kill(task, by=person, reason="power cut in the hall")
    with running_worker(*options, routines="tests.queue.routines"):
        for task in (sturdy, measuring, waiting):
            assert (ended(task).state, task.kill_reason) == (State.KILLED, "power cut in the hall")
            assert (task.kill_requested_by, task.attempt) == (person, task is not waiting)
        wait_until(lambda: Lane.objects.get().holder is None, what="lane free")
        assert marker.exists()


def test_a_kill_while_the_reaper_makes_the_station_safe_holds(tmp_path: Path) -> None:
    begun, go_on, trace = tmp_path / "begun", tmp_path / "go on", tmp_path / "trace"
    wait = f"touch '{begun}'; until test -e '{go_on}'; do sleep 0.05; done"
    Lane.objects.create(name="station:a", exclusive=True, make_safe=["sh", "-c", wait])
    group = submit_chain([Call("test.trace", {"path": str(trace)}, lane="station:a")] * 2)
    task = left_running(group.tasks.earliest("id"))
    reaper = aside(reap_until_lost)
    wait_until(begun.exists, what="the reaper is at it")
    assert kill(task, reason="power cut in the hall")
    go_on.touch()
    reaper.join()
    for _ in range(3):
        reap()
        run_all()
    task.refresh_from_db()
    assert began(trace) == 0
    assert (task.state, task.kill_reason, task.attempt) == (
        State.KILLED,
        "power cut in the hall",
        1,
    )
    assert [one.state for one in group.tasks.all()] == [State.KILLED] * 2
    assert Lane.objects.get().holder is None


def test_a_kill_after_a_lost_attempt_was_queued_again_counts_no_attempt_that_never_began(
    tmp_path: Path,
) -> None:
    task = left_running(submit("test.trace", {"path": str(tmp_path / "trace")}))
    reap_until_lost()
    task.refresh_from_db()
    assert task.state == State.QUEUED
    assert kill(task)
    run_all()
    task.refresh_from_db()
    assert (task.state, task.attempt, began(tmp_path / "trace")) == (State.KILLED, 1, 0)
    assert [one.state for one in task.attempts.all()] == [State.LOST]


def test_what_fails_just_after_its_kill_is_not_tried_again(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    task = submit("test.killed_and_failing", {"path": str(trace)})
    assert run_all() == 1
    task.refresh_from_db()
    assert (task.state, task.kill_reason) == (State.KILLED, "enough")
    Task.objects.update(not_before=None)  # the pause before another try is over
    assert run_all() == 0
    assert began(trace) == 1


@pytest.mark.parametrize("whole_group", [False, True])
def test_a_kill_misses_no_task_that_is_given_back_meanwhile(
    tmp_path: Path, whole_group: bool
) -> None:
    """Between the two looks of a kill, at what waits and at what runs, nothing slips through."""
    trace = tmp_path / "trace"
    group: TaskGroup = submit_group([Call("test.trace", {"path": str(trace)})])
    task = left_running(group.tasks.get())
    giving_back: list[threading.Thread] = []

    def give_back() -> None:
        move(Task.objects.get(pk=task.pk), State.RUNNING, State.WAITING, expected_attempt=1)

    def after_the_first_look(execute: Any, sql: str, *more: Any) -> Any:
        answer = execute(sql, *more)
        if "queue_task" in sql and not giving_back:
            giving_back.append(aside(give_back))
            giving_back[0].join(2)
        return answer

    with connection.execute_wrapper(after_the_first_look):
        assert kill_group(group) == 1 if whole_group else kill(task)
    giving_back[0].join()
    run_all()
    task.refresh_from_db()
    assert (task.state, began(trace)) == (State.KILLED, 0)


@pytest.mark.parametrize(("late_s", "ended"), [(20.0, False), (31.0, True)])
def test_a_supervisor_that_hangs_is_told_to_end_but_gets_its_grace(
    tmp_path: Path, late_s: float, ended: bool
) -> None:
    script = tmp_path / "supervisor.py"
    script.write_text("import time\nprint('here', flush=True)\ntime.sleep(300)\n")
    with subprocess.Popen([sys.executable, "-S", str(script)], stdout=subprocess.PIPE) as hung:
        assert hung.stdout is not None
        assert hung.stdout.readline() == b"here\n"
        task = left_running(submit("test.add", {"a": 1, "b": 1}))
        Task.objects.filter(pk=task.pk).update(supervisor_id=hung.pid)
        reap()
        lease, since = leases._seen[task.pk]
        leases._seen[task.pk] = (lease, since - leases.LEASE.total_seconds() - late_s)
        assert reap()["lost"] == 0
        if ended:
            assert hung.wait(20) == -signal.SIGTERM
        else:
            with pytest.raises(subprocess.TimeoutExpired):
                hung.wait(1)
            hung.kill()

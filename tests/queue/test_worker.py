"""Tasks in a real worker, on whatever broker and database the suite is configured for."""

from __future__ import annotations

import os
import re
import signal

import psutil
import pytest

import tests.queue.routines  # noqa: F401
from mppcqa.queue import Call, again, kill, kill_group, submit, submit_chain
from mppcqa.queue.logs import log_path, read_from, read_tail
from mppcqa.queue.models import Lane, State, Task, Worker
from tests.workers import running_worker, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

HANG = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
FAMILY = (
    "import subprocess, sys, time; "
    f"p = subprocess.Popen([sys.executable, '-c', {HANG!r}]); "
    "print('pids', p.pid, flush=True); time.sleep(600)"
)


@pytest.fixture(scope="module")
def shared_worker(django_db_setup):
    with running_worker("--concurrency", "2", routines="tests.queue.routines") as process:
        process.ready = False
        yield process


@pytest.fixture
def worker(shared_worker):
    if not shared_worker.ready:
        wait_until(lambda: Worker.objects.filter(stopped_at=None).exists(), what="worker ready")
        shared_worker.ready = True
    return shared_worker


def ended(task: Task) -> Task:
    def is_final() -> bool:
        task.refresh_from_db()
        return not task.is_open

    wait_until(is_final, what=f"{task} ended")
    return task


def log_of(task: Task) -> str:
    return read_from(log_path(task.pk, task.attempt), 0).text


def running(task: Task) -> bool:
    task.refresh_from_db()
    return task.state == State.RUNNING


def test_a_task_runs_and_keeps_result_log_and_progress(worker) -> None:
    task = ended(submit("test.add", {"a": 2, "b": 3}))
    assert (task.state, task.result, task.percent) == (State.SUCCEEDED, {"sum": 5}, 100)
    assert "2 + 3" in log_of(task)
    assert task.attempts.get().state == State.SUCCEEDED
    assert task.seconds is not None
    assert again(task).repeat_of == task


def test_failures_say_what_happened(worker) -> None:
    told = ended(submit("test.fail"))
    assert (told.state, told.error_text) == (
        State.FAILED,
        "the box is open: close it and start again",
    )
    bug = ended(submit("test.bug"))
    assert bug.state == State.FAILED
    assert "ZeroDivisionError" in bug.traceback
    assert "ZeroDivisionError" in log_of(bug)


def test_a_passing_error_is_tried_again(worker, tmp_path) -> None:
    task = ended(submit("test.flaky", {"marker": str(tmp_path / "tries")}))
    assert (task.state, task.result, task.attempt) == (State.SUCCEEDED, {"tries": 2}, 2)
    assert [attempt.state for attempt in task.attempts.all()] == [State.FAILED, State.SUCCEEDED]


def test_a_chain_runs_in_order_and_a_failure_ends_the_rest(worker) -> None:
    good = submit_chain([Call("test.add", {"a": n, "b": 0}) for n in range(3)], title="adding")
    wait_until(lambda: good.state == State.SUCCEEDED, what="chain succeeded")
    times = [task.started_at for task in good.tasks.order_by("id")]
    assert times == sorted(times)

    bad = submit_chain(
        [Call("test.add", {"a": 1, "b": 1}), Call("test.fail"), Call("test.add", {"a": 1, "b": 1})],
        title="broken",
    )
    wait_until(lambda: bad.state == State.FAILED, what="chain failed")
    assert [task.state for task in bad.tasks.order_by("id")] == [
        State.SUCCEEDED,
        State.FAILED,
        State.KILLED,
    ]


def test_a_kill_reaches_grandchildren_that_ignore_term(worker, django_user_model) -> None:
    person = django_user_model.objects.create_user("ana")
    task = submit("test.program", {"code": FAMILY})
    wait_until(
        lambda: re.search(r"Z pids", log_of(Task.objects.get(pk=task.pk))), what="program started"
    )
    task.refresh_from_db()
    pid = int(log_of(task).split("Z pids ")[1].split()[0])
    assert psutil.pid_exists(pid)
    assert kill(task, by=person, reason="wrong device")
    ended(task)
    assert (task.state, task.kill_reason, task.kill_requested_by) == (
        State.KILLED,
        "wrong device",
        person,
    )
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_routine_that_computes_is_killed_and_the_worker_goes_on(worker) -> None:
    task = submit("test.compute", {"seconds": 600})
    wait_until(lambda: running(task), what="computing")
    kill(task)
    assert ended(task).state == State.KILLED
    assert ended(submit("test.add", {"a": 1, "b": 1})).state == State.SUCCEEDED


def test_a_limit_ends_what_hangs(worker) -> None:
    task = ended(submit("test.short_limit"))
    assert task.state == State.TIMED_OUT
    assert "limit" in task.error_text


def test_what_takes_longer_than_usual_is_told_and_goes_on(worker) -> None:
    task = ended(submit("test.soft_limit"))
    assert (task.state, task.result) == (State.SUCCEEDED, "done")
    assert "runs longer than" in log_of(task)
    [told] = task.messages.filter(level="warning")
    assert "that are usual" in told.text


def test_make_safe_runs_after_a_kill_and_the_lane_is_free_again(worker, tmp_path) -> None:
    marker = tmp_path / "safe"
    Lane.objects.create(name="station:a", exclusive=True, make_safe=["touch", str(marker)])
    first = submit("test.program", {"code": HANG}, lane="station:a")
    second = submit("test.add", {"a": 1, "b": 1}, lane="station:a")
    wait_until(lambda: running(first), what="first runs")
    second.refresh_from_db()
    assert second.state == State.WAITING
    kill(first)
    assert ended(first).state == State.KILLED
    assert marker.exists()
    assert ended(second).state == State.SUCCEEDED
    wait_until(lambda: Lane.objects.get().holder is None, what="lane free")


def test_a_killed_worker_loses_no_repeatable_task(transactional_db) -> None:
    # A lane of its own, so that the other worker of this module takes none of it.
    options = ("--lane", "elsewhere", "--concurrency", "2")
    with running_worker(*options, routines="tests.queue.routines") as first:
        hang = {"code": "import time; time.sleep(600)"}
        fragile = submit("test.program", hang, lane="elsewhere")
        sturdy = submit("test.compute", {"seconds": 3}, lane="elsewhere")
        wait_until(lambda: running(fragile) and running(sturdy), what="both run")
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    with running_worker(*options, routines="tests.queue.routines"):
        assert ended(fragile).state == State.LOST
        assert "went away" in fragile.error_text
        assert (ended(sturdy).state, sturdy.attempt) == (State.SUCCEEDED, 2)


def test_killing_a_group_stops_what_waits_and_what_runs(worker) -> None:
    group = submit_chain(
        [Call("test.compute", {"seconds": 600}), Call("test.add", {"a": 1, "b": 1})], title="long"
    )
    first = group.tasks.order_by("id")[0]
    wait_until(lambda: running(first), what="running")
    assert kill_group(group, reason="enough") == 2
    wait_until(lambda: group.state == State.KILLED, what="group killed")


def test_a_forged_or_repeated_message_does_nothing(worker) -> None:
    from celery import current_app

    from mppcqa.queue.models import queue_name

    task = ended(submit("test.add", {"a": 1, "b": 1}))
    for arguments in ({}, {"task": task.pk, "attempt": 1}, {"task": 10**9, "shell": "rm"}):
        current_app.send_task("mppcqa.queue.work", kwargs=arguments, queue=queue_name("work"))
    current_app.send_task("no.such.task", queue=queue_name("work"))
    later = ended(submit("test.add", {"a": 1, "b": 1}))
    task.refresh_from_db()
    assert (task.attempt, later.state) == (1, State.SUCCEEDED)
    assert task.attempts.count() == 1


def test_the_tail_of_a_log_is_whole_lines(tmp_path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"".join(b"line %d\n" % n for n in range(10000)) + b"half")
    tail = read_tail(path, 100)
    assert tail.text.startswith("line ")
    assert tail.text.endswith("line 9999\n")
    assert read_from(path, tail.offset).text == ""
    with path.open("ab") as file:
        file.write(b" a line\n")
    assert read_from(path, tail.offset).text == "half a line\n"

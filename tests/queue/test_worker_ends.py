"""Real workers that are asked to end: by a person, by a signal, and by nobody else."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from celery import current_app
from django.utils import timezone

import tests.queue.routines  # noqa: F401
from mppcqa.queue import submit
from mppcqa.queue.actions import drain, stop_worker
from mppcqa.queue.models import Attempt, State, Task, Worker
from tests.queue.test_worker import ended, running
from tests.workers import running_worker, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_S = 120
"""A worker takes half a minute to start on a busy computer."""


def ready() -> Worker:
    wait_until(lambda: Worker.objects.filter(stopped_at=None).exists(), what="worker ready")
    return Worker.objects.get(stopped_at=None)


def gone(process: subprocess.Popen[bytes]) -> int:
    return process.wait(PATIENCE_S)


def hear(worker: Worker) -> None:
    """Wait for its next heartbeat."""
    now = timezone.now()

    def heard() -> bool:
        worker.refresh_from_db()
        return worker.heartbeat_at > now

    wait_until(heard, what="a heartbeat")


def test_a_worker_that_is_drained_ends_its_task_takes_no_more_and_goes(tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    with running_worker("--concurrency", "1", routines="tests.queue.routines") as process:
        worker = ready()
        first = submit("test.until", {"path": str(go_on)})
        later = [submit("test.add", {"a": n, "b": 1}) for n in range(3)]
        wait_until(lambda: running(first), what="the first runs")
        drain(worker)
        hear(worker)
        hear(worker)
        assert (worker.drain, worker.leaving, worker.stopped_at) == (True, True, None)
        assert process.poll() is None
        assert running(first)
        go_on.touch()
        assert gone(process) == 0
    assert ended(first).state == State.SUCCEEDED
    worker.refresh_from_db()
    assert worker.stopped_at is not None
    for task in later:
        task.refresh_from_db()
        assert (task.state, task.attempt) == (State.QUEUED, 0)
    with running_worker("--concurrency", "1", routines="tests.queue.routines"):
        # What it left is not lost, and what was asked of it is not asked of the next one.
        for task in later:
            wait_until(lambda task=task: not Task.objects.get(pk=task.pk).is_open)
            assert ended(task).state == State.SUCCEEDED


def test_a_worker_that_is_stopped_ends_its_tasks_and_begins_nothing_more() -> None:
    with running_worker("--concurrency", "2", routines="tests.queue.routines") as process:
        worker = ready()
        hanging = [submit("test.compute", {"seconds": 600})]
        hanging.append(submit("test.program", {"code": "import time; time.sleep(600)"}))
        later = [submit("test.add", {"a": n, "b": 1}) for n in range(20)]
        wait_until(lambda: all(map(running, hanging)), what="both run")
        assert stop_worker(worker) == 2
        stopped = timezone.now()
        assert gone(process) == 0
    assert [ended(task).state for task in hanging] == [State.KILLED] * 2
    assert not Attempt.objects.filter(started_at__gt=stopped).exists()
    for task in later:
        task.refresh_from_db()
        assert (task.state, task.attempt) == (State.QUEUED, 0)


def test_nothing_begins_after_the_asking_while_short_tasks_follow_each_other() -> None:
    with running_worker("--concurrency", "2", routines="tests.queue.routines") as process:
        worker = ready()
        for n in range(400):
            submit("test.add", {"a": n, "b": 1})
        wait_until(lambda: Task.objects.filter(state=State.SUCCEEDED).exists(), what="one")
        stop_worker(worker)
        stopped = timezone.now()
        assert gone(process) == 0
    assert not Attempt.objects.filter(started_at__gt=stopped).exists()
    states = set(Task.objects.values_list("state", flat=True))
    assert State.QUEUED in states
    assert states <= {State.SUCCEEDED, State.KILLED, State.QUEUED}


def test_a_worker_that_gets_term_is_seen_until_its_task_has_ended(tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    with running_worker("--concurrency", "1", routines="tests.queue.routines") as process:
        worker = ready()
        task = submit("test.until", {"path": str(go_on)})
        wait_until(lambda: running(task), what="it runs")
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: not Worker.taking().exists(), what="it says that it takes no more")
        hear(worker)
        assert (worker.drain, worker.leaving, worker.stopped_at) == (False, True, None)
        go_on.touch()
        assert gone(process) == 0
    assert ended(task).state == State.SUCCEEDED
    worker.refresh_from_db()
    assert worker.stopped_at is not None


def test_whoever_has_the_brokers_account_can_neither_stop_nor_ask_a_worker() -> None:
    with running_worker("--concurrency", "1", routines="tests.queue.routines") as process:
        ready()
        assert current_app.control.inspect(timeout=4).conf() is None
        current_app.control.shutdown()
        assert ended(submit("test.add", {"a": 1, "b": 2})).result == {"sum": 3}
        assert process.poll() is None


def test_remote_control_answers_where_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPPCQA_REMOTE_CONTROL", "1")
    with running_worker("--concurrency", "1", routines="tests.queue.routines"):
        ready()
        wait_until(lambda: bool(current_app.control.inspect(timeout=4).ping()), what="a pong")

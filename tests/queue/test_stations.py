"""``mppcqa worker --station`` as a process: it takes its station's tasks, and only those."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

import tests.queue.routines  # noqa: F401
from mppcqa.queue import submit
from mppcqa.queue.housekeeping import remove_own_logs
from mppcqa.queue.logs import log_path
from mppcqa.queue.models import Lane, State, Task, Worker, queue_name
from mppcqa.queue.obstacles import why_waiting
from mppcqa.runs.lane import station_lane
from tests.workers import child_environment, running_worker, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def state(task: Task) -> str:
    task.refresh_from_db()
    return task.state


def test_a_worker_of_a_station_registers_and_takes_only_its_tasks(
    transactional_db: None, campaign: SimpleNamespace
) -> None:
    pde, darkbox = campaign.stations
    lane = station_lane(pde)
    early = submit("test.add", {"a": 1, "b": 1}, lane=lane.name)
    options = ("--station", pde.name, "--concurrency", "2")
    with running_worker(*options, routines="tests.queue.routines") as process:
        # What was queued before it came is its own too.
        wait_until(lambda: state(early) == State.SUCCEEDED, what="the early task ran")
        worker = Worker.objects.get(stopped_at=None)
        # Its keeper is what was started.
        [child] = psutil.Process(process.pid).children()
        assert worker.name == f"{socket.gethostname()}:{child.pid}"
        assert (worker.lanes, worker.concurrency) == ([queue_name(lane.name)], 2)
        assert Lane.objects.get(pk=lane.pk).dedicated
        elsewhere = submit("test.add", {"a": 1, "b": 1}, lane=station_lane(darkbox).name)
        shared = submit("test.add", {"a": 1, "b": 1})
        mine = [submit("test.add", {"a": n, "b": 1}, lane=lane.name) for n in range(3)]
        wait_until(lambda: {state(one) for one in mine} == {State.SUCCEEDED}, what="its tasks ran")
        assert {one.worker for one in mine} == {worker.name}
        assert (state(elsewhere), state(shared)) == (State.QUEUED, State.QUEUED)
        process.send_signal(signal.SIGTERM)
        process.wait(15)
    worker.refresh_from_db()
    assert worker.stopped_at is not None
    # Without it, its tasks wait and say so; the shared worker must not take them.
    later = submit("test.add", {"a": 1, "b": 1}, lane=lane.name)
    with running_worker("--concurrency", "1", routines="tests.queue.routines"):
        wait_until(lambda: state(shared) == State.SUCCEEDED, what="the shared task ran")
        wait_until(lambda: state(elsewhere) == State.SUCCEEDED, what="the other station's ran")
    assert state(later) == State.QUEUED
    assert "none is running" in why_waiting(later)


def test_a_station_that_is_not_there_is_told_with_those_that_are(
    transactional_db: None, campaign: SimpleNamespace
) -> None:
    command = [sys.executable, "-m", "mppcqa.cli", "worker", "--station", "pde-9"]
    done = subprocess.run(
        command, env=child_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "There is no station 'pde-9'. Stations: " in done.stderr
    assert "pde-1" in done.stderr


def test_a_worker_removes_archived_logs_of_its_own_computer(
    transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Task.objects.create(name="test.add", state=State.SUCCEEDED, attempt=1, hidden=True)
    kept = Task.objects.create(name="test.add", state=State.FAILED, attempt=1)
    for task in (old, kept):
        log_path(task.pk, 1).parent.mkdir(parents=True, exist_ok=True)
        log_path(task.pk, 1).write_text("x\n")
    with running_worker("--concurrency", "1"):
        wait_until(lambda: not log_path(old.pk, 1).exists(), what="the old log went")
    assert log_path(kept.pk, 1).exists()
    assert remove_own_logs() == (0, 0)

"""The queue in a terminal: what is asked is done, and what can't be is said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import tests.queue.routines  # noqa: F401
from mppcqa.cli import main
from mppcqa.queue import submit
from mppcqa.queue.logs import log_path
from mppcqa.queue.models import State, Task, Worker, queue_name
from mppcqa.queue.runner import work
from mppcqa.queue.transitions import begin

pytestmark = pytest.mark.django_db(transaction=True)


def call(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_a_task_is_listed_shown_read_killed_and_asked_for_again() -> None:
    task = submit("test.add", {"a": 2, "b": 3})
    log_path(task.pk, 1).unlink(missing_ok=True)  # of a task that had its number in another test
    assert "Add" in call("tasks", "--state", "open").output
    assert '{"a": 2, "b": 3}' in call("task", "show", str(task.pk)).output
    early = call("task", "log", str(task.pk))
    assert early.exit_code == 1
    assert "has no log: it did not begin" in early.output
    assert "a worker for" in early.output, "what it waits for"
    work("test:1", [queue_name("work")], lambda: False)
    assert "2 + 3" in call("task", "log", "-f", str(task.pk)).output
    assert "attempt 1" not in call("task", "log", str(task.pk), "--search", "2 +").output
    assert "asked for" in call("task", "again", str(task.pk)).output
    repeated = Task.objects.latest("id")
    assert repeated.arguments == task.arguments
    assert "killed" in call("task", "kill", str(repeated.pk), "--reason", "not now").output
    repeated.refresh_from_db()
    assert (repeated.state, repeated.kill_reason) == (State.KILLED, "not now")


def test_a_worker_is_listed_and_drained() -> None:
    Worker.objects.create(name="h:1", host="h", process_id=1, lanes=["x.work"], concurrency=3)
    assert "h:1" in call("workers").output
    assert "takes no new task" in call("workers", "--drain", "h:1").output
    assert Worker.objects.get().drain
    assert "ending" in call("workers").output


def test_a_worker_is_stopped_with_what_it_runs() -> None:
    Worker.objects.create(name="h:1", host="h", process_id=1, lanes=["x.work"])
    task = submit("test.add", {"a": 1, "b": 1})
    begin(task, "h:1")
    assert "tasks that it ran: 1" in call("workers", "--stop", "h:1").output
    task.refresh_from_db()
    assert (task.kill_reason, Worker.objects.get().drain) == ("its worker h:1 was stopped", True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("tasks", "--state", "odd"), "There is no state 'odd'. Choose from: open, waiting"),
        (("task", "show", "7"), "There is no task 7"),
        (("task", "log", "7"), "There is no task 7"),
        (("task", "kill", "7"), "There is no task 7"),
        (("task", "again", "7"), "There is no task 7"),
        (("task", "kill", "seven"), "not a valid integer"),
        (("workers", "--drain", "nobody"), "No worker 'nobody' is running"),
        (("worker", "--concurrency", "0"), "not in the range"),
    ],
)
def test_what_can_not_be_done_is_said(words: tuple[str, ...], told: str) -> None:
    done = call(*words)
    assert done.exit_code in (1, 2)
    assert told in done.output


def test_a_station_that_is_none_is_said(tmp_path: Path) -> None:
    """In a process of its own: a worker begins by making the process that keeps it."""
    environment = {**os.environ, "MPPCQA_HOME": str(tmp_path), "MPPCQA_DATABASE": ""}
    command = [sys.executable, "-m", "mppcqa.cli"]
    subprocess.run([*command, "django", "migrate", "-v0"], env=environment, check=True)
    done = subprocess.run(
        [*command, "worker", "--station", "none"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "There is no station 'none'. Stations: none yet" in done.stderr

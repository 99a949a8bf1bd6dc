"""Nothing that an attempt starts outlives it, by whatever way it was started or has left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from benchmarks.families import MEMBERS, alive, members
from django.contrib.auth.models import User
from django.test import Client

import tests.queue.routines  # noqa: F401
from mppcqa.queue import boxes, kill, offspring, submit
from mppcqa.queue.logs import log_path, read_from
from mppcqa.queue.models import State, Task
from tests.queue.test_worker import ended
from tests.workers import child_environment, running_worker, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
OWN = ("--lane", "own")
"""A lane of its own, so that the worker that others share takes none of it."""
KINDS = ("program", "popen", "fork")


@pytest.fixture(scope="module")
def shared_worker(django_db_setup):
    with running_worker("--concurrency", "2", routines="tests.queue.routines") as process:
        yield process


def begun(kind: str, folder: Path, seconds: float = 600.0, lane: str = "work") -> Task:
    """A task whose family is complete."""
    folder.mkdir()
    arguments = {"kind": kind, "folder": str(folder), "seconds": seconds}
    task = submit("test.family", arguments, lane=lane)
    wait_until(lambda: len(members(folder)) == MEMBERS or not is_open(task), what="all are there")
    return task


def can_box() -> bool:
    """Whether a control group can be made here; tried in another process, which is put there."""
    code = "from mppcqa.queue import boxes; box = boxes.make('0.0'); print(bool(box)); "
    code += "box and (box.leave(), box.remove())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=child_environment(), capture_output=True, check=True
    )
    return b"True" in done.stdout


def is_open(task: Task) -> bool:
    task.refresh_from_db()
    return task.is_open


def log_of(task: Task) -> str:
    return read_from(log_path(task.pk, task.attempt), 0).text


def keeper_and_worker(process_id: int) -> tuple[psutil.Process, psutil.Process]:
    keeper = psutil.Process(process_id)
    [worker] = keeper.children()
    return keeper, worker


@pytest.mark.parametrize("kind", KINDS)
def test_a_kill_reaches_what_left_the_session(shared_worker, tmp_path: Path, kind: str) -> None:
    task = begun(kind, tmp_path / "family")
    assert len(alive(tmp_path / "family")) == MEMBERS
    assert kill(task)
    assert ended(task).state == State.KILLED
    assert alive(tmp_path / "family") == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_stays_behind_an_attempt_that_succeeded_is_ended_and_told(
    shared_worker, tmp_path: Path, kind: str
) -> None:
    task = begun(kind, tmp_path / "family", seconds=0.1)
    assert ended(task).state == State.SUCCEEDED
    assert alive(tmp_path / "family") == []
    told = "".join(line for line in log_of(task).splitlines() if "left running" in line)
    # The program itself may have ended by then.
    assert sum(f"({pid})" in told for pid in members(tmp_path / "family")) >= MEMBERS - 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_pool_process_that_is_killed_leaves_nothing(
    shared_worker, tmp_path: Path, kind: str
) -> None:
    task = begun(kind, tmp_path / "family")
    task.refresh_from_db()
    os.kill(task.process_id, signal.SIGKILL)
    assert ended(task).state == State.LOST
    assert alive(tmp_path / "family") == []


def test_a_supervisor_that_is_killed_leaves_nothing(shared_worker, tmp_path: Path) -> None:
    task = begun("program", tmp_path / "family")
    wait_until(lambda: is_open(task) and task.supervisor_id is not None, what="its number")
    os.kill(task.supervisor_id, signal.SIGKILL)
    assert ended(task).state == State.LOST
    assert alive(tmp_path / "family") == []
    assert "supervisor was killed" in task.error_text
    assert "may be missing in the log" in log_of(task)


def test_a_repeatable_task_whose_supervisor_is_killed_has_its_effect_once(
    shared_worker, tmp_path: Path
) -> None:
    effect = tmp_path / "effect"
    task = submit("test.sturdy_program", {"effect": str(effect), "seconds": 1.0})
    wait_until(lambda: is_open(task) and task.supervisor_id is not None, what="its number")
    os.kill(task.supervisor_id, signal.SIGKILL)
    assert ended(task).state == State.SUCCEEDED
    assert task.attempt == 2
    assert [one.state for one in task.attempts.order_by("number")] == [
        State.LOST,
        State.SUCCEEDED,
    ]
    assert effect.read_text() == "once\n"


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_whose_main_process_is_killed_leaves_nothing(tmp_path: Path, kind: str) -> None:
    with running_worker(*OWN, routines="tests.queue.routines") as process:
        begun(kind, tmp_path / "family", lane="own")
        _keeper, worker = keeper_and_worker(process.pid)
        worker.kill()
        assert process.wait(60) == 128 + signal.SIGKILL
    assert alive(tmp_path / "family") == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_killed_keeper_could_not_end_its_successor_ends(tmp_path: Path, kind: str) -> None:
    with running_worker(*OWN, routines="tests.queue.routines") as process:
        task = begun(kind, tmp_path / "family", lane="own")
        keeper, _worker = keeper_and_worker(process.pid)
        keeper.kill()
        process.wait()
    if kind == "popen" and not can_box():
        pytest.skip("no cgroup v2 can be made here: a daemon without a variable is not found")
    with running_worker(*OWN, routines="tests.queue.routines"):
        assert ended(task).state == State.LOST
        assert alive(tmp_path / "family") == []


def test_a_worker_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    with running_worker(*OWN, "--concurrency", "2", routines="tests.queue.routines") as process:
        for kind in ("program", "popen"):
            begun(kind, tmp_path / kind, lane="own")
        family = psutil.Process(process.pid).children(recursive=True)
        for task in Task.objects.all():
            kill(task)
        process.terminate()
        assert process.wait(60) == 0
    assert not any(one.is_running() for one in family)
    assert not any(one.owner.startswith(f"{process.pid}.") for one in boxes.others())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start another user's process")
def test_what_can_not_be_ended_is_named_in_the_log_and_on_the_page(
    client: Client, operator: User
) -> None:
    with running_worker(*OWN, routines="tests.queue.routines") as process:
        task = ended(submit("test.not_ours", lane="own"))
        assert task.state == State.SUCCEEDED
        child = int(log_of(task).split("child ")[1].split()[0])
        assert offspring.look(child) is not None
        assert f"could not be ended and still runs: sleep ({child})" in log_of(task)
        client.force_login(operator)
        page = client.get(f"/queue/{task.pk}/").content.decode()
        assert f"sleep ({child})" in page.split('id="log-card"')[0]
        process.terminate()
        process.wait(120)
    # The keeper still has the right that the attempt's process has lost.
    assert offspring.look(child) is None

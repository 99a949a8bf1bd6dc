"""What the world does to a queue: stations that go, clocks that jump, disks that are full."""

from __future__ import annotations

import datetime as dt
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.utils import timezone

import tests.queue.routines  # noqa: F401
from mppcqa.queue import submit
from mppcqa.queue.errors import SubmitError
from mppcqa.queue.estimate import Medians, estimated_starts
from mppcqa.queue.history import durations, tally
from mppcqa.queue.logs import log_path
from mppcqa.queue.models import Lane, Notice, State, Task, Worker, queue_name
from mppcqa.queue.obstacles import Known, why_waiting
from mppcqa.queue.reaper import reap
from mppcqa.queue.runner import work
from mppcqa.queue.schedules import next_run, timing
from mppcqa.refused import Refused
from tests.workers import running_worker, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
HERE = queue_name("work")


def run_all() -> int:
    return work("test:1", [HERE], lambda: False)


def test_a_station_that_is_gone_is_refused_and_strands_nothing() -> None:
    with pytest.raises(SubmitError, match="no station a"):
        submit("test.add", {"a": 1, "b": 1}, lane="station:a")
    lane = Lane.objects.create(name="station:a", exclusive=True, dedicated=True)
    tasks = [submit("test.add", {"a": n, "b": 1}, lane="station:a") for n in range(2)]
    lane.delete()
    reap()
    for task in tasks:
        task.refresh_from_db()
        assert task.state == State.FAILED
        assert "not there any more" in task.error_text


def test_a_station_that_is_closed_after_queueing_starts_nothing() -> None:
    lane = Lane.objects.create(name="station:a", exclusive=True)
    task = submit("test.add", {"a": 1, "b": 1}, lane="station:a")
    Lane.objects.update(maintenance="lamp broken")
    assert run_all() == 0
    task.refresh_from_db()
    lane.refresh_from_db()
    assert (task.state, lane.holder) == (State.WAITING, None)
    assert "lamp broken" in why_waiting(task)
    Lane.objects.update(maintenance="")
    reap()
    assert run_all() == 1


def test_an_expired_calibration_blocks_until_somebody_gives_a_reason() -> None:
    yesterday = timezone.now().date() - dt.timedelta(days=1)
    Lane.objects.create(name="station:a", exclusive=True, calibrated_until=yesterday)
    task = submit("test.add", {"a": 1, "b": 1}, lane="station:a")
    assert run_all() == 0
    assert "calibration" in why_waiting(Task.objects.get(pk=task.pk))
    allowed = submit("test.add", {"a": 1, "b": 1}, lane="station:a", override="lamp is new")
    assert run_all() == 1
    assert Task.objects.get(pk=allowed.pk).override == "lamp is new"


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_clock_that_jumps_ends_nobody_and_strands_nobody(hours: int) -> None:
    wrong = timezone.now() + dt.timedelta(hours=hours)
    running, queued = (submit("test.add", {"a": 1, "b": 1}) for _ in range(2))
    Task.objects.filter(pk=running.pk).update(
        state=State.RUNNING,
        host=socket.gethostname(),
        process_id=os.getpid(),
        started_at=wrong,
        lease_until=wrong,
    )
    Task.objects.filter(pk=queued.pk).update(queued_at=wrong)
    Worker.objects.create(name="w", host="h", process_id=1, lanes=[HERE], concurrency=1)
    assert reap()["called"] == 1
    assert reap()["lost"] == 0
    running.refresh_from_db()
    assert running.state == State.RUNNING
    assert (running.seconds or 0) >= 0
    Task.objects.filter(pk=running.pk).update(state=State.FAILED)


def test_a_full_disk_under_the_log_is_told_and_stops_nothing() -> None:
    task = submit("test.program", {"code": "print('a'); print('b')"})
    path = log_path(task.pk, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # of another test, whose task had this number
    path.symlink_to("/dev/full")
    run_all()
    path.unlink()
    task.refresh_from_db()
    assert (task.state, task.result) == (State.SUCCEEDED, {"status": 0})
    assert "could not be written" in task.messages.get().text


def test_the_most_urgent_runs_first_and_run_times_are_remembered() -> None:
    tasks = [submit("test.add", {"a": n, "b": 0}, priority=n, topic="pde") for n in (9, 0, 5)]
    assert run_all() == 3
    started = sorted(Task.objects.all(), key=lambda task: task.started_at)
    assert [task.priority for task in started] == [0, 5, 9]
    assert tally() == 3
    assert tally() == 0
    (kept,) = durations(topic="pde")
    assert kept.outcomes[State.SUCCEEDED] == 3
    assert kept.median_s is not None
    waiting = submit("test.add", {"a": 1, "b": 1}, topic="pde")
    assert estimated_starts([], [waiting], Known(), Medians()) == {}  # nobody serves it
    Worker.objects.create(name="w", host="h", process_id=1, lanes=[HERE], concurrency=1)
    assert waiting.pk in estimated_starts([], [waiting], Known(), Medians())
    assert len(tasks) == 3


def test_whoever_asked_is_told_of_a_failure_in_the_page_and_by_mail(settings: Any) -> None:
    settings.MPPCQA_URL = "https://qa.example.org"
    person = User.objects.create_user("ana", email="ana@example.org")
    task = submit("test.fail", by=person)
    run_all()
    assert "the box is open" in Notice.objects.get(user=person, task=task).text
    assert f"/queue/{task.pk}/" in mail.outbox[0].body


@pytest.mark.parametrize("line", ["", "40 2", "99 2 * * *", "a b c d e"])
def test_wrong_schedules_are_refused_with_words(line: str) -> None:
    with pytest.raises(Refused, match=r"."):
        timing(crontab=line)


def test_shipped_schedules_are_there_and_know_when_they_are_due() -> None:
    from django_celery_beat.models import PeriodicTask

    from mppcqa.queue.schedules import make_schedules

    make_schedules()
    names = set(PeriodicTask.objects.values_list("name", flat=True))
    assert {"Reaper", "queue.retention"} <= names
    row = PeriodicTask.objects.get(name="queue.retention")
    due = next_run(row)
    assert due is not None
    assert (due.hour, due.minute, due.second) == (3, 10, 0)
    row.enabled = False
    assert next_run(row) is None


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """The folder of all tasks' logs on a disk of its own with room for 64 kB."""
    if why := why_no_mount():
        pytest.skip(why)
    folder = log_path(1, 1).parent.parent
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def why_no_mount() -> str:
    if os.geteuid() != 0:
        return "a small disk needs root"
    done = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True)
    return f"no disk can be mounted here: {done.stderr.strip()}" if done.returncode else ""


def test_a_disk_that_fills_while_a_program_runs_ends_nothing(small_disk: Path) -> None:
    code = "for n in range(5000): print('line', n)\nprint('@progress 5/5 done')"
    task = submit("test.program", {"code": code})
    assert log_path(task.pk, 1).is_relative_to(small_disk)
    with running_worker("--concurrency", "1", routines="tests.queue.routines"):
        wait_until(lambda: not Task.objects.get(pk=task.pk).is_open, what="the program ended")
        after = submit("test.add", {"a": 1, "b": 1})
        wait_until(lambda: not Task.objects.get(pk=after.pk).is_open, what="the next one ran")
    task.refresh_from_db()
    after.refresh_from_db()
    assert (task.state, task.result, task.progress_text) == (
        State.SUCCEEDED,
        {"status": 0},
        "done",
    )
    text = log_path(task.pk, 1).read_text()
    kept = text.count("Z line ")
    assert 500 < kept < 5000
    # Whole lines up to the end of the disk, and what is missing is told.
    assert "Z line 100\n" in text
    lost = int(task.messages.get().text.split()[0])
    assert 5000 - kept <= lost <= 5000 - kept + 10
    assert after.state == State.SUCCEEDED


def test_a_task_whose_routine_this_worker_lacks_fails_with_words() -> None:
    task = Task.objects.create(
        name="test.removed", state=State.QUEUED, served_by=HERE, arguments={"x": 1}
    )
    assert run_all() == 1
    task.refresh_from_db()
    assert (task.state, task.error_class) == (State.FAILED, "UnknownRoutine")
    assert "no routine called 'test.removed'; is it up to date?" in task.error_text


def test_arguments_that_no_longer_fit_fail_with_words() -> None:
    task = Task.objects.create(
        name="test.add", state=State.QUEUED, served_by=HERE, arguments={"a": 1}
    )
    assert run_all() == 1
    task.refresh_from_db()
    assert task.state == State.FAILED
    assert "'b'" in task.error_text


@pytest.mark.parametrize("kind", ["object", "nan"])
def test_a_result_that_is_no_json_fails_with_words(kind: str) -> None:
    task = submit("test.odd_result", {"kind": kind})
    run_all()
    task.refresh_from_db()
    assert (task.state, task.result) == (State.FAILED, None)
    assert "returned a result that is not plain JSON" in task.error_text

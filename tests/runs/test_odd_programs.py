"""However a test program ends, and whatever its file holds: the run ends with words, and no other
run is touched."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import DeviceType
from mppcqa.queue import submit
from mppcqa.queue.models import DEFAULT_LANE, State, queue_name
from mppcqa.queue.runner import work
from mppcqa.runs.actions import load_station, start_run
from mppcqa.runs.models import Run, RunFile, Station

pytestmark = pytest.mark.django_db(transaction=True)
PROGRAM = Path(__file__).with_name("odd_program.py")


def run_all() -> None:
    while work("test:1", [queue_name(DEFAULT_LANE)], lambda: False):
        pass


def run_of(kind: str) -> Run:
    DeviceType.objects.create(name="S12045(X)", rows=1, columns=2, nominal_breakdown_v=70.0)
    register_devices([{"serial": "GX-001", "device_type": "S12045(X)"}])
    program = [sys.executable, str(PROGRAM), kind]
    station = Station.objects.create(name="dark-1", stage="darkbox", slots=2, program=program)
    load_station(station, {1: "GX-001"})
    run = start_run(station, parameters={"events": 400, "bias_v": [71.0, 72.0, 73.0]})
    run_all()
    return Run.objects.get(pk=run.pk)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("status 255", "exit status 255"),
        ("killed by itself", "exit status 137"),
        ("a folder", "wrote no run file"),
        ("a pipe", "wrote no run file"),
        ("endless", "wrote no run file"),
        ("another's file", "can't be used"),
        ("long serial", "But run"),
    ],
)
def test_an_odd_end_is_told(kind: str, words: str) -> None:
    run = run_of(kind)
    failed = run.task_group.tasks.filter(state=State.FAILED).get()
    assert words.lower() in failed.error_text.lower()
    assert (failed.error_class, failed.traceback) == ("TaskError", "")
    assert len(failed.error_text) <= 20_000
    assert run.state == State.FAILED
    assert not RunFile.objects.exists()
    assert Path("/etc/passwd").stat().st_size > 0
    task = submit("queue.retention")
    run_all()
    task.refresh_from_db()
    assert task.state == State.SUCCEEDED


@pytest.mark.parametrize(
    "kind",
    [
        *("long texts", "odd texts", "huge numbers", "deep meta", "huge bias"),
        *("huge charges", "tiny charges", "no charges", "plain"),
    ],
)
def test_an_odd_file_is_taken_or_refused_with_words(kind: str) -> None:
    run = run_of(kind)
    for task in run.task_group.tasks.exclude(state=State.SUCCEEDED):
        assert (task.error_class, task.traceback) in (("TaskError", ""), ("", "")), kind
        assert task.error_text or task.kill_reason
    assert run.state in (State.SUCCEEDED, State.FAILED)

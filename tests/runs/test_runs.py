"""Runs through the real queue: what a broken test program leaves behind, and what it does not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mppcqa.disk import measure_file
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Device, DeviceType, Institute
from mppcqa.queue.actions import kill_group
from mppcqa.queue.models import State
from mppcqa.reports.archive import reports_of
from mppcqa.results.models import Analysis, Measurement
from mppcqa.runs.actions import load_station, start_run
from mppcqa.runs.models import Run, RunFile, Station
from tests.workers import running_worker, wait_until

QUICK = {"events": 400, "bias_v": [71.0, 71.6, 72.2]}


@pytest.fixture(scope="module")
def worker(django_db_setup: None) -> Iterator[None]:
    with running_worker("--concurrency", "1"):
        yield


@pytest.fixture
def station(transactional_db: None, worker: None) -> Station:
    place = Institute.objects.create(name="Jefferson Lab")
    DeviceType.objects.create(name="S12045(X)", nominal_breakdown_v=70.0)
    register_devices([{"serial": "GX-001", "device_type": "S12045(X)"}])
    station = Station.objects.create(name="dark-1", stage="darkbox", slots=2, institute=place)
    load_station(station, {1: "GX-001"})
    return station


def ended(run: Run) -> list[tuple[str, str]]:
    """Names and states of the run's tasks once none is open."""
    wait_until(lambda: not any(t.is_open for t in run.task_group.tasks.all()), what=f"{run} ended")
    return [(task.name, task.state) for task in run.task_group.tasks.order_by("id")]


def first_error(run: Run) -> str:
    failed = run.task_group.tasks.filter(state=State.FAILED).order_by("id").first()
    return str(failed.error_text) if failed else ""


def nothing_was_kept(run: Run) -> bool:
    return not Measurement.objects.exists() and not Analysis.objects.exists() and run.pk > 0


def test_a_run_ends_in_values_a_verdict_and_a_report(station: Station) -> None:
    run = start_run(station, parameters=QUICK | {"events": 2000})
    assert {state for _, state in ended(run)} == {State.SUCCEEDED}, first_error(run)
    device = Device.objects.get()
    assert Measurement.objects.filter(device=device).count() > 100
    assert device.standings.get().verdict is not None
    assert reports_of(device).count() == 1
    row = run.files.get()
    assert measure_file(Path(row.file.path)).sha256 == row.sha256
    # The way back from a value: to its file, program parameters and person.
    analysis = Analysis.objects.get()
    assert (analysis.run_file, analysis.run_file.run.parameters["events"]) == (row, 2000)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("exit", ["exit status 1", "bias supply"]),
        ("half_file", ["run file can't be used"]),
        ("no_file", ["wrote no run file"]),
    ],
)
def test_a_broken_program_leaves_no_values_and_a_free_station(
    station: Station, fault: str, words: list[str]
) -> None:
    run = start_run(station, parameters=QUICK | {"simulate_fault": fault})
    ended(run)
    error = first_error(run)
    for word in words:
        assert word in error
    assert run.state == State.FAILED
    assert nothing_was_kept(run)
    good = start_run(station, parameters=QUICK)
    assert {state for _, state in ended(good)} == {State.SUCCEEDED}, first_error(good)


def test_a_program_that_hangs_is_stopped_by_a_person(station: Station) -> None:
    run = start_run(station, parameters=QUICK | {"simulate_fault": "hang"})
    wait_until(lambda: run.task_group.tasks.filter(state=State.RUNNING).exists(), what="running")
    kill_group(run.task_group, reason="it hangs")
    states = dict(ended(run))
    assert set(states.values()) == {State.KILLED}
    assert nothing_was_kept(run)
    good = start_run(station, parameters=QUICK)
    assert {state for _, state in ended(good)} == {State.SUCCEEDED}, first_error(good)


def test_a_missing_program_is_named(station: Station) -> None:
    station.program = ["/opt/station/measure"]
    station.save()
    run = start_run(station, parameters=QUICK)
    ended(run)
    assert "/opt/station/measure is not on this computer" in first_error(run)


@pytest.mark.parametrize("content", ["", "not ROOT at all"])
def test_an_empty_or_foreign_file_is_refused(
    station: Station, tmp_path: Path, content: str
) -> None:
    program = tmp_path / "measure.py"
    program.write_text(
        f"import sys\nopen(sys.argv[sys.argv.index('--output') + 1], 'w').write({content!r})\n"
    )
    station.program = [sys.executable, str(program)]
    station.save()
    run = start_run(station, parameters=QUICK)
    ended(run)
    assert "can't be used" in first_error(run)
    assert nothing_was_kept(run)
    assert not RunFile.objects.exists()


def test_the_file_of_another_run_is_refused(station: Station, tmp_path: Path) -> None:
    first = start_run(station, parameters=QUICK)
    assert {state for _, state in ended(first)} == {State.SUCCEEDED}, first_error(first)
    source = first.files.get().file.path
    program = tmp_path / "measure.py"
    program.write_text(
        f"import shutil, sys\nshutil.copy({source!r}, sys.argv[sys.argv.index('--output') + 1])\n"
    )
    station.program = [sys.executable, str(program)]
    station.save()
    second = start_run(station, parameters=QUICK)
    ended(second)
    assert f"is of run {first.pk}" in first_error(second)

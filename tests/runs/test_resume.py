"""Runs that failed go on: through a real worker, with the files of every attempt kept."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mppcqa.disk import measure_file
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import DeviceType
from mppcqa.queue import again
from mppcqa.queue.actions import kill_group
from mppcqa.queue.models import State, Task
from mppcqa.reports.archive import reports_of
from mppcqa.results.models import Measurement
from mppcqa.runs.actions import RunRefused, load_station, resume_run, start_run, unload_station
from mppcqa.runs.models import Run, Station
from tests.workers import running_worker, wait_until

QUICK = {"events": 400, "bias_v": [71.0, 71.6, 72.2]}
PROGRAM = """
import pathlib, subprocess, sys
output = pathlib.Path(sys.argv[sys.argv.index("--output") + 1])
if not pathlib.Path({marker!r}).exists():
    output.write_bytes(b"three hours of a measurement")
    sys.exit("the bias supply tripped")
sys.exit(subprocess.call([sys.executable, "-m", "mppcqa.stages.darkbox.program", *sys.argv[1:]]))
"""


@pytest.fixture(scope="module")
def worker(django_db_setup: None) -> Iterator[None]:
    with running_worker("--concurrency", "1"):
        yield


@pytest.fixture
def mended(tmp_path: Path) -> Path:
    """Once this file is there, the station's program works."""
    return tmp_path / "mended"


@pytest.fixture
def station(transactional_db: None, tmp_path: Path, mended: Path) -> Station:
    DeviceType.objects.create(name="S12045(X)", nominal_breakdown_v=70.0)
    register_devices([{"serial": f"GX-00{n}", "device_type": "S12045(X)"} for n in (1, 2)])
    program = tmp_path / "measure.py"
    program.write_text(PROGRAM.format(marker=str(mended)))
    found = Station.objects.create(
        name="dark-1", stage="darkbox", slots=2, program=[sys.executable, str(program)]
    )
    load_station(found, {1: "GX-001"})
    return found


@pytest.fixture
def page(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("eva", password="finger-spectrum-9"))
    return client


def ended(run: Run) -> State:
    wait_until(lambda: not any(t.is_open for t in run.task_group.tasks.all()), what=f"{run} ended")
    return Run.objects.get(pk=run.pk).state


def failed_run(station: Station) -> Run:
    run = start_run(station, parameters=QUICK)
    assert ended(run) == State.FAILED
    return run


def measure(run: Run) -> Task:
    return run.task_group.tasks.filter(name="runs.acquire").earliest("id")


def is_whole(run: Run) -> bool:
    """With its file in the store, its values, its verdict and its report."""
    row = run.files.get()
    slot = run.slots.get()
    return (
        measure_file(Path(row.file.path)).sha256 == row.sha256
        and Measurement.objects.filter(device=slot.device).count() > 100
        and slot.device.standings.get().verdict is not None
        and reports_of(slot.device).count() > 0
    )


@pytest.mark.parametrize("button", ["again", "resume"])
def test_a_measurement_that_failed_is_run_again_to_its_end(
    worker: None, station: Station, mended: Path, page: Client, button: str
) -> None:
    run = failed_run(station)
    first = measure(run)
    mended.touch()
    shown = page.get(f"/runs/{run.pk}/").content.decode()
    assert f"/runs/{run.pk}/resume/" in shown
    address = f"/queue/{first.pk}/again/" if button == "again" else f"/runs/{run.pk}/resume/"
    page.post(address)
    assert ended(run) == State.SUCCEEDED
    assert is_whole(run)
    assert run.task_group.current_tasks().count() == run.task_group.tasks.count() - 1
    shown = page.get(f"/runs/{run.pk}/").content.decode()
    assert f"/runs/{run.pk}/resume/" not in shown
    assert "succeeded" in page.get("/runs/").content.decode()

    # What the first attempt wrote lies where it was, until a person discards it.
    left, kept = run.folders.order_by("id")
    precious = left.path / "run.root"
    assert precious.read_bytes() == b"three hours of a measurement"
    assert str(left.path) in shown
    assert kept.kept_as == run.files.get()
    assert not (kept.path / "run.root").exists()
    page.post(f"/runs/{run.pk}/discard/{left.pk}/")
    wait_until(lambda: not left.path.exists(), what="the folder was discarded")
    asked = Task.objects.filter(name="runs.discard")
    wait_until(lambda: asked.get().state == State.SUCCEEDED, what="that was told")
    left.refresh_from_db()
    assert left.discarded_by is not None
    assert str(left.path) not in page.get(f"/runs/{run.pk}/").content.decode()
    assert is_whole(run)


def test_a_run_that_a_person_stopped_goes_on(worker: None, station: Station, mended: Path) -> None:
    mended.touch()
    run = start_run(station, parameters=QUICK | {"simulate_fault": "hang"})
    wait_until(lambda: measure(run).state == State.RUNNING, what="running")
    kill_group(run.task_group, reason="lunch")
    assert ended(run) == State.KILLED
    Run.objects.filter(pk=run.pk).update(parameters=run.parameters | {"simulate_fault": "none"})
    resume_run(Run.objects.get(pk=run.pk))
    assert ended(run) == State.SUCCEEDED
    assert is_whole(run)


def test_an_analysis_run_again_is_judged_and_reported_again(
    worker: None, station: Station, mended: Path
) -> None:
    mended.touch()
    run = start_run(station, parameters=QUICK)
    assert ended(run) == State.SUCCEEDED
    device = run.slots.get().device
    reports = reports_of(device).count()
    again(run.task_group.tasks.get(name="runs.check"))
    assert ended(run) == State.SUCCEEDED
    assert is_whole(run)
    assert run.task_group.tasks.filter(name="reports.run", state="succeeded").count() == 2
    assert reports_of(device).count() >= reports


def test_a_run_is_not_resumed_with_other_devices_in_the_station(
    worker: None, station: Station, mended: Path
) -> None:
    run = failed_run(station)
    mended.touch()
    unload_station(station)
    load_station(station, {1: "GX-002"})
    with pytest.raises(RunRefused, match="GX-001 is no longer in dark-1, slot 1; load it there"):
        resume_run(run)
    # Asked for past that, or loaded anew while it waited: nothing is measured.
    repeated = again(measure(run))
    assert ended(run) == State.FAILED
    repeated.refresh_from_db()
    assert "not where they were to be measured" in repeated.error_text
    assert run.folders.count() == 1
    unload_station(station)
    load_station(station, {1: "GX-001"})
    resume_run(run)
    assert ended(run) == State.SUCCEEDED
    assert is_whole(run)


def test_a_measurement_of_former_numbers_is_not_overwritten(station: Station) -> None:
    """A database restored to an earlier day gives the same numbers again."""
    from mppcqa.runs.folders import new_folder
    from mppcqa.runs.models import MeasuredFolder

    run = start_run(station, parameters=QUICK)
    task = measure(run)
    first = new_folder(run, task)
    (first.path / "run.root").write_bytes(b"precious")
    MeasuredFolder.objects.all().delete()
    second = new_folder(run, task)
    assert second.path != first.path
    assert (first.path / "run.root").read_bytes() == b"precious"

"""A package whose stage can't be used is named and switched off; everything else goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mppcqa.inventory.models import Institute
from mppcqa.queue.models import State
from mppcqa.runs.models import Station
from mppcqa.stages import UnknownStage, all_stages, broken_stages, get_stage, registry
from tests.stages.broken_package import MODULES, install
from tests.workers import child_environment, running_worker, wait_until

BROKEN = sorted(MODULES.keys() - {"good"})
WORDS = {
    "on_import": "RuntimeError: no licence",
    "exits": "SystemExit: this is a script",
    "syntax": "SyntaxError",
    "no_stage": "int has no",
    "raising_property": "ZeroDivisionError",
    "taken": "called 'iv' already",
    "odd_key": "small letters",
    "odd_default": "does not take the stage's own defaults",
    "odd_chart": "no_such",
    "odd_lists": "quantities are no tuple but int",
    "long_quantity": "1 to 60 characters, not 61",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All of them installed for this process."""
    monkeypatch.syspath_prepend(str(install(tmp_path / "odd", *MODULES)))
    registry._found.cache_clear()
    yield
    registry._found.cache_clear()
    for name in [name for name in sys.modules if name.startswith("mppcqa_odd")]:
        del sys.modules[name]


def test_each_is_named_with_what_is_wrong_and_the_rest_is_there(here: None) -> None:
    told = {broken.name: str(broken) for broken in broken_stages()}
    assert sorted(told) == BROKEN
    for name, words in WORDS.items():
        assert words in told[name]
        assert f"mppcqa_odd.{name}:STAGE of mppcqa-odd 1.2" in told[name]
    # Other packages may be installed beside these, such as the example.
    whole = [stage.key for stage in all_stages() if stage.key != "linearity"]
    assert whole == ["pde", "darkbox", "stage2", "iv", "tray_survey", "inspection", "other-iv"]
    assert get_stage("iv").version != "7"
    with pytest.raises(UnknownStage, match="switched off"):
        get_stage("oddchart")


def command(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder), **more}
    return subprocess.run(
        [sys.executable, "-m", "mppcqa.cli", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_the_check_names_them_and_ends_with_status_1(tmp_path: Path) -> None:
    folder = install(tmp_path / "odd", *MODULES)
    done = command(folder, "check")
    assert done.returncode == 1
    for words in WORDS.values():
        assert words in done.stdout
    assert "other-iv: Other IV, version 7: ok" in done.stdout
    found = json.loads(command(folder, "check", "--json").stdout)
    assert sorted(one["name"] for one in found["switched_off"]) == BROKEN
    whole = command(install(tmp_path / "good", "good"), "check")
    assert whole.returncode == 0
    assert "switched off" not in whole.stdout


@pytest.mark.django_db(transaction=True)
def test_commands_and_workers_run_beside_them(tmp_path: Path) -> None:
    folder = install(tmp_path / "odd", *MODULES)
    environment = child_environment()
    path = os.pathsep.join([str(folder), environment["PYTHONPATH"]])
    for arguments in (
        ["tasks"],
        ["export", "devices", str(tmp_path / "d.csv")],
        ["summaries", "check"],
    ):
        done = command(folder, *arguments, **{**environment, "PYTHONPATH": path})
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
    checked = command(folder, "django", "check", **{**environment, "PYTHONPATH": path})
    assert "(mppcqa.W001)" in checked.stderr
    assert "no licence" in checked.stderr


@pytest.mark.django_db(transaction=True)
def test_a_run_of_another_stage_goes_through_a_worker_beside_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mppcqa.inventory.actions import register_devices
    from mppcqa.inventory.models import DeviceType
    from mppcqa.runs.actions import load_station, start_run
    from mppcqa.runs.models import Run

    folder = install(tmp_path / "odd", *MODULES)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    place = Institute.objects.create(name="Jefferson Lab")
    DeviceType.objects.create(name="S12045(X)", nominal_breakdown_v=70.0)
    register_devices([{"serial": "GX-001", "device_type": "S12045(X)"}])
    station = Station.objects.create(name="dark-1", stage="darkbox", slots=2, institute=place)
    load_station(station, {1: "GX-001"})
    run = start_run(station, parameters={"events": 400, "bias_v": [71.0, 71.6, 72.2]})
    # What was begun of a stage that is switched off since then fails with words.
    gone = start_run(
        Station.objects.get(pk=station.pk), parameters={"events": 400, "bias_v": [71.0]}
    )
    Run.objects.filter(pk=gone.pk).update(stage="oddchart")
    with running_worker("--concurrency", "1"):
        wait_until(
            lambda: (
                not any(task.is_open for one in (run, gone) for task in one.task_group.tasks.all())
            ),
            240,
            "both runs ended",
        )
    assert Run.objects.get(pk=run.pk).state == State.SUCCEEDED
    failed = gone.task_group.tasks.earliest("id")
    assert failed.state == State.FAILED
    assert "the stage odd_chart" in failed.error_text
    assert "switched off" in failed.error_text
    assert failed.traceback == ""

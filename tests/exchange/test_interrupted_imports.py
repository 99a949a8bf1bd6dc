"""An import whose process dies counts not by halves, leaves nothing, and can be repeated."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mppcqa.exchange import imports
from mppcqa.exchange.models import Import
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Device, DeviceType
from mppcqa.limits.models import Verdict
from mppcqa.queue import kill, submit
from mppcqa.queue.models import State, Task
from mppcqa.results.models import Analysis, Measurement, Standing
from mppcqa.runs.models import Run, RunFile
from mppcqa.statistics.check import check_summaries
from tests.web.formfields import opened
from tests.workers import child_environment, running_worker, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
DEVICES = 200
HEAD = 'serial,"V_br,IV [V]",I_dark(+4 V) [nA]\n'


@pytest.fixture
def devices(transactional_db: None) -> list[Device]:
    """Devices of one channel, more than one block of an import."""
    DeviceType.objects.create(name="single", rows=1, columns=1)
    names = [f"A-{n:03d}" for n in range(DEVICES)]
    return register_devices([{"serial": one, "device_type": "single"} for one in names])


def checked(shift: float = 0.0, **how: Any) -> Import:
    lines = [f"A-{n:03d},{51 + shift + n / 1000},{8 + n / 100}\n" for n in range(DEVICES)]
    text = (HEAD + "".join(lines)).encode()
    row = imports.take_in([text], "table.csv", kind="values", stage="tray_survey")
    for name, value in how.items():
        setattr(row, name, value)
    row.save()
    imports.check(row)
    assert row.faults == 0, row.faults_path.read_text()
    return row


def begun(row: Import) -> Task:
    """The import as a task, as large tables have it."""
    row.task = submit("exchange.import", {"import_id": row.pk}, about=row)
    row.state = Import.State.IMPORTING
    row.save()
    return row.task


def die_in(place: str, marker: Path) -> None:
    """Let a worker begin, and kill it when it has done the first two blocks of a step."""
    os.environ |= {"REST_IN": place, "REST_MARKER": str(marker)}
    try:
        with running_worker("--concurrency", "1", routines="tests.exchange.slow_imports") as worker:
            wait_until(marker.exists, what=f"the import rests in {place}")
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait()
    finally:
        del os.environ["REST_IN"], os.environ["REST_MARKER"]


def nothing_counts() -> bool:
    return not (Standing.objects.exists() or Verdict.objects.exists())


def test_a_killed_worker_neither_halves_nor_doubles_an_import(
    devices: list[Device], tmp_path: Path
) -> None:
    row = checked()
    task = begun(row)
    die_in("write_measurements", tmp_path / "written")
    assert 0 < Measurement.objects.count() < 2 * DEVICES
    assert nothing_counts()
    with running_worker("--concurrency", "1"):
        wait_until(lambda: task.refresh_from_db() or not task.is_open, what="the second attempt")
    assert (task.state, task.attempt) == (State.SUCCEEDED, 2)
    row.refresh_from_db()
    assert row.state == Import.State.DONE
    assert row.found["done"] == {"values": 2 * DEVICES, "devices": DEVICES, "skipped": 0}
    assert Measurement.objects.count() == Analysis.objects.get().values == 2 * DEVICES
    assert Standing.objects.exclude(verdict=None).count() == DEVICES
    assert check_summaries().differences == []


def test_what_was_killed_while_it_began_to_count_is_taken_back(
    devices: list[Device], tmp_path: Path, operator: User
) -> None:
    imports.apply(checked())
    before = list(Standing.objects.order_by("device").values_list("analysis", "verdict"))
    row = checked(0.5, existing="update")
    task = begun(row)
    die_in("judge", tmp_path / "counted")
    # All was written, and two blocks of values had begun to count: none of it holds.
    assert Measurement.objects.count() == 4 * DEVICES
    assert list(Standing.objects.order_by("device").values_list("analysis", "verdict")) == before
    kill(task, by=operator, reason="wrong table")
    with running_worker("--concurrency", "1"):
        wait_until(lambda: Measurement.objects.count() == 2 * DEVICES, what="taken back")
        wait_until(lambda: "analysis" not in Import.objects.get(pk=row.pk).found, what="forgotten")
    task.refresh_from_db()
    row.refresh_from_db()
    assert (task.state, row.state, row.run) == (State.KILLED, Import.State.FAILED, None)
    assert (Analysis.objects.count(), Run.objects.count(), RunFile.objects.count()) == (1, 1, 1)
    assert not any((row.folder.parents[1] / "files").rglob(row.sha256 + "*"))
    assert list(Standing.objects.order_by("device").values_list("analysis", "verdict")) == before
    assert check_summaries().differences == []

    client = Client()
    client.force_login(operator)
    page = client.get(row.get_absolute_url()).content.decode()
    assert "nothing of it counts" in page
    assert "Nothing of it is in the database" in page
    mark = opened(client, row.get_absolute_url(), action="import")
    client.post(row.get_absolute_url(), {"action": "import", **mark})
    row.refresh_from_db()
    assert row.state == Import.State.DONE
    assert Measurement.objects.count() == 4 * DEVICES
    assert set(Standing.objects.values_list("analysis", flat=True)) == {row.found["analysis"]}
    assert check_summaries().differences == []


IMPORT = """
import django; django.setup()
import tests.exchange.slow_imports
from mppcqa.exchange import imports
from mppcqa.exchange.models import Import
imports.apply(Import.objects.get())
"""


def test_a_killed_command_leaves_nothing_behind(devices: list[Device], tmp_path: Path) -> None:
    row = checked()
    marker = tmp_path / "marker"
    environment = child_environment(REST_IN="count_analyses", REST_MARKER=str(marker))
    process = subprocess.Popen([sys.executable, "-c", IMPORT], env=environment)
    try:
        wait_until(marker.exists, what="the command counts")
        # While it lives, nobody else may touch the table, and the tidying leaves it alone.
        with pytest.raises(imports.ImportRefused, match="Another process"):
            imports.apply(row)
        assert imports.give_up_stray() == 0
    finally:
        process.kill()
        process.wait()
    assert Measurement.objects.count() == 2 * DEVICES
    assert nothing_counts()
    assert imports.give_up_stray() == 1
    assert imports.give_up_stray() == 0
    assert not Measurement.objects.exists()
    assert not Run.objects.exists()
    row.refresh_from_db()
    imports.apply(row)
    assert Standing.objects.count() == DEVICES


def test_an_import_that_fails_by_itself_leaves_nothing(
    devices: list[Device], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = checked()
    devices[-1].delete()
    with pytest.raises(Exception, match=r"(?i)foreign key|constraint"):
        imports.apply(row)
    row.refresh_from_db()
    assert row.state == Import.State.FAILED
    assert not Measurement.objects.exists()
    assert not Analysis.objects.exists()
    assert nothing_counts()
    imports.check(row)
    assert "A-199 is not registered" in row.faults_path.read_text()
    imports.remove(row)
    assert not row.folder.exists()


def test_devices_that_got_values_meanwhile_keep_them(devices: list[Device]) -> None:
    late, early = checked(0.5), checked()
    imports.apply(early)
    imports.apply(late)
    assert late.found["done"] == {"values": 0, "devices": 0, "skipped": DEVICES}
    assert Measurement.objects.count() == 2 * DEVICES
    assert set(Standing.objects.values_list("analysis", flat=True)) == {early.found["analysis"]}

"""The client and plain curl against the real web server, a process of its own."""

from __future__ import annotations

import hashlib
import io
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User

from mppcqa.client import Away, Client, NotThere, OwnRun, Refused, RunFailed, StationRun
from mppcqa.inventory.models import Device
from mppcqa.people.person_tokens import make_token
from mppcqa.queue.models import State, Task, queue_name
from mppcqa.queue.runner import work
from mppcqa.queue.transitions import begin, move
from mppcqa.results.models import Analysis, Measurement, Standing
from mppcqa.runs.models import LoadedDevice, Run, RunFile
from mppcqa.stages import get_stage
from mppcqa.store.keeping import keeping
from tests.station.bench import Web

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "api.sh"


@pytest.fixture
def server(transactional_db: None, campaign: SimpleNamespace, operator: User) -> Iterator[Web]:
    web = Web()
    web.start()
    try:
        web.wait()
        yield web
    finally:
        web.stop()


@pytest.fixture
def token(operator: User, tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(make_token(operator, 1, writes=True)[1] + "\n")
    return path


def test_a_program_reads_registers_runs_and_downloads(
    server: Web, campaign: SimpleNamespace, token: Path, tmp_path: Path
) -> None:
    client = Client(f"http://127.0.0.1:{server.port}", token_file=token)
    assert client.me()["user"] == "rosa"
    serials = sorted(Device.objects.values_list("serial", flat=True))
    assert [one["serial"] for one in client.devices(limit=2)] == serials

    told = client.register([{"serial": "NEW-1", "device_type": campaign.kind.name}])
    assert told == [{"serial": "NEW-1", "done": "registered"}]
    with pytest.raises(Refused) as refused:
        client.register([{"serial": "NEW-1", "device_type": campaign.kind.name}])
    assert [(one.row, one.field) for one in refused.value.faults] == [(0, "serial")]
    with pytest.raises(NotThere):
        client.device("NEW-2")
    # What the web server itself can't read is told in the same way.
    for line, status in ((b"GET /api/v1/devices?q=" + b"x" * 9000, 414), (b"NO SENSE", 400)):
        with socket.create_connection(("127.0.0.1", server.port)) as wire:
            wire.sendall(line + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            head, _blank, body = wire.makefile("rb").read().partition(b"\r\n\r\n")
        assert b"application/problem+json" in head
        assert json.loads(body)["status"] == status

    counting = Standing.objects.values_list("analysis", flat=True)
    number = Measurement.objects.filter(analysis__in=list(counting)).count()
    table = client.measurements().arrow()
    assert len(table) == number
    # More serials than one address takes go in several requests.
    unmeasured = [f"NOT-MEASURED-{n}" for n in range(400)]
    client.register([{"serial": one, "device_type": campaign.kind.name} for one in unmeasured])
    assert len(client.measurements([*serials, *unmeasured]).arrow()) == number
    with pytest.raises(Refused, match="MISTYPED-1"):
        client.measurements([*serials, "MISTYPED-1"]).arrow()
    none = client.measurements(quantity="breakdown_voltage_v", lot="no such lot")
    assert (len(none.arrow()), "value" in none.arrow().column_names) == (0, True)
    assert list(none.batches()) == []
    saved = client.measurements(serials=[serials[0]]).save(tmp_path / "values.csv")
    values = client.values(serials[0])
    assert len(saved.read_text().splitlines()) == 1 + len(values)

    data = os.urandom(3_000_000)
    row = RunFile.objects.earliest("pk")
    with keeping(io.BytesIO(data), "runs", ".root", storage=row.file.storage) as kept:
        RunFile.objects.filter(pk=row.pk).update(file=kept.name, sha256=kept.sha256, size=len(data))
    whole = hashlib.sha256(data).hexdigest()
    assert client.download(row.pk, tmp_path / "run.root", whole).read_bytes() == data

    name = campaign.stations[1].name
    run = client.run(name, {1: serials[0]})
    with pytest.raises(RuntimeError, match="bias"):
        _trip(run, serials[0])
    assert Run.objects.filter(pk=run.number).exists()
    tasks = Task.objects.filter(group__runs=run.number)
    assert {one.state for one in tasks} == {State.KILLED}
    assert "bias supply" in tasks.earliest("pk").kill_reason
    assert not LoadedDevice.objects.exists()


def test_a_run_that_fails_raises_with_the_reason(
    server: Web, campaign: SimpleNamespace, token: Path
) -> None:
    client = Client(f"http://127.0.0.1:{server.port}", token_file=token)
    station = campaign.stations[1]
    serial = campaign.devices[0].serial
    run = client.run(station.name, {1: serial})
    with pytest.raises(RunFailed, match=r"failed: .*: there is no such program") as failed:
        _fail(run)
    assert failed.value.number == run.number
    assert f"run {run.number} at {station.name} of 1={serial}" in repr(run)
    assert not LoadedDevice.objects.exists()


def _fail(run: StationRun) -> None:
    with run:
        task = Task.objects.filter(group__runs=run.number).earliest("pk")
        begin(task, "test:1")
        move(task, State.RUNNING, State.FAILED, error_text="there is no such program")


def _trip(run: StationRun, serial: str) -> None:
    with run:
        assert LoadedDevice.objects.get().device.serial == serial
        raise RuntimeError("bias supply tripped")


def test_a_program_changes_and_clears_fields_of_a_device(
    server: Web, campaign: SimpleNamespace, operator: User, tmp_path: Path
) -> None:
    client = Client(f"http://127.0.0.1:{server.port}", make_token(operator, 1, writes=True)[1])
    device = campaign.devices[0]
    assert client.change(device.serial, maker_serial="M/1", tray=None)["maker_serial"] == "M/1"
    device.refresh_from_db()
    assert (device.maker_serial, device.tray) == ("M/1", None)
    assert client.change(device.serial, maker_serial=None)["maker_serial"] is None
    with pytest.raises(Refused) as found:
        client.change(device.serial, lot="no such")
    assert [one.field for one in found.value.faults] == ["lot"]
    assert found.value.problem["status"] == 422


def test_a_program_that_measures_brings_its_run_at_once_or_when_the_server_is_back(
    server: Web, campaign: SimpleNamespace, token: Path, tmp_path: Path
) -> None:
    client = Client(f"http://127.0.0.1:{server.port}", token_file=token, tries=1)
    spool, serial = tmp_path / "spool", campaign.devices[0].serial
    with client.measure("iv", {1: serial}, spool=spool) as run:
        _measure(run)
    first = Run.objects.get(pk=run.number)
    assert str(first.uuid) == run.config["run_uuid"]
    assert first.slots.get().device.serial == serial
    assert list(spool.iterdir()) == []

    def unplugged() -> None:
        with client.measure("iv", {1: serial}, spool=spool) as run:
            _measure(run)
            raise RuntimeError("a cable fell out")

    with pytest.raises(RuntimeError, match="cable"):
        unplugged()
    assert client.bring(spool) == [], "what was not measured to its end is not brought"
    with client.measure("iv", {1: serial}, spool=spool) as later:
        _measure(later)
        server.stop()
    assert (later.number, later.path.is_file()) == (0, True)
    with pytest.raises(Away):
        client.bring(spool)
    server.start()
    server.wait()
    sent = later.path.read_bytes()
    # Another program than the one that measured, which may have ended.
    [number] = Client(f"http://127.0.0.1:{server.port}", token_file=token).bring(spool)
    assert str(Run.objects.get(pk=number).uuid) == later.config["run_uuid"]
    work("test:1", [queue_name("work")], lambda: False)
    assert RunFile.objects.get(run=number).sha256 == hashlib.sha256(sent).hexdigest()
    assert Analysis.objects.filter(run_file__run=number).exists()
    assert client.bring(spool) == []
    assert Run.objects.filter(stage="iv").count() == 2


def _measure(run: OwnRun) -> None:
    """What a bench does: the stage's own program, by the plan that came from the server."""
    told = ["--config", run.folder / "run.json", "--output", run.path]
    subprocess.run([*get_stage("iv").program(), *told], check=True, capture_output=True)


def test_the_example_with_curl_runs(
    server: Web, campaign: SimpleNamespace, token: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [str(EXAMPLE)],
        env={
            **os.environ,
            "SERVER": f"http://127.0.0.1:{server.port}",
            "TOKEN": str(token),
            "KIND": campaign.kind.name,
            "FOLDER": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"serial": "CURL-1", "state": "registered"' in done.stdout
    assert Device.objects.filter(serial="CURL-1").count() == 1
    assert len((tmp_path / "values.csv").read_text().splitlines()) > 10

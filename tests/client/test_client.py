"""The client and plain curl against the real web server, a process of its own."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User

from mppcqa.client import Client, NotThere, Refused, StationRun
from mppcqa.inventory.models import Device
from mppcqa.people.person_tokens import make_token
from mppcqa.queue.models import State, Task
from mppcqa.results.models import Measurement, Standing
from mppcqa.runs.models import LoadedDevice, Run, RunFile
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

    counting = Standing.objects.values_list("analysis", flat=True)
    number = Measurement.objects.filter(analysis__in=list(counting)).count()
    table = client.measurements().arrow()
    assert len(table) == number
    # More serials than one address takes go in several requests.
    many = [*serials, *(f"NOT-THERE-{n}" for n in range(400))]
    assert len(client.measurements(many).arrow()) == number
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


def _trip(run: StationRun, serial: str) -> None:
    with run:
        assert LoadedDevice.objects.get().device.serial == serial
        raise RuntimeError("bias supply tripped")


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

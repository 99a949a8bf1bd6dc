"""What programs read beside devices: runs, results, measurements as streams, files by range."""

from __future__ import annotations

import csv
import io
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq

from mppcqa.queue.logs import LogWriter, log_path
from mppcqa.queue.models import State, Task
from mppcqa.results.models import Measurement, Standing
from mppcqa.runs.models import Run, RunFile
from mppcqa.store.keeping import keeping
from tests.api.conftest import Program


def test_measurements_come_as_arrow_parquet_and_csv_with_the_same_values(program: Program) -> None:
    counting = [one.analysis_id for one in Standing.objects.all()]
    expected = sorted(
        Measurement.objects.filter(analysis__in=counting).values_list("value", flat=True)
    )
    assert expected
    found = {}
    for form in ("arrow", "parquet", "csv"):
        answer = program.get(f"measurements?format={form}")
        assert answer.status_code == 200
        data = b"".join(answer.streaming_content)
        if form == "arrow":
            found[form] = pa.ipc.open_stream(data).read_all()["value"].to_pylist()
        elif form == "parquet":
            found[form] = pq.read_table(io.BytesIO(data))["value"].to_pylist()
        else:
            rows = csv.DictReader(io.StringIO(data.decode()))
            found[form] = [float(row["value"]) for row in rows]
    for form, values in found.items():
        assert sorted(values) == expected, form


def test_measurements_are_narrowed_by_device_stage_and_quantity(
    program: Program, campaign: SimpleNamespace
) -> None:
    serial = campaign.devices[0].serial
    data = b"".join(program.get(f"measurements?serials={serial}&stage=pde").streaming_content)
    table = pa.ipc.open_stream(data).read_all()
    assert len(table)
    assert set(table["serial"].to_pylist()) == {serial}
    assert set(table["stage"].to_pylist()) == {"pde"}
    answer = program.get(f"measurements?serials={serial},MISTYPED-1")
    assert answer.status_code == 422
    assert "MISTYPED-1" in answer.json()["errors"][0]["message"]
    answer = program.get("measurements?format=excel")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "format"
    assert program.get("measurements?serial=x").status_code == 422


def test_a_run_leads_to_its_devices_files_and_analyses(
    program: Program, campaign: SimpleNamespace
) -> None:
    row = Run.objects.filter(slots__isnull=False).earliest("pk")
    told = program.read(f"runs/{row.pk}")
    assert [one["serial"] for one in told["slots"]] == [
        one.device.serial for one in row.slots.order_by("slot")
    ]
    assert row.pk in {one["id"] for one in program.read("runs?limit=500")["items"]}
    for number in told["analyses"]:
        assert program.read(f"analyses/{number}")["run"] == row.pk
    stands = program.read("verdicts?limit=500")["items"]
    assert len(stands) == Standing.objects.count()
    judged = next(one for one in stands if one["verdict"])
    verdict = program.read(f"verdicts/{judged['verdict']}")
    assert verdict["details"]
    limits = program.read(f"limits/{verdict['limit_set']}")
    assert {one["quantity"] for one in limits["limits"]} >= {
        one["quantity"] for one in verdict["details"]
    }
    assert program.read("trays/T-1")["devices"]
    assert {one["key"] for one in program.read("stages")["items"]} >= {limits["stage"]}


def test_a_file_comes_in_parts_that_join_to_the_whole(program: Program) -> None:
    row = RunFile.objects.earliest("pk")
    data = bytes(range(256)) * 40
    with keeping(io.BytesIO(data), "runs", ".root", storage=row.file.storage) as kept:
        RunFile.objects.filter(pk=row.pk).update(file=kept.name, sha256=kept.sha256, size=kept.size)
    whole = program.get(f"files/{row.pk}")
    assert b"".join(whole.streaming_content) == data
    assert whole.headers["Accept-Ranges"] == "bytes"
    for asked, part in (
        ("bytes=0-99", data[:100]),
        ("bytes=100-", data[100:]),
        ("bytes=-5", data[-5:]),
        ("bytes=10000-99999", data[10000:]),
    ):
        answer = program.get(f"files/{row.pk}", Range=asked)
        assert answer.status_code == 206, asked
        assert b"".join(answer.streaming_content) == part
    assert program.get(f"files/{row.pk}", Range="bytes=99999-").status_code == 416


def test_a_log_is_followed_by_offset(program: Program) -> None:
    task = Task.objects.create(name="reports.write", state=State.RUNNING, attempt=1)
    writer = LogWriter(log_path(task.pk, 1))
    writer.line("first")
    piece = program.read(f"tasks/{task.pk}/log")
    assert "first" in piece["text"]
    assert piece["more"]
    writer.line("second")
    writer.close()
    Task.objects.filter(pk=task.pk).update(state=State.SUCCEEDED)
    rest = program.read(f"tasks/{task.pk}/log?offset={piece['offset']}")
    assert "second" in rest["text"]
    assert "first" not in rest["text"]
    assert not rest["more"]

"""Files in pieces and runs that measured themselves; what pages can do, done by a program."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import DeviceType
from mppcqa.queue.models import State, Task
from mppcqa.results.models import Analysis
from mppcqa.runs.models import Run, RunFile, Station
from mppcqa.stages import get_stage
from tests.api.conftest import Program
from tests.workers import running_worker, wait_until


def put(program: Program, data: bytes, piece: bytes, offset: int, **headers: str) -> Any:
    said = {"X-Piece-SHA256": hashlib.sha256(piece).hexdigest(), **headers}
    name = hashlib.sha256(data).hexdigest()
    return program.client.put(
        f"/api/v1/uploads/{name}?offset={offset}&size={len(data)}",
        piece,
        content_type="application/octet-stream",
        headers={**program.headers, **said},
    )


def test_a_file_comes_in_pieces_whatever_is_cut_off_or_sent_twice(program: Program) -> None:
    data = bytes(range(256)) * 40
    where = f"uploads/{hashlib.sha256(data).hexdigest()}"
    assert program.read(where) == {"size": 0, "whole": False, "piece_bytes": 1 << 20}
    assert put(program, data, data[:4000], 0).json()["size"] == 4000
    assert put(program, data, data[:4000], 0).json()["size"] == 4000
    # Behind a gap nothing is taken, and a piece that is not what its sum says neither.
    assert put(program, data, data[9000:], 9000).json()["size"] == 4000
    damaged = put(program, data, data[4000:], 4000, **{"X-Piece-SHA256": "0" * 64})
    assert (damaged.status_code, damaged.json()["errors"][0]["field"]) == (422, "X-Piece-SHA256")
    assert put(program, data, data[2000:], 2000).json()["whole"]
    other = put(program, data, b"x" * len(data), 0)
    assert other.json()["whole"], "what is whole is not written over"
    name = hashlib.sha256(b"another").hexdigest()
    wrong = program.client.put(
        f"/api/v1/uploads/{name}?size=3",
        b"abc",
        content_type="application/octet-stream",
        headers={**program.headers, "X-Piece-SHA256": hashlib.sha256(b"abc").hexdigest()},
    )
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (409, "sha256")
    assert program.read(f"uploads/{name}")["size"] == 0


def test_a_program_that_measured_itself_brings_its_run_once(
    django_db_setup: None, transactional_db: None, program: Program, campaign: SimpleNamespace,
    tmp_path: Path,
) -> None:  # fmt: skip
    serial = campaign.devices[0].serial
    plan = {"stage": "iv", "slots": {"1": serial}}
    config = program.send("post", "plans", plan).json()
    assert (config["run"], config["slots"][0]["serial"]) == (0, serial)
    before = Run.objects.count()
    (tmp_path / "run.json").write_text(json.dumps(config))
    told = ["--config", tmp_path / "run.json", "--output", tmp_path / "run.root"]
    subprocess.run([*get_stage("iv").program(), *told], check=True)
    data = (tmp_path / "run.root").read_bytes()
    body = {**plan, "uuid": config["run_uuid"], "sha256": hashlib.sha256(data).hexdigest()}
    early = program.send("post", "runs", body)
    assert (early.status_code, early.json()["errors"][0]["field"]) == (409, "sha256")
    assert put(program, data, data, 0).json()["whole"]
    said = [program.send("post", "runs", body) for _again in range(2)]
    assert [one.status_code for one in said] == [201, 201], said[0].content
    assert said[0].json()["id"] == said[1].json()["id"]
    assert Run.objects.count() == before + 1
    run = Run.objects.get(uuid=config["run_uuid"])
    with running_worker():
        wait_until(lambda: not run.task_group.tasks.filter(ended_at=None).exists(), 120)
    tasks = run.task_group.tasks.order_by("pk")
    assert [one.state for one in tasks] == [State.SUCCEEDED] * 5, [one.error_text for one in tasks]
    assert RunFile.objects.get(run=run).sha256 == body["sha256"]
    assert Analysis.objects.filter(run_file__run=run).exists()


def test_devices_are_moved_all_or_none_and_a_case_is_decided(
    program: Program, campaign: SimpleNamespace
) -> None:
    serials = [one.serial for one in campaign.devices[:2]]
    answer = program.send("post", "moves", {"serials": [*serials, "NO"], "move": "hold"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["row"] == 2
    body = {"serials": serials, "move": "hold", "why": "cracked"}
    assert program.send("post", "moves", body).json() == {"moved": serials}
    assert program.read(f"devices/{serials[0]}")["state"] == "on_hold"
    again = program.send("post", "moves", body)
    assert again.status_code == 409
    assert {one["row"] for one in again.json()["errors"]} == {0, 1}
    made = program.send("post", f"devices/{serials[0]}/case", {"reason": "a crack"}).json()
    said = {"disposition": "scrap", "why": "too deep"}
    assert program.send("post", f"cases/{made['id']}/decide", said).json()["disposition"] == "scrap"
    assert program.read(f"devices/{serials[0]}")["state"] == "retired"


def test_any_routine_of_the_pages_is_asked_for_and_a_fault_names_its_argument(
    program: Program,
) -> None:
    there = {one["name"]: one for one in program.read("routines")["items"]}
    assert {one["name"] for one in there["reports.write"]["arguments"]} >= {"kind", "language"}
    answer = program.send("post", "tasks", {"routine": "runs.acquire"})
    assert answer.json()["errors"][0]["field"] == "routine"
    body = {"routine": "exchange.backup", "arguments": {"nonsense": 1}}
    assert program.send("post", "tasks", body).json()["errors"][0]["field"] == "arguments.nonsense"
    answer = program.send("post", "tasks", {"routine": "exchange.backup", "priority": 9})
    assert answer.status_code == 201, answer.content
    number = answer.json()["id"]
    assert program.send("post", f"tasks/{number}/priority", {"priority": 1}).status_code == 200
    assert Task.objects.get(pk=number).priority == 1


def test_the_catalogue_is_kept_by_the_forms_of_its_pages(program: Program) -> None:
    kinds = {one["kind"]: one for one in program.read("catalogue")["items"]}
    assert kinds["types"]["needed"] == ["name"]
    assert kinds["stations"]["needed"] == ["name", "stage"]
    least = {"name": "bench-9", "stage": "iv", "slots": 2, "remote": True}
    station = program.send("post", "catalogue/stations", least)
    assert station.status_code == 201, station.content
    assert Station.objects.get(name="bench-9").time_limit_s == 7200
    maker = program.send("post", "catalogue/makers", {"name": "Hamamatsu Photonics"})
    assert maker.status_code == 201, maker.content
    given = {"name": "S14160", "maker": "Hamamatsu Photonics", "rows": 2, "columns": 3}
    wrong = program.send("post", "catalogue/types", {**given, "rows": -1, "channel_order": "row"})
    assert "rows" in {one["field"] for one in wrong.json()["errors"]}
    whole = {key: one for key, one in _of_type(program).items() if key not in given}
    made = program.send("post", "catalogue/types", {**whole, **given})
    assert made.status_code == 201, made.content
    where = f"catalogue/types/{made.json()['id']}"
    tag = program.get(where).headers["ETag"]
    assert program.read(where)["fields"]["maker"] == "Hamamatsu Photonics"
    changed = program.send("patch", where, {"rows": 4}, **{"If-Match": tag})
    assert changed.status_code == 200, changed.content
    kind = DeviceType.objects.get(name="S14160")
    assert (kind.rows, kind.columns, kind.maker.name) == (4, 3, "Hamamatsu Photonics")
    late = program.send("patch", where, {"rows": 5}, **{"If-Match": tag})
    assert late.status_code == 412
    assert program.send("delete", where).status_code == 204
    assert not DeviceType.objects.filter(name="S14160").exists()


def test_the_order_of_channels_is_a_list_and_a_wrong_one_is_told_how_it_is_written(
    program: Program,
) -> None:
    given = {"name": "2x2", "rows": 2, "columns": 2}
    wrong = program.send("post", "catalogue/types", {**given, "channel_order": [3, 3, 1, 9]}).json()
    assert [one["field"] for one in wrong["errors"]] == ["channel_order"]
    said = wrong["errors"][0]["message"]
    assert "4 whole numbers as in [3, 2, 1, 0]" in said
    assert "Missing: 0, 2." in said
    assert "no channel of this type: 3, 9." in said
    for bad in (5, {"a": 1}, [[0, 1], [2, 3]], ["3", "2", "1", "0"], [True, 2, 3, 0]):
        wrong = program.send("post", "catalogue/types", {**given, "channel_order": bad}).json()
        assert "each from 0 to 3 once" in wrong["detail"], bad
    made = program.send("post", "catalogue/types", {**given, "channel_order": [3, 2, 1, 0]})
    assert made.status_code == 201, made.content
    assert made.json()["fields"]["channel_order"] == "[3, 2, 1, 0]"
    kind = DeviceType.objects.get(name="2x2")
    assert kind.channel_order == [3, 2, 1, 0]
    for empty in ([], "", None):
        kind.channel_order = [3, 2, 1, 0]
        kind.save()
        cleared = program.send("patch", f"catalogue/types/{kind.pk}", {"channel_order": empty})
        assert cleared.status_code == 200, cleared.content
        kind.refresh_from_db()
        assert kind.channel_order == []


def test_a_list_where_one_value_belongs_is_refused_and_nothing_is_made(program: Program) -> None:
    given = {"name": ["a", "b"], "rows": 2, "columns": 2, "description": {"a": 1}}
    wrong = program.send("post", "catalogue/types", given)
    assert wrong.status_code == 422, wrong.content
    assert {one["field"] for one in wrong.json()["errors"]} == {"name", "description"}
    assert not DeviceType.objects.filter(name="b").exists()


def test_the_stages_of_a_campaign_are_a_list_in_their_order(program: Program) -> None:
    given = {"name": "second", "stages": ["darkbox", "iv; every 10"]}
    made = program.send("post", "catalogue/campaigns", given)
    assert made.status_code == 201, made.content
    assert Campaign.objects.get(name="second").stages == ["darkbox", "iv"]


def _of_type(program: Program) -> dict[str, Any]:
    """What a type that is there has, as the fields of a new one."""
    there = program.read("catalogue/types")["items"][0]["fields"]
    return {key: one for key, one in there.items() if one not in ("", [])}

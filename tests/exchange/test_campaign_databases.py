"""Databases of other campaigns: what is sent, and what becomes of each row, by servers of our own
that answer as theirs do."""

from __future__ import annotations

import csv
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest
from click.testing import CliRunner

from mppcqa.cli import main
from mppcqa.exchange.writers import write_file
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Device, DeviceType
from mppcqa.results.models import Analysis, Standing
from mppcqa.runs.models import Run, RunFile

pytestmark = pytest.mark.django_db
TOKEN = "only-for-tests"
DUNE = {"part_type_id": "D02100100001", "country_code": "US", "institution_id": 128,
        "manufacturer_id": 33, "tests": {"stage2": "SiPM Stage 2"}}  # fmt: skip
ITK = {"project": "P", "subproject": "PB", "institution": "UTFSM", "component_type": "SIPM",
       "type": "S14160", "tests": {"stage2": "STAGE_2"}}  # fmt: skip
Answer = tuple[int, dict[str, Any]]


class Server(BaseHTTPRequestHandler):
    """Keeps what it was given; `refuse` names serial numbers whose items it does not take."""

    asked: ClassVar[list[tuple[str, str]]] = []
    kept: ClassVar[dict[str, dict[str, Any]]] = {}
    refuse: ClassVar[set[str]] = set()

    def log_message(self, *_words: object) -> None:
        pass

    def _reply(self, answer: Answer) -> None:
        body = json.dumps(answer[1]).encode()
        self.send_response(answer[0])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        self.asked.append((self.command, self.path))
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._reply((401, {"message": "who are you?"}))
            return
        self._reply(self.answer(self.path, body))

    do_GET = do_POST = _handle

    def answer(self, path: str, body: dict[str, Any]) -> Answer:
        raise NotImplementedError


class DuneServer(Server):
    kept: ClassVar[dict[str, dict[str, Any]]] = {}
    asked: ClassVar[list[tuple[str, str]]] = []
    refuse: ClassVar[set[str]] = set()

    def answer(self, path: str, body: dict[str, Any]) -> Answer:
        if found := re.match(r"/db/api/v1/component-types/D02100100001/components(.*)", path):
            if self.command == "GET":
                serial = found[1].partition("serial_number=")[2]
                rows = [one["item"] for one in self.kept.values()
                        if one["item"]["serial_number"] == serial]  # fmt: skip
                return 200, {"data": rows, "pagination": {"pages": 1}, "status": "OK"}
            if body["serial_number"] in self.refuse:
                return 400, {"data": "Duplicate serial_number", "status": "Failed"}
            part = f"D02100100001-{len(self.kept) + 1:05d}"
            self.kept[part] = {"item": body | {"part_id": part}, "tests": []}
            return 201, {"component_id": 1, "data": "Created", "part_id": part, "status": "OK"}
        part = path.split("/")[5]
        tests = self.kept[part]["tests"]
        if self.command == "GET":
            return 200, {"data": tests, "status": "OK"}
        row = {"id": len(tests) + 1, "test_type": {"name": body["test_type"]},
               "test_data": body["test_data"]}  # fmt: skip
        tests.append(row)
        return 201, {"data": "Created", "status": "OK", "test_id": row["id"], "test_type_id": 9}


class ItkServer(Server):
    kept: ClassVar[dict[str, dict[str, Any]]] = {}
    asked: ClassVar[list[tuple[str, str]]] = []
    refuse: ClassVar[set[str]] = set()

    def answer(self, path: str, body: dict[str, Any]) -> Answer:
        if path == "/getComponent":
            there = self.kept.get(body["component"])
            if there is None:
                return 404, {"uuAppErrorMap": {"getComponent/componentDoesNotExist": {}}}
            tests = [{"code": one["testType"], "testRuns": [one]} for one in there["runs"]]
            return 200, {"code": there["code"], "serialNumber": body["component"], "tests": tests}
        if path == "/registerComponent":
            code = f"c{len(self.kept)}"
            self.kept[body["serialNumber"]] = {"code": code, "body": body, "runs": []}
            return 200, {"component": {"code": code, "serialNumber": body["serialNumber"]}}
        runs = self.kept[body["component"]]["runs"]
        runs.append(body)
        return 200, {"testRun": {"id": f"r{len(runs)}"}}


@pytest.fixture
def served(request: pytest.FixtureRequest) -> Iterator[str]:
    handler: type[Server] = request.param
    handler.kept.clear()
    handler.asked.clear()
    handler.refuse.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def values(folder: Path, serials: int = 3) -> Path:
    rows = [
        {"serial": f"D-{n}", "stage": "stage2", "quantity": key, "unit": unit, "channel": channel,
         "bias_v": 54.0, "light": None, "value": value + n, "statistical": 0.1,
         "systematic": float("nan"), "analysis": n + 1, "analysis_uuid": f"u-{n}"}
        for n in range(serials)
        for key, unit, channel, value in (("gain", "ADC", 0, 100.0), ("gain", "ADC", 1, 101.0),
                                          ("breakdown_voltage_v", "V", -1, 52.0))
    ]  # fmt: skip
    table = pa.Table.from_pylist(rows)
    path = folder / "values.jsonl"
    write_file("documents", path, table.schema, table.to_batches(max_chunksize=2))
    return path


def sent(
    folder: Path, key: str, settings: dict[str, Any], address: str, *more: str, token: str = TOKEN
) -> tuple[int, str, list[dict[str, str]]]:
    (folder / "settings.json").write_text(json.dumps(settings))
    words = ["send", key, str(values(folder)), "--settings", str(folder / "settings.json"),
             "--report", str(folder / "report.csv"), *more]  # fmt: skip
    if address:
        words += ["--address", address]
    said = CliRunner(env={"MPPCQA_SEND_TOKEN": token}).invoke(main, words)
    assert said.exception is None or isinstance(said.exception, SystemExit), said.exception
    report = folder / "report.csv"
    rows = list(csv.DictReader(report.read_text().splitlines())) if report.exists() else []
    return said.exit_code, said.output, rows


def judged(outcomes: dict[str, str]) -> None:
    """Devices that stand so at Stage 2."""
    kind = DeviceType.objects.create(name="D", rows=1, columns=2)
    run = Run.objects.create(stage="stage2")
    file = RunFile.objects.create(sha256="0" * 64, size=1, kind=RunFile.Kind.RUN, run=run)
    analysis = Analysis.objects.create(run_file=file, stage="stage2")
    for serial, outcome in outcomes.items():
        device = Device.objects.create(serial=serial, device_type=kind)
        Standing.objects.create(device=device, stage="stage2", analysis=analysis, outcome=outcome)


def test_a_document_has_all_of_a_device(tmp_path: Path) -> None:
    documents = [json.loads(line) for line in values(tmp_path).read_text().splitlines()]
    assert [one["serial"] for one in documents] == ["D-0", "D-1", "D-2"]
    (test,) = documents[1]["tests"]
    assert (test["stage"], test["analysis"], len(test["results"])) == ("stage2", "u-1", 3)
    assert test["results"][2] == {
        "quantity": "breakdown_voltage_v", "unit": "V", "channel": None,
        "condition": {"bias_v": 54.0}, "value": 53.0, "uncertainty": 0.1, "systematic": None,
    }  # fmt: skip


def test_the_command_writes_documents_of_devices(tmp_path: Path) -> None:
    DeviceType.objects.create(name="S", rows=1, columns=1)
    register_devices([{"serial": f"S-{n}", "device_type": "S"} for n in range(2)])
    said = CliRunner().invoke(main, ["export", "devices", str(tmp_path / "all.jsonl")])
    assert said.exit_code == 0, said.output
    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert [one["serial"] for one in lines] == ["S-0", "S-1"]
    assert "S" in lines[0]["facts"].values()


@pytest.mark.parametrize("served", [DuneServer], indirect=True)
def test_dune_has_items_and_tests_once(served: str, tmp_path: Path) -> None:
    address = f"{served}/db"
    code, text, rows = sent(tmp_path, "dune", DUNE, address, "--look")
    assert (code, DuneServer.asked) == (0, [])
    assert "D-0 SiPM Stage 2 new" in text
    code, text, rows = sent(tmp_path, "dune", DUNE, address)
    assert code == 0, text
    assert [(row["serial"], row["what"], row["state"]) for row in rows[:2]] == [
        ("D-0", "item", "new"), ("D-0", "SiPM Stage 2", "sent")]  # fmt: skip
    assert rows[0]["identity"] == "D02100100001-00001"
    item = DuneServer.kept["D02100100001-00002"]
    assert item["item"]["serial_number"] == "D-1"
    assert item["item"]["institution"] == {"id": 128}
    assert item["tests"][0]["test_data"]["DATA"][0]["value"] == 101.0
    code, text, rows = sent(tmp_path, "dune", DUNE, address)
    assert {row["state"] for row in rows} == {"there"}
    assert [len(one["tests"]) for one in DuneServer.kept.values()] == [1, 1, 1]


@pytest.mark.parametrize("served", [DuneServer], indirect=True)
def test_what_is_refused_is_told_and_stops_nothing(served: str, tmp_path: Path) -> None:
    DuneServer.refuse.add("D-1")
    code, text, rows = sent(tmp_path, "dune", DUNE, f"{served}/db")
    assert code == 1
    assert "D-1 refused 400: Duplicate serial_number" in text
    assert [row["serial"] for row in rows if row["state"] == "new"] == ["D-0", "D-2"]
    code, text, _rows = sent(tmp_path, "dune", DUNE, f"{served}/db", token="wrong")
    assert (code, "token is not accepted" in text) == (1, True)
    code, text, _rows = sent(tmp_path, "dune", {}, f"{served}/db")
    assert "lack part_type_id, country_code" in text
    code, text, _rows = sent(tmp_path, "dune", DUNE, "http://127.0.0.1:9")
    assert (code, "does not answer" in text) == (1, True)
    code, text, _rows = sent(tmp_path, "fermilab", DUNE, served)
    assert "there are: dune, itk" in text


@pytest.mark.parametrize("served", [ItkServer], indirect=True)
def test_itk_has_components_and_runs_of_what_was_judged(served: str, tmp_path: Path) -> None:
    code, text, rows = sent(tmp_path, "itk", ITK, served)
    assert code == 1
    assert "D-0 STAGE_2 refused it has no verdict at stage2" in text
    assert [row["state"] for row in rows] == ["new", "refused"] * 3
    judged({"D-0": "pass", "D-1": "warning", "D-2": "fail"})
    code, text, rows = sent(tmp_path, "itk", ITK, served)
    assert code == 0, text
    assert [row["state"] for row in rows] == ["there", "sent"] * 3
    runs = {serial: one["runs"][0] for serial, one in ItkServer.kept.items()}
    assert {serial: (run["passed"], run["problems"]) for serial, run in runs.items()} == {
        "D-0": (True, False), "D-1": (True, True), "D-2": (False, False)}  # fmt: skip
    assert runs["D-0"]["results"]["GAIN"][1]["channel"] == 1
    assert runs["D-0"]["testType"] == "STAGE_2"
    code, text, rows = sent(tmp_path, "itk", ITK, served)
    assert {row["state"] for row in rows} == {"there"}
    assert all(len(one["runs"]) == 1 for one in ItkServer.kept.values())

"""Commands on this home and on a server: the same words, the same effect, the same rights."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from django.contrib.auth.models import User
from django.test import Client

from mppcqa.audit.models import Waiting
from mppcqa.cli import AREAS, COMMANDS, main
from mppcqa.inventory.models import Device, Institute, Shipment
from mppcqa.inventory.shipping import send_packed
from mppcqa.people.actions import invite
from mppcqa.people.person_tokens import make_token
from mppcqa.people.roles import ROLES
from mppcqa.queue import submit
from mppcqa.queue.models import Task
from mppcqa.reports.models import Report
from mppcqa.runs.models import LoadedDevice, Run, Station
from mppcqa.web.schedules.words import ours
from tests.people.test_matrix import CLASSES, MATRIX
from tests.reports.test_labels import scanned
from tests.station.bench import QUICK, Web
from tests.workers import child_environment, running_worker

pytestmark = pytest.mark.django_db(transaction=True)
Call = Callable[..., Result]
ASKING = ("register", "load", "list", "label", "schedule", "ship")


@pytest.fixture
def server(transactional_db: None, campaign: SimpleNamespace) -> Iterator[Web]:
    web = Web()
    web.start()
    try:
        web.wait()
        yield web
    finally:
        web.stop()


def asked(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def at_server(web: Web, user: User, folder: Path) -> list[str]:
    token = folder / f"token-{user.pk}"
    token.write_text(make_token(user, 1, writes=True)[1])
    return ["--server", f"http://127.0.0.1:{web.port}", "--token", str(token)]


@pytest.fixture(params=["home", "server"])
def call(request: pytest.FixtureRequest, operator: User, tmp_path: Path) -> Call:
    """A command on this home, or on a server by token."""
    where = ["--as", "rosa"]
    if request.param == "home":
        request.getfixturevalue("campaign")
    else:
        where = at_server(request.getfixturevalue("server"), operator, tmp_path)
    return lambda *words: asked(*words, *where)


def read(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_devices_are_registered_listed_and_labelled(
    call: Call, campaign: SimpleNamespace, tmp_path: Path
) -> None:
    kind = campaign.kind.name
    told = call("register", "C-1", "C-2", "--type", kind, "--lot", "L-cli")
    assert told.output == "2 registered\n"
    assert set(Device.objects.filter(lot__name="L-cli").values_list("serial", flat=True)) == {
        "C-1",
        "C-2",
    }
    made = [
        one for one in Waiting.objects.filter(table="inventory_device") if "C-2" in str(one.after)
    ]
    assert [json.loads(one.source)["name"] for one in made] == ["rosa"]
    table = tmp_path / "more.csv"
    table.write_text(f"serial,device_type,lot,tray_row\nC-3,{kind},,\nC-1,,L-two,\n")
    twice = call("register", "--file", str(table))
    assert twice.exit_code == 1
    assert "row 2: serial: " in twice.output
    assert not Device.objects.filter(serial="C-3").exists()
    done = read(call("register", "--file", str(table), "--existing", "update", "--json"))
    assert [one["done"] for one in done] == ["registered", "updated"]
    assert Device.objects.get(lot__name="L-two").serial == "C-1"

    rows = read(call("list", "devices", "lot=L-cli", "--fields", "serial,lot", "--json"))
    assert rows == [{"serial": "C-2", "lot": "L-cli"}]
    assert "C-2" in call("list", "devices", "lot=L-cli").output
    first, second = (
        read(call("list", "devices", "--sort", sort, "--limit", "1", "--json"))[0]["serial"]
        for sort in ("serial", "-serial")
    )
    assert first == Device.objects.order_by("serial").values_list("serial", flat=True)[0]
    assert second == Device.objects.order_by("-serial").values_list("serial", flat=True)[0]
    many = read(call("list", "devices", "--all", "--json"))
    assert len(many) == Device.objects.count()
    wrong = call("list", "devices", "colour=red")
    assert (wrong.exit_code, "colour" in wrong.output) == (1, True)
    nothing = call("list", "devises")
    assert nothing.exit_code == 2
    assert "devices" in nothing.output
    assert "there is no list 'measurements'" in call("list", "measurements").output
    there = read(call("list", "--json"))
    assert {"devices", "runs", "verdicts", "catalogue/tags"} <= set(there)
    for one in there:
        if one != "webhooks":
            read(call("list", one, "--json"))

    path = tmp_path / "labels.pdf"
    assert call("label", "C-1", "C-2", "--on", "L7651", "--output", str(path)).output.split() == [
        str(path)
    ]
    assert scanned(path.read_bytes()) == ["C-1", "C-2"]
    there = call("label", "--tray", campaign.tray.name, "--output", str(path))
    assert (there.exit_code, "--force" in there.output) == (1, True)
    assert scanned(path.read_bytes()) == ["C-1", "C-2"]
    again = ["--output", str(path), "--force"]
    call("label", "--tray", campaign.tray.name, "--what", "tray,into", *again)
    assert scanned(path.read_bytes()) == [".TO T-1", ".TRAY T-1"]
    printed = tmp_path / "labels.zpl"
    done = read(
        call("label", "C-1", "--on", "zpl", "--size", "40x20", "--output", str(printed), "--json")
    )
    assert printed.read_bytes().startswith(b"^XA")
    assert done == {"file": str(printed)}
    both = call("label", "C-1", "--tray", "T-1")
    assert (both.exit_code, "tray: Choose by serials or by tray" in both.output) == (1, True)
    strange = call("label", "C-1", "--what", "slots")
    assert (strange.exit_code, "there is: devices" in strange.output) == (1, True)
    unsized = call("label", "C-1", "--on", "tape")
    assert (unsized.exit_code, "width: This is needed" in unsized.output) == (1, True)
    before = path.read_bytes()
    assert "no device NO-1" in call("label", "NO-1", *again).output
    assert path.read_bytes() == before


def test_a_station_is_loaded_and_a_run_followed(call: Call, campaign: SimpleNamespace) -> None:
    station = campaign.stations[1]
    serial = campaign.devices[0].serial
    assert call("load", station.name).output == f"{station.name}: empty\n"
    assert call("load", station.name, f"1={serial}").output == f"{station.name}: 1={serial}\n"
    assert LoadedDevice.objects.get().device.serial == serial
    full = call("load", station.name, campaign.devices[1].serial)
    assert full.exit_code == 1
    assert "slot 1: the slot holds" in full.output
    for unknown in (["NO-1"], [campaign.devices[1].serial, "NO-1"]):
        refused = call("load", station.name, *unknown, "--unload")
        assert (refused.exit_code, "NO-1 is not registered" in refused.output) == (1, True)
        assert LoadedDevice.objects.get().device.serial == serial
    found = read(call("load", station.name, campaign.devices[1].serial, "--unload", "--json"))
    assert [one["serial"] for one in found["loaded"]] == [campaign.devices[1].serial]
    wrong = call("load", station.name, "--start", "-p", "no_such=1")
    assert (wrong.exit_code, "no_such" in wrong.output) == (1, True)
    assert call("load", station.name, "--follow").exit_code == 2
    before = Run.objects.count()
    made = read(call("load", station.name, "--start", "--json"))
    run = Run.objects.get(pk=made["id"])
    assert (Run.objects.count(), run.operator.username) == (before + 1, "rosa")
    assert run.slots.get().device.serial == campaign.devices[1].serial


def test_a_run_that_is_followed_ends_the_command_with_its_state(
    transactional_db: None, campaign: SimpleNamespace
) -> None:
    station = campaign.stations[1]
    quick = [f"{name}={json.dumps(value)}" for name, value in QUICK.items()]
    words = ["load", station.name, "--start", "--follow", *(f"-p{one}" for one in quick)]
    asked("load", station.name, campaign.devices[0].serial)
    with running_worker("--station", station.name), running_worker():
        done = asked(*words)
        Station.objects.filter(pk=station.pk).update(program="false")
        failed = asked(*words, "--json")
        said = asked(*words, "--unload-after")
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[-1] == f"run {Run.objects.latest('pk').pk - 2}: succeeded"
    assert len(lines) > 3
    run = Run.objects.latest("pk").pk - 2
    measured = Task.objects.get(name="runs.acquire", about_id=str(run))
    assert "@spectrum" in asked("task", "log", str(measured.pk)).output
    assert "@spectrum" not in done.output
    assert failed.exit_code == 1
    told = json.loads(failed.stdout)
    assert told["state"] == "failed"
    first = told["tasks"][0]
    assert said.exit_code == 1
    assert f": failed\n{first['title']}: {first['error']}" in said.output
    assert not LoadedDevice.objects.exists(), "they were taken out"
    assert first["error"], "why it failed"
    plain = asked("task", "show", str(first["id"]))
    assert first["error"].splitlines()[0] in plain.output


def test_tasks_of_a_server_are_listed_killed_and_asked_for_again(
    server: Web, operator: User, tmp_path: Path
) -> None:
    where = at_server(server, operator, tmp_path)
    first = submit("limits.preview", {"limit_set_id": 7}, by=operator)
    other = submit("limits.preview", {"limit_set_id": 8}, by=operator)
    Task.objects.filter(pk=other.pk).update(lane="analysis")
    told = json.loads(asked("tasks", "--lane", "work", "--json", *where).stdout)
    assert [one["id"] for one in told] == [first.pk]
    assert str(other.pk) in asked("tasks", "--state", "open", *where).output
    wrong = asked("tasks", "--state", "odd", *where)
    assert (wrong.exit_code, "odd" in wrong.output) == (1, True)
    killed = asked("task", "kill", str(first.pk), "--reason", "not now", *where)
    assert killed.output == f"task {first.pk}: killed\n"
    first.refresh_from_db()
    assert (first.state, first.kill_reason) == ("killed", "not now")
    assert first.kill_requested_by == operator
    late = asked("task", "kill", str(first.pk), *where)
    assert (late.exit_code, "has ended already" in late.output) == (1, True)
    assert "was asked for" in asked("task", "again", str(first.pk), *where).output
    assert Task.objects.latest("pk").arguments == {"limit_set_id": 7}
    viewer = at_server(server, User.objects.create_user("vera"), tmp_path)
    for word in ("kill", "again"):
        assert asked("task", word, str(other.pk), *viewer).exit_code == 1
    other.refresh_from_db()
    assert other.is_open


def test_a_report_of_a_server_is_awaited_and_fetched(
    server: Web, campaign: SimpleNamespace, operator: User, tmp_path: Path
) -> None:
    serials = [one.serial for one in campaign.devices[:2]]
    where = [*at_server(server, operator, tmp_path), "--output", str(tmp_path / "there")]
    with running_worker():
        done = asked("report", *serials, "--language", "es", *where, "--json")
    assert done.exit_code == 0, done.output
    files = [Path(one) for one in json.loads(done.stdout)["files"]]
    assert [one.name for one in files] == [f"{one}.pdf" for one in serials]
    assert all(one.read_bytes().startswith(b"%PDF") for one in files)
    kept = {bytes(one.file.read()) for one in Report.objects.filter(language="es")}
    assert {one.read_bytes() for one in files} == kept
    unknown = asked("report", "NO-1", *where, "--json")
    assert (unknown.exit_code, json.loads(unknown.stdout)["status"]) == (1, 422)
    here = asked("report", serials[0], "--output", str(tmp_path / "here"), "--json")
    assert Path(json.loads(here.stdout)["files"][0]).read_bytes().startswith(b"%PDF")
    nobody = asked("report", "NO-1", "--json")
    assert (nobody.exit_code, "NO-1" in json.loads(nobody.stdout)["detail"]) == (1, True)


def test_accounts_and_tokens_are_told_as_json(operator: User, tmp_path: Path) -> None:
    made = json.loads(asked("user", "add", "eva", "--role", "viewer", "--json").stdout)
    assert made["name"] == "eva"
    assert "/welcome/" in made["link"]
    rows = {one["name"]: one for one in json.loads(asked("user", "list", "--json").stdout)}
    assert (rows["eva"]["role"], rows["eva"]["has_password"]) == ("viewer", False)
    assert rows["rosa"]["active"]
    said = asked("user", "list").output
    assert "eva  viewer  has no password yet" in said
    token = json.loads(asked("token", "make", "--user", "rosa", "--write", "--json").stdout)
    [row] = json.loads(asked("token", "list", "--json").stdout)
    assert token["token"].startswith(row["begins"])
    assert (row["user"], row["writes"], row["state"]) == ("rosa", True, "counts")
    refused = asked("user", "link", "nobody", "--json")
    assert (refused.exit_code, refused.stderr) == (1, "")
    there = asked("token", "list", "--user", "nobody", "--json")
    assert "no account" in json.loads(there.stdout)["detail"]


def test_boxes_are_packed_unpacked_and_received(
    call: Call, campaign: SimpleNamespace, operator: User
) -> None:
    Institute.objects.create(name="Granada")
    serials = [one.serial for one in campaign.devices[:2]]
    place = campaign.place.name
    assert call("ship", "pack", *serials).exit_code == 2
    said = call("ship", "pack", serials[0], "--from", place, "--to", "Granada", "--note", "fragile")
    assert said.exit_code == 0, said.output
    box = Shipment.objects.get()
    assert "fragile" in said.output
    found = read(call("ship", "pack", serials[1], "--into", str(box.pk), "--json"))
    assert found["serials"] == sorted(serials)
    assert str(box.pk) in call("ship", "list", "--state", "packed").output
    assert call("ship", "unpack", str(box.pk), serials[1]).output == "1 taken out\n"
    assert box.devices.get().serial == serials[0]
    assert "Granada" in call("ship", "show", str(box.pk)).output
    for words in ([], ["--all", serials[0]]):
        refused = call("ship", "unpack", str(box.pk), *words)
        assert (refused.exit_code, "SERIALS" in refused.output) == (2, True)
    assert box.devices.get().serial == serials[0]
    early = call("ship", "receive", str(box.pk), serials[0])
    assert early.exit_code == 1
    assert read(call("ship", "list", "--json"))[0]["received_at"] is None
    gone = f"1 taken out; box {box.pk} was empty then and is no more\n"
    assert call("ship", "unpack", str(box.pk), "--all").output == gone
    assert not Shipment.objects.exists()
    call("ship", "pack", serials[0], "--from", place, "--to", "Granada")
    box = Shipment.objects.get()
    assert send_packed(box)
    nothing = call("ship", "receive", str(box.pk), "--missing")
    assert (nothing.exit_code, "nothing was scanned" in nothing.output) == (1, True)
    assert not box.missing.exists()


def test_schedules_are_switched_and_run(call: Call) -> None:
    rows = read(call("schedule", "list", "--json"))
    assert {one["id"] for one in rows} == set(ours().values_list("pk", flat=True))
    number = next(one["id"] for one in rows if one["routine"])
    assert call("schedule", "off", str(number)).output.endswith(": off\n")
    assert not ours().get(pk=number).enabled
    assert read(call("schedule", "on", str(number), "--json"))["enabled"]
    assert ours().get(pk=number).enabled
    before = Task.objects.count()
    assert "was asked for" in call("schedule", "now", str(number)).output
    assert Task.objects.count() == before + 1
    missing = call("schedule", "on", "99999")
    assert (missing.exit_code, "99999" in missing.output) == (1, True)


def test_each_role_may_here_what_it_may_by_the_api(
    server: Web, campaign: SimpleNamespace, tmp_path: Path
) -> None:
    """Whatever the matrix says of an operation holds for the command, on both ways."""
    stated = tomllib.loads(MATRIX.read_text())["api"]
    number = str(ours().earliest("pk").pk)
    words = {
        "POST /devices": ["register", "NEW-1", "--type", "no such type"],
        "POST /stations/{name}/load": ["load", campaign.stations[0].name, "NO-SUCH"],
        "POST /shipments": ["ship", "pack", "NO-SUCH", "--from", "no", "--to", "no"],
        "POST /schedules/{number}/switch": ["schedule", "off", number],
        "POST /schedules/{number}/now": ["schedule", "now", number],
        "GET /schedules": ["schedule", "list"],
        "GET /shipments": ["ship", "list"],
        "GET /devices": ["list", "devices"],
        "GET /labels": ["label", "--force", "--output", str(tmp_path / "labels.pdf")],
    }
    may: dict[str, set[str]] = {name: set() for name in words}
    for role, one in ROLES.items():
        place = campaign.place if one.needs_institute else None
        user = invite(f"the.{role}", one, institute=place, by=None)
        where = at_server(server, user, tmp_path)
        for name, command in words.items():
            here, there = asked(*command, "--as", user.get_username()), asked(*command, *where)
            assert (here.exit_code, here.stderr) == (there.exit_code, there.stderr), name
            assert here.exit_code in (0, 1), here.output
            if not re.search("is missing|your account sees some", here.output):
                may[name].add(role)
    assert may == {name: CLASSES[stated[name]] for name in words}


def test_for_whom_a_command_asks_here(
    transactional_db: None, campaign: SimpleNamespace, operator: User, monkeypatch: Any
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "somebody")
    words = ["register", "A-1", "--type", campaign.kind.name]
    assert asked(*words).exit_code == 0, "the only administrator"
    [entry] = [
        one for one in Waiting.objects.filter(table="inventory_device") if "A-1" in str(one.after)
    ]
    assert json.loads(entry.source)["name"] == "rosa"
    invite("second", ROLES["administrator"], by=None)
    which = asked("list", "devices")
    assert which.exit_code == 1
    assert "--as NAME" in which.output
    assert "rosa, second" in which.output
    monkeypatch.setenv("MPPCQA_AS", "rosa")
    assert asked("list", "devices").exit_code == 0
    monkeypatch.setenv("MPPCQA_AS", "nobody")
    assert "nobody who may log in is called 'nobody'" in asked("list", "devices").output
    monkeypatch.delenv("MPPCQA_AS")
    monkeypatch.setattr("getpass.getuser", lambda: "second")
    assert asked("list", "devices").exit_code == 0
    User.objects.update(is_active=False)
    assert "mppcqa user add" in asked("list", "devices").output


def test_no_request_says_that_it_comes_from_a_command(
    client: Client, campaign: SimpleNamespace
) -> None:
    for name in ("mppcqa.person", "mppcqa-person", "Mppcqa.Person"):
        assert client.get("/api/v1/devices", headers={name: "rosa"}).status_code == 401
        assert client.get("/api/v1/devices", **{name: "rosa"}).status_code == 401


def test_a_server_is_asked_without_any_of_this_home(
    server: Web, campaign: SimpleNamespace, operator: User, tmp_path: Path
) -> None:
    """By settings of the environment, in a process that has no database and loads no Django."""
    _server, address, _token, token = at_server(server, operator, tmp_path)
    home = tmp_path / "none"
    more = {"MPPCQA_HOME": str(home), "MPPCQA_SERVER": address, "MPPCQA_TOKEN": token}
    code = "import sys; from mppcqa.cli import main; main(standalone_mode=False); "
    code += "assert 'django.db' not in sys.modules; assert 'mppcqa.api' not in sys.modules"
    command = [sys.executable, "-c", code, "list", "devices", "--fields", "serial"]
    environment = {**child_environment(), **more}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert campaign.devices[0].serial in done.stdout
    assert not home.exists()
    environment.pop("MPPCQA_TOKEN")
    command = [sys.executable, "-m", "mppcqa.cli", "list", "devices"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "--token FILE" in done.stderr) == (2, True)
    environment |= {"MPPCQA_TOKEN": os.devnull}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "Show a token that counts" in done.stderr) == (1, True)


def test_help_stays_within_a_screen_and_names_all() -> None:
    named = " ".join(AREAS.values()).split()
    assert sorted(named) == sorted(COMMANDS)
    pages = [["--help"], *([one, "--help"] for one in ASKING)]
    pages += [[one, each, "--help"] for one, some in (
        ("ship", ("list", "show", "pack", "unpack", "receive")),
        ("schedule", ("list", "on", "off", "now")),
    ) for each in some]  # fmt: skip
    for words in pages:
        lines = CliRunner().invoke(main, words).output.splitlines()
        assert len(lines) <= 24, words
        assert max(map(len, lines)) <= 80, words
    every = CliRunner().invoke(main, ["--commands"]).output
    assert all(f"{name} " in every for name in COMMANDS)

"""What the commands make of odd words, odd files and odd names: refused in words, nothing done."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result
from django.contrib.auth.models import User

from mppcqa.audit.models import Waiting
from mppcqa.cli import main
from mppcqa.cli.register import MOST_ROWS
from mppcqa.cli.tables import CONTROL
from mppcqa.client import ENDED, Client, Refused
from mppcqa.inventory.models import Device, Lot
from mppcqa.people.actions import invite
from mppcqa.people.person_tokens import make_token
from mppcqa.people.roles import ROLES
from mppcqa.queue.models import FINAL_STATES
from mppcqa.runs.actions import load_station
from mppcqa.runs.models import Station

pytestmark = pytest.mark.django_db(transaction=True)
EVIL = "L\x1b]0;owned\x07\x1b[2J\x9b31m\u202ex"


def asked(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), color=True)


def refused(*words: str) -> str:
    """What a command says that is refused; an error of its own is none of that."""
    done = asked(*words)
    assert done.exit_code in (1, 2), done.output
    assert isinstance(done.exception, SystemExit), done.exception
    return done.output


def test_more_rows_than_one_request_takes_are_refused_before_any_is_sent(
    campaign: SimpleNamespace, tmp_path: Path
) -> None:
    table = tmp_path / "many.csv"
    rows = [f"M-{number},{campaign.kind.name}" for number in range(MOST_ROWS + 1)]
    table.write_text("serial,device_type\n" + "\n".join(rows) + "\n")
    before = Device.objects.count()
    assert "mppcqa import table" in refused("register", "--file", str(table))
    assert Device.objects.count() == before


def test_the_client_names_rows_among_all_that_it_was_given(
    campaign: SimpleNamespace, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mppcqa.cli.at_home import client_at_home

    monkeypatch.setattr("mppcqa.client._client.AT_ONCE", 2)
    client: Client = client_at_home("rosa")
    kind, there = campaign.kind.name, campaign.devices[0].serial
    rows = [{"serial": one, "device_type": kind} for one in ("P-1", "P-2", "P-3", there)]
    with pytest.raises(Refused) as found:
        client.register(rows)
    assert [(one.row, one.field) for one in found.value.faults] == [(3, "serial")]
    with pytest.raises(Refused) as found:
        client.register([*({"serial": f"Q-{n}", "device_type": kind} for n in "12"), {"lot": "x"}])
    assert [(one.row, one.field) for one in found.value.faults] == [(2, "serial")]
    assert "row 1: colour: " in refused("register", "Q-3", "--set", "colour=red")


def test_a_token_without_a_server_and_a_name_with_one_do_nothing(
    campaign: SimpleNamespace, operator: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    token.write_text("secret")
    new = ("register", "T-1", "--type", campaign.kind.name)
    assert "MPPCQA_SERVER" in refused(*new, "--token", str(token))
    assert "MPPCQA_SERVER" in refused(*new, "--token", str(token), "--server", "")
    assert "--as" in refused(*new, "--as", "rosa", "--server", "http://x", "--token", str(token))
    monkeypatch.setenv("MPPCQA_TOKEN", str(token))
    assert "MPPCQA_SERVER" in refused(*new)
    assert not Device.objects.filter(serial="T-1").exists()
    monkeypatch.setenv("MPPCQA_SERVER", "http://x")
    assert asked(*new, "--server", "").exit_code == 0, "said: this home"
    assert Device.objects.filter(serial="T-1").exists()


def test_the_audit_says_that_it_was_a_terminal(
    campaign: SimpleNamespace, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "somebody")
    assert asked("register", "W-1", "--type", campaign.kind.name, "--as", "rosa").exit_code == 0
    [entry] = [
        one for one in Waiting.objects.filter(table="inventory_device") if "W-1" in str(one.after)
    ]
    source = json.loads(entry.source)
    assert source["name"] == "rosa"
    assert source["where"] == "terminal of somebody on this computer: POST /api/v1/devices"


def test_no_name_reaches_the_terminal_with_what_it_obeys(
    campaign: SimpleNamespace, operator: User
) -> None:
    lot = Lot.objects.create(name=EVIL)
    device, station = campaign.devices[0], campaign.stations[1]
    Device.objects.filter(pk=device.pk).update(lot=lot, serial="A\x1b[2J\x9b1")
    station.loaded.create(slot=1, device=device)
    shown = [
        asked("list", "devices"),
        asked("list", "devices", "--json"),
        asked("load", station.name),
        asked("load", station.name, "1=A1"),
        asked("list", "devices", "lot=\x1b[2J"),
    ]
    for one in shown:
        assert not CONTROL.search(one.output.replace("\n", "")), one.output
    assert EVIL in [one["lot"] for one in json.loads(shown[1].stdout)]


def test_what_is_refused_is_json_where_an_answer_would_be(
    campaign: SimpleNamespace, operator: User, tmp_path: Path
) -> None:
    there = campaign.devices[0].serial
    token, labels = tmp_path / "token", tmp_path / "labels.pdf"
    token.write_text("secret")
    labels.touch()
    away = ("--server", "http://127.0.0.1:1", "--token", str(token))
    told = {}
    for name, words in {
        "there": ("register", "J-1", there, "--type", campaign.kind.name),
        "filter": ("list", "devices", "colour=red"),
        "box": ("ship", "show", "99999"),
        "file": ("label", there, "--output", str(labels)),
        "person": ("list", "devices", "--as", "nobody"),
    }.items():
        done = asked(*words, "--json")
        assert (done.exit_code, done.stderr) == (1, ""), name
        told[name] = json.loads(done.stdout)
    assert told["there"]["errors"] == [
        {"field": "serial", "message": f"the serial number {there} is registered already", "row": 1}
    ]
    assert [told[name]["status"] for name in ("there", "filter", "box")] == [409, 422, 404]
    assert "--force" in told["file"]["detail"]
    assert "nobody" in told["person"]["detail"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mppcqa.client._asking.FIRST_PAUSE_S", 0.0)
        patch.setattr("mppcqa.client._asking.LONGEST_PAUSE_S", 0.0)
        done = asked("list", "devices", "--json", *away)
    assert (done.exit_code, json.loads(done.stdout)["title"]) == (1, "Not reached")
    strange = asked("list", "devises", "--json")
    assert (strange.exit_code, strange.stdout) == (2, "")
    assert "there is no list" in strange.stderr


def test_other_commands_print_as_little_of_what_a_terminal_obeys(
    campaign: SimpleNamespace, operator: User, tmp_path: Path
) -> None:
    evil = "x\x1b]0;owned\x07\x1b[2J\nsecond"
    User.objects.filter(pk=operator.pk).update(username=evil)
    make_token(User.objects.get(), 1, note=evil)
    Station.objects.filter(pk=campaign.stations[0].pk).update(name=evil)
    file = tmp_path / "f\x1b[2J.root"
    file.write_bytes(b"no ROOT file")
    for words in (
        ("user", "list"), ("user", "change", evil), ("token", "list"), ("token", "make", "none"),
        ("tasks",), ("check", str(file)), ("list", "devices", "--as", "nobody"),
        ("report", "\x1b[2J"), ("import", "table", str(file)),
    ):  # fmt: skip
        done = asked(*words)
        said = done.output
        assert said
        assert not CONTROL.search(said.replace("\n", "")), (words, said)
        if done.exit_code == 0:
            assert not any(line.startswith("second") for line in said.splitlines()), words


def test_odd_words_are_refused_with_what_is_odd(
    campaign: SimpleNamespace, operator: User, tmp_path: Path
) -> None:
    serial = campaign.devices[0].serial
    token = tmp_path / "token"
    token.write_bytes(b"\xff\xfe")
    at = ["--token", str(token), "--server"]
    output = str(tmp_path / "labels.pdf")
    for words, part in (
        (["list", "devices", "self=1"], "self"),
        (["list", "devices", "what=x"], "what"),
        (["list", "devices", "path=x"], "path"),
        (["list", "devices", "fields=serial", "--fields", "lot"], "fields is given twice"),
        (["list", "devices", "lot=1", "lot=2"], "lot is given twice"),
        (["list", f"devices/{serial}"], "there is no list"),
        (["list", "devices?limit=1"], "there is no list"),
        (["label", serial, "--tray", "T-1", "--set", "tray=x", "--output", output], "tray"),
        (["label", serial, "--set", "path=x", "--output", output], "path"),
        (["label", serial, "--size", "40x20", "--set", "width=4", "--output", output], "width"),
        (["register", "O-1", "--set", "serial=x"], "serial"),
        (["list", "devices", *at, "https://"], str(token)),
    ):
        assert part in refused(*words), words
    token.write_text("good")
    for server in ("http://[", "https://", "http://x:999999", "ftp://x"):
        assert f"--server: {server!r}" in refused("list", "devices", *at, server)
    assert not Path(output).exists()


def test_filters_that_a_list_has_not_are_refused_with_those_that_there_are(
    campaign: SimpleNamespace, operator: User
) -> None:
    for words, part in (
        (["stations", "foo=1"], "there is: after, limit"),
        (["stages", "foo=1"], "there is: after, limit"),
        (["catalogue/lots", "foo=1"], "there is: after, limit"),
        (["stations", "--sort", "name"], "“sort”"),
        (["tasks", "state=bogus"], "open, ended, waiting"),
        (["shipments", "state=foo"], "packed, under_way, received"),
        (["devices", "state=foo"], "at_rest"),
        (["verdicts", "outcome=foo"], "pass"),
        (["analyses", "run=foo"], "no number"),
        (["runs", "station=foo"], campaign.stations[0].name),
    ):
        assert part in refused("list", *words), words
    assert "under_way" in refused("ship", "list", "--state", "foo")
    for words in (["tasks", "state=ended"], ["stations"], ["shipments", "state=packed"]):
        assert asked("list", *words).exit_code == 0, words
    table = asked("list", "devices", "--fields", "serial,owner").output
    assert "owner" in table, "a column that was asked for is there, also where it is empty"


def test_labels_of_a_printer_have_its_ending(
    campaign: SimpleNamespace, operator: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["label", campaign.devices[0].serial, "--on", "zpl", "--size", "40x20"]
    assert asked(*words).output == "labels.zpl\n"
    assert Path("labels.zpl").read_bytes().startswith(b"^XA")


def test_files_of_devices_in_odd_forms(
    campaign: SimpleNamespace, operator: User, tmp_path: Path
) -> None:
    kind, path = campaign.kind.name, tmp_path / "devices"
    for data, part in (
        ("serial,note\nF-1,5 µm\n".encode("cp1252"), "UTF-8"),
        (b"serial,lot\nF-1,L,more\n", "row 1 has a cell without a heading"),
        (b'{"serial": ', "no JSON"),
        (b"[1]", "not each"),
    ):
        path.write_bytes(data)
        said = refused("register", "--file", str(path))
        assert part in said
        assert str(path) in said
    path.write_text(json.dumps({"serial": "F-1", "device_type": kind, "lot": "one"}))
    assert asked("register", "--file", str(path)).output == "1 registered\n"
    # What other programs take for the end of a line is a part of its cell.
    path.write_bytes(f"serial,device_type,lot\r\nF-2,{kind},a\x85b\r\n".encode())
    asked("register", "--file", str(path))
    assert Device.objects.get(serial="F-2").lot.name == "a\x85b"
    path.write_text("serial,lot\nF-1,\n")
    done = asked("register", "--file", str(path), "--existing", "update")
    assert "1 empty cells what is there stays" in done.stderr
    assert Device.objects.get(serial="F-1").lot.name == "one"


def test_who_sees_some_devices_alone_is_not_told_that_a_station_is_empty(
    campaign: SimpleNamespace, operator: User
) -> None:
    station = campaign.stations[1]
    load_station(station, {1: campaign.devices[0].serial}, by=operator)
    elsewhere = campaign.place.__class__.objects.create(name="Elsewhere")
    role = next(one for one in ROLES.values() if one.needs_institute)
    invite("guest", role, institute=elsewhere, by=None)
    assert asked("load", station.name, "--as", "guest").output == (
        f"{station.name}: nothing that you see\n"
    )


def test_a_run_is_followed_to_whatever_end_it_has() -> None:
    assert set(FINAL_STATES) == ENDED

"""What programs change: all or nothing, told row by row, and once for each key."""

from __future__ import annotations

from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User

from mppcqa.inventory.models import Device, Institute, Lot, Tag
from mppcqa.people.actions import invite
from mppcqa.people.roles import ROLES
from mppcqa.queue.models import State, Task
from mppcqa.runs.models import LoadedDevice, Run
from tests.api.conftest import Program, program_of

KIND = "S12045(X)"


def test_many_devices_are_registered_and_brought_up_to_date(program: Program) -> None:
    rows = [{"serial": f"API-{n}", "device_type": KIND} for n in range(3)]
    answer = program.send("post", "devices", {"devices": rows})
    assert answer.status_code == 200, answer.content
    assert answer.json()["registered"] == 3
    assert program.read("devices/API-2")["registered_by"] == "rosa"
    rows.append({"serial": "API-3", "device_type": KIND})
    rows[0]["maker_serial"] = "M-1"
    told = program.send("post", "devices", {"devices": rows, "existing": "update"}).json()
    assert [one["done"] for one in told["rows"]] == ["updated"] * 3 + ["registered"]
    assert program.read("devices/API-0")["maker_serial"] == "M-1"
    assert program.read("devices/API-1")["maker_serial"] is None
    told = program.send("post", "devices", {"devices": rows, "existing": "skip"}).json()
    assert (told["skipped"], told["registered"]) == (4, 0)


def test_a_device_is_changed_field_by_field_and_fields_are_cleared(
    program: Program, campaign: SimpleNamespace
) -> None:
    one, other = campaign.devices[:2]
    tag = Tag.objects.create(name="beam test")
    lot = Lot.objects.create(name="L-new")
    Device.objects.filter(pk=one.pk).update(maker_serial="M-1")
    where = f"devices/{one.serial}"
    before = program.get(where)
    seen = {"If-Match": before.headers["ETag"]}
    body = {"lot": "L-new", "tags": ["beam test"], "parent": other.serial}
    answer = program.send("patch", where, body, **seen)
    assert answer.status_code == 200, answer.content
    one.refresh_from_db()
    assert (one.lot, one.parent, one.maker_serial) == (lot, other, "M-1")
    assert [*one.tags.all()] == [tag]
    assert answer.json()["lot"] == "L-new"
    assert program.read(where)["tray"] == before.json()["tray"] is not None
    assert program.send("patch", where, {"lot": None}, **seen).status_code == 412
    cleared = {"lot": None, "parent": None, "tags": [], "maker_serial": "", "tray": None}
    answer = program.send("patch", where, cleared)
    assert answer.status_code == 200, answer.content
    one.refresh_from_db()
    assert (one.lot, one.parent, one.maker_serial, one.tray, one.tray_row) == (
        *(None, None, "", None, None),
    )
    assert not one.tags.exists()
    assert one.moves.filter(move="take_out").exists()
    for wrong, field in (
        ({"lot": "no such"}, "lot"),
        ({"tags": ["beam test", "no such"]}, "tags"),
        ({"parent": one.serial}, "parent"),
        ({"campaign": None}, "campaign"),
        ({"colour": "red"}, "colour"),
    ):
        answer = program.send("patch", where, wrong)
        assert answer.status_code == 422
        assert field in answer.json()["errors"][0]["field"]
    one.refresh_from_db()
    assert one.lot is None


def test_who_gives_a_device_away_is_told_that_it_is_gone(
    campaign: SimpleNamespace, operator: User
) -> None:
    ours, theirs = (Institute.objects.create(name=name) for name in ("Ours", "Theirs"))
    serial = campaign.devices[0].serial
    Device.objects.update(owner=ours)
    bound = invite("the.operator", ROLES["operator"], institute=ours, by=None)
    program = program_of(bound)
    answer = program.send("patch", f"devices/{serial}", {"owner": "Theirs"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert Device.objects.get(serial=serial).owner == theirs
    assert program.send("patch", f"devices/{serial}", {"owner": "Ours"}).status_code == 404


def test_a_fault_names_its_row_and_field_and_nothing_is_registered(program: Program) -> None:
    rows = [
        {"serial": "API-1", "device_type": KIND},
        {"serial": "API-2", "device_type": "S9999"},
        {"serial": "API-1", "device_type": KIND},
    ]
    answer = program.send("post", "devices", {"devices": rows})
    assert answer.status_code == 409
    faults = {(one["row"], one["field"]) for one in answer.json()["errors"]}
    assert faults == {(1, "device_type"), (2, "serial")}
    assert not Device.objects.filter(serial__startswith="API-").exists()
    answer = program.send("post", "devices", {"devices": [{"serial": "A", "colour": "red"}]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].endswith("colour")


def test_what_comes_twice_with_its_key_is_done_once(program: Program, operator: User) -> None:
    body = {"devices": [{"serial": "API-1", "device_type": KIND}]}
    key = {"Idempotency-Key": "one"}
    first = program.send("post", "devices", body, **key)
    again = program.send("post", "devices", body, **key)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert Device.objects.filter(serial="API-1").count() == 1
    assert program.send("post", "devices", body).status_code == 409
    other = {"devices": [{"serial": "API-2", "device_type": KIND}]}
    answer = program.send("post", "devices", other, **key)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    # A key is of one token: another program's is another.
    assert program_of(operator).send("post", "devices", other, **key).status_code == 200


def test_a_refused_request_may_be_mended_and_sent_with_the_same_key(program: Program) -> None:
    key = {"Idempotency-Key": "two"}
    wrong = {"devices": [{"serial": "API-1", "device_type": "S9999"}]}
    assert program.send("post", "devices", wrong, **key).status_code == 409
    right = {"devices": [{"serial": "API-1", "device_type": KIND}]}
    assert program.send("post", "devices", right, **key).status_code == 200


def test_a_station_is_loaded_a_run_started_and_stopped(
    program: Program, campaign: SimpleNamespace
) -> None:
    name, serial = campaign.stations[1].name, campaign.devices[0].serial
    answer = program.send("post", f"stations/{name}/load", {"slots": {"1": "no-such", "2": serial}})
    assert answer.status_code == 409
    assert [one["row"] for one in answer.json()["errors"]] == [1]
    assert not LoadedDevice.objects.exists()
    answer = program.send("post", f"stations/{name}/load", {"slots": {"1": serial}})
    assert answer.json()["loaded"] == [{"slot": 1, "serial": serial}]
    key = {"Idempotency-Key": "run"}
    before = Run.objects.count()
    started = [program.send("post", f"stations/{name}/runs", {}, **key) for _again in range(2)]
    assert [one.status_code for one in started] == [201, 201]
    assert started[0].json() == started[1].json()
    assert Run.objects.count() == before + 1
    told = started[0].json()
    assert [one["serial"] for one in told["slots"]] == [serial]
    first = told["tasks"][0]["id"]
    stopped = program.send("post", f"tasks/{first}/kill", {"reason": "wrong bias"})
    assert stopped.status_code == 200
    assert Task.objects.get(pk=first).state == State.KILLED
    assert Task.objects.get(pk=first).kill_reason == "wrong bias"
    assert program.send("post", f"stations/{name}/unload").json()["loaded"] == []


@pytest.mark.parametrize("name", ["", ".", "..", "/", "a/..", "\\", "../../etc/passwd", "a.exe"])
def test_an_attachment_without_a_name_that_may_be_used_is_refused_in_words(
    program: Program, campaign: SimpleNamespace, name: str
) -> None:
    where = f"/api/v1/devices/{campaign.devices[0].serial}/attachments?{urlencode({'name': name})}"
    answer = program.client.post(
        where, b"GIF87a", content_type="application/octet-stream", headers=program.headers
    )
    assert answer.status_code == 409, answer.content
    assert "are not taken; these are" in answer.json()["detail"]

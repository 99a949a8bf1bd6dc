"""A person who is bound to an institute or a campaign sees nothing of what is not theirs."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import pyarrow.csv as arrow_csv
import pytest
from click.testing import CliRunner
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mppcqa.cli.user import user as user_command
from mppcqa.exchange.exports import write_list
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.attachments import attach
from mppcqa.inventory.campaign import FIRST, Campaign
from mppcqa.inventory.device_rows import DeviceRows
from mppcqa.inventory.models import Attachment, Device, Institute, SerialAlias, Shipment
from mppcqa.inventory.naming import rename_device
from mppcqa.inventory.shipping import ShipmentRefused, pack, send
from mppcqa.people.person_tokens import make_token
from mppcqa.runs.actions import load_station, start_run
from mppcqa.runs.models import LoadedDevice, Run, RunFile
from tests.campaign import measured_run
from tests.pens import pen_of
from tests.views.test_device_view import report_text

OTHERS = "GX-000"
OWN = "GX-001"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 32


@pytest.fixture
def two(campaign: SimpleNamespace, operator: User) -> SimpleNamespace:
    """GX-000 is another institute's and campaign's, with all that hangs on it; GX-001 is ours."""
    ours = Institute.objects.create(name="Ours")
    theirs = Institute.objects.create(name="Theirs")
    year = Campaign.objects.create(name="Year two")
    Run.objects.update(owner=theirs, campaign=year)
    Device.objects.update(owner=theirs, campaign=year)
    Device.objects.filter(serial=OWN).update(owner=ours, campaign=FIRST)
    rename_device(Device.objects.get(serial="GX-002"), "GX-902", reason="test", by=operator)
    device = Device.objects.get(serial=OTHERS)
    file = attach(device, SimpleUploadedFile("photo.png", PNG), by=operator)
    mine = measured_run(campaign.stations[0], [Device.objects.get(serial=OWN)], operator)
    Run.objects.filter(pk=mine.pk).update(owner=ours, campaign=FIRST)
    shipment = send(campaign.place, theirs, [OTHERS], by=pen_of())
    LoadedDevice.objects.create(
        station=campaign.stations[1], slot=1, device=Device.objects.get(serial="GX-003")
    )
    return SimpleNamespace(
        **vars(campaign), ours=ours, file=file, mine=mine, shipment=shipment, year=year
    )


def logged_in(**bound: object) -> Client:
    person = User.objects.create_superuser("bound", password="finger-spectrum-9")
    for name, value in bound.items():
        setattr(person.person, name, value)
    person.person.save()
    client = Client()
    client.force_login(person)
    return client


@pytest.mark.parametrize("by", ["institute", "campaign"])
def test_a_bound_person_sees_nothing_of_anothers_device(
    two: SimpleNamespace, by: str, tmp_path: Path
) -> None:
    bound = {"institute": two.ours} if by == "institute" else {"campaign_id": FIRST}
    client = logged_in(**bound)
    others = [one for one in Device.objects.values_list("serial", flat=True) if one != OWN]
    run, file = two.run, RunFile.objects.get(run=two.run)
    own_file = RunFile.objects.get(run=two.mine)
    for page in (
        *(f"/devices/{one}/" for one in (*others, "GX-002")),
        *(f"/devices/{OTHERS}/{what}" for what in ("edit/", "report.pdf")),
        *(f"/runs/{run.pk}/{what}" for what in ("", "explore/", "take/", "live/", "trends/")),
        f"/files/{file.pk}/",
        f"/attachments/{two.file.pk}/",
        f"/shipments/{two.shipment.pk}/",
        f"/reports/inventory.device/{Device.objects.get(serial=OTHERS).pk}/",
        f"/reports/inventory.shipment/{two.shipment.pk}/",
    ):
        assert client.get(page).status_code == 404, page
    for page in (
        *("/", "/devices/", "/runs/", "/shipments/", "/trays/", "/trays/T-1/", "/stations/"),
        *("/stations/darkbox-1/", "/queue/", "/imports/", "/exports/", f"/devices/{OWN}/"),
        f"/runs/{two.mine.pk}/",
    ):
        shown = client.get(page)
        assert shown.status_code == 200, page
        text = shown.content.decode()
        assert [one for one in others if one in text] == [], page
        # That a device of ours was in a run with others, its history says.
        assert f"/runs/{run.pk}/" not in text or OWN in page, page
    for page in ("/distributions/", "/statistics/yield/", "/reanalysis/", "/workers/"):
        assert client.get(page).status_code == 403, page
    for scanned in (*others, "GX-002"):
        found = client.get("/find/", {"q": scanned})
        assert found["Location"].startswith("/devices/?"), scanned
    paper = client.get(f"/devices/{OWN}/report.pdf").content
    assert OWN in report_text(paper)
    assert client.get(f"/files/{own_file.pk}/").status_code == 200
    assert OWN in client.get("/devices/").content.decode()
    person = User.objects.get(username="bound")
    for what, column, wanted in (
        ("devices", "serial", {OWN}),
        ("values", "serial", {OWN}),
        ("runs", "run", {two.mine.pk}),
    ):
        path = tmp_path / f"{what}.csv"
        write_list(what, "csv", path, {}, viewer=person)
        assert set(arrow_csv.read_csv(path)[column].to_pylist()) == wanted
        sent = client.post("/exports/", {"what": what, "form": "csv"})
        body = b"".join(sent.streaming_content).decode()  # type: ignore[attr-defined]
        assert [one for one in others if one in body] == []


def test_counts_of_a_bound_person_are_of_the_own_devices(two: SimpleNamespace) -> None:
    client = logged_in(institute=two.ours)
    home = " ".join(client.get("/").content.decode().split())
    assert re.findall(r'class="h1 mb-0 number">(.*?)</div>', home)[0] == "1"
    told = re.findall(r'outcome-bar my-2" role="img" aria-label="\s*\D+(\d+)\s*"', home)
    assert told == ["1"]
    assert "1 device:" in " ".join(client.get("/trays/T-1/").content.decode().split())


def test_a_bound_person_changes_nothing_of_anothers_device(two: SimpleNamespace) -> None:
    client = logged_in(institute=two.ours)
    for page in ("comment/", "state/", "rename/", "attach/", "sign-off/", "edit/"):
        assert client.post(f"/devices/{OTHERS}/{page}", {}).status_code == 404, page
    assert client.post(f"/attachments/{two.file.pk}/remove/").status_code == 404
    assert Attachment.objects.filter(pk=two.file.pk).exists()
    person = User.objects.get(username="bound")
    row = {"serial": OTHERS, "device_type": two.kind.name, "maker_serial": "X"}
    plan = DeviceRows(by=person, existing="update").plan([row], [0])
    assert [fault.column for fault in plan.faults] == ["serial"]


def test_a_bound_person_loads_nothing_of_another_and_is_told_no_serial(
    two: SimpleNamespace,
) -> None:
    client = logged_in(institute=two.ours)
    unknown = client.post("/stations/pde-1/load/", {"slot-1": OTHERS})
    assert unknown.status_code == 422
    assert f"{OTHERS} is not registered" in unknown.content.decode()
    full = client.post("/stations/darkbox-1/load/", {"slot-1": OWN})
    assert full.status_code == 422
    assert "GX-003" not in full.content.decode()
    assert not LoadedDevice.objects.exclude(device__serial="GX-003").exists()


def test_what_a_bound_person_registers_is_seen_by_that_person(two: SimpleNamespace) -> None:
    client = logged_in(institute=two.ours, campaign=two.year)
    person = User.objects.get(username="bound")
    (device,) = register_devices([{"serial": "N-1", "device_type": two.kind.name}], by=person)
    assert (device.owner, device.campaign) == (two.ours, two.year)
    assert client.get("/devices/N-1/").status_code == 200


def test_a_run_is_whose_its_devices_are_and_stays_so(
    campaign: SimpleNamespace, operator: User
) -> None:
    ours, theirs = (Institute.objects.create(name=name) for name in ("Ours", "Theirs"))
    Device.objects.filter(serial__in=["GX-001", "GX-002"]).update(owner=ours)
    Device.objects.filter(serial="GX-003").update(owner=theirs)
    first, second = campaign.stations
    load_station(first, {1: "GX-001", 2: "GX-002"}, by=operator)
    load_station(second, {1: "GX-003", 2: "GX-000"}, by=operator)
    run, mixed = start_run(first, by=operator), start_run(second, by=operator)
    assert (run.owner_id, run.campaign_id) == (ours.pk, FIRST)
    assert (mixed.owner_id, mixed.campaign_id) == (None, FIRST)
    Device.objects.filter(serial="GX-001").update(owner=theirs)
    run.refresh_from_db()
    assert run.owner == ours


def test_whoever_is_not_bound_pays_nothing_for_it(two: SimpleNamespace) -> None:
    client = logged_in()
    with CaptureQueriesContext(connection) as queries:
        page = client.get("/devices/").content.decode()
    assert OTHERS in page
    lists = [one["sql"] for one in queries if "inventory_device" in one["sql"]]
    assert lists
    assert not [sql for sql in lists if "owner_id" in sql.partition("WHERE")[2]]
    assert len(queries) == 6  # as many as before anybody was bound
    assert SerialAlias.objects.visible_to(User.objects.get(username="bound")).count() == 1


def test_a_command_binds_a_person_and_says_what_is_seen(two: SimpleNamespace) -> None:
    User.objects.create_user("luz")
    run = CliRunner().invoke
    assert "sees all" in run(user_command, ["change", "luz"]).output
    assert "owned by Ours" in run(user_command, ["change", "luz", "--institute", "Ours"]).output
    both = run(user_command, ["change", "luz", "--campaign", "Year two"]).output
    assert both.endswith("sees what is owned by Ours and in the campaign Year two\n")
    assert "Theirs" in run(user_command, ["change", "luz", "--institute", "Nobody"]).output
    none = ["change", "luz", "--institute", "", "--campaign", ""]
    assert "sees all" in run(user_command, none).output


def test_a_bound_person_packs_and_imports_for_no_device_of_another(two: SimpleNamespace) -> None:
    client = logged_in(institute=two.ours)
    elsewhere = Institute.objects.create(name="elsewhere")
    sent = {"origin": str(two.place.pk), "destination": str(elsewhere.pk)}
    before = Shipment.objects.count()
    for serial in ("GX-003", "GX-002", "GX-777"):
        packed = client.post("/shipments/new/", {**sent, "serials": serial})
        # As if there were none of that number.
        assert f"{serial} is not registered" in unescape(packed.content.decode()), serial
        looked = client.post("/shipments/new/", {**sent, "serials": serial, "look": "1"})
        assert "not registered" in looked.content.decode(), serial
    # Of a tray that holds devices of several, the own ones alone are meant.
    with pytest.raises(ShipmentRefused) as refused:
        pack(two.place, two.place, ["T-1"], by=User.objects.get(username="bound"))
    assert not any(one in str(refused.value) for one in ("GX-000", "GX-003", "GX-902"))
    assert Shipment.objects.count() == before
    for serial in ("GX-003", "GX-002", "GX-777"):
        file = SimpleUploadedFile("iv.csv", b"Bias [V],Current [A]\n50,1e-9\n51,2e-9\n")
        asked = client.post("/runs/import/", {"files": file, "device": serial})
        assert f"{serial} is not registered" in unescape(asked.content.decode()), serial


def test_the_error_of_anothers_task_is_not_told_to_who_is_bound(
    two: SimpleNamespace, operator: User
) -> None:
    """A run that they see, of a task whose log and text may name devices that they do not."""
    load_station(two.stations[1], {2: OWN}, by=operator)
    run = start_run(two.stations[1], two.stations[1].stage, {}, by=operator)
    Run.objects.filter(pk=run.pk).update(owner=two.ours)
    run.task_group.tasks.update(error_text=f"slot 1: {OTHERS} is broken")
    token = make_token(User.objects.create_superuser("free"), 1)[1]
    everybody = Client().get(f"/api/v1/runs/{run.pk}", headers={"Authorization": f"Bearer {token}"})
    assert OTHERS in everybody.json()["tasks"][0]["error"]
    logged_in(institute=two.ours)
    token = make_token(User.objects.get(username="bound"), 1)[1]
    bound = Client().get(f"/api/v1/runs/{run.pk}", headers={"Authorization": f"Bearer {token}"})
    assert bound.status_code == 200, bound.content
    assert [one["error"] for one in bound.json()["tasks"]] == [""] * len(bound.json()["tasks"])

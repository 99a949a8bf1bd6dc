"""Devices get names, travel, and carry files; nobody is fooled by what comes in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Thread
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections, transaction
from django.test import Client
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from mppcqa.inventory.attachments import AttachmentRefused, attach, safe_name
from mppcqa.inventory.models import Attachment, Device, DeviceType, Institute, Lot, Shipment, Tray
from mppcqa.inventory.naming import NamingRefused, next_serials, rename_device
from mppcqa.inventory.receiving import receive
from mppcqa.inventory.serials import serial_faults
from mppcqa.inventory.shipping import ShipmentRefused, send
from tests.pens import pen_of
from tests.waiting import PATIENCE_S
from tests.web.formfields import opened


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with override("en"):
        yield


@pytest.fixture
def browser(operator: User) -> Client:
    client = Client()
    client.force_login(operator)
    return client


def test_a_renamed_device_is_found_by_both_names(
    browser: Client, campaign: SimpleNamespace
) -> None:
    device = rename_device(campaign.devices[0], "gx-900", reason="label was misprinted")
    assert browser.get("/devices/GX-000/").headers["Location"] == "/devices/GX-900/"
    assert browser.get("/find/", {"q": "gx-000"}).headers["Location"] == "/devices/GX-900/"
    with pytest.raises(NamingRefused) as refused:
        rename_device(campaign.devices[1], "GX-000")
    assert len(refused.value.faults) == 2
    rename_device(device, "GX-000", reason="it was right")
    assert browser.get("/devices/GX-900/").headers["Location"] == "/devices/GX-000/"


@pytest.mark.parametrize("scheme", ["", "mod10", "mod36"])
def test_generated_serials_go_on_where_others_end(db: None, scheme: str) -> None:
    kind = DeviceType.objects.create(
        name="k", serial_next="AB-{number:05d}", serial_check=scheme, serial_pattern=r"AB-\w+"
    )
    first = next_serials(kind, 3)
    assert [one[:8] for one in first] == ["AB-00001", "AB-00002", "AB-00003"]
    for serial in first:
        assert serial_faults(serial, kind) == []
        Device.objects.create(serial=serial, device_type=kind)
    more = next_serials(kind, 600)
    assert len(set(more) - set(first)) == 600
    kind.serial_next = ""
    with pytest.raises(NamingRefused, match="no format"):
        next_serials(kind, 1)


@pytest.mark.parametrize("scheme", ["", "mod10", "mod36"])
def test_numbers_of_generated_serials_follow_each_other(db: None, scheme: str) -> None:
    """Also where a check character stands behind them, which is no part of the number."""
    kind = DeviceType.objects.create(name="k", serial_next="AB{number:05d}", serial_check=scheme)
    found = []
    for _time in range(4):
        for serial in next_serials(kind, 3):
            found.append(int(serial[2:7]))
            Device.objects.create(serial=serial, device_type=kind)
    assert found == list(range(1, 13))


def test_a_former_serial_number_is_not_generated_again(db: None) -> None:
    kind = DeviceType.objects.create(name="k", serial_next="N-{number}")
    device = Device.objects.create(serial="N-1", device_type=kind)
    rename_device(device, "OTHER", reason="label")
    assert next_serials(kind, 2) == ["N-2", "N-3"]


def test_a_careless_pattern_holds_nothing_up(db: None) -> None:
    kind = DeviceType(name="k", serial_pattern="(((A+)+)+)+")
    assert serial_faults("A" * 60, kind) == []
    assert serial_faults("A" * 60 + "B", kind)


def test_a_shipment_arrives_by_scanning(campaign: SimpleNamespace, operator: User) -> None:
    there = Institute.objects.create(name="Valparaíso")
    with pytest.raises(ShipmentRefused) as refused:
        send(there, there, ["GX-000", "nobody"])
    assert len(refused.value.faults) == 3
    shipment = send(campaign.place, there, ["GX-000", "gx-001", "GX-001"], by=pen_of())
    with pytest.raises(ShipmentRefused, match="on its way already"):
        send(campaign.place, there, ["GX-000"])
    with pytest.raises(ShipmentRefused) as refused:
        receive(shipment, ["GX-000", "GX-003"])
    assert ["GX-003" in refused.value.faults[0], "GX-001" in refused.value.faults[1]] == [True] * 2
    assert receive(shipment, ["GX-000"], missing_is_known=True, by=operator) == 1
    assert Device.objects.get(serial="GX-000").location == there
    assert Device.objects.get(serial="GX-001").location == campaign.place
    assert "GX-001" in Shipment.objects.get().note
    # What was missing turns up a week later.
    with pytest.raises(ShipmentRefused, match="GX-000 does not belong"):
        receive(shipment, ["GX-001", "GX-000"])
    assert receive(shipment, ["GX-001"], by=operator) == 1
    assert Device.objects.get(serial="GX-001").location == there
    with pytest.raises(ShipmentRefused, match="already"):
        receive(shipment, ["GX-001"])


def test_two_people_at_one_box_at_the_same_moment(
    transactional_db: None, campaign: SimpleNamespace, operator: User
) -> None:
    there = Institute.objects.create(name="Valparaíso")
    shipment = send(campaign.place, there, ["GX-000", "GX-001"], by=pen_of())

    def scan(serial: str) -> None:
        try:
            receive(Shipment.objects.get(), [serial], missing_is_known=True, by=operator)
        finally:
            connections.close_all()

    people = [Thread(target=scan, args=[serial]) for serial in ("GX-000", "GX-001")]
    with transaction.atomic():  # whatever each of them has read, neither could write yet
        Shipment.objects.update(reference="in the hall")
        for one in people:
            one.start()
        time.sleep(0.5)
    for one in people:
        one.join(PATIENCE_S)
    shipment.refresh_from_db()
    assert [shipment.reference, *shipment.missing.all()] == ["in the hall"]
    assert set(Device.objects.filter(location=there).values_list("serial", flat=True)) == {
        "GX-000",
        "GX-001",
    }
    assert "missing on arrival" in shipment.note
    assert "arrived later" in shipment.note


def test_one_device_goes_into_one_of_two_boxes_at_the_same_moment(
    transactional_db: None, campaign: SimpleNamespace
) -> None:
    places = [Institute.objects.create(name=name) for name in ("Valparaíso", "UTFSM")]
    refused: list[ShipmentRefused] = []

    def pack(place: Institute) -> None:
        try:
            send(campaign.place, place, ["GX-000"])
        except ShipmentRefused as error:
            refused.append(error)
        finally:
            connections.close_all()

    people = [Thread(target=pack, args=[place]) for place in places]
    with transaction.atomic():  # whatever each of them has read, neither could write yet
        Device.objects.filter(serial="GX-000").update(tray_row=None)
        for one in people:
            one.start()
        time.sleep(0.5)
    for one in people:
        one.join(PATIENCE_S)
    assert Shipment.objects.count() == 1
    assert ["on its way already" in str(error) for error in refused] == [True]


def test_a_box_with_others_in_it_and_one_that_nobody_opened(
    browser: Client, campaign: SimpleNamespace, operator: User
) -> None:
    there = Institute.objects.create(name="UTFSM")
    shipment = send(campaign.place, there, ["GX-000", "GX-001"], by=pen_of())
    address = f"/shipments/{shipment.pk}/"
    everything = {"missing_is_known": "on", "others_are_known": "on"}
    # A tick and nothing scanned loses no shipment.
    assert "nothing was scanned" in browser.post(address, everything).content.decode()
    assert Shipment.objects.get().received_at is None
    other = send(campaign.place, there, ["GX-003"], by=pen_of())
    sealed = browser.post(address, everything | {"serials": "GX-000\nGX-003"}).content.decode()
    assert "GX-003 is on its way already" in sealed
    assert receive(other, ["GX-003"]) == 1
    box = {"serials": "gx-000\r\nGX-002\r\n"}
    assert "GX-002 does not belong" in browser.post(address, box).content.decode()
    page = browser.post(address, everything | box, follow=True).content.decode()
    assert "came along: GX-002" in page
    assert "missing on arrival: GX-001" in page
    places = dict(Device.objects.values_list("serial", "location__name"))
    assert places["GX-000"] == places["GX-002"] == "UTFSM"
    assert places["GX-001"] == campaign.place.name
    assert "missing on arrival" in browser.get("/devices/GX-001/").content.decode()
    assert browser.post(address, {"serials": "GX-001"}).status_code == 302
    assert "missing on arrival" not in browser.get("/devices/GX-001/").content.decode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", b"<script>alert(1)</script>"),
        ("image.png", b"<svg onload=alert(1)>"),
        ("sheet.pdf", b"MZ\x90"),
        ("note.txt", b"\x00\x01"),
        ("empty.txt", b""),
        ("noending", b"x"),
    ],
)
def test_files_that_are_not_what_they_say(
    campaign: SimpleNamespace, name: str, content: bytes
) -> None:
    with pytest.raises(AttachmentRefused):
        attach(campaign.devices[0], SimpleUploadedFile(name, content))
    assert not Attachment.objects.exists()


def test_an_attachment_is_only_ever_downloaded(browser: Client, campaign: SimpleNamespace) -> None:
    file = SimpleUploadedFile("../../etc/data sheet.pdf", b"%PDF-1.4 <script>")
    browser.post("/devices/GX-000/attach/", {"file": file})
    row = Attachment.objects.get()
    assert row.original_name == "data sheet.pdf"
    assert "data" not in row.file.name
    response = browser.get(f"/attachments/{row.pk}/")
    assert b"".join(response.streaming_content) == b"%PDF-1.4 <script>"
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"].startswith("attachment;")
    browser.post(f"/attachments/{row.pk}/remove/")
    assert not Attachment.objects.exists()


@given(st.text(max_size=300))
def test_any_name_becomes_a_safe_one(name: str) -> None:
    safe = safe_name(name)
    assert safe
    assert not set(safe) & set('/\\<>"\n\r\x00')
    assert not safe.startswith(".")


def test_the_catalogue_holds_what_it_is_told(browser: Client, campaign: SimpleNamespace) -> None:
    new = {"name": "5x7", "rows": 5, "columns": 7, "channel_order": "[]", "serial_pattern": "A\\d+"}
    assert browser.post("/catalogue/types/new/", new).status_code == 302
    assert DeviceType.objects.get(name="5x7").channels == 35
    faults = [
        *({"serial_pattern": wrong} for wrong in ("(", "A(?=1)")),
        *({"serial_next": wrong} for wrong in ("{x}", "N{number:999999999d}", "{number}{number}")),
        *({"channel_order": wrong} for wrong in ("[1, 2]", '["a", 1]', "5", '{"a": 1}', "[true]")),
        {"rows": 30_000, "columns": 30_000},
        {"name": "s12045(x)"},
    ]
    for fault in faults:
        response = browser.post("/catalogue/types/new/", {**new, "name": "bad", **fault})
        assert response.status_code == 422, fault
    for number, empty in enumerate(("", " ", "null")):
        made = {**new, "name": f"emptied {number}", "channel_order": empty}
        assert browser.post("/catalogue/types/new/", made).status_code == 302
        assert DeviceType.objects.get(name=f"emptied {number}").channel_order == []
    kind = campaign.kind
    resized = {"name": kind.name, "rows": 2, "columns": 2, "channel_order": "[]"}
    page = f"/catalogue/types/{kind.pk}/"
    mark = opened(browser, page)
    assert browser.post(page, resized | mark).status_code == 422
    assert browser.post(f"{page}remove/", mark).status_code == 302
    assert DeviceType.objects.filter(pk=kind.pk).exists()
    assert browser.get("/catalogue/nothing/").status_code == 404


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("trays", {"name": "A/B", "rows": 2, "columns": 2}),
        ("trays", {"name": "..", "rows": 2, "columns": 2}),
        ("trays", {"name": "t-1", "rows": 2, "columns": 2}),
        ("trays", {"name": "wide", "rows": 30_000, "columns": 30_000}),
        ("stations", {"name": "A/B", "stage": "pde", "slots": 1}),
        ("makers", {"name": "HAMAMATSU"}),
        ("lots", {"name": "new", "maker_values": "[1]"}),
        ("lots", {"name": "there", "maker_values": "{}"}),
    ],
)
def test_what_no_page_or_database_could_take_is_not_kept(
    browser: Client, campaign: SimpleNamespace, kind: str, values: dict[str, object]
) -> None:
    Lot.objects.create(name="there")
    assert browser.post(f"/catalogue/{kind}/new/", values).status_code == 422
    assert browser.get(f"/catalogue/{kind}/").status_code == 200


def test_a_tray_is_found_however_it_is_written(browser: Client, campaign: SimpleNamespace) -> None:
    """One whose name has a slash, too: it may have come from a folder or an older version."""
    Tray.objects.create(name="Box a/7", rows=2, columns=2)
    assert browser.get("/trays/").status_code == 200
    address = browser.get("/find/", {"q": "box A/7"}).headers["Location"]
    assert "Box a/7" in browser.get(address).content.decode()


def test_a_device_is_moved_by_its_form(browser: Client, campaign: SimpleNamespace) -> None:
    address = "/devices/GX-003/edit/"
    mark = opened(browser, address)
    assert browser.post(address, {"parent_serial": "GX-003", **mark}).status_code == 422
    taken = {**mark, "tray_name": "T-1", "tray_row": 0, "tray_column": 0}
    assert browser.post(address, taken).status_code == 422
    assert browser.post(address, {"tray_name": "T-1", "tray_row": 3, **mark}).status_code == 422
    free = {"tray_name": "T-1", "tray_row": 3, "tray_column": 3, "parent_serial": "gx-000"}
    assert browser.post(address, {**free, "lot_name": "L1", **mark}).status_code == 302
    device = Device.objects.get(serial="GX-003")
    assert (device.tray_row, device.parent.serial, device.lot.name) == (3, "GX-000", "L1")
    mark = opened(browser, "/devices/GX-000/edit/")
    loop = browser.post("/devices/GX-000/edit/", {"parent_serial": "GX-003", **mark})
    assert loop.status_code == 422


def test_generated_from_the_page(browser: Client, campaign: SimpleNamespace) -> None:
    campaign.kind.serial_next = "N-{number:03d}"
    campaign.kind.save()
    form = {"device_type": campaign.kind.pk, "count": 2}
    assert "N-002" in browser.post("/devices/generate/", form).content.decode()
    assert Device.objects.filter(serial__startswith="N-").count() == 2

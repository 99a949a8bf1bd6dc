"""Devices go into trays and boxes one by one; nothing goes where it may not, and all comes back."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User

from mppcqa.inventory.models import Device, Institute, Shipment, Tray
from mppcqa.inventory.moving import MoveRefused, move_by_hand
from mppcqa.inventory.packing import pack_one, take_back
from mppcqa.inventory.shipping import ShipmentRefused, pack, pack_more, send_packed
from mppcqa.inventory.states import DeviceState, Move
from mppcqa.runs.actions import load_station
from tests.pens import pen_of


@pytest.fixture
def two(campaign: SimpleNamespace, operator: User) -> SimpleNamespace:
    """A box with the first of four devices, and an empty tray of two places."""
    for one in campaign.devices:
        one.refresh_from_db()
    there = Institute.objects.create(name="elsewhere")
    box = pack(campaign.place, there, ["GX-000"], by=operator)
    tray = Tray.objects.create(name="T7", rows=1, columns=2)
    return SimpleNamespace(box=box, tray=tray, there=there, by=operator)


def lying(serial: str) -> tuple[str, int | None, int | None, str]:
    one = Device.objects.get(serial=serial)
    return str(one.tray or ""), one.tray_row, one.tray_column, one.state


def of(serial: str) -> Device:
    return Device.objects.get(serial=serial)


def test_each_goes_into_the_next_place_and_into_the_box(two: SimpleNamespace) -> None:
    pack_one(of("GX-001"), shipment=two.box, tray=two.tray, by=two.by)
    pack_one(of("GX-002"), shipment=two.box, tray=two.tray, by=two.by)
    assert lying("GX-001") == ("T7", 0, 0, DeviceState.PACKED)
    assert lying("GX-002") == ("T7", 0, 1, DeviceState.PACKED)
    assert two.box.devices.count() == 3
    with pytest.raises(MoveRefused, match="T7 is full"):
        pack_one(of("GX-003"), shipment=two.box, tray=two.tray, by=two.by)
    assert lying("GX-003") == ("T-1", 0, 3, DeviceState.IN_TRAY)
    assert two.box.devices.count() == 3


def test_a_place_is_chosen_once_and_must_be_free(two: SimpleNamespace) -> None:
    pack_one(of("GX-001"), tray=two.tray, at=(0, 1), by=two.by)
    assert lying("GX-001") == ("T7", 0, 1, DeviceState.IN_TRAY)
    with pytest.raises(MoveRefused, match="GX-001 lies in row 0, column 1 of T7"):
        pack_one(of("GX-002"), tray=two.tray, at=(0, 1), by=two.by)
    with pytest.raises(MoveRefused, match="T7 has no row 3, column 0"):
        pack_one(of("GX-002"), tray=two.tray, at=(3, 0), by=two.by)
    with pytest.raises(ShipmentRefused, match="lies there already: T7, row 0, column 1"):
        pack_one(of("GX-001"), tray=two.tray, by=two.by)
    pack_one(of("GX-001"), tray=two.tray, at=(0, 0), by=two.by)
    assert lying("GX-001")[:3] == ("T7", 0, 0)


def test_what_is_in_the_box_gets_its_place_there(two: SimpleNamespace) -> None:
    done = pack_one(of("GX-000"), shipment=two.box, tray=two.tray, by=two.by)
    assert (done.boxed, done.former is None) == (False, False)
    assert lying("GX-000") == ("T7", 0, 0, DeviceState.PACKED)
    with pytest.raises(ShipmentRefused, match="in this box already: T7, row 0, column 0"):
        pack_one(of("GX-000"), shipment=two.box, tray=two.tray, by=two.by)
    with pytest.raises(ShipmentRefused, match="in this box already"):
        pack_one(of("GX-000"), shipment=two.box, by=two.by)
    take_back(of("GX-000"), shipment=two.box, boxed=done.boxed, former=done.former, by=two.by)
    assert lying("GX-000") == ("T-1", 0, 0, DeviceState.PACKED)
    assert two.box.devices.count() == 1


def test_states_that_speak_against_it_are_told_and_nothing_moves(
    two: SimpleNamespace, campaign: SimpleNamespace
) -> None:
    move_by_hand(of("GX-001"), Move.HOLD, "dusty", by=two.by)
    load_station(campaign.stations[0], {1: "GX-002"}, by=two.by)
    Device.objects.filter(serial="GX-003").update(location=two.there)
    for serial, told in (
        ("GX-001", "GX-001 is on hold"),
        ("GX-002", "GX-002 sits in"),
        ("GX-003", "GX-003 is at elsewhere"),
    ):
        before = lying(serial)
        with pytest.raises((ShipmentRefused, MoveRefused), match=told):
            pack_one(of(serial), shipment=two.box, tray=two.tray, by=two.by)
        assert lying(serial) == before
    assert two.box.devices.count() == 1
    # Where the box says why they may go, one on hold is packed and stays told.
    Shipment.objects.filter(pk=two.box.pk).update(exempt="return")
    two.box.refresh_from_db()
    pack_one(of("GX-001"), shipment=two.box, tray=two.tray, by=two.by)
    assert lying("GX-001") == ("T7", 0, 0, DeviceState.PACKED)


def test_a_tray_of_another_box_takes_nothing(two: SimpleNamespace, operator: User) -> None:
    pack_one(of("GX-001"), shipment=two.box, tray=two.tray, by=operator)
    other = pack(two.box.origin, two.there, ["GX-003"], by=operator)
    for box in (other, None):
        with pytest.raises(
            ShipmentRefused, match=f"holds GX-001, which is in shipment {two.box.pk}"
        ):
            pack_one(of("GX-002"), shipment=box, tray=two.tray, by=operator)
    assert lying("GX-002")[0] == "T-1"


def test_a_scan_is_taken_back_until_the_box_has_gone(two: SimpleNamespace) -> None:
    done = pack_one(of("GX-001"), shipment=two.box, tray=two.tray, by=two.by)
    back = {"shipment": two.box, "boxed": done.boxed, "former": done.former, "by": two.by}
    take_back(of("GX-001"), **back)
    assert lying("GX-001") == ("T-1", 0, 1, DeviceState.IN_TRAY)
    assert [one.serial for one in two.box.devices.all()] == ["GX-000"]
    with pytest.raises(ShipmentRefused, match="not in this box"):
        take_back(of("GX-001"), **back)
    with pytest.raises(ShipmentRefused, match="is all that is in the box"):
        take_back(of("GX-000"), **{**back, "former": None})
    send_packed(two.box, by=pen_of())
    with pytest.raises(ShipmentRefused, match="was sent already"):
        pack_one(of("GX-001"), shipment=two.box, by=two.by)
    with pytest.raises(ShipmentRefused, match="was sent already"):
        take_back(of("GX-000"), **back)


def test_more_go_into_an_open_box_and_what_is_in_it_is_no_fault(two: SimpleNamespace) -> None:
    Tray.objects.filter(name="T7").update(columns=4)
    two.tray.refresh_from_db()
    pack_one(of("GX-002"), tray=two.tray, by=two.by)
    assert pack_more(two.box, ["gx-000", "T7", "GX-001"], by=two.by) == 2
    assert sorted(one.serial for one in two.box.devices.all()) == ["GX-000", "GX-001", "GX-002"]
    with pytest.raises(ShipmentRefused, match="GX-9 is not registered"):
        pack_more(two.box, ["GX-9", "GX-003"], by=two.by)
    assert lying("GX-003")[3] == DeviceState.IN_TRAY
    with pytest.raises(ShipmentRefused, match="nothing was scanned"):
        pack_more(two.box, [], by=two.by)
    send_packed(two.box, by=pen_of())
    with pytest.raises(ShipmentRefused, match="was sent already"):
        pack_more(two.box, ["GX-003"], by=two.by)

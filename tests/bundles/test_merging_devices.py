"""Devices that a partner tells of: the same one is found, and what differs is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mppcqa.bundles.keys import ours
from mppcqa.bundles.models import CameFrom, KnownAs
from mppcqa.inventory.models import (
    Device,
    DeviceType,
    Institute,
    Lot,
    Maker,
    SerialAlias,
    Shipment,
    Tray,
)
from mppcqa.inventory.states import DeviceState
from tests.bundles.by_hand import BEGAN, HERE, MIDDAY, THERE, Partner, name_of

pytestmark = pytest.mark.django_db
EARLIER, LATER = "2026-03-01T00:00:00+00:00", "2026-09-01T00:00:00+00:00"


@pytest.fixture
def partner(tmp_path: Path) -> Partner:
    return Partner(tmp_path)


def registered(serial: str, kind: str = "S12045(X)", **facts: Any) -> Device:
    """A device of ours."""
    of, _made = DeviceType.objects.get_or_create(name=kind, defaults={"rows": 4, "columns": 4})
    return Device.objects.create(serial=serial, device_type=of, **facts)


def lines(told: dict[str, Any], what: str) -> list[str]:
    return [line for about, line in told["lines"] if about == what]


def former(serial: str, at: str = MIDDAY) -> dict[str, str]:
    return {"serial": serial, "reason": "label", "changed_at": at}


def test_a_new_device_comes_with_all_that_is_known_of_it(partner: Partner) -> None:
    one = partner.device(
        1, owner=THERE, location=HERE, maker_serial="M7", maker_values={"Vop": 75.5},
        installed={"slot": "3"}, tags=["spare", "reference"], former=[former("GX-1")],
        tray=0, tray_row=1, tray_column=2, lot=0,
    )  # fmt: skip
    trays = [{"name": "T-1", "rows": 3, "columns": 4, "lot": 0, "location": HERE}]
    lots = [{"name": "L1", "maker": "Hamamatsu", "maker_values": {"x": 1}}]
    told = partner.sends([one], trays=trays, lots=lots)
    assert told["counts"]["devices"] == {"new": 1}
    assert lines(told, "new") == ["GX-001"]
    row = Device.objects.get()
    assert (str(row.uuid), row.serial, row.device_type.name) == (name_of(1), "GX-001", "S12045(X)")
    assert (row.owner.name, row.location.name) == (THERE, HERE)
    assert (row.tray.name, row.tray_row, row.tray_column, row.lot.name) == ("T-1", 1, 2, "L1")
    assert row.state == DeviceState.IN_TRAY
    assert (row.maker_serial, row.maker_values, row.installed) == (
        *("M7", {"Vop": 75.5}),
        {"slot": "3"},
    )
    assert sorted(row.tags.values_list("name", flat=True)) == ["reference", "spare"]
    assert row.registered_at.isoformat() == BEGAN
    assert SerialAlias.objects.get(device=row).serial == "GX-1"
    assert CameFrom.objects.get(kind="device").installation == partner.row


def test_what_we_once_sent_comes_back_as_ours(partner: Partner) -> None:
    """A device that the partner has from us is not from elsewhere, even after it was lost here."""
    partner.sends([partner.device(1, origin=str(ours().uuid))])
    assert Device.objects.exists()
    assert not CameFrom.objects.filter(kind="device").exists()


def test_what_is_empty_here_is_filled_and_what_differs_stays_and_is_told(partner: Partner) -> None:
    row = registered("GX-001", maker_serial="M7", maker_values={"Vop": 75.5}, installed={})
    there = partner.device(
        1, maker_serial="M8", maker_values={"Vop": 75.0, "Id": 3}, installed={"slot": 2},
        owner=THERE,
    )  # fmt: skip
    told = partner.sends([there])
    assert told["counts"]["devices"] == {"differs": 1}
    row.refresh_from_db()
    assert (row.maker_serial, row.maker_values) == ("M7", {"Vop": 75.5, "Id": 3})
    assert (row.installed, row.owner.name) == ({"slot": 2}, THERE)
    said = lines(told, "differs")
    assert len(said) == 2
    assert "“M8” there and “M7” here" in said[0]
    assert said[1] == "GX-001: Vop is “75.0” there and “75.5” here"
    again = partner.sends([partner.device(1, maker_serial="M7")])
    assert again["counts"]["devices"] == {"same": 1}


@pytest.mark.parametrize("ours_has", ["serial", "alias"])
@pytest.mark.parametrize("theirs_has", ["serial", "former"])
def test_one_device_registered_on_both_sides_is_found_by_any_serial_it_had(
    partner: Partner, ours_has: str, theirs_has: str
) -> None:
    row = registered("GX-9" if ours_has == "serial" else "OURS")
    if ours_has == "alias":
        SerialAlias.objects.create(serial="GX-9", device=row, reason="", changed_at=LATER)
    there = partner.device(1, serial="GX-9")
    if theirs_has == "former":
        there = partner.device(1, serial="THEIRS", former=[former("GX-9", EARLIER)])
    partner.sends([there])
    assert Device.objects.count() == 1
    assert str(KnownAs.objects.get(device=row).uuid) == name_of(1)


def test_a_device_is_found_by_the_name_a_third_side_gave_it(partner: Partner) -> None:
    row = registered("GX-A")
    KnownAs.objects.create(uuid=name_of(77), device=row)
    told = partner.sends([partner.device(1, serial="GX-B", known_as=[name_of(77)])])
    assert Device.objects.count() == 1
    assert told["counts"]["devices"] == {"same": 1, "renamed": 1}
    assert {str(one.uuid) for one in KnownAs.objects.all()} == {name_of(77), name_of(1)}


def test_doubtful_devices_are_left_out_and_told(partner: Partner) -> None:
    other = registered("GX-001", kind="S14160")
    first, second = registered("GX-A"), registered("GX-B")
    for number, row in ((71, first), (72, second)):
        KnownAs.objects.create(uuid=name_of(number), device=row)
    told = partner.sends(
        [
            partner.device(1),
            partner.device(2, known_as=[name_of(71), name_of(72)]),
            partner.device(3, known_as=[name_of(71)]),
            partner.device(4, known_as=[name_of(71)]),
            partner.device(5),
        ]
    )
    assert told["counts"]["devices"]["left_out"] == 3
    assert told["counts"]["devices"]["new"] == 1
    assert lines(told, "left_out") == [
        "GX-001 is a device of another type here; rename one of the two",
        "GX-002 is two devices here; ask the sender which it is",
        "GX-004 and another device of the bundle are one device here",
    ]
    assert Device.objects.count() == 4
    other.refresh_from_db()
    assert other.device_type.name == "S14160"
    assert not KnownAs.objects.filter(device=other).exists()


@pytest.mark.parametrize(
    ("theirs", "mine", "serial", "said"),
    [
        (LATER, EARLIER, "THEIRS", "was renamed there: it is THEIRS from now on"),
        (LATER, None, "THEIRS", "was renamed there"),
        (EARLIER, LATER, "OURS", "is THEIRS there; it is found by both"),
        (MIDDAY, MIDDAY, "OURS", "is THEIRS there; it is found by both"),
        (None, None, "OURS", "is THEIRS there; it is found by both"),
    ],
)
def test_of_two_serial_numbers_the_one_given_later_holds(
    partner: Partner, theirs: str | None, mine: str | None, serial: str, said: str
) -> None:
    row = registered("OURS", uuid=name_of(1))
    if mine:
        SerialAlias.objects.create(serial="OLD", device=row, reason="", changed_at=mine)
    names = [former("OLD-THERE", theirs)] if theirs else []
    told = partner.sends([partner.device(1, serial="THEIRS", former=names)])
    row.refresh_from_db()
    assert row.serial == serial
    (line,) = lines(told, "renamed")
    assert said in line
    known = {row.serial, *SerialAlias.objects.filter(device=row).values_list("serial", flat=True)}
    assert known == {
        "OURS",
        "THEIRS",
        *(["OLD"] if mine else []),
        *(["OLD-THERE"] if theirs else []),
    }
    again = partner.sends([partner.device(1, serial="THEIRS", former=names)])
    row.refresh_from_db()
    assert row.serial == serial
    assert again["counts"]["devices"] == ({"same": 1} if serial == "THEIRS" else
                                          {"same": 1, "renamed": 1})  # fmt: skip
    assert SerialAlias.objects.filter(device=row).count() == len(known) - 1


def test_a_serial_number_that_another_device_has_here_is_not_taken_from_it(
    partner: Partner,
) -> None:
    mine, other = registered("OURS", uuid=name_of(1)), registered("THEIRS")
    told = partner.sends([partner.device(1, serial="THEIRS", former=[former("X", LATER)])])
    mine.refresh_from_db()
    other.refresh_from_db()
    assert (mine.serial, other.serial) == ("OURS", "THEIRS")
    assert lines(told, "renamed") == [
        "OURS is THEIRS there, which is another device here; it stays as it is"
    ]
    assert list(SerialAlias.objects.values_list("serial", "device")) == [("X", mine.pk)]


def test_a_bundle_that_comes_late_renames_nothing(partner: Partner) -> None:
    row = registered("OURS", uuid=name_of(1))
    partner.sends([], number=7)
    told = partner.sends(
        [partner.device(1, serial="THEIRS", former=[former("X", LATER)])], number=6
    )
    assert told["late"]
    row.refresh_from_db()
    assert row.serial == "OURS"
    assert SerialAlias.objects.filter(serial="THEIRS", device=row).exists()


@pytest.mark.parametrize(
    ("row", "column", "placed"),
    [(1, 2, True), (2, 3, True), (0, 0, False), (3, 0, False), (0, 4, False), (None, None, True)],
)
def test_a_place_in_a_tray_is_taken_where_it_is_free(
    partner: Partner, row: int | None, column: int | None, placed: bool
) -> None:
    tray = Tray.objects.create(name="T-1", rows=3, columns=4)
    registered("SITS", tray=tray, tray_row=0, tray_column=0)
    trays = [{"name": "T-1", "rows": 3, "columns": 4, "lot": None, "location": None}]
    one = partner.device(1, tray=0, tray_row=row, tray_column=column)
    told = partner.sends([one], trays=trays)
    came = Device.objects.get(serial="GX-001")
    assert (came.tray == tray) == placed
    assert (came.tray_row, came.tray_column) == ((row, column) if placed else (None, None))
    assert came.state == (DeviceState.IN_TRAY if placed else DeviceState.REGISTERED)
    expected = ["GX-001 comes without its place in tray T-1, which is taken here"]
    assert lines(told, "differs") == ([] if placed else expected)


def test_two_devices_of_a_bundle_never_share_a_place(partner: Partner) -> None:
    trays = [{"name": "T-1", "rows": 3, "columns": 4, "lot": None, "location": None}]
    both = [partner.device(n, tray=0, tray_row=1, tray_column=1) for n in (1, 2)]
    told = partner.sends(both, trays=trays)
    assert [one.tray_row for one in Device.objects.order_by("serial")] == [1, None]
    assert len(lines(told, "differs")) == 1


def test_a_tray_of_another_size_here_keeps_its_size_and_takes_none(partner: Partner) -> None:
    Tray.objects.create(name="T-1", rows=5, columns=4)
    trays = [{"name": "T-1", "rows": 3, "columns": 4, "lot": None, "location": None}]
    told = partner.sends([partner.device(1, tray=0, tray_row=0, tray_column=0)], trays=trays)
    assert Device.objects.get().tray is None
    assert Tray.objects.get().rows == 5
    assert lines(told, "differs") == [
        "the tray T-1 has another size here; its devices come without a place in it"
    ]


def test_parts_know_what_they_are_part_of_whichever_came_first(partner: Partner) -> None:
    whole, part = partner.device(1), partner.device(2, parent=name_of(1))
    lonely = partner.device(3, parent=name_of(99))
    partner.sends([part, whole, lonely])
    rows = {one.serial: one for one in Device.objects.all()}
    assert rows["GX-002"].parent == rows["GX-001"]
    assert rows["GX-003"].parent is None
    partner.sends([partner.device(4, parent=name_of(1))])
    assert Device.objects.get(serial="GX-004").parent == rows["GX-001"]


def test_what_is_here_by_its_name_is_not_made_anew(partner: Partner) -> None:
    maker = Maker.objects.create(name="Hamamatsu")
    lot = Lot.objects.create(name="L1", maker=maker, maker_values={"mine": 1})
    place = Institute.objects.create(name=THERE, address="Calle 1")
    kind = DeviceType.objects.create(name="S12045(X)", maker=maker, description="ours", rows=4)
    told = partner.sends(
        [partner.device(1, lot=0, owner=THERE)],
        lots=[{"name": "L1", "maker": "Hamamatsu", "maker_values": {"theirs": 2}}],
        institutes=[{"name": THERE, "address": "elsewhere"}, {"name": HERE, "address": "12000 J"}],
    )
    assert told["counts"]["devices"] == {"new": 1}
    row = Device.objects.get()
    assert (row.lot, row.owner, row.device_type) == (lot, place, kind)
    lot.refresh_from_db()
    place.refresh_from_db()
    assert (lot.maker_values, place.address) == ({"mine": 1}, "Calle 1")
    assert Institute.objects.get(name=HERE).address == "12000 J"
    assert Maker.objects.count() == DeviceType.objects.count() == Lot.objects.count() == 1


@pytest.mark.parametrize(
    "changed", [{"rows": 8}, {"columns": 8}, {"channel_order": list(range(16))[::-1]}]
)
def test_a_type_whose_channels_differ_is_refused_whole(
    partner: Partner, changed: dict[str, Any]
) -> None:
    from mppcqa.bundles.refusal import BundleRefused

    DeviceType.objects.create(name="S12045(X)", **{"rows": 4, "columns": 4, **changed})
    with pytest.raises(BundleRefused, match="Make both the same in the catalogue, or rename one"):
        partner.sends([partner.device(1)])
    assert not Device.objects.exists()


def box(number: int = 1) -> Shipment:
    return Shipment.objects.get(uuid=name_of(0x5000 + number))


def test_a_box_on_its_way_here_holds_its_devices(partner: Partner) -> None:
    devices = [partner.device(n, location=THERE) for n in (1, 2)]
    told = partner.sends(devices, shipments=[partner.shipment(1, [1, 2], reference="DHL 7")])
    assert told["counts"]["shipments"] == {"new": 1}
    assert any(
        "shipment Santiago → Jefferson Lab of 2026-01-02" in one for one in lines(told, "new")
    )
    assert {one.state for one in Device.objects.all()} == {DeviceState.SHIPPED}
    assert (box().reference, box().received_at) == ("DHL 7", None)
    assert box().sent_at.isoformat() == BEGAN
    assert box().devices.count() == 2


def test_a_box_still_packed_there_changes_until_it_is_sent(partner: Partner) -> None:
    devices = [partner.device(n, location=THERE) for n in (1, 2, 3)]
    partner.sends(devices, shipments=[partner.shipment(1, [1, 2], sent_at=None)])
    states = dict(Device.objects.values_list("serial", "state"))
    assert states["GX-001"] == states["GX-002"] == DeviceState.PACKED
    partner.sends(devices, shipments=[partner.shipment(1, [2, 3], note="changed")])
    states = dict(Device.objects.values_list("serial", "state"))
    assert states["GX-001"] != DeviceState.SHIPPED
    assert states["GX-002"] == states["GX-003"] == DeviceState.SHIPPED
    assert sorted(box().devices.values_list("serial", flat=True)) == ["GX-002", "GX-003"]
    assert box().note == "changed"


def test_a_box_that_has_ended_there_tells_where_new_devices_are(partner: Partner) -> None:
    devices = [partner.device(n) for n in (1, 2)]
    ended = partner.shipment(1, [1, 2], received_at=MIDDAY, missing=[name_of(2)])
    partner.sends(devices, shipments=[ended])
    places = {one.serial: one.location for one in Device.objects.select_related("location")}
    assert places["GX-001"] is not None
    assert places["GX-001"].name == HERE
    assert places["GX-002"] is None
    assert box().received_at.isoformat() == MIDDAY
    assert list(box().missing.values_list("serial", flat=True)) == ["GX-002"]


def test_an_arrival_that_was_noted_there_ends_the_shipment_here(partner: Partner) -> None:
    devices = [partner.device(n, location=THERE) for n in (1, 2)]
    partner.sends(devices, shipments=[partner.shipment(1, [1, 2])])
    came = partner.shipment(
        1, [1, 2], received_at=MIDDAY, missing=[name_of(2)], note="one lacks",
        differences=[{"what": "missing", "serial": "GX-002", "note": "n", "noted_at": MIDDAY,
                      "settled_at": None}],
    )  # fmt: skip
    partner.sends(devices, shipments=[came])
    states = dict(Device.objects.values_list("serial", "state"))
    assert states["GX-001"] not in (DeviceState.SHIPPED, DeviceState.PACKED)
    assert states["GX-002"] not in (states["GX-001"], DeviceState.PACKED)
    assert box().note == "one lacks"
    (difference,) = box().differences.all()
    assert (difference.what, difference.serial, difference.settled_at) == (
        *("missing", "GX-002"),
        None,
    )
    # It turns up: it is received, the difference settled, once.
    settled = came | {
        "missing": [],
        "differences": [came["differences"][0] | {"settled_at": LATER}],
    }
    for _time in range(2):
        partner.sends(devices, shipments=[settled])
    states = dict(Device.objects.values_list("serial", "state"))
    assert states["GX-002"] == states["GX-001"]
    assert not box().missing.exists()
    assert box().differences.get().settled_at.isoformat() == LATER


def test_the_number_that_stands_beside_a_partner_is_not_ours(partner: Partner) -> None:
    """A bundle that says it is of another installation, or twice the same, is refused."""
    from mppcqa.bundles.refusal import BundleRefused

    row = partner.arrives([partner.device(1)], number=3)
    assert partner.arrives([partner.device(1)], number=3) == row
    with pytest.raises(BundleRefused, match=r"Another bundle with the same name \(number 3 of San"):
        partner.arrives([partner.device(2)], number=3)

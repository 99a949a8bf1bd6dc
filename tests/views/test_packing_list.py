"""A shipment as its page and its packing list tell it."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User

from mppcqa.inventory.models import Device, Institute, Shipment
from mppcqa.inventory.receiving import receive
from mppcqa.inventory.shipping import pack, send
from mppcqa.results.models import Standing
from mppcqa.views.shipment import ShipmentView, shipment_view
from tests.pens import pen_of


@pytest.fixture
def abroad(campaign: SimpleNamespace) -> Institute:
    Standing.objects.update(outcome="pass")
    made: Institute = Institute.objects.create(name="UTFSM")
    return made


def seen(shipment: Shipment) -> ShipmentView:
    view = shipment_view(shipment.pk)
    assert view is not None
    return view


def test_a_box_is_told_with_what_stands_of_each_device_by_its_place(
    campaign: SimpleNamespace, abroad: Institute, operator: User
) -> None:
    serials = [one.serial for one in reversed(campaign.devices)]
    box = pack(campaign.place, abroad, serials, note="handle with care", by=operator)
    Standing.objects.filter(device=campaign.devices[1]).delete()
    Standing.objects.filter(device=campaign.devices[2]).update(outcome="fail")
    view = seen(box)
    assert (view.origin, view.destination, view.as_of) == ("Jefferson Lab", "UTFSM", box.packed_at)
    assert [one.serial for one in view.devices] == [one.serial for one in campaign.devices]
    assert view.stages == ("PDE",)
    assert [one.outcomes[0][0] for one in view.devices] == ["pass", "", "fail", "pass"]
    assert view.devices[1].outcomes == (("", "—"),)
    assert not any(one.missing for one in view.devices)
    facts = dict(view.facts)
    assert facts["Tracking number"] == "—"
    assert facts["Packed"].endswith(" UTC, rosa")
    assert (facts["Devices"], facts["Note"]) == ("4", "handle with care")
    assert not facts.keys() & {"Sent", "Received", "Missing", "Devices that fail or are on hold"}


def test_places_name_tray_row_and_column_as_far_as_they_are_known(
    campaign: SimpleNamespace, abroad: Institute
) -> None:
    box = pack(campaign.place, abroad, [one.serial for one in campaign.devices])
    ids = [one.pk for one in campaign.devices]
    Device.objects.filter(pk__in=ids).update(tray=campaign.tray, tray_row=None, tray_column=None)
    for column, pk in enumerate(ids[:2]):
        Device.objects.filter(pk=pk).update(tray_row=column, tray_column=3 - column)
    Device.objects.filter(pk=ids[3]).update(tray=None)
    assert {one.serial: one.tray for one in seen(box).devices} == {
        "GX-000": "T-1 (0, 3)", "GX-001": "T-1 (1, 2)", "GX-002": "T-1", "GX-003": ""
    }  # fmt: skip


def test_what_was_not_in_the_box_is_marked_and_counted(
    campaign: SimpleNamespace, abroad: Institute
) -> None:
    serials = [one.serial for one in campaign.devices]
    box = send(campaign.place, abroad, serials, reference="1Z 999", by=pen_of())
    box.refresh_from_db()
    under_way = seen(box)
    assert under_way.as_of == box.sent_at
    assert dict(under_way.facts)["Sent"].endswith(" UTC, nora")
    receive(box, serials[1:], missing_is_known=True)
    box.refresh_from_db()
    view = seen(box)
    assert [one.serial for one in view.devices if one.missing] == ["GX-000"]
    facts = dict(view.facts)
    assert (facts["Missing"], facts["Devices"], facts["Tracking number"]) == ("1", "4", "1Z 999")
    # Nobody was named, and nobody is.
    assert box.received_at is not None
    assert facts["Received"] == f"{box.received_at:%Y-%m-%d %H:%M} UTC"
    assert view.as_of == box.received_at


def test_why_devices_that_fail_may_go_is_said(campaign: SimpleNamespace, abroad: Institute) -> None:
    Standing.objects.update(outcome="fail")
    which = Shipment.Exempt
    for exempt, why, text in (
        (which.ALLOWED, "for a beam test", "may go, for the reason given: for a beam test"),
        (which.RETURN, "", "are returned to the maker"),
    ):
        device = campaign.devices[0 if exempt == which.ALLOWED else 1]
        box = pack(campaign.place, abroad, [device.serial], exempt=exempt, exempt_why=why)
        assert dict(seen(box).facts)["Devices that fail or are on hold"] == text


def test_a_stage_whose_package_is_gone_has_its_key_after_the_known_ones(
    campaign: SimpleNamespace, abroad: Institute
) -> None:
    Standing.objects.filter(device=campaign.devices[3]).update(stage="a_lost_one")
    box = pack(campaign.place, abroad, [one.serial for one in campaign.devices])
    view = seen(box)
    assert view.stages == ("PDE", "a_lost_one")
    assert [one.outcomes[1][0] for one in view.devices] == ["", "", "", "pass"]
    assert view.devices[3].outcomes[0] == ("", "—")


def test_there_is_no_list_of_a_shipment_that_there_is_not(db: None) -> None:
    assert shipment_view(987_654_321) is None


def test_the_newest_moment_stands_for_the_whole(
    campaign: SimpleNamespace, abroad: Institute
) -> None:
    box = pack(campaign.place, abroad, [campaign.devices[0].serial])
    moments = [dt.datetime(2026, 3, day, tzinfo=dt.UTC) for day in (1, 2, 3)]
    for n, name in enumerate(("packed_at", "sent_at", "received_at")):
        Shipment.objects.filter(pk=box.pk).update(**{name: moments[n]})
        assert seen(box).as_of == moments[n]

"""Many devices at once from the list: looked at first, then done with those that can."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from mppcqa.inventory.models import Device, Institute, Shipment, Tag, Tray
from mppcqa.runs.models import Station

pytestmark = pytest.mark.django_db


def asked(client: Client, action: str, rows: list[Any], **more: Any) -> str:
    """The page that follows when rows are ticked and an action is chosen."""
    sent = {"list": "devices", "action": action, "row": [row.pk for row in rows], **more}
    return str(client.post("/devices/", sent, follow=True).content.decode())


def shown(page: str, head: str) -> str:
    """The part of a preview behind a text, without markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.partition(head)[2]).split())


def test_into_a_tray_each_by_its_place_until_it_is_full(
    browser_client: Client, campaign: SimpleNamespace, loaded: Station
) -> None:
    tray = Tray.objects.create(name="T-9", rows=1, columns=2)
    devices = campaign.devices
    page = asked(browser_client, "tray", devices)
    assert "This would be done" not in page  # no tray was chosen yet
    page = asked(browser_client, "tray", devices, choice="999", confirmed="1")
    assert "This would be done" not in page  # no tray that there is
    page = asked(browser_client, "tray", devices, choice=tray.pk)
    done, _head, left = page.partition("Left out")
    assert "GX-001 T-1 → row 1, column 1" in shown(done, "would be done")
    assert "GX-002 T-1 → row 1, column 2" in shown(done, "would be done")
    assert "GX-003 T-9 is full" in shown(left, ">")
    assert "GX-000" in shown(left, ">")  # sits in a station
    assert not tray.devices.exists()
    page = asked(browser_client, "tray", devices[1:3], choice=tray.pk, confirmed="1")
    assert "2 devices lie in T-9" in page
    places = tray.devices.values_list("serial", "tray_column")
    assert list(places.order_by("serial")) == [("GX-001", 0), ("GX-002", 1)]
    # What is not possible any more when it is confirmed is told, and nothing is done.
    page = asked(browser_client, "tray", devices[3:], choice=tray.pk, confirmed="1")
    assert "T-9 is full" in page
    assert tray.devices.count() == 2


def test_tagged_and_relocated(browser_client: Client, campaign: SimpleNamespace) -> None:
    tag, place = Tag.objects.create(name="spare"), Institute.objects.create(name="USM")
    devices = campaign.devices
    tag.devices.add(devices[0])
    page = asked(browser_client, "tag", devices[:2], choice=tag.pk)
    assert "GX-000 has it already" in shown(page, "Left out")
    assert "1 device has the tag spare" in asked(
        browser_client, "tag", devices[1:2], choice=tag.pk, confirmed="1"
    )
    assert tag.devices.count() == 2
    page = asked(browser_client, "relocate", devices[:2], choice=place.pk)
    assert "GX-000 Jefferson Lab → USM" in shown(page, "would be done")
    asked(browser_client, "relocate", devices[:2], choice=place.pk, confirmed="1")
    assert Device.objects.filter(location=place).count() == 2
    page = asked(browser_client, "relocate", devices[:1], choice=place.pk)
    assert "is there already" in page
    assert devices[0].moves.filter(move="relocate").exists()


def test_packed_into_one_box_from_where_most_are(
    browser_client: Client, campaign: SimpleNamespace, loaded: Station
) -> None:
    usm, cern = (Institute.objects.create(name=name) for name in ("USM", "CERN"))
    Device.objects.filter(serial="GX-003").update(location=cern)
    page = asked(browser_client, "ship", campaign.devices, choice=usm.pk)
    left = shown(page, "Left out")
    assert "GX-003 is elsewhere than most of them" in left
    assert "GX-000" in left
    assert not Shipment.objects.exists()
    wanted = campaign.devices[1:3]
    page = asked(browser_client, "ship", wanted, choice=usm.pk, confirmed="1")
    made = Shipment.objects.get()
    assert f"packed as shipment {made.pk} to USM" in page
    assert set(made.devices.all()) == set(wanted)
    assert (made.origin, made.sent_at) == (campaign.place, None)

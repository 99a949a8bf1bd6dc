"""What was changed of a thing is told on its page, to who sees the thing."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from mppcqa.audit.chain import seal
from mppcqa.inventory.models import Device, Institute, Maker
from mppcqa.people.actions import invite
from mppcqa.people.roles import ROLES


@pytest.fixture
def device(campaign: SimpleNamespace) -> Device:
    found: Device = campaign.devices[0]
    return found


def address(device: Device) -> str:
    return f"/changes/inventory.device/{device.pk}/"


@pytest.mark.parametrize("sealed", [True, False])
def test_a_change_is_told_in_words(browser_client: Client, device: Device, sealed: bool) -> None:
    turin = Institute.objects.create(name="Turin <b>")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE inventory_device SET state = 'scrapped' WHERE id = %s", [device.pk])
    Device.objects.filter(pk=device.pk).update(location=turin)
    if sealed:
        seal()
    told = browser_client.get(address(device)).content.decode()
    assert "Turin &lt;b&gt;" in told
    assert "Location" in told
    assert "scrapped" in told
    assert ("Not sealed yet" in told) != sealed


def test_the_page_asks_for_it(browser_client: Client, device: Device) -> None:
    assert address(device) in browser_client.get(f"/devices/{device.serial}/").content.decode()


def test_who_does_not_see_the_thing_learns_nothing(device: Device) -> None:
    theirs, ours = (Institute.objects.create(name=name) for name in ("theirs", "ours"))
    partner = Client()
    partner.force_login(invite("pia", ROLES["partner"], institute=theirs, by=None))
    maker = Maker.objects.create(name="any")
    assert partner.get(address(device)).status_code == 404
    assert partner.get(f"/changes/inventory.maker/{maker.pk}/").status_code == 404
    Device.objects.filter(pk=device.pk).update(owner=theirs)
    told = partner.get(address(device))
    assert told.status_code == 200
    assert "Not sealed yet" not in told.content.decode(), "addresses are for administrators"
    Device.objects.filter(pk=device.pk).update(owner=ours)
    assert partner.get(address(device)).status_code == 404


def test_accounts_are_for_who_keeps_them(browser_client: Client, operator: User) -> None:
    place = f"/changes/auth.user/{operator.pk}/"
    assert browser_client.get(place).status_code == 200
    viewer = Client()
    viewer.force_login(invite("vera", ROLES["viewer"], by=None))
    assert viewer.get(place).status_code == 404

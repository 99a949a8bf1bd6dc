"""Devices for a need: those that fit by serial number, and why the others do not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.translation import override

from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Device, DeviceType, Institute, Lot, Person
from mppcqa.inventory.moving import move_by_hand
from mppcqa.inventory.states import Move
from mppcqa.limits.decisions import grant_waiver
from mppcqa.limits.models import SignOff
from mppcqa.limits.picking import FAIR, GOOD, Need, Picked, pick
from mppcqa.results.models import Outcome, Standing
from tests.pens import pen_of


@pytest.fixture
def judged(campaign: SimpleNamespace) -> SimpleNamespace:
    """Four devices: pass, warning, fail, not judged."""
    outcomes = (Outcome.PASS, Outcome.WARNING, Outcome.FAIL)
    for device, outcome in zip(campaign.devices, outcomes, strict=False):
        Standing.objects.filter(device=device).update(outcome=outcome)
    Standing.objects.filter(device=campaign.devices[3]).delete()
    return campaign


def picked(campaign: SimpleNamespace, by: User, **need: object) -> Picked:
    asked = {"origin": campaign.place, "count": 4, "stages": ["pde"], **need}
    with override("en"):
        return pick(Need(**asked), by)


def test_verdicts_choose_and_each_that_is_left_has_its_reason(
    judged: SimpleNamespace, operator: User
) -> None:
    found = picked(judged, operator, outcomes=GOOD)
    assert (found.serials, found.missing) == (["GX-000"], 3)
    why = dict(found.refused)
    assert "says warning" in why["GX-001"]
    assert "GX-002" in why
    assert "was not judged" in why["GX-003"]
    assert picked(judged, operator, outcomes=FAIR).serials == ["GX-000", "GX-001"]
    assert picked(judged, operator, outcomes=FAIR, count=1).serials == ["GX-000"]
    # Where no stage is asked for, what may be packed will do.
    assert "GX-003" in picked(judged, operator, stages=[]).serials


def test_a_waiver_counts_as_a_pass_and_a_state_stands_against_it(
    judged: SimpleNamespace, operator: User
) -> None:
    standing = Standing.objects.get(device=judged.devices[1])
    grant_waiver(standing.verdict, "a scratch", by=pen_of())
    assert picked(judged, operator).serials == ["GX-000", "GX-001"]
    move_by_hand(judged.devices[0], Move.HOLD, "dusty", by=operator)
    found = picked(judged, operator)
    assert found.serials == ["GX-001"]
    assert "on hold" in dict(found.refused)["GX-000"]


def test_type_lot_place_and_signature_narrow_it(judged: SimpleNamespace, operator: User) -> None:
    assert picked(judged, operator, device_type=judged.kind, lot=Lot.objects.get()).serials
    assert not picked(judged, operator, device_type=DeviceType.objects.create(name="k")).serials
    found = picked(judged, operator, signed_off=True)
    assert found.serials == []
    assert "was not signed off" in dict(found.refused)["GX-000"]
    SignOff.objects.create(device=judged.devices[0], outcomes={"pde": "pass"}, signed_by=operator)
    assert picked(judged, operator, signed_off=True).serials == ["GX-000"]
    Device.objects.filter(serial="GX-000").update(
        location=Institute.objects.create(name="elsewhere")
    )
    assert picked(judged, operator).serials == []


def test_of_others_devices_nothing_is_picked_and_nothing_told(
    judged: SimpleNamespace, operator: User
) -> None:
    theirs = Campaign.objects.create(name="Theirs")
    Person.objects.update_or_create(user=operator, defaults={"campaign": theirs})
    found = picked(judged, User.objects.get(pk=operator.pk))
    assert (found.serials, found.refused, found.missing) == ([], [], 4)


def test_the_page_shows_who_fits_and_goes_on_to_pack(
    judged: SimpleNamespace, operator: User
) -> None:
    client = Client()
    client.force_login(operator)
    asked = {"origin": judged.place.pk, "count": 2, "stages": "pde", "verdict": "good"}
    page = client.get("/shipments/pick/", asked).content.decode()
    assert "GX-000</textarea>" in page
    assert "There are 1 fewer than are needed." in page
    assert "says warning" in page
    assert client.get("/shipments/pick/", {**asked, "count": 0}).status_code == 200

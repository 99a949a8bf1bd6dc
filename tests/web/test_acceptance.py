"""A lot is accepted or rejected by a sample of it; a rejected one holds its devices."""

from __future__ import annotations

import math
import re
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from mppcqa.inventory.models import Device, Institute, Lot
from mppcqa.inventory.moving import MoveRefused, move_by_hand
from mppcqa.inventory.shipping import ShipmentRefused, pack
from mppcqa.inventory.states import Move
from mppcqa.limits.acceptance import Acceptance
from mppcqa.results.models import Standing
from mppcqa.statistics.accepting import AcceptanceRefused, decide, draw, lift, progress
from mppcqa.statistics.models import DeviceSummary, Series
from mppcqa.statistics.sampling import ByCount, value_plan
from tests.campaign import make_campaign

TOLD = {"kind": "count", "good": 0.01, "bad": 0.1}


@pytest.fixture
def lot(operator: User) -> SimpleNamespace:
    """Twelve devices of lot L1, of which eight are judged at the PDE stage."""
    made = make_campaign(operator, devices=8)
    made.lot = Lot.objects.get(name="L1")
    Device.objects.bulk_create(
        Device(serial=f"N-{n}", device_type=made.kind, lot=made.lot, location=made.place)
        for n in range(4)
    )
    return made


def fail(*devices: Device) -> None:
    Standing.objects.filter(device__in=devices, stage="pde").update(outcome="fail")


def states() -> set[str]:
    return set(Device.objects.values_list("state", flat=True))


def test_a_lot_is_sampled_judged_and_accepted(browser_client: Client, lot: SimpleNamespace) -> None:
    address = (
        f"/acceptance/new/?lot={lot.lot.pk}&stage=pde&kind=normal&aql=6.5&level=I&alpha=5&beta=10"
    )
    page = browser_client.get(address).content.decode()
    assert "2 of 12 devices; accepted where 0 fail or fewer" in page
    assert "13 %" in page  # 1 - 0.935^2
    assert Acceptance.objects.count() == 0
    answer = browser_client.post(address, follow=True)
    made = Acceptance.objects.get()
    assert (made.sample.count(), made.lot_size, made.plan["letter"]) == (2, 12, "A")
    assert made.plan["producer"] == pytest.approx(1 - 0.935**2)
    assert (
        f"/acceptance/{made.pk}/" in browser_client.get("/acceptance/?state=open").content.decode()
    )
    # A second sample of it is not drawn beside.
    assert "drawn already" in browser_client.post(address).content.decode()
    assert all(
        one in answer.content.decode() for one in made.sample.values_list("serial", flat=True)
    )
    made.sample.set(lot.devices[:2])
    Standing.objects.filter(device__in=lot.devices).update(outcome="pass")
    page = browser_client.get(f"/acceptance/{made.pk}/").content.decode()
    assert "The sample says: accepted." in page
    (leads,) = re.findall(r'href="(/devices/\?lot=[^"]*)"', page)
    assert browser_client.get(leads).content.decode().count('<a class="serial"') == 12
    browser_client.post(f"/acceptance/{made.pk}/decide/")
    made.refresh_from_db()
    assert (made.outcome, made.held, states()) == ("accepted", [], {"in_tray", "registered"})


def test_a_rejected_lot_holds_its_devices_until_that_is_lifted(
    lot: SimpleNamespace, browser_client: Client, operator: User
) -> None:
    made = draw(lot.lot, "pde", ByCount(4, 0), TOLD, by=operator, choose=lambda ids, n: ids[:n])
    Standing.objects.filter(device__in=lot.devices).update(outcome="")
    with pytest.raises(AcceptanceRefused, match="devices of the sample are not judged"):
        decide(made, by=operator)
    fail(lot.devices[1])
    # One is too many: the three others need not be judged any more.
    assert progress(made).outcome == "rejected"
    browser_client.post(f"/acceptance/{made.pk}/decide/")
    made.refresh_from_db()
    assert (made.outcome, made.decided_by, len(made.held)) == ("rejected", operator, 12)
    assert states() == {"on_hold"}
    with pytest.raises(MoveRefused, match="lot L1, which is rejected"):
        move_by_hand(lot.devices[0], Move.RELEASE, by=operator)
    # What comes into the lot later is not on hold, and is not packed or installed either.
    late = Device.objects.create(serial="N-9", device_type=lot.kind, lot=lot.lot)
    there = Institute.objects.create(name="Elsewhere")
    with pytest.raises(ShipmentRefused, match="lot L1, which is rejected"):
        pack(lot.place, there, ["N-9"], by=operator)
    with pytest.raises(MoveRefused, match="rejected"):
        move_by_hand(late, Move.INSTALL, by=operator)
    assert pack(lot.place, there, ["GX-002"], exempt="return", by=operator).devices.count() == 1
    assert browser_client.post(f"/acceptance/{made.pk}/lift/", {"why": " "}).status_code == 302
    assert made.rejects
    browser_client.post(f"/acceptance/{made.pk}/lift/", {"why": "all were measured"})
    page = browser_client.get(f"/acceptance/{made.pk}/").content.decode()
    assert "all were measured" in page
    assert states() == {"in_tray", "at_rest", "packed", "registered"}
    with pytest.raises(AcceptanceRefused, match="not any more"):
        lift(made, "again", by=operator)
    with pytest.raises(AcceptanceRefused, match="decided already"):
        decide(made, by=operator)


def test_a_lot_is_decided_by_a_measured_value(
    lot: SimpleNamespace, operator: User, browser_client: Client
) -> None:
    series = Series.objects.filter(quantity__key="breakdown_voltage_v").get()
    plan = value_plan(0.01, 0.5, 0.05, 0.1)
    assert plan.n <= 8
    told = TOLD | {"kind": "value", "series": series.pk, "low": 69.0, "high": 71.0}
    made = draw(lot.lot, "pde", plan, told, by=operator, choose=lambda ids, n: ids[:n])
    for n, device in enumerate(lot.devices):
        DeviceSummary.objects.filter(device=device, series=series).update(mean=70 + 0.1 * (n % 3))
    found = progress(made)
    assert found.outcome == "accepted"
    assert math.isclose(found.found["mean"], 70.1, abs_tol=0.05)
    # None is outside, and yet the spread says that many of the lot must be.
    for n, device in enumerate(lot.devices):
        DeviceSummary.objects.filter(device=device, series=series).update(mean=69.1 + 1.8 * (n % 2))
    assert progress(made).found["nonconforming"] == 0
    page = " ".join(browser_client.get(f"/acceptance/{made.pk}/").content.decode().split())
    for name, shown in (
        ("Measured value", "PDE: Breakdown voltage"),
        ("Conforms from", "69 V"),
        ("Conforms to", "71 V"),
    ):
        assert re.search(f">{name}<[^A-Z]*>{shown}", page), name
    assert decide(made, by=operator).outcome == "rejected"


def test_plans_that_cannot_be(browser_client: Client, lot: SimpleNamespace) -> None:
    start = f"/acceptance/new/?lot={lot.lot.pk}&stage=pde&level=II&alpha=5&beta=10&aql=1"
    for more, said in (
        ("&kind=count", "say the bad one"),
        ("&kind=count&bad=0.5", "must be worse than the good one"),
        ("&kind=value&bad=5", "Say which value"),
        ("&kind=count&bad=5", "Fewer devices of this lot are there"),
    ):
        assert said in browser_client.get(start + more).content.decode(), more
    refused = browser_client.post(f"{start}&kind=count&bad=5")
    assert (refused.status_code, Acceptance.objects.count()) == (422, 0)
    assert re.search(
        "The plan wants .* devices, and of lot L1 12 are there", refused.content.decode()
    )


def test_a_report_of_the_lot_says_it(lot: SimpleNamespace, operator: User) -> None:
    from mppcqa.views.groups import lot_view

    made = draw(lot.lot, "pde", ByCount(2, 0), TOLD, by=operator, choose=lambda ids, n: ids[:n])
    fail(lot.devices[0])
    decide(made, by=operator)
    facts = dict(lot_view(lot.lot).facts)
    assert "rejected" in facts["Acceptance, PDE"]
    assert str(timezone.now().year) in facts["Acceptance, PDE"]
    assert "1 of 2 do not conform" in facts["Acceptance, PDE"]


def test_who_may_not_decide_does_not(lot: SimpleNamespace, operator: User) -> None:
    made = draw(lot.lot, "pde", ByCount(2, 0), TOLD, by=operator)
    guest = Client()
    guest.force_login(User.objects.create_user("guest", password="only-looking-7"))
    assert guest.get(f"/acceptance/{made.pk}/").status_code == 200
    assert guest.post(f"/acceptance/{made.pk}/decide/").status_code == 403
    assert guest.post(f"/acceptance/{made.pk}/lift/", {"why": "x"}).status_code == 403
    made.refresh_from_db()
    assert made.is_open

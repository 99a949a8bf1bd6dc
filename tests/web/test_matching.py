"""Devices matched by a voltage: looked for, kept, reserved, packed together, undone."""

from __future__ import annotations

import csv
import io
import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mppcqa.inventory.matching import Matched, Matching
from mppcqa.inventory.models import Device, Institute
from mppcqa.inventory.moving import move_by_hand
from mppcqa.inventory.reserving import MatchingRefused, undo_matching
from mppcqa.inventory.shipping import ShipmentRefused, pack
from mppcqa.inventory.states import Move
from tests.campaign import make_campaign

VOLTAGES = (55.00, 55.51, 55.02, 55.50, 55.24, 55.04, 55.53, 55.06, 55.52)
"""Of nine devices by serial: two groups of four, and one between them that fits neither."""


@pytest.fixture
def found(operator: User) -> dict[str, Device]:
    made = make_campaign(operator, devices=len(VOLTAGES))
    for device, voltage in zip(made.devices, VOLTAGES, strict=True):
        device.maker_values = {"Vop [V]": voltage}
        device.save()
    Institute.objects.create(name="Elsewhere")
    return {one.serial: one for one in made.devices}


def asked(**more: object) -> dict[str, object]:
    place = Institute.objects.get(name="Jefferson Lab").pk
    wanted = {"size": 4, "origin": place, "verdict": "good", "value": "maker operating voltage"}
    return wanted | more


def keep(client: Client, name: str = "M-1", **more: object) -> Matching:
    address = "/matching/new/?" + "&".join(f"{k}={v}" for k, v in asked(**more).items())
    page = client.get(address).content.decode()
    seen = re.search(r'name="seen" value="(\w+)"', page)
    assert seen
    client.post(address, {"seen": seen[1], "name": name})
    return Matching.objects.get(name=name)


def serials(matching: Matching, group: int) -> set[str]:
    rows = Matched.objects.filter(matching=matching, group=group)
    return set(rows.values_list("device__serial", flat=True))


LOW = {"GX-000", "GX-002", "GX-005", "GX-007"}
HIGH = {"GX-001", "GX-003", "GX-006", "GX-008"}


def test_the_best_groups_are_kept_with_who_and_by_what(
    browser_client: Client, found: dict[str, Device], operator: User
) -> None:
    made = keep(browser_client)
    assert (serials(made, 1), serials(made, 2)) == (LOW, HIGH)
    assert made.made_by == operator
    assert made.spread == pytest.approx((0.06 + 0.03) / 2)
    assert made.sorted_spread > made.spread
    page = browser_client.get(f"/matching/{made.pk}/").content.decode()
    for text in ("Operating voltage, as the maker says", "0.045 V", "GX-005", "55.03"):
        assert text in page
    assert "M-1" in browser_client.get("/matching/?state=holds").content.decode()
    told = browser_client.get(f"/matching/{made.pk}/?as=csv").content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(told)))[1:]
    assert {row[1] for row in rows if row[0] == "1"} == LOW
    assert {row[1]: float(row[2]) for row in rows}["GX-008"] == 55.52


def test_reserved_devices_are_not_had_twice(
    browser_client: Client, found: dict[str, Device], operator: User
) -> None:
    made = keep(browser_client)
    again = browser_client.get("/matching/new/", asked(size=2)).content.decode()
    assert "No group can be made" in again
    assert "Not at hand, reserved" in again
    place = Institute.objects.get(name="Jefferson Lab")
    need = {"origin": place.pk, "count": 9, "verdict": "good"}
    picked = browser_client.get("/shipments/pick/", need).content.decode()
    assert "reserved: group 1 of “M-1”" in picked
    undo_matching(made, "another module", by=operator)
    assert serials(keep(browser_client, "M-2"), 1) == LOW
    with pytest.raises(MatchingRefused, match="undone already"):
        undo_matching(made, "again", by=operator)


def test_a_group_is_packed_whole(
    browser_client: Client, found: dict[str, Device], operator: User
) -> None:
    made = keep(browser_client)
    here, there = (Institute.objects.get(name=name) for name in ("Jefferson Lab", "Elsewhere"))
    with pytest.raises(ShipmentRefused, match=r"matched with GX-00\d, which would be left"):
        pack(here, there, sorted(LOW)[:3], by=operator)
    pick = f"/shipments/pick/?matching={made.pk}&group=1"
    page = browser_client.get(pick).content.decode()
    text = re.search(r"<textarea[^>]*>([^<]*)", page)
    assert text
    assert set(text[1].split()) == LOW
    pack(here, there, text[1].split(), by=operator)
    assert set(Device.objects.filter(state="packed").values_list("serial", flat=True)) == LOW
    # What is packed, or on hold, is told; the other group is left whole.
    move_by_hand(found["GX-001"], Move.HOLD, "noisy", by=operator)
    page = browser_client.get(f"{pick}&group=2").content.decode()
    assert "on hold" in page
    assert "GX-003" not in page.split("What was left out")[0]


def test_what_changed_since_it_was_shown_is_not_kept(
    browser_client: Client, found: dict[str, Device], operator: User
) -> None:
    address = "/matching/new/?" + "&".join(f"{k}={v}" for k, v in asked().items())
    seen = re.search(r'name="seen" value="(\w+)"', browser_client.get(address).content.decode())
    assert seen
    move_by_hand(found["GX-000"], Move.HOLD, "noisy", by=operator)
    answer = browser_client.post(address, {"seen": seen[1], "name": "M-1"})
    assert (answer.status_code, Matching.objects.count()) == (422, 0)
    assert "changed meanwhile" in answer.content.decode()


def test_limits_of_a_group(browser_client: Client, found: dict[str, Device]) -> None:
    page = browser_client.get("/matching/new/", asked(widest="0.04")).content.decode()
    assert "GX-008" in page
    assert "GX-000" not in page
    page = browser_client.get("/matching/new/", asked(size=5, alike="lot")).content.decode()
    assert "GX-004" in page
    assert keep(browser_client, groups=1).members.count() == 4


def test_labels_say_the_group(browser_client: Client, found: dict[str, Device]) -> None:
    from mppcqa.reports.labels.things import of_matched

    made = keep(browser_client)
    labels = list(of_matched(made.members.filter(group=2).select_related("device", "matching")))
    assert {one.name for one in labels} == HIGH
    assert {one.about for one in labels} == {"M-1, group 2"}
    assert browser_client.get(f"/labels/?matching={made.pk}&group=2").status_code == 200


def test_who_may_not_match_does_not(browser_client: Client, found: dict[str, Device]) -> None:
    made = keep(browser_client)
    guest = Client()
    guest.force_login(User.objects.create_user("guest", password="only-looking-7"))
    assert guest.get(f"/matching/{made.pk}/").status_code == 200
    assert guest.get("/matching/new/").status_code == 403
    assert guest.post(f"/matching/{made.pk}/undo/", {"why": "x"}).status_code == 403
    made.refresh_from_db()
    assert made.holds

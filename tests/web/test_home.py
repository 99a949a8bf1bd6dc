"""The home page: what waits for the person who opened it, and the way to a first run."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from mppcqa.inventory.cases import Case
from mppcqa.inventory.deciding import decide, open_case
from mppcqa.inventory.models import Device, DeviceType
from mppcqa.runs.alarms import StationAlarm
from mppcqa.runs.models import Station
from mppcqa.signing.models import Act, SignedAct


def waits(client: Client) -> dict[str, str]:
    """What waits, in words -> how many and the address."""
    page = client.get("/").content.decode()
    found = re.findall(
        r'<a class="btn[^"]*" href="([^"]+)">\s*(.+?)\s*<span class="state state-warn ms-2">(.+?)<',
        page,
    )
    return {text: f"{n} {url.replace('&amp;', '&')}" for url, text, n in found}


def test_nothing_waits_in_a_quiet_campaign(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    assert waits(browser_client) == {}
    page = browser_client.get("/").content.decode()
    assert "Waits for you" not in page
    assert "The way to the first run" not in page


def test_a_case_waits_for_who_is_in_charge_until_it_is_decided(
    browser_client: Client, campaign: SimpleNamespace, operator: User
) -> None:
    other = User.objects.create_user("hugo", password="looks-closely-8")
    for device, person in zip(campaign.devices[:2], (operator, other), strict=True):
        open_case(device, "a crack", in_charge=person, by=operator)
    told = waits(browser_client)
    n, url = told["Cases you are in charge of"].split()
    assert n == "1"
    listed = browser_client.get(url).content.decode()
    assert [one.device.serial in listed for one in Case.objects.order_by("pk")] == [True, False]
    n, url = told["Devices on hold"].split()
    assert n == "2"
    listed = browser_client.get(url).content.decode()
    assert all(device.serial in listed for device in campaign.devices[:2])
    assert campaign.devices[2].serial not in listed

    case = Case.objects.get(in_charge=operator)
    decide(case, Case.Disposition.USE, "only dust", by=operator)
    told = waits(browser_client)
    assert "Cases you are in charge of" not in told
    assert told["Devices on hold"].split()[0] == "1"


def test_alarms_of_several_stations_lead_to_each(
    browser_client: Client, campaign: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet, *drifting = [
        Station.objects.create(name=name, stage="pde", slots=1) for name in ("a-1", "b-1", "c-1")
    ]
    text = "Alarms of stations, which hold verdicts"

    def alarm(station: Station) -> str:
        device = campaign.devices[0]
        StationAlarm.objects.create(station=station, device=device, quantity="pde", off=4.0)
        return waits(browser_client)[text]

    assert alarm(drifting[0]) == f"1 /statistics/stations/?station={drifting[0].pk}"
    assert alarm(drifting[0]) == f"2 /statistics/stations/?station={drifting[0].pk}"
    assert alarm(drifting[1]) == "3 /statistics/stations/"
    page = browser_client.get("/statistics/stations/").content.decode()
    assert f'<option value="{drifting[0].pk}" selected' in page
    assert [f"{one.name}: Alarm" in page for one in (quiet, *drifting)] == [False, True, True]
    monkeypatch.setattr("mppcqa.web.home.waiting.MOST", 2)
    assert waits(browser_client)[text].startswith("&gt; 2 ")


@pytest.mark.django_db
def test_all_acts_that_wait_are_counted(browser_client: Client, operator: User) -> None:
    def act(n: int, person: int) -> SignedAct:
        return SignedAct(
            act=Act.SIGN_OFF, kind="inventory.device", key=n, named=str(n), digest="0" * 64,
            needed=2, signatures=[{"person": person, "name": "x", "at": "", "method": ""}],
        )  # fmt: skip

    operator.user_permissions.add(Permission.objects.get(codename="add_signoff"))
    text = "Acts that wait for your signature"
    # The newest, which come first, were signed by this person.
    SignedAct.objects.bulk_create([act(n, operator.pk + 1) for n in range(3)])
    SignedAct.objects.bulk_create([act(n, operator.pk) for n in range(250)])
    assert waits(browser_client)[text].split()[0] == "3"
    SignedAct.objects.bulk_create([act(n, operator.pk + 1) for n in range(1000)])
    assert waits(browser_client)[text].startswith("&gt; 1000 ")


@pytest.mark.django_db
def test_a_new_installation_shows_the_way_to_its_first_run(client: Client) -> None:
    client.force_login(User.objects.create_superuser("rosa"))

    def undone() -> list[str]:
        page = client.get("/").content.decode()
        return re.findall(r'<li class="py-1">\s*<a href="([^"]+)"', page)

    first = undone()
    assert len(first) == 4
    assert all(client.get(url).status_code == 200 for url in first)
    kind = DeviceType.objects.create(name="S12045(X)")
    Device.objects.create(serial="A-1", device_type=kind)
    Station.objects.create(name="bench-1", stage="iv", slots=2)
    assert undone() == ["/stations/bench-1/"]


@pytest.mark.django_db
def test_who_may_not_make_stations_is_not_sent_there(client: Client) -> None:
    client.force_login(User.objects.create_user("vera"))
    assert "The way to the first run" not in client.get("/").content.decode()

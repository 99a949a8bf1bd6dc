"""Campaigns: every device is in one, which says what it takes; a device keeps its history."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from django.test import Client

from mppcqa.exchange import imports
from mppcqa.inventory.actions import RegistrationError, register_devices
from mppcqa.inventory.campaign import FIRST, FIRST_NAME, Campaign
from mppcqa.inventory.models import Device, DeviceMove, DeviceType, Institute
from mppcqa.inventory.moving import MoveRefused
from mppcqa.inventory.placing import save_device
from mppcqa.inventory.states import DeviceState, Move
from tests.exchange.test_imports import bring
from tests.web.formfields import forms_of, opened

NEW = "/catalogue/campaigns/new/"


def sent_by(client: Client, page: str) -> dict[str, list[str]]:
    """What the page's first form to itself sends if nobody changes anything."""
    forms = forms_of(client.get(page).content.decode(), page)
    return next(one.fields for one in forms if one.method == "post" and one.action == page)


@pytest.mark.django_db
def test_a_campaign_is_there_from_the_first_start_and_stays() -> None:
    first = Campaign.objects.get()
    assert (first.pk, first.name) == (FIRST, FIRST_NAME)
    kind = DeviceType.objects.create(name="T")
    (device,) = register_devices([{"serial": "A-1", "device_type": "T"}])
    assert device.campaign == first
    assert Device.objects.create(serial="A-2", device_type=kind).campaign == first


def test_the_first_campaign_is_not_removed(
    campaign: SimpleNamespace, browser_client: Client
) -> None:
    Device.objects.update(campaign=Campaign.objects.create(name="Other"))
    page = f"/catalogue/campaigns/{FIRST}/"
    browser_client.post(f"{page}remove/", opened(browser_client, page, f"{page}remove/"))
    assert Campaign.objects.filter(pk=FIRST).exists()


def test_a_person_makes_a_campaign_with_its_stages_in_order(
    campaign: SimpleNamespace, browser_client: Client
) -> None:
    kind = campaign.kind
    page = {"name": "Year two", "stages": "iv\nPDE\n\niv", "device_types": [kind.pk]}
    refused = browser_client.post(NEW, {**page, "stages": "nowhere"})
    assert refused.status_code == 422
    assert "nowhere" in refused.content.decode()
    assert browser_client.post(NEW, page).status_code == 302
    made = Campaign.objects.get(name="Year two")
    assert made.stages == ["iv", "pde"]
    assert list(made.device_types.all()) == [kind]
    listed = browser_client.get("/catalogue/campaigns/").content.decode()
    assert f"/devices/?campaign={made.pk}" in listed
    again = browser_client.post(NEW, {"name": "YEAR TWO"})
    assert again.status_code == 422


def test_a_device_changes_campaign_by_form_and_its_history_says_so(
    campaign: SimpleNamespace, browser_client: Client
) -> None:
    other = Campaign.objects.create(name="Year two")
    before = browser_client.get("/devices/", {"campaign": other.pk}).content.decode()
    assert "GX-001" not in before
    page = "/devices/GX-001/edit/"
    sent = {**sent_by(browser_client, page), "campaign": other.pk, "owner": campaign.place.pk}
    assert browser_client.post(page, sent).status_code == 302
    device = Device.objects.get(serial="GX-001")
    assert (device.campaign, device.owner) == (other, campaign.place)
    shown = browser_client.get("/devices/GX-001/").content.decode()
    assert "Put into another campaign" in shown
    listed = browser_client.get("/devices/", {"campaign": other.pk}).content.decode()
    assert "GX-001" in listed
    assert "GX-002" not in listed
    owned = browser_client.get("/devices/", {"owner": campaign.place.pk}).content.decode()
    assert "GX-001" in owned
    assert "GX-002" not in owned


def test_a_form_that_leaves_the_campaign_out_keeps_it(
    campaign: SimpleNamespace, browser_client: Client
) -> None:
    other = Campaign.objects.create(name="Year two")
    Device.objects.filter(serial="GX-001").update(campaign=other)
    page = "/devices/GX-001/edit/"
    assert browser_client.post(page, opened(browser_client, page)).status_code == 302
    assert Device.objects.get(serial="GX-001").campaign == other


def test_tables_bring_campaigns_and_owners_and_say_which_is_not_there(
    campaign: SimpleNamespace,
) -> None:
    other = Campaign.objects.create(name="Year two")
    kind = campaign.kind.name
    text = f"serial,type,Campaign,Owner\nGX-001,{kind},Year two,Jefferson Lab\nN-1,{kind},,\n"
    imports.apply(bring(text, stage="", existing="update"))
    moved = Device.objects.get(serial="GX-001")
    assert (moved.campaign, moved.owner) == (other, campaign.place)
    assert Device.objects.get(serial="N-1").campaign_id == FIRST
    told = DeviceMove.objects.filter(device=moved, move__in=(Move.JOIN, Move.OWN))
    assert set(told.values_list("move", "why")) == {
        (Move.JOIN, "Year two"),
        (Move.OWN, "Jefferson Lab"),
    }
    with pytest.raises(RegistrationError) as refused:
        register_devices([{"serial": "N-2", "device_type": kind, "campaign": "Year three"}])
    (fault,) = refused.value.faults
    assert (fault.row, fault.field) == (0, "campaign")
    assert "Year two" in fault


def test_a_campaign_takes_its_types_and_its_institutes_alone(campaign: SimpleNamespace) -> None:
    strict = Campaign.objects.create(name="Strict")
    strict.device_types.add(campaign.kind)
    strict.institutes.add(campaign.place)
    DeviceType.objects.create(name="Other")
    row = {"campaign": "Strict", "owner": "Jefferson Lab"}
    with pytest.raises(RegistrationError, match="takes no devices of the type Other"):
        register_devices([{"serial": "N-1", "device_type": "Other", **row}])
    with pytest.raises(RegistrationError, match="of its own institutes alone"):
        register_devices([{"serial": "N-1", "device_type": campaign.kind.name, **row, "owner": ""}])
    register_devices([{"serial": "N-1", "device_type": campaign.kind.name, **row}])
    device = Device.objects.get(serial="N-1")
    device.owner = Institute.objects.create(name="Elsewhere")
    with pytest.raises(MoveRefused, match="of its own institutes alone"):
        save_device(device)


def test_a_campaign_cannot_take_less_than_is_in_it(
    campaign: SimpleNamespace, browser_client: Client
) -> None:
    other = Campaign.objects.create(name="Year two")
    Device.objects.filter(serial="GX-001").update(campaign=other)
    page = f"/catalogue/campaigns/{other.pk}/"
    sent = {**opened(browser_client, page), "name": "Year two"}
    foreign = DeviceType.objects.create(name="Other")
    refused = browser_client.post(page, {**sent, "device_types": [foreign.pk]})
    assert refused.status_code == 422
    assert "GX-001" in refused.content.decode()
    nobody = browser_client.post(page, {**sent, "institutes": [campaign.place.pk]})
    assert nobody.status_code == 422
    taken = browser_client.post(page, {**sent, "device_types": [campaign.kind.pk]})
    assert taken.status_code == 302


def test_what_is_under_way_changes_its_campaign_too(campaign: SimpleNamespace) -> None:
    other = Campaign.objects.create(name="Year two")
    device = campaign.devices[0]
    Device.objects.filter(pk=device.pk)._update([(Device._meta.get_field("state"), None, "packed")])
    device.refresh_from_db()
    device.campaign = other
    save_device(device)
    device.refresh_from_db()
    assert (device.campaign, device.state) == (other, DeviceState.PACKED)


def test_pages_show_the_stages_of_the_campaign_in_its_order(
    campaign: SimpleNamespace, browser_client: Client
) -> None:
    year = Campaign.objects.create(name="Year two", stages=["iv", "stage2", "pde"])
    Device.objects.update(campaign=year)
    page = browser_client.get(campaign.devices[0].get_absolute_url()).content.decode()
    card = page[page.index('id="h-verdicts"') :]
    # What was passed, then what is still to come, each in the campaign's order.
    places = [card.index(f">{one}<") for one in ("PDE", "IV", "Stage 2")]
    assert places == sorted(places)
    assert card.count("still to come") == 2

    def heads(address: str) -> list[str]:
        text = browser_client.get(address).content.decode()
        found = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', text, re.S)
        names = [re.sub(r"<[^>]*>", "", one).strip() for one in found]
        return [one for one in names if one in ("PDE", "IV", "Stage 2", "Dark Box")]

    # A stage at which nothing of the list was judged has no column in it.
    assert heads(f"/devices/?campaign={year.pk}") == ["PDE"]
    assert heads("/devices/") == ["PDE"]

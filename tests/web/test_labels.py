"""The page of labels: what is chosen is printed, and nothing of another's device."""

from __future__ import annotations

import re
from html import unescape
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.test.utils import override_settings

from mppcqa.inventory.models import Device, DeviceType, Institute
from mppcqa.inventory.shipping import pack
from tests.reports.reading import read as read_pdf
from tests.reports.test_labels import scanned

OWN_SHEET = {
    "size": "own",
    "says": "short",
    **{"rows": "4", "columns": "2", "left": "10", "top": "10", "width": "80,5", "height": "40"},
}


def test_devices_chosen_in_the_list_are_printed(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    chosen = campaign.devices[:3]
    sent = {"list": "1", "action": "labels", "row": [str(one.pk) for one in chosen]}
    page = browser_client.post("/devices/", sent)["Location"]
    assert page.startswith("/labels/?devices=")
    assert "L7160" in browser_client.get(page).content.decode()
    made = browser_client.post(page, {"what": "devices", "size": "L7160", "says": "short"})
    assert made["Content-Type"] == "application/pdf"
    assert scanned(made.content) == [one.serial for one in chosen]
    texts, _codes = read_pdf(made.content)
    assert all(one.serial in texts[0] for one in chosen)
    again = browser_client.post(page, {"what": "devices", "size": "L7160", "says": "short"})
    assert again.content == made.content


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_tray_a_station_a_box_and_actions(
    browser_client: Client, campaign: SimpleNamespace, operator: User, language: str
) -> None:
    browser_client.cookies.load({"django_language": language})
    there = Institute.objects.create(name="Granada")
    box = pack(campaign.place, there, [campaign.devices[0].serial], by=operator)
    station, serials = campaign.stations[0], [one.serial for one in campaign.devices]
    for page, what, wanted in (
        (f"tray={campaign.tray.pk}", ["devices"], serials),
        (f"tray={campaign.tray.pk}", ["tray", "into"], [".TO T-1", ".TRAY T-1"]),
        (f"shipment={box.pk}", ["box"], [f".BOX {box.pk}"]),
        (
            f"station={station.pk}",
            ["station", "slots"],
            [
                *(f".SLOT {n} {station.name}" for n in range(1, station.slots + 1)),
                f".STATION {station.name}",
            ],
        ),
        ("", ["actions"], sorted(f".{one}" for one in _ACTIONS)),
    ):
        made = browser_client.post(f"/labels/?{page}", {**OWN_SHEET, "what": what})
        assert made["Content-Type"] == "application/pdf", made.content.decode()[-3000:]
        assert scanned(made.content) == wanted, page


_ACTIONS = ("START", "AGAIN", "ANYWAY", "STOP", "UNLOAD", "UNDO", "YES", "NEW", "DONE")


def test_codes_lead_to_the_pages_where_others_reach_them(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    page, here = f"/labels/?tray={campaign.tray.pk}", "https://qa.example.org"
    sent = {"what": ["devices", "tray"], "size": "L7163", "says": "address"}
    with override_settings(MPPCQA_URL=""):
        assert browser_client.post(page, sent).status_code == 422
    with override_settings(MPPCQA_URL=here):
        made = browser_client.post(page, sent)
    devices = [f"{here}/devices/{one.serial}/" for one in campaign.devices]
    assert scanned(made.content) == [*devices, f"{here}/trays/T-1/"]


def test_a_new_series_leads_to_its_labels(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    DeviceType.objects.filter(pk=campaign.kind.pk).update(serial_next="AB-{number:04d}")
    sent = {"device_type": campaign.kind.pk, "count": "3"}
    page = browser_client.post("/devices/generate/", sent).content.decode()
    found = re.search(r'href="(/labels/[^"]+)"', page)
    assert found, page[-3000:]
    made = browser_client.post(found[1], {"what": "devices", "size": "5160", "says": "short"})
    new = Device.objects.exclude(pk__in=[one.pk for one in campaign.devices])
    assert scanned(made.content) == sorted(one.serial for one in new)
    assert len(new) == 3


def test_a_printer_of_labels_gets_text(browser_client: Client, campaign: SimpleNamespace) -> None:
    sent = {"what": "devices", "size": "zpl", "says": "short", "width": "50", "height": "25"}
    made = browser_client.post(f"/labels/?tray={campaign.tray.pk}", sent)
    assert made["Content-Disposition"] == 'attachment; filename="labels.zpl"'
    assert made.content.decode().count("^XA") == len(campaign.devices)
    tape = browser_client.post(f"/labels/?tray={campaign.tray.pk}", {**sent, "size": "tape"})
    assert len(read_pdf(tape.content)[0]) == len(campaign.devices)


@pytest.mark.parametrize(
    ("wrong", "field", "told"),
    [
        ({"columns": "3"}, "columns", "251.5 mm"),
        ({"rows": "8"}, "rows", "330.0 mm"),
        ({"width": "4"}, "width", "from 5 to 300"),
        ({"width": "NaN"}, "width", "from 5 to 300"),
        ({"left": ""}, "left", "needed"),
        ({"rows": "0"}, "rows", "1"),
        ({"start": "9"}, "start", "8 labels"),
        ({"what": "tray"}, "what", "not one of"),
        ({"size": "tape", "height": ""}, "height", "needed"),
        ({"width": "10", "height": "5"}, "size", "no room"),
    ],
)
def test_a_bad_size_is_refused_at_its_field(
    browser_client: Client,
    campaign: SimpleNamespace,
    wrong: dict[str, str],
    field: str,
    told: str,
) -> None:
    sent = {"what": "devices", **OWN_SHEET, **wrong}
    answer = browser_client.post(f"/labels/?devices={campaign.devices[0].pk}", sent)
    assert answer.status_code == 422
    page = unescape(answer.content.decode())
    assert list(answer.context["form"].errors if answer.context else [field]) == [field]
    at = page.index(f'id="id_{field}_error"')
    assert told in page[at : at + 600]


def test_a_code_that_gets_too_small_is_told_before_it_is_printed(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    Device.objects.filter(pk=campaign.devices[0].pk).update(serial="S13360-6075-" + "0" * 24)
    page = f"/labels/?devices={campaign.devices[0].pk}"
    sent = {"what": "devices", "size": "tape", "says": "short", "width": "40", "height": "10"}
    told = browser_client.post(page, sent)
    assert told.status_code == 422
    assert "gets too small for the label" in told.content.decode()
    made = browser_client.post(page, {**sent, "small_is_known": "on"})
    assert made["Content-Type"] == "application/pdf"


def test_a_bound_person_gets_no_label_of_anothers_device(
    campaign: SimpleNamespace, operator: User
) -> None:
    ours, theirs = (Institute.objects.create(name=one) for one in ("Ours", "Theirs"))
    own, other, *_more = campaign.devices
    Device.objects.update(owner=theirs)
    Device.objects.filter(pk=own.pk).update(owner=ours)
    box = pack(campaign.place, theirs, [other.serial], by=operator)
    person = User.objects.create_superuser("bound")
    person.person.institute = ours
    person.person.save()
    client = Client()
    client.force_login(person)
    for page in (f"devices={other.pk}", f"shipment={box.pk}", "devices=", "tray=x", "station=0"):
        assert client.get(f"/labels/?{page}").status_code == 404, page
        assert client.post(f"/labels/?{page}", OWN_SHEET).status_code == 404, page
    for page in (f"devices={own.pk},{other.pk}", f"tray={campaign.tray.pk}"):
        made = client.post(f"/labels/?{page}", {**OWN_SHEET, "what": "devices"})
        assert scanned(made.content) == [own.serial]
        assert other.serial not in read_pdf(made.content)[0][0]


def test_pages_lead_to_their_labels(browser_client: Client, campaign: SimpleNamespace) -> None:
    device, station = campaign.devices[0], campaign.stations[0]
    for page, link in (
        (f"/devices/{device.serial}/", f"/labels/?devices={device.pk}"),
        (f"/trays/{campaign.tray.name}/", f"/labels/?tray={campaign.tray.pk}"),
        (f"/stations/{station.name}/", f"/labels/?station={station.pk}"),
    ):
        assert f'href="{link}"' in browser_client.get(page).content.decode()

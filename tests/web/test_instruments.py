"""Instruments by their pages: placed, calibrated, wired, told of, and found behind a value."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from mppcqa.bundles.models import CameFrom, Installation
from mppcqa.runs.calibrating import Found, calibrate, save_instruments_again, told_of
from mppcqa.runs.instruments import Calibration, Instrument
from mppcqa.runs.models import Run, Station
from tests.web.formfields import opened

pytestmark = pytest.mark.django_db
YESTERDAY = timezone.now().date() - dt.timedelta(days=1)


def sent(client: Client, page: str, address: str, values: dict[str, Any]) -> str:
    """The page on which a form lands."""
    mark = opened(client, page, address)
    answer = client.post(address, {**mark, **values}, follow=True)
    return str(answer.content.decode())


def test_from_a_new_instrument_to_the_value_that_it_read(
    browser_client: Client, campaign: SimpleNamespace, loaded: Station
) -> None:
    values = {"name": "SR400", "kind": "digitizer", "maker": "SRS", "serial": "17"}
    said = browser_client.post("/catalogue/instruments/new/", values, follow=True)
    assert "SR400 is saved" in said.content.decode()
    row = Instrument.objects.get()
    page = f"/instruments/{row.pk}/"
    day = "2026-02-01"
    placed = {"station": loaded.pk, "since": day}
    assert "stands at darkbox-1" in sent(browser_client, page, f"{page}place/", placed)
    typed = {
        "done_on": day,
        "done_by": "PTB",
        "valid_until": YESTERDAY.isoformat(),
        "quantity": "charge",
        "unit": "pC",
        "against": "code",
        "points": "100 2,5 ± 0,1\n\n200; 5; 0.2",
        "certificate": SimpleUploadedFile("cal.pdf", b"%PDF-1.7"),
    }
    page_now = browser_client.post(f"{page}calibrate/", typed, follow=True).content.decode()
    assert "The calibration is kept" in page_now
    assert "2.50 ± 0.10 pC" in page_now
    kept = Calibration.objects.get()
    assert kept.points == [[100.0, 2.5, 0.1], [200.0, 5.0, 0.2]]
    file = browser_client.get(f"/calibrations/{kept.pk}/certificate/")
    assert b"".join(file.streaming_content) == b"%PDF-1.7"
    assert "attachment" in file.headers["Content-Disposition"]
    wired = {"0-slot": 1, "0-first": 0, "0-last": 15, "0-instrument": row.pk, "0-to_first": 16}
    channels = f"/stations/{loaded.name}/channels/"
    assert "Version 1 is in use" in sent(browser_client, channels, channels, wired)

    # What has expired is told where people look, and blocks.
    for place in ("/", f"/stations/{loaded.name}/"):
        told = browser_client.get(place).content.decode()
        assert "Calibration ended:" in told
        assert page in told
    assert 'name="override"' in browser_client.get(f"/stations/{loaded.name}/").content.decode()
    asked = browser_client.get("/instruments/?calibration=expired").content.decode()
    assert "SR400" in asked
    assert "SR400" not in browser_client.get("/instruments/?calibration=valid").content.decode()

    save_instruments_again(campaign.run, loaded)
    of_run = f"/runs/{campaign.run.pk}/instruments/"
    assert of_run in browser_client.get(f"/runs/{campaign.run.pk}/").content.decode()
    told = browser_client.get(f"{of_run}?slot=1&channel=3").content.decode()
    assert "read by channel 19 of" in told
    assert "2.50 ± 0.10 pC" in told
    assert f"{channels}?version=1" in told
    assert f"/runs/{campaign.run.pk}/" in browser_client.get(page).content.decode()


def test_what_is_typed_wrongly_is_told_at_its_field(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    row = Instrument.objects.create(name="lamp", kind="light source")
    page = f"/instruments/{row.pk}/"
    base = {"done_on": "2026-02-01", "done_by": "PTB"}
    for changed, text in (
        ({"points": "1 2 3 4"}, "write at most three numbers"),
        ({"points": "ten"}, "write at most three numbers"),
        ({"points": "5,10"}, "may be one number or several"),
        ({"points": "400,25,1"}, "may be one number or several"),
        ({"points": "5"}, "Say what the values are"),
        ({"done_on": "1.2.2026"}, "is no date"),
        ({"certificate": SimpleUploadedFile("a.exe", b"MZ")}, "are not taken"),
    ):
        answer = browser_client.post(f"{page}calibrate/", base | changed)
        assert answer.status_code == 422, changed
        assert text in answer.content.decode(), changed
    assert not Calibration.objects.exists()
    refused = sent(browser_client, page, f"{page}place/", {"station": "", "since": "2026-02-01"})
    assert "stands at no station" in refused
    channels = f"/stations/{campaign.stations[0].name}/channels/"
    wired = {"0-slot": 1, "0-first": 0, "0-last": 1, "0-instrument": row.pk, "0-to_first": 0}
    assert "Select a valid choice" in sent(browser_client, channels, channels, wired)
    assert "Name at least one line" in sent(browser_client, channels, channels, {})


def test_a_withdrawn_calibration_says_so_where_runs_had_it(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    row = Instrument.objects.create(name="lamp", kind="light source")
    kept = calibrate(row, Found(YESTERDAY, "PTB"))
    campaign.run.instruments.create(instrument=row, calibration=kept)
    address = f"/calibrations/{kept.pk}/withdraw/"
    empty = browser_client.post(address, {"why": " "}, follow=True).content.decode()
    assert "Say why it is withdrawn" in empty
    browser_client.post(address, {"why": "wrong lamp"})
    assert (
        "is withdrawn already"
        in browser_client.post(address, {"why": "again"}, follow=True).content.decode()
    )
    told = browser_client.get(f"/runs/{campaign.run.pk}/instruments/").content.decode()
    assert "Withdrawn since: wrong lamp" in told


def test_a_day_is_not_lost_where_days_are_written_otherwise(browser_client: Client) -> None:
    """In Spanish a field had 31/01/2031, which no browser takes for a day; saving emptied it."""
    row = Instrument.objects.create(name="lamp", kind="light source")
    browser_client.cookies.load({"django_language": "es"})
    page = browser_client.get(f"/instruments/{row.pk}/").content.decode()
    assert f'value="{timezone.now().date().isoformat()}"' in page


def test_a_run_from_elsewhere_says_what_a_bundle_told_of_its_instruments(
    browser_client: Client, campaign: SimpleNamespace, operator: User
) -> None:
    row = Instrument.objects.create(name="diode", kind="photodiode", serial="S1337-7")
    kept = calibrate(row, Found(YESTERDAY, "PTB", quantity="geometry", points=((None, 0.3, 0.01),)))
    here: Run = campaign.run
    here.instruments.create(instrument=row, calibration=kept)
    facts = {"instruments": told_of([here.pk])[here.pk]}
    there = Run.objects.create(stage="pde")
    address = f"/runs/{there.pk}/instruments/"
    assert browser_client.get(address).content == b""
    far = Installation.objects.create(uuid=there.uuid, name="Valparaíso")
    CameFrom.objects.create(kind="run", number=there.pk, installation=far, facts=facts)
    told = browser_client.get(address).content.decode()
    assert "S1337-7" in told
    assert "geometry" in told
    assert "0.300 ± 0.010" in told
    assert "/instruments/" not in told

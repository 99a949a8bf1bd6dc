"""Whoever turns the pages of a list sees each row once and in order, whatever the filter."""

from __future__ import annotations

import re
from itertools import chain
from types import SimpleNamespace

import pytest
from django.test import Client

from mppcqa.inventory.models import Device
from mppcqa.results.models import Analysis, Standing

SERIAL = re.compile(r'class="serial" href="/devices/([^/"]+)/"')
LINK = {way: re.compile(rf'rel="{way}" href="([^"]+)"') for way in ("next", "prev")}


@pytest.fixture
def many(campaign: SimpleNamespace) -> dict[str, list[str]]:
    """Serials by outcome: many that pass, few that fail and those far apart."""
    devices = Device.objects.bulk_create(
        Device(serial=f"M-{n:04d}", device_type=campaign.kind) for n in range(2600)
    )
    outcomes = ["fail" if n % 200 == 199 else "pass" if n % 2 else "" for n in range(len(devices))]
    analysis = Analysis.objects.earliest("pk")
    Standing.objects.bulk_create(
        Standing(device=device, stage="darkbox", analysis=analysis, outcome=outcome)
        for device, outcome in zip(devices, outcomes, strict=True)
        if outcome
    )
    found: dict[str, list[str]] = {"none": [one.serial for one in campaign.devices]}
    for device, outcome in zip(devices, outcomes, strict=True):
        found.setdefault(outcome or "none", []).append(device.serial)
    return found


def _turned(client: Client, path: str, way: str) -> tuple[list[list[str]], str]:
    """Serials of each page from one on, as far as links lead; and the last page's address."""
    pages = []
    while True:
        text = client.get(path).content.decode()
        pages.append(SERIAL.findall(text))
        link = LINK[way].search(text)
        if link is None:
            return pages, path
        path = "/devices/" + link[1].replace("&amp;", "&")


@pytest.mark.django_db
@pytest.mark.parametrize("outcome", ["pass", "fail", "none"])
def test_all_that_fit_a_filter_are_seen_once_both_ways(
    browser_client: Client, many: dict[str, list[str]], outcome: str
) -> None:
    forth, last = _turned(browser_client, f"/devices/?stage=darkbox&outcome={outcome}", "next")
    assert list(chain.from_iterable(forth)) == many[outcome]
    assert all(len(page) == 50 for page in forth[:-1])
    back, _first = _turned(browser_client, last, "prev")
    assert list(chain.from_iterable(reversed(back))) == many[outcome]

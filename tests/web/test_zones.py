"""Moments by the clock of whoever reads; what is typed and what goes out stays in UTC."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mppcqa.queue.clock import set_zone
from mppcqa.runs.models import Run
from mppcqa.web.zones import COOKIE

pytestmark = pytest.mark.django_db
# Summer time of Madrid began on the last Sunday of March.
BEFORE, AFTER = (dt.datetime(2026, 3, day, 23, 30, tzinfo=dt.UTC) for day in (20, 30))


def choose(client: Client, zone: str) -> int:
    return client.post("/time-zone/", {"zone": zone}).status_code


def run_page(client: Client, run: Run, when: dt.datetime) -> str:
    Run.objects.filter(pk=run.pk).update(created_at=when)
    return client.get(f"/runs/{run.pk}/").content.decode()


def test_pages_are_in_the_zone_that_was_chosen_with_its_summer_time(
    campaign: SimpleNamespace, browser_client: Client
) -> None:
    run = Run.objects.earliest("pk")
    page = run_page(browser_client, run, BEFORE)
    assert "2026-03-20 23:30" in page
    assert "Times are UTC" in page
    assert choose(browser_client, "Europe/Madrid") == 302
    page = run_page(browser_client, run, BEFORE)
    assert "2026-03-21 00:30" in page
    assert "Times are Europe/Madrid" in page
    assert "2026-03-31 01:30" in run_page(browser_client, run, AFTER)
    # The next one at the same server is not concerned, and neither are programs.
    other = Client()
    other.force_login(User.objects.create_superuser("eva"))
    assert "2026-03-30 23:30" in other.get(f"/runs/{run.pk}/").content.decode()
    assert choose(browser_client, "UTC") == 302
    assert "2026-03-30 23:30" in run_page(browser_client, run, AFTER)


def test_no_other_zone_is_taken(browser_client: Client) -> None:
    assert choose(browser_client, "Mars/Olympus") == 422
    assert choose(browser_client, "../../etc/passwd") == 422
    for wrong in ("Mars/Olympus", "/etc/localtime", "UTC\x00", "x" * 3000):
        browser_client.cookies[COOKIE] = wrong
        assert "Times are UTC" in browser_client.get("/time-zone/").content.decode()


def test_the_laboratorys_zone_stands_at_the_top(browser_client: Client) -> None:
    set_zone("America/Santiago")
    page = browser_client.get("/time-zone/").content.decode()
    options = page.split("<option value=")[1:4]
    assert [one.split('"')[1] for one in options][:2] == ["UTC", "America/Santiago"]

"""Sessions that end when nobody is there, and log-in that slows down who guesses."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from mppcqa.web.accounts.idle import SEEN

MINUTE = 60


def _idle(client: Client, minutes: float) -> None:
    """As if nothing had been done for so long."""
    session = client.session
    session[SEEN] = time.time() - minutes * MINUTE
    session.save()


@pytest.fixture
def here(browser_client: Client, settings: Any) -> Client:
    settings.MPPCQA_IDLE_S = 30 * MINUTE
    settings.MPPCQA_CONSOLE_S = 600 * MINUTE
    return browser_client


def test_a_session_ends_when_nothing_is_done(here: Client, campaign: SimpleNamespace) -> None:
    _idle(here, 29)
    assert here.get("/devices/").status_code == 200
    assert time.time() - here.session[SEEN] < MINUTE, "looking at a page is doing something"
    _idle(here, 31)
    assert here.get("/devices/").headers["Location"].startswith("/login/")
    assert SEEN not in here.session
    assert here.get("/devices/").status_code == 302


def test_what_a_page_asks_by_itself_keeps_no_session(
    here: Client, campaign: SimpleNamespace
) -> None:
    _idle(here, 29)
    assert here.get("/notices/bell/", headers={"HX-Request": "true"}).status_code == 200
    assert time.time() - here.session[SEEN] > 28 * MINUTE


def test_a_console_is_shown_for_a_shift_and_does_nothing(
    here: Client, campaign: SimpleNamespace
) -> None:
    console = f"/stations/{campaign.stations[0].name}/console/"
    _idle(here, 599)
    assert here.get(console).status_code == 200
    assert here.get("/board/").status_code == 200
    assert here.get(f"{console}?now", headers={"HX-Request": "true"}).status_code == 200
    assert here.post(f"/stations/{campaign.stations[0].name}/start/").status_code == 403
    assert here.get(console).status_code == 302, "the session ended with the try"


def test_a_console_ends_after_the_shift(here: Client, campaign: SimpleNamespace) -> None:
    _idle(here, 601)
    assert here.get("/board/").status_code == 302


def test_a_log_in_begins_a_session_of_its_own(operator: object) -> None:
    client = Client()
    client.get("/login/")
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    before = session.session_key
    client.cookies["sessionid"] = before
    client.post("/login/", {"login": "rosa", "password": "finger-spectrum-9"})
    assert client.session.session_key != before
    assert "_auth_user_id" in client.session
    stranger = Client()
    stranger.cookies["sessionid"] = before
    assert stranger.get("/devices/").status_code == 302

"""What a season says to who must decide, counted in touches: on a click or a choice each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from mppcqa.cli import season
from mppcqa.inventory.models import Device
from tests.browser.test_campaign import PASSWORD, log_in, page, sync_api  # noqa: F401

WEEKS = 6
BAD_LOT = "L02"
"""In the middle of three lots of two weeks."""


class Hand:
    """Touches a page, and counts."""

    def __init__(self, page: Any) -> None:  # noqa: F811
        self.page = page
        self.touches = 0

    def on(self, place: Any) -> None:
        self.touches += 1
        place.click()

    def choose(self, label: str, words: str) -> None:
        """A choice is two: it opens, and is made."""
        self.touches += 2
        choice = self.page.get_by_label(label, exact=True)
        choice.wait_for()
        self.page.wait_for_load_state()  # what sends it is there by then
        choice.select_option(label=words)

    def link(self, name: str, inside: str = "main") -> None:
        self.on(self.page.locator(inside).get_by_role("link", name=name).first)


@pytest.fixture
def campaign(
    transactional_db: None,
    live_server: Any,
    page: Any,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    settings: Any,
) -> str:
    """A short season, with a drift as of a long one; who decides has just logged in."""
    settings.MPPCQA_COLUMNAR = tmp_path / "columnar"
    monkeypatch.setattr(season, "DRIFT", 0.7)
    season.make_season(weeks=WEEKS)
    User.objects.create_superuser("rosa", password=PASSWORD)
    page.set_default_timeout(60_000)
    log_in(page, live_server.url)
    return str(live_server.url)


@pytest.mark.timeout(900)
def test_the_managers_monday_and_what_a_season_answers(
    campaign: str,
    page: Any,  # noqa: F811
) -> None:
    station_2_is_high(campaign, page)
    which_lot_is_bad(campaign, page)
    the_managers_monday(campaign, page)
    the_spanish_physicist(campaign, page)


def station_2_is_high(address: str, page: Any) -> None:  # noqa: F811
    """From the home page to how far it is off, and off the other station."""
    page.goto(address)
    hand = Hand(page)
    hand.link("Alarms of stations")
    hand.choose("Station", "pde-2: Alarm")
    page.get_by_role("heading", name="Alarm").wait_for()
    page.get_by_text("pde-2 measures its reference device").wait_for()
    off = page.get_by_text("The moving average lies +").first
    off.wait_for()
    page.locator("[data-chart] svg.marks").first.wait_for()
    # Beside the other one, in the question that is kept.
    hand.link("Workbench", "aside")
    hand.link("PDE: Photon detection efficiency by station, week for week")
    page.locator("[data-chart] svg.marks").first.wait_for()
    shown = page.locator("svg.marks text").all_text_contents()
    assert {"pde-1", "pde-2"} <= set(shown)
    assert hand.touches < 10


def which_lot_is_bad(address: str, page: Any) -> None:  # noqa: F811
    """From the home page to the devices of it that failed."""
    page.goto(address)
    hand = Hand(page)
    hand.link("Production", "aside")
    rows = page.locator("section", has_text="Yields by groups").locator("tbody tr")
    yields = {
        row.locator("th").inner_text(): float(row.locator("td").last.inner_text().split()[0])
        for row in rows.all()
    }
    assert min(yields, key=lambda name: yields[name]) == BAD_LOT
    worst = rows.filter(has_text=BAD_LOT)
    hand.on(worst.locator("td").last.get_by_role("link"))
    page.wait_for_url("**/devices/?**")
    page.locator("tbody .serial").first.wait_for()
    serials = page.locator("tbody .serial").all_inner_texts()
    assert {Device.objects.get(serial=one).lot.name for one in serials} == {BAD_LOT}
    hand.link(serials[0])
    page.get_by_text("fail").first.wait_for()
    assert hand.touches < 10


def the_managers_monday(address: str, page: Any) -> None:  # noqa: F811
    """What waits, whether the plan holds, who sees to a case, and the report for the meeting."""
    page.goto(address)
    hand = Hand(page)
    hand.link("Cases nobody is in charge of")
    hand.on(page.locator("tbody td a").first)
    hand.choose("In charge", "rosa")
    hand.on(page.get_by_role("button", name="Hand over"))
    page.get_by_text("In charge: rosa.").wait_for()
    hand.link("Production", "aside")
    page.get_by_text("devices pass; by today").wait_for()
    page.get_by_text("It will be done around").wait_for()
    legend = page.locator("[data-chart=chart-plan] svg.marks").get_by_text(
        "end, in four of five futures"
    )
    legend.first.wait_for()
    hand.link("Home", "aside")
    page.get_by_text("Cases you are in charge of").wait_for()
    assert hand.touches < 10


PRESSED = """() => [...document.querySelectorAll("button, .btn, input, textarea, aside, footer")]
    .filter(one => one.checkVisibility()).map(one => one.outerHTML.slice(0, 80))"""
CUT = """() => [...document.querySelectorAll("main table")]
    .filter(one => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth + 1)
    .map(one => one.outerHTML.slice(0, 80))"""
A4_PX = {"width": 702, "height": 1032}
"""Between margins of 12 mm."""


def on_paper(page: Any, serial: str) -> None:  # noqa: F811
    """A device's page is printed with its serial, whole tables, and nothing to press."""
    page.set_viewport_size(A4_PX)
    page.emulate_media(media="print")
    assert page.get_by_role("heading", name=serial).is_visible()
    assert page.locator("#stage-pde table").last.is_visible()
    assert page.evaluate(PRESSED) == []
    assert page.evaluate(CUT) == []
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 1400, "height": 900})


def the_spanish_physicist(address: str, page: Any) -> None:  # noqa: F811
    """A device on paper, and in Spanish by one touch."""
    device = Device.objects.order_by("serial")[1 + (WEEKS - 1) * 16]
    page.goto(f"{address}/devices/{device.serial}/")
    on_paper(page, device.serial)
    hand = Hand(page)
    hand.on(page.get_by_role("button", name="ES", exact=True).first)
    page.get_by_role("heading", name="Identidad").wait_for()
    assert page.evaluate("document.documentElement.lang") == "es"
    page.locator("#stage-pde").get_by_text("Eficiencia de detección de fotones").first.wait_for()
    assert hand.touches == 1

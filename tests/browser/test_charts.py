"""Charts by keyboard, and that their bundle comes only where there is one to be seen."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from mppcqa.results.models import QuantityRow
from tests.browser.test_brush import columns  # noqa: F401
from tests.browser.test_campaign import PASSWORD, log_in, page, sync_api  # noqa: F401
from tests.campaign import make_campaign

LABEL = "() => document.activeElement.getAttribute('aria-label')"


@pytest.mark.timeout(180)
def test_marks_are_reached_told_and_opened_by_keys_alone(
    live_server: Any,
    transactional_db: None,
    page: Any,  # noqa: F811
    columns: None,  # noqa: F811
) -> None:
    make_campaign(User.objects.create_superuser("rosa", password=PASSWORD))
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    log_in(page, live_server.url)
    page.goto(f"{live_server.url}/devices/")
    page.wait_for_load_state("networkidle")
    assert not [one for one in fetched if "vega" in one]
    breakdown = QuantityRow.objects.get(stage="pde", key="breakdown_voltage_v").pk
    page.goto(f"{live_server.url}/workbench/?q={breakdown}")
    chart = page.locator("[data-chart]").first
    chart.locator("svg.marks [role=link]").first.wait_for()
    assert [one for one in fetched if "vega" in one]
    assert chart.locator("[tabindex='0']").count() == 1
    chart.locator("[tabindex='0']").focus()
    first = page.evaluate(LABEL)
    page.keyboard.press("ArrowRight")
    second = page.evaluate(LABEL)
    assert first
    assert second
    assert first != second
    page.locator("#vg-tooltip-element.visible").wait_for()
    assert chart.locator("[tabindex='0']").count() == 1
    leads_to = page.evaluate("() => document.activeElement.__data__.href")
    assert "kind=values" in leads_to
    page.keyboard.press("Enter")
    page.wait_for_url("**kind=values**")
    assert page.url.endswith(leads_to)


COLOURS = """() => {
  const drawn = document.querySelector("[data-chart] svg.marks");
  const of = (what) => getComputedStyle(drawn.querySelector(what)).fill;
  drawn.dataset.kept ??= "the first";
  return [of(".role-axis-label text"), of("[role=link]"), drawn.dataset.kept];
}"""


@pytest.mark.timeout(180)
def test_a_chart_takes_the_colours_of_the_theme_and_of_paper_without_being_drawn_anew(
    live_server: Any,
    transactional_db: None,
    page: Any,  # noqa: F811
    columns: None,  # noqa: F811
) -> None:
    make_campaign(User.objects.create_superuser("rosa", password=PASSWORD))
    page.emulate_media(color_scheme="light")
    log_in(page, live_server.url)
    breakdown = QuantityRow.objects.get(stage="pde", key="breakdown_voltage_v").pk
    page.goto(f"{live_server.url}/workbench/?q={breakdown}")
    page.locator("[data-chart] svg.marks [role=link]").first.wait_for()
    light = page.evaluate(COLOURS)
    assert light == ["rgb(43, 52, 65)", "rgb(0, 114, 178)", "the first"]
    page.locator("[data-theme-switch]:visible").first.click()
    page.wait_for_function("() => document.documentElement.dataset.bsTheme === 'dark'")
    assert page.evaluate(COLOURS) == ["rgb(213, 220, 230)", "rgb(58, 155, 220)", "the first"]
    page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(COLOURS) == light

"""A range that is dragged over a histogram, in a real browser."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import F

from mppcqa.results.models import Measurement, QuantityRow
from mppcqa.runs.models import Run
from tests.browser.test_campaign import PASSWORD, log_in, page, sync_api  # noqa: F401
from tests.campaign import make_campaign


def drag(page: Any, begin: float, end: float, top: float = 1 / 3, down: float = 0.0) -> None:  # noqa: F811
    """Over a part of the chart's width, and of its height."""
    chart = page.locator("[data-chart] svg.marks").first
    chart.wait_for()
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    at = box["y"] + box["height"] * top
    page.mouse.move(box["x"] + box["width"] * begin, at)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end, at + box["height"] * down, steps=8)
    page.mouse.up()


@pytest.fixture
def columns(page: Any, tmp_path: Path, settings: Any) -> None:  # noqa: F811
    """A columnar copy of this test's own, read anew each time; its first reading may take long."""
    settings.MPPCQA_COLUMNAR = tmp_path / "columnar"
    settings.MPPCQA_COLUMNAR_KEEP_S = 0.0
    page.set_default_timeout(60_000)


@pytest.mark.timeout(180)
def test_a_range_leads_to_its_values_and_narrows_a_dashboard(
    live_server: Any,
    transactional_db: None,
    page: Any,  # noqa: F811
    columns: None,
) -> None:
    make_campaign(User.objects.create_superuser("rosa", password=PASSWORD))
    breakdown = QuantityRow.objects.get(stage="pde", key="breakdown_voltage_v").pk
    log_in(page, live_server.url)
    page.goto(f"{live_server.url}/workbench/?q={breakdown}")
    drag(page, 0.3, 0.7)
    page.wait_for_url("**kind=values**")
    low, high = (float(re.search(rf"{end}=([\d.]+)", page.url)[1]) for end in ("low", "high"))
    cells = page.locator("tbody td.number:last-child").all_inner_texts()
    values = [float(one) for one in cells]
    assert values
    assert all(low - 0.01 <= one <= high + 0.01 for one in values)
    assert len(values) < 64
    page.goto(f"{live_server.url}/workbench/?q={breakdown}")
    page.get_by_label("Keep this question as").fill("Breakdown")
    page.get_by_role("button", name="Keep", exact=True).click()
    page.get_by_role("button", name="On my dashboard").click()
    page.wait_for_url("**/dashboard/**")
    drag(page, 0.3, 0.7)
    page.wait_for_url("**rlow=**")
    page.get_by_role("link", name="Its devices").wait_for()


def shown(page: Any, name: str) -> int:  # noqa: F811
    """A number among the facts of an answer."""
    return int(page.locator(f"dt:text-is('{name}') + dd").inner_text())


def devices(page: Any) -> list[str]:  # noqa: F811
    page.get_by_role("link", name="Its devices").click()
    page.wait_for_url("**by=device**")
    return list(page.locator("tbody td.serial").all_inner_texts())


@pytest.mark.timeout(300)
def test_a_part_of_any_chart_leads_to_the_devices_in_it(
    live_server: Any,
    transactional_db: None,
    page: Any,  # noqa: F811
    columns: None,
) -> None:
    campaign = make_campaign(User.objects.create_superuser("rosa", password=PASSWORD))
    gain, pde = (QuantityRow.objects.get(stage="pde", key=key).pk for key in ("gain_adc", "pde"))
    # Two devices gain more than the two others.
    high = [one.serial for one in campaign.devices[:2]]
    rows = Measurement.objects.filter(device__serial__in=high)
    rows.filter(quantity=gain).update(value=F("value") * 2)
    log_in(page, live_server.url)
    begin = f"{live_server.url}/workbench/?q={gain}"

    page.goto(f"{begin}&kind=box&by=device")
    drag(page, 0.75, 0.99)
    page.wait_for_url("**kind=values**")
    assert shown(page, "Devices") == 2
    assert sorted(devices(page)) == sorted(high)

    page.goto(f"{begin}&kind=pairs&q2={pde}")
    drag(page, 0.7, 0.99, top=0.02, down=0.83)
    page.wait_for_url("**rlow=**")
    assert shown(page, "Devices") == 2
    assert sorted(devices(page)) == sorted(high)

    week = Run.objects.get().measured_at.date()
    monday = week - dt.timedelta(days=week.weekday())
    page.goto(f"{begin}&kind=time")
    drag(page, 0.3, 0.8)
    page.wait_for_url("**kind=values**")
    assert f"since={monday}" in page.url
    assert f"until={monday + dt.timedelta(days=6)}" in page.url
    assert shown(page, "Devices") == 4


@pytest.mark.timeout(300)
def test_many_histograms_lie_below_each_other_and_can_be_dragged_over(
    live_server: Any,
    transactional_db: None,
    page: Any,  # noqa: F811
    columns: None,
) -> None:
    make_campaign(User.objects.create_superuser("rosa", password=PASSWORD))
    gain = QuantityRow.objects.get(stage="pde", key="gain_adc").pk
    log_in(page, live_server.url)
    for width in (1400, 1200, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{live_server.url}/workbench/?q={gain}&at=*&by=channel")
        chart = page.locator("[data-chart] svg.marks").first
        chart.wait_for()
        card = page.locator("[data-chart]").first.bounding_box()
        assert chart.bounding_box()["width"] <= card["width"] + 1
        groups = set(page.locator("tbody td:first-child").all_inner_texts())
        assert len(groups & set(page.locator("svg.marks text").all_text_contents())) >= 12
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 1200, "height": 900})
    page.goto(f"{live_server.url}/workbench/?q={gain}&at=*&by=channel")
    page.locator("[data-chart] svg.marks").first.wait_for()
    bars = page.locator("svg.marks path[aria-roledescription='bar']").first.bounding_box()
    card = page.locator("[data-chart]").first.bounding_box()
    page.mouse.move(card["x"] + card["width"] * 0.2, bars["y"] + 5)
    page.mouse.down()
    page.mouse.move(card["x"] + card["width"] * 0.6, bars["y"] + 5, steps=8)
    page.mouse.up()
    page.wait_for_url("**kind=values**")
    assert shown(page, "Values") > 0
    heights = {round(one.bounding_box()["height"]) for one in page.locator("tbody td.serial").all()}
    assert max(heights) < 40, "serials stand on one line"

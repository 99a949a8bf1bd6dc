"""An irradiation is recorded late, runs follow by a worker, and before and after are one chart."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from mppcqa.results.models import Measurement, Standing
from tests.browser.test_campaign import PASSWORD, log_in, page, sync_api  # noqa: F401
from tests.campaign import measured_run
from tests.workers import running_worker, wait_until

FLUENCE = "fluence_neq_cm2"


@pytest.mark.timeout(600)
def test_what_is_recorded_late_divides_before_from_after(
    live_server: object,
    transactional_db: None,
    campaign: SimpleNamespace,
    operator: User,
    page: object,  # noqa: F811
) -> None:
    operator.set_password(PASSWORD)
    operator.save()
    device, day = campaign.devices[0], dt.timedelta(days=1)
    campaign.run.measured_at = timezone.now() - 10 * day
    campaign.run.save()
    measured_run(campaign.stations[0], campaign.devices, operator)
    log_in(page, live_server.url)
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{live_server.url}{device.get_absolute_url()}")
    page.get_by_role("link", name="Record what was done").click()
    page.get_by_label("Particle").fill("neutron")
    page.get_by_label("Fluence [n_eq/cm2]").fill("1e10")
    page.get_by_label("When").fill(f"{timezone.now() - 5 * day:%Y-%m-%d}")
    page.get_by_role("button", name="Record it").click()
    # What runs would say otherwise is seen before.
    page.get_by_text("0 → 1 × 10¹⁰ n_eq/cm2").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Record it all the same").click()
    page.get_by_text("Runs are being brought in line").wait_for()

    def followed() -> bool:
        now = Standing.objects.get(device=device, stage="pde").analysis_id
        rows = Measurement.objects.filter(analysis=now, device=device)
        return {at.get(FLUENCE) for at in rows.values_list("condition__at", flat=True)} == {1e10}

    with running_worker():
        wait_until(followed)
    page.get_by_role("link", name="Before and after").click()
    page.get_by_label("Quantity", exact=True).select_option("gain_adc")
    page.wait_for_url("**quantity=gain_adc**")
    chart = page.locator(f"[data-chart=chart-gain_adc-{FLUENCE}]")
    chart.locator("svg.marks").first.wait_for()
    # Three biases, each before and after.
    points = chart.locator("path[aria-roledescription='point']")
    assert points.count() == 6

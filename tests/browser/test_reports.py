"""A report is asked for, shows how far it is, and is taken away, in a real browser."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User

from mppcqa.reports.archive import reports_of
from tests.browser.test_campaign import PASSWORD, log_in, page, sync_api  # noqa: F401
from tests.workers import running_worker


@pytest.mark.timeout(600)
def test_a_certificate_is_asked_for_and_taken_away(
    live_server: object,
    transactional_db: None,
    campaign: SimpleNamespace,
    operator: User,
    page: object,  # noqa: F811
    tmp_path: Path,
) -> None:
    operator.set_password(PASSWORD)
    operator.save()
    device = campaign.devices[0]
    log_in(page, live_server.url)
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{live_server.url}{device.get_absolute_url()}")
    card = page.locator("#reports")
    card.get_by_text("None was written yet.").wait_for()
    card.get_by_label("Report", exact=True).select_option("Certificate")
    card.get_by_label("Language").select_option("es")
    card.get_by_role("button", name="Write report").click()
    with running_worker():
        page.locator("#reports li a").wait_for(timeout=120_000)
    with page.expect_download() as waited:
        page.locator("#reports li a").click()
    there = tmp_path / "taken.pdf"
    waited.value.save_as(there)
    assert there.read_bytes() == Path(reports_of(device).get().file.path).read_bytes()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

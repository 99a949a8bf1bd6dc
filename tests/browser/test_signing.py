"""Signing in a real browser: one small dialog over the page, and the page afterwards."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User

from mppcqa.limits.models import Verdict, Waiver
from mppcqa.results.models import Standing
from mppcqa.runs.models import Run
from tests.browser.test_access import AXE, FAULTS, RULES
from tests.browser.test_campaign import PASSWORD, log_in, page, sync_api  # noqa: F401


@pytest.mark.timeout(600)
def test_a_waiver_is_signed_in_a_dialog_without_leaving_the_page(
    live_server: object,
    transactional_db: None,
    campaign: SimpleNamespace,
    operator: User,
    page: object,  # noqa: F811
) -> None:
    operator.set_password(PASSWORD)
    operator.save()
    Run.objects.update(operator=None)  # who measured may not sign
    device = campaign.devices[0]
    standing = Standing.objects.filter(device=device).earliest("pk")
    Verdict.objects.filter(pk=standing.verdict_id).update(outcome="fail")
    Standing.objects.filter(pk=standing.pk).update(outcome="fail")
    page.set_default_timeout(120_000)
    page.set_default_navigation_timeout(120_000)
    log_in(page, live_server.url)
    address = f"{live_server.url}{device.get_absolute_url()}"
    page.goto(address)
    page.locator("summary", has_text="Waiver").first.click()
    page.get_by_label("Reason").last.fill("one dim corner")
    page.get_by_role("button", name="Grant waiver").click()
    page.get_by_text("in spite of the verdict “fail”").wait_for()
    dialog = page.get_by_role("dialog")
    page.evaluate(AXE.read_text())
    assert page.evaluate(FAULTS, RULES) == []
    # Cancelled, nothing is done and the form still has what was typed.
    dialog.get_by_role("button", name="Cancel").click()
    assert page.get_by_label("Reason").last.input_value() == "one dim corner"
    page.get_by_role("button", name="Grant waiver").click()
    dialog.get_by_label("Password").fill("no such thing")
    dialog.get_by_label("Password").press("Enter")
    dialog.get_by_text("The password is wrong.").wait_for()
    assert page.url == address
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign", exact=True).click()
    page.get_by_text("The waiver is granted.").wait_for()
    assert Waiver.objects.get().reason == "one dim corner"

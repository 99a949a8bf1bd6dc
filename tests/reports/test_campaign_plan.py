"""What a campaign's report says of a plan, beside what was judged."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from django.utils import timezone
from django.utils.translation import override

from mppcqa.inventory.campaign import Campaign
from mppcqa.public_address import PublicAddress
from mppcqa.reports.campaign import campaign_report
from mppcqa.statistics.models import Plan
from tests.reports.pages import open_pages

pytestmark = pytest.mark.django_db(transaction=True)


def said() -> str:
    written = campaign_report(Campaign.objects.get(), PublicAddress(""))
    return " ".join(" ".join(page.text for page in open_pages(written.data)).split())


def test_the_report_of_a_campaign_says_how_far_it_is_from_the_plan(
    campaign: SimpleNamespace,
) -> None:
    assert "due now" not in said()
    today = timezone.now().date()
    plan = Plan.objects.create(
        stage="pde", devices=200, since=today - dt.timedelta(50), until=today + dt.timedelta(50)
    )
    text = said()
    passed = int(text.split(" pass of 100 due now")[0].split()[-1])
    assert f"{100 - passed} behind" in text
    assert f"200 by {plan.until}" in text
    Plan.objects.update(since=today + dt.timedelta(7))
    assert "not behind" in said()
    with override("es"):
        assert "sin retraso" in said()

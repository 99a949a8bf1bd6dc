"""What a form did not understand never becomes a decision."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.test import Client

from mppcqa.limits.models import LimitSet, Verdict, Waiver
from mppcqa.results.models import Outcome
from tests.pens import browser_of, signed
from tests.web.formfields import opened


@pytest.mark.parametrize("typed", ["31.12.2027", "2027-02-30", "tomorrow", "2027"])
def test_a_date_that_is_none_gives_no_waiver_for_good(
    campaign: SimpleNamespace, typed: str
) -> None:
    browser_client = browser_of()
    verdict = Verdict.objects.select_related("device").first()
    Verdict.objects.filter(pk=verdict.pk).update(outcome=Outcome.FAIL)
    address = f"/devices/{verdict.device}/waive/{verdict.pk}/"
    values = signed(reason="a prototype", expires_on=typed)
    page = browser_client.post(address, values, follow=True).content.decode()
    assert f"“{typed}” is no date" in page
    assert not Waiver.objects.exists()
    browser_client.post(address, values | {"expires_on": ""})
    assert Waiver.objects.get().expires_on is None


def test_limits_of_a_type_that_is_gone_do_not_become_those_of_all(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    values = {"title": "own", "type": "9999", "pde-0-pass_low": "20"}
    values |= opened(browser_client, "/limits/new/pde/")
    answer = browser_client.post("/limits/new/pde/", values)
    assert answer.status_code == 422
    assert "not there any more" in answer.content.decode()
    assert not LimitSet.objects.filter(title="own").exists()


@pytest.mark.parametrize("number", ["9" * 25, "9" * 5000, "0"])
def test_numbers_that_no_row_has_choose_nothing(
    browser_client: Client, campaign: SimpleNamespace, number: str
) -> None:
    for name in ("type", "place"):
        answer = browser_client.get("/devices/", {name: number})
        assert answer.status_code == 200
        assert "GX-000" not in answer.content.decode()
    address = f"/reanalysis/?stage=pde&runs={number}"
    assert browser_client.get(address).status_code == 200
    unload = browser_client.post("/stations/pde-1/unload/", {"slot": number})
    assert unload.status_code < 500

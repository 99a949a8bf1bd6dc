"""The page of yields says what the verdicts say."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from mppcqa.limits.judging import active_limits, judge
from mppcqa.limits.models import Limit, LimitSet
from mppcqa.results.models import Analysis, Standing
from mppcqa.stages import get_stage
from mppcqa.web.statistics.yield_data import passed, yield_picture


def new_limits(pass_high: float) -> None:
    """Limits of the PDE stage by crosstalk alone."""
    old = active_limits(get_stage("pde"))
    LimitSet.objects.filter(stage="pde").update(active=False)
    new = LimitSet.objects.create(
        stage="pde", version=old.version + 1, title="stricter", active=True
    )
    quantity = old.limits.get(quantity__key="crosstalk_probability").quantity
    Limit.objects.create(limit_set=new, quantity=quantity, pass_high=pass_high)


def test_first_and_standing_verdicts(
    browser_client: Client, campaign: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Standing.objects.filter(stage="pde", outcome__in=["pass", "warning"]).count()
    new_limits(0.01)  # every array has 0.05
    later = timezone.now() + dt.timedelta(weeks=3)
    with monkeypatch.context() as patch:
        patch.setattr("mppcqa.limits.judging.timezone.now", lambda: later)
        judge(Analysis.objects.get(), [device.pk for device in campaign.devices])
    found = yield_picture({"stage": "pde"})
    assert (found["judged"], found["first"]["passed"], found["last"]["passed"]) == (4, first, 0)
    # Judged again weeks later, they still belong to the week of their first verdict.
    assert [row["judged"] for row in found["rows"]] == [4]
    assert [(fails, missing) for _name, fails, missing in found["failing"]] == [(4, 0)]
    page = browser_client.get("/statistics/yield/?stage=pde").content.decode()
    assert "Crosstalk probability" in page
    new_limits(0.5)
    judge(Analysis.objects.get(), [device.pk for device in campaign.devices])
    again = yield_picture({"stage": "pde"})
    assert (again["last"]["passed"], again["failing"]) == (4, [])


def test_nothing_judged_yet(browser_client: Client) -> None:
    assert "No device was judged yet" in browser_client.get("/statistics/yield/").content.decode()


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_yield_lies_in_its_interval(counts: tuple[int, int]) -> None:
    good, judged = counts
    found = passed(good, judged)
    assert 0 <= found["low"] <= 100 * good / judged + 1e-9
    assert 100 * good / judged - 1e-9 <= found["high"] <= 100 + 1e-9
    assert (found["percent"] == 100) == (good == judged)

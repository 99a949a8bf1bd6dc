"""The pages of production and capability say what the database does."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pytest
from django.test import Client

from mppcqa.inventory.campaign import Campaign
from mppcqa.limits.judging import active_limits
from mppcqa.limits.models import Limit
from mppcqa.results.conditions import compared
from mppcqa.results.models import Measurement, QuantityRow
from mppcqa.stages import get_stage
from mppcqa.statistics.capable import capabilities
from mppcqa.statistics.models import Plan, WeekYield
from mppcqa.statistics.planning import against_plan, all_plans, progress
from mppcqa.web.statistics.production_data import LISTED, funnel, yields_by

NOW = dt.datetime(2026, 3, 4, 12, tzinfo=dt.UTC)


def test_what_waits_is_what_the_list_has(campaign: SimpleNamespace, browser_client: Client) -> None:
    Campaign.objects.update(stages=["pde", "darkbox"])
    rows = {row["key"]: row for row in funnel(None)}
    assert rows["pde"]["judged"] == 4
    assert rows["darkbox"]["waits"] + rows["hold"]["waits"] + rows["pde"]["waits"] == 4
    page = browser_client.get("/statistics/yield/").content.decode()
    assert "?next=darkbox" in page
    by_lot = yields_by("pde", "lot", None)
    assert [(row["name"], row["judged"]) for row in by_lot] == [("L1", 4)]
    assert by_lot[0]["last"].passed == rows["pde"]["passed"]
    for by in LISTED:
        (row,) = yields_by("pde", by, None)
        shown = browser_client.get(row["devices"]).content.decode()
        assert shown.count('<a class="serial"') == row["judged"], by
        if row["failing"]:
            shown = browser_client.get(row["failing"]).content.decode()
            assert shown.count('<a class="serial"') == rows["pde"]["failed"], by


def test_a_plan_is_set_and_forecast(campaign: SimpleNamespace, browser_client: Client) -> None:
    address = "/statistics/plan/pde/"
    wrong = {"devices": "0", "since": "2026-02-01", "until": "2026-01-01"}
    page = browser_client.post(address, wrong, follow=True).content.decode()
    assert "at least one" in page
    assert "ends after it begins" in page
    sent = {"devices": "200", "since": "2026-01-05", "until": "2026-05-05"}
    browser_client.post(address, sent)
    WeekYield.objects.all().delete()
    for week in range(8):
        monday = dt.date(2026, 1, 5) + dt.timedelta(weeks=week)
        WeekYield.objects.create(
            stage="pde", week=monday, judged=12, first_passed=10, last_passed=10
        )
    found = progress("pde", NOW)
    assert (
        found.wanted
        == against_plan(Plan.objects.get(), 80, NOW.date())
        == all_plans(NOW.date())[found.plan.stage]
    )
    assert found.forecast is not None
    assert found.forecast.rate == 10
    # 120 are left, ten a week from Monday, 2 March on.
    assert found.ends == (dt.date(2026, 5, 25),) * 3
    page = browser_client.get("/statistics/yield/?stage=pde").content.decode()
    assert "of 200 devices pass" in page


def test_capability_is_that_of_the_values(
    campaign: SimpleNamespace, browser_client: Client
) -> None:
    old = active_limits(get_stage("pde"))
    quantity = QuantityRow.objects.get(stage="pde", key="breakdown_voltage_v")
    Limit.objects.create(limit_set=old, quantity=quantity, pass_low=69.0, pass_high=71.0)
    found = capabilities("pde")
    assert [one.found.cpk for one in found] == sorted(one.found.cpk for one in found)
    one = next(one for one in found if one.series.quantity.key == "breakdown_voltage_v")
    rows = Measurement.objects.filter(quantity=one.series.quantity).select_related("condition")
    values = np.array([row.value for row in rows if compared(row.condition.at) == one.series.at])
    assert one.mean == pytest.approx(values.mean())
    assert one.sigma == pytest.approx(values.std(ddof=1))
    sides = []
    if one.limit.pass_low is not None:
        sides.append((values.mean() - one.limit.pass_low) / (3 * values.std(ddof=1)))
    if one.limit.pass_high is not None:
        sides.append((one.limit.pass_high - values.mean()) / (3 * values.std(ddof=1)))
    assert one.found.cpk == pytest.approx(min(sides))
    page = browser_client.get("/statistics/capability/?stage=pde").content.decode()
    assert "worst first" in page

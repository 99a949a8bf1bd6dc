"""Numbers over a campaign: capability, plans, repeats at two stations, rules of matching."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User

from mppcqa.inventory.models import Device
from mppcqa.limits.changes import apply, new_version
from mppcqa.limits.models import Verdict
from mppcqa.refused import Refused
from mppcqa.results.models import Measurement, QuantityRow
from mppcqa.runs.models import Run, Station
from mppcqa.stages import Condition, get_stage
from mppcqa.statistics import matching_rules
from mppcqa.statistics.capability import capability, of_quantiles
from mppcqa.statistics.capable import capabilities
from mppcqa.statistics.matching_rules import MatchingRule, grouped_by
from mppcqa.statistics.models import OutcomeCount, Plan, QuantityCount, WeekYield
from mppcqa.statistics.outcomes import monday
from mppcqa.statistics.planning import (
    MOST_DEVICES,
    PlanRefused,
    all_plans,
    due_by,
    progress,
    set_plan,
)
from mppcqa.statistics.repeats import (
    Repeat,
    for_gauge,
    paired,
    repeats,
    shared_of_difference,
)
from tests.campaign import measured_run

pytestmark = pytest.mark.django_db
DAY = dt.date(2026, 3, 2)


def test_capability_is_the_room_that_limits_leave_to_what_was_measured(
    campaign: SimpleNamespace,
) -> None:
    bands = [
        {"quantity": "breakdown_voltage_v", "pass_low": 69.0, "pass_high": 70.6},
        {"quantity": "pde", "pass_low": 0.2, "at": Condition(overvoltage_v=1.6)},
    ]
    apply(new_version(get_stage("pde"), bands, title="room"))
    # The efficiency is the same number in all of them: no spread, so no capability.
    (voltage,) = capabilities("pde")
    assert voltage.series.quantity.key == "breakdown_voltage_v"
    rows = Measurement.objects.filter(quantity__key="breakdown_voltage_v")
    values = np.array(rows.values_list("value", flat=True))
    assert voltage.n == len(values) == 64
    assert voltage.mean == pytest.approx(values.mean())
    assert voltage.sigma == pytest.approx(values.std(ddof=1))
    sides = (values.mean() - 69.0, 70.6 - values.mean())
    assert voltage.found.cpk == pytest.approx(min(sides) / (3 * values.std(ddof=1)))
    assert voltage.devices == 4, "channels of one device are alike, and count as one"
    assert voltage.robust is None
    assert (voltage.below, voltage.above) == (0, 0)


def test_values_outside_of_limits_are_counted_and_the_worst_stands_first(
    campaign: SimpleNamespace,
) -> None:
    bands = [{"quantity": "breakdown_voltage_v", "pass_low": 70.05, "pass_high": 70.4}]
    apply(new_version(get_stage("pde"), bands, title="narrow"))
    (found,) = capabilities("pde")
    rows = Measurement.objects.filter(quantity__key="breakdown_voltage_v")
    below = sum(value < 70.05 for value in rows.values_list("value", flat=True))
    assert found.below == pytest.approx(below, abs=4), "as far as buckets tell"
    assert found.above == 0
    assert found.found.cpk < 0.5
    order = [one.found.cpk for one in capabilities("pde")]
    assert order == sorted(order)
    assert capabilities("no such stage") == []


def test_capability_needs_a_limit_and_values_that_differ() -> None:
    for n, sigma, low, high in ((2, 1.0, 0.0, 1.0), (5, 0.0, 0.0, 1.0), (5, 1.0, None, None)):
        with pytest.raises(ValueError, match="needs"):
            capability(0.5, sigma, n, low, high)
    with pytest.raises(ValueError, match="differ"):
        capability(math.nan, 1.0, 5, 0.0, 1.0)
    one = capability(10.0, 1.0, 100, None, 13.0)
    assert (one.cp, one.cp_interval, one.cpk) == (None, None, pytest.approx(1.0))
    assert one.outside == pytest.approx(0.00134990, rel=1e-4)
    both = capability(10.0, 1.0, 100, 7.0, 13.0)
    assert both.outside == pytest.approx(0.0026998, rel=1e-4)
    low, high = both.cp_interval or (0.0, 0.0)
    assert low < 1 < high
    # Chi-squared of 99 degrees of freedom: 73.361 and 128.422.
    assert low == pytest.approx(math.sqrt(73.361 / 99), rel=1e-4)
    assert high == pytest.approx(math.sqrt(128.422 / 99), rel=1e-4)
    half = 1.959964 * math.sqrt(1 / 900 + 1 / 198)
    assert both.cpk_interval == (pytest.approx(1 - half), pytest.approx(1 + half))


def test_capability_from_quantiles_is_that_of_the_worse_side() -> None:
    assert of_quantiles(7.0, 10.0, 13.0, 4.0, 13.0) == pytest.approx(1.0)
    assert of_quantiles(7.0, 10.0, 13.0, 4.0, None) == pytest.approx(2.0)
    assert of_quantiles(7.0, 10.0, 11.0, 7.0, 13.0) == pytest.approx(1.0)
    for told in ((7.0, 10.0, 13.0, None, None), (10.0, 10.0, 13.0, 4.0, None)):
        with pytest.raises(ValueError, match="a limit and a spread"):
            of_quantiles(*told)


@pytest.mark.parametrize(
    ("moment", "week"),
    [
        (dt.datetime(2026, 3, 2, 0, 0, tzinfo=dt.UTC), DAY),
        (dt.datetime(2026, 3, 8, 23, 59, tzinfo=dt.UTC), DAY),
        (dt.datetime(2026, 3, 9, 0, 0, tzinfo=dt.UTC), DAY + dt.timedelta(days=7)),
        # Monday early in Madrid is Sunday still in UTC.
        (dt.datetime(2026, 3, 9, 0, 30, tzinfo=dt.timezone(dt.timedelta(hours=1))), DAY),
    ],
)
def test_a_week_is_its_monday_in_utc(moment: dt.datetime, week: dt.date) -> None:
    assert monday(moment) == week


def test_counts_follow_verdicts_as_they_change(campaign: SimpleNamespace) -> None:
    week = monday(Verdict.objects.latest("pk").judged_at)
    stage = get_stage("pde")
    apply(new_version(stage, [{"quantity": "breakdown_voltage_v", "pass_low": 90.0}], title="high"))
    assert {(one.week, one.outcome): one.n for one in OutcomeCount.objects.filter(n__gt=0)} == {
        (week, "fail"): 4
    }
    (failed,) = QuantityCount.objects.filter(n__gt=0)
    assert (failed.quantity, failed.outcome, failed.n) == ("breakdown_voltage_v", "fail", 4)
    row = WeekYield.objects.get(stage="pde")
    assert (row.judged, row.last_passed) == (4, 0)
    apply(new_version(stage, [{"quantity": "breakdown_voltage_v", "pass_low": 60.0}], title="low"))
    row.refresh_from_db()
    assert (row.judged, row.last_passed) == (4, 4)
    assert not QuantityCount.objects.filter(n__gt=0).exists()


@pytest.mark.parametrize(
    ("devices", "since", "until", "fields"),
    [
        (0, DAY, DAY + dt.timedelta(days=1), ["devices"]),
        (None, DAY, DAY + dt.timedelta(days=1), ["devices"]),
        (MOST_DEVICES + 1, DAY, DAY + dt.timedelta(days=1), ["devices"]),
        (5, DAY, DAY, ["until"]),
        (5, None, DAY, ["until"]),
        (5, DAY, None, ["until"]),
        (-1, DAY + dt.timedelta(days=1), DAY, ["devices", "until"]),
    ],
)
def test_a_plan_that_cannot_be_is_refused_at_its_fields(
    devices: int | None, since: dt.date | None, until: dt.date | None, fields: list[str]
) -> None:
    with pytest.raises(PlanRefused) as refused:
        set_plan("pde", devices, since, until)
    assert [one.field for one in refused.value.faults] == fields
    assert not Plan.objects.exists()


def test_a_plan_wants_the_same_each_day_between_its_ends() -> None:
    plan = set_plan("pde", 100, DAY, DAY + dt.timedelta(days=10))
    days = {-1: 0, 0: 0, 1: 10, 5: 50, 10: 100, 99: 100}
    assert {n: due_by(plan, DAY + dt.timedelta(days=n)) for n in days} == days
    again = set_plan("pde", 50, DAY, DAY + dt.timedelta(days=10))
    assert again.pk == plan.pk
    assert Plan.objects.get().devices == 50


def test_progress_is_told_week_by_week_without_a_gap_and_with_its_end() -> None:
    now = dt.datetime(2026, 3, 25, 12, tzinfo=dt.UTC)
    for weeks_ago, passed in ((3, 10), (1, 10), (0, 4)):
        week = monday(now) - dt.timedelta(days=7 * weeks_ago)
        WeekYield.objects.create(
            stage="pde", week=week, judged=passed + 1, first_passed=passed, last_passed=passed
        )
    bare = progress("pde", now)
    assert [n for _week, n in bare.weeks] == [10, 0, 10, 4]
    assert (bare.passed, bare.plan, bare.forecast, bare.ends) == (24, None, None, None)
    set_plan("pde", 40, DAY, DAY + dt.timedelta(days=46))
    found = progress("pde", now)
    assert found.wanted is not None
    assert (found.wanted.passed, found.wanted.devices, found.wanted.due) == (24, 40, 20)
    assert found.forecast is not None
    assert found.forecast.weeks == 3
    assert found.forecast.rate == pytest.approx(20 / 3)
    assert found.ends is not None
    first, median, last = found.ends
    assert first is not None
    assert median is not None
    assert last is None or first <= median <= last
    assert first >= now.date()
    told = all_plans(now.date())["pde"]
    assert (told.passed, told.until) == (24, DAY + dt.timedelta(days=46))
    set_plan("pde", 24, DAY, DAY + dt.timedelta(days=46))
    assert progress("pde", now).ends is None, "it is done"


def one(device: int, station: int, value: float, error: float = 0.1, **more: Any) -> Repeat:
    return Repeat(device, station, more.get("operator", 0), more.get("run", 0), value, error,
                  more.get("shared", {}))  # fmt: skip


def test_only_devices_that_both_stations_measured_are_compared() -> None:
    rows = [one(1, 1, 10.0, 0.3), one(1, 1, 12.0, 0.4), one(1, 2, 13.0, 0.1), one(2, 1, 9.0),
            one(3, 2, 8.0), one(3, 3, 8.5)]  # fmt: skip
    assert paired(rows, 1, 2) == [
        (1, pytest.approx(11.0), pytest.approx(0.25), pytest.approx(13.0), pytest.approx(0.1))
    ]
    assert paired(rows, 2, 1)[0][1:] == (13.0, 0.1, 11.0, pytest.approx(0.25))
    assert paired(rows, 1, 9) == []


def test_what_both_stations_share_does_not_move_their_difference() -> None:
    same = {"diode": 0.2}
    both = [one(1, 1, 10.0, shared=same), one(1, 2, 10.0, shared=same)]
    assert shared_of_difference(both, 1, 2) == pytest.approx(0.0)
    apart = [one(1, 1, 10.0, shared={"a": 0.3}), one(1, 2, 10.0, shared={"b": 0.4})]
    assert shared_of_difference(apart, 1, 2) == pytest.approx(0.5)
    # Of two devices with one reference each value moves alike: the mean does as one of them.
    two = [*apart, one(2, 1, 9.0, shared={"a": 0.3}), one(2, 2, 9.0, shared={"b": 0.4})]
    assert shared_of_difference(two, 1, 2) == pytest.approx(0.5)
    twice = [*apart, one(1, 1, 11.0, shared={"c": 0.3})]
    assert shared_of_difference(twice, 1, 2) == pytest.approx(math.hypot(0.15, 0.15, 0.4)), (
        "the mean of two runs has half of what each has alone"
    )


def test_a_gauge_study_takes_whole_devices_that_were_measured_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mppcqa.statistics.repeats.MOST", 5)
    rows = [one(device, 1, 1.0) for device in (1, 1, 2, 2, 2, 3, 3, 4)]
    assert [row.device for row in for_gauge(rows)] == [2, 2, 2, 1, 1]


def test_repeats_of_devices_are_found_at_the_condition_that_most_runs_have(
    campaign: SimpleNamespace, operator: User
) -> None:
    other = Station.objects.create(name="pde-2", stage="pde", slots=4, institute=campaign.place)
    again = measured_run(other, campaign.devices[:3], operator)
    quantity = QuantityRow.objects.get(stage="pde", key="breakdown_voltage_v")
    found = repeats("pde", quantity)
    assert found.at == Condition()
    serials = dict(Device.objects.values_list("pk", "serial"))
    assert {serials[row.device] for row in found.rows} == {"GX-000", "GX-001", "GX-002"}
    assert {row.run for row in found.rows} == {campaign.run.pk, again.pk}
    assert {row.operator for row in found.rows} == {operator.pk}
    for row in found.rows:
        assert row.value == pytest.approx(70.0 + 15 / 200)
        errors = [(70.0 + n / 100) / 100 for n in range(16)]
        assert row.error == pytest.approx(math.sqrt(sum(e * e for e in errors)) / 16)
    assert len(paired(found.rows, campaign.stations[0].pk, other.pk)) == 3
    Run.objects.filter(pk=again.pk).update(station=None)
    assert repeats("pde", quantity).rows == []


@pytest.fixture
def rule(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Have a package's rule that gives back what a test wants."""

    def have(match: Any) -> None:
        added = MatchingRule("theirs", "Theirs", match)
        known = {matching_rules.SMALLEST.key: matching_rules.SMALLEST, "theirs": added}
        monkeypatch.setattr(matching_rules, "rules", lambda: known)

    return have


def test_groups_of_a_packages_rule_are_taken_with_their_spreads(rule: Any) -> None:
    rule(lambda *_values, **_asked: [[3, 0], [1, 2]])
    found = grouped_by("theirs", [4.0, 1.0, 3.0, 2.0], 2)
    assert found.groups == [[3, 0], [1, 2]]
    assert found.spreads.tolist() == [2.0, 2.0]
    smallest = grouped_by(matching_rules.SMALLEST.key, [4.0, 1.0, 3.0, 2.0], 2)
    assert sorted(sorted(group) for group in smallest.groups) == [[0, 2], [1, 3]]


@pytest.mark.parametrize(
    ("groups", "asked", "told"),
    [
        ([[0, 1, 2]], {}, "size"),
        ([[0, 1], [1, 2]], {}, "in two groups"),
        ([[0, 7]], {}, "not among those"),
        ([[-1, 0]], {}, "not among those"),
        ([[0, 1], [2, 3]], {"groups": 1}, "more groups"),
        ([[0, 1]], {"classes": ["a", "b", "a", "b"]}, "in common"),
        ([[0, 1]], {"widest": 2.9}, "wider"),
        ([[0, None]], {}, "failed: TypeError"),
    ],
)
def test_groups_that_break_what_was_asked_are_refused(
    rule: Any, groups: Any, asked: dict[str, Any], told: str
) -> None:
    rule(lambda *_values, **_asked: groups)
    with pytest.raises(Refused, match=told):
        grouped_by("theirs", [4.0, 1.0, 3.0, 2.0], 2, **asked)


def test_a_rule_that_is_gone_is_told(rule: Any) -> None:
    with pytest.raises(Refused, match="was its package removed"):
        grouped_by("nobody's", [1.0, 2.0], 2)

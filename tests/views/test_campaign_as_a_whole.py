"""A campaign as its report tells it: how far it is, its yields, and what devices fail by."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User

from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Device, DeviceType, Lot, Maker
from mppcqa.limits.decisions import grant_waiver
from mppcqa.limits.models import Verdict
from mppcqa.results.models import Standing
from mppcqa.statistics.check import check_summaries
from mppcqa.statistics.planning import set_plan
from mppcqa.views import campaign as room
from mppcqa.views.campaign import CampaignView, StageYields, campaign_view
from tests.campaign import measured_run
from tests.pens import pen_of

MONDAY = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
WEEK = dt.timedelta(days=7)


def first() -> Campaign:
    return Campaign.objects.order_by("pk")[0]


def pde(view: CampaignView) -> StageYields:
    return next(one for one in view.stages if one.count.key == "pde")


def stand(devices: list[Device], outcomes: str, details: Any = None) -> None:
    """Verdicts of p(ass), w(arning), f(ail), i(ncomplete), a week after each other."""
    names = {"p": "pass", "w": "warning", "f": "fail", "i": "incomplete"}
    for n, (device, letter) in enumerate(zip(devices, outcomes, strict=True)):
        outcome = names[letter]
        told = [{"quantity": "pde", "outcome": outcome}] if details is None else details
        changed = {"outcome": outcome, "judged_at": MONDAY + n * WEEK, "details": told}
        Verdict.objects.filter(device=device).update(**changed)
        Standing.objects.filter(device=device).update(outcome=outcome)
    check_summaries(repair=True)


@pytest.fixture
def another(campaign: SimpleNamespace) -> Campaign:
    """A second campaign, so that the first is not all there is; it has a device of its own."""
    made = Campaign.objects.create(name="Upgrade", stages=["darkbox", "pde"], description="more")
    Device.objects.create(serial="UP-1", device_type=campaign.kind, campaign=made)
    return made


@pytest.mark.parametrize("alone", [True, False])
def test_devices_stand_by_state_and_weeks_by_first_and_last_verdict(
    campaign: SimpleNamespace, alone: bool, operator: User
) -> None:
    if not alone:
        other = Campaign.objects.create(name="Upgrade")
        Device.objects.create(serial="UP-1", device_type=campaign.kind, campaign=other)
    stand(campaign.devices, "pwfi")
    found = pde(campaign_view(first()))
    numbers = {key: n for key, n in found.count.numbers.items() if n}
    assert numbers == {"pass": 1, "warning": 1, "fail": 1, "incomplete": 1}
    weeks = [(one.week, one.first.passed, one.first.judged) for one in found.weeks]
    assert weeks == [(MONDAY.date() + n * WEEK, passed, 1) for n, passed in enumerate((1, 1, 0, 0))]
    # What failed at first and passes by now is a pass of the week of its first verdict.
    measured_run(campaign.stations[0], campaign.devices[2:3], operator)
    newest = Verdict.objects.filter(device=campaign.devices[2]).latest("pk")
    Verdict.objects.filter(pk=newest.pk).update(outcome="pass", details=[])
    Standing.objects.filter(device=campaign.devices[2]).update(outcome="pass")
    check_summaries(repair=True)
    third = pde(campaign_view(first())).weeks[2]
    assert (third.first.passed, third.last.passed, third.last.judged) == (0, 1, 1)
    assert len(pde(campaign_view(first())).weeks) == 4


@pytest.mark.parametrize("alone", [True, False])
def test_reasons_are_what_devices_fail_or_are_incomplete_by_the_most_frequent_first(
    campaign: SimpleNamespace, alone: bool
) -> None:
    if not alone:
        other = Campaign.objects.create(name="Upgrade")
        Device.objects.create(serial="UP-1", device_type=campaign.kind, campaign=other)

    def details(*pairs: tuple[str, str]) -> list[dict[str, str]]:
        return [{"quantity": quantity, "outcome": outcome} for quantity, outcome in pairs]

    both = details(("pde", "fail"), ("gain_adc", "warning"), ("lost_one", "incomplete"))
    stand(campaign.devices[:2], "ff", both)
    stand(campaign.devices[2:3], "f", details(("pde", "fail"), ("gain_adc", "pass")))
    stand(campaign.devices[3:], "p", details(("pde", "pass")))
    reasons = pde(campaign_view(first())).reasons
    assert [(one.failed, one.incomplete) for one in reasons] == [(3, 0), (0, 2)]
    assert reasons[0].title == "Photon detection efficiency"
    assert reasons[1].title == "lost_one"


def test_a_waiver_that_holds_sets_a_verdict_aside_and_one_that_ran_out_does_not(
    campaign: SimpleNamespace,
) -> None:
    stand(campaign.devices, "pfff")
    verdicts = [Verdict.objects.filter(device=one).latest("pk") for one in campaign.devices]
    grant_waiver(verdicts[1], "a prototype", by=pen_of())
    waiver = grant_waiver(verdicts[2], "for a while", by=pen_of())
    type(waiver).objects.filter(verdict=verdicts[2]).update(expires_on=dt.date(2026, 1, 1))
    numbers = pde(campaign_view(first())).count.numbers
    assert {key: n for key, n in numbers.items() if n} == {"pass": 1, "waived": 1, "fail": 2}
    ((_lot, count),) = pde(campaign_view(first())).by_lot
    assert (count.numbers["waived"], count.numbers["fail"], count.judged) == (1, 2, 4)


def test_lots_and_makers_have_their_own_numbers_the_largest_first(
    campaign: SimpleNamespace,
) -> None:
    stand(campaign.devices, "pfpf")
    small, other = Lot.objects.create(name="L0"), Maker.objects.create(name="Acme")
    kind = DeviceType.objects.create(name="A-1", maker=other)
    plain = DeviceType.objects.create(name="B-1")
    devices = campaign.devices
    Device.objects.filter(pk=devices[1].pk).update(lot=small, device_type=kind)
    Device.objects.filter(pk=devices[3].pk).update(lot=None, device_type=plain)
    Device.objects.create(serial="NEW", device_type=campaign.kind, lot=small)
    found = pde(campaign_view(first()))
    by_lot = {name: dict(count.numbers) for name, count in found.by_lot}
    assert [name for name, _count in found.by_lot] == ["L0", "L1", "—"]
    assert (by_lot["L0"].get("fail"), by_lot["L0"]["none"]) == (1, 1)
    assert (by_lot["L1"].get("pass"), by_lot["L1"]["none"]) == (2, 0)
    assert by_lot["—"]["fail"] == 1
    assert [name for name, _count in found.by_maker] == ["Hamamatsu", "Acme", "—"]
    assert dict(found.by_maker)["Hamamatsu"].judged == 2


def test_of_many_lots_the_rest_is_one_line_with_all_of_their_devices(
    campaign: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand(campaign.devices, "ppff")
    for n, device in enumerate(campaign.devices[1:]):
        Device.objects.filter(pk=device.pk).update(lot=Lot.objects.create(name=f"M{n}"))
    monkeypatch.setattr(room, "GROUPS", 2)
    by_lot = pde(campaign_view(first())).by_lot
    assert [name for name, _count in by_lot] == ["L1", "M0", "2 others"]
    assert by_lot[-1][1].numbers["fail"] == 2
    assert sum(count.judged for _name, count in by_lot) == 4


def test_stages_stand_as_the_campaign_names_them_then_what_was_measured(
    another: Campaign, campaign: SimpleNamespace
) -> None:
    view = campaign_view(another)
    assert [one.count.key for one in view.stages] == ["darkbox", "pde"]
    assert [one.count.numbers for one in view.stages] == [{"none": 1}, {"none": 1}]
    assert [one.weeks for one in view.stages] == [(), ()]
    assert view.devices == 1
    facts = dict(view.facts)
    assert (facts["Devices"], facts["Description"]) == ("1", "more")
    assert "Institutes" not in facts
    Standing.objects.filter(device=campaign.devices[0]).update(stage="a_lost_one")
    keys = [one.count.key for one in campaign_view(first()).stages]
    assert keys[-1] == "a_lost_one"
    assert "pde" in keys


def test_facts_name_what_a_campaign_is_bound_to(
    another: Campaign, campaign: SimpleNamespace
) -> None:
    another.device_types.add(campaign.kind)
    another.institutes.add(campaign.place)
    facts = dict(campaign_view(another).facts)
    assert (facts["Device types"], facts["Institutes"]) == ("S12045(X)", "Jefferson Lab")


def test_the_rest_is_done_at_the_pace_of_the_last_four_weeks(campaign: SimpleNamespace) -> None:
    stand(campaign.devices, "pppp")
    for n in range(10):
        Device.objects.create(serial=f"N-{n}", device_type=campaign.kind)
    (plan,) = (one for one in campaign_view(first()).plan if one.title == "PDE")
    assert (plan.judged, plan.left, plan.a_week) == (4, 10, 1.0)
    # Ten weeks after the end of the last week in which any was judged.
    assert plan.until == MONDAY.date() + 3 * WEEK + dt.timedelta(days=7 + 70)
    assert plan.wanted is None


def test_a_gap_between_weeks_makes_the_pace_slower(campaign: SimpleNamespace) -> None:
    stand(campaign.devices[:1], "p")
    later = MONDAY + 4 * WEEK
    Verdict.objects.filter(device__in=campaign.devices[1:]).update(judged_at=later)
    check_summaries(repair=True)
    Device.objects.create(serial="N-1", device_type=campaign.kind)
    (plan,) = (one for one in campaign_view(first()).plan if one.title == "PDE")
    assert plan.a_week == pytest.approx(4 / 5)
    assert plan.until == later.date() + dt.timedelta(days=7 + round(7 / 0.8))


def test_where_nothing_is_left_or_no_pace_is_known_no_day_is_named(
    campaign: SimpleNamespace, another: Campaign
) -> None:
    (plan,) = (one for one in campaign_view(first()).plan if one.title == "PDE")
    assert (plan.left, plan.until) == (0, None)
    (dark, _pde) = campaign_view(another).plan
    assert (dark.left, dark.a_week, dark.until) == (1, 0.0, None)


def test_a_plan_stands_beside_what_was_done(campaign: SimpleNamespace) -> None:
    stand(campaign.devices, "ppff")
    set_plan("pde", 100, dt.date(2020, 1, 1), dt.date(2020, 12, 31))
    (plan,) = (one for one in campaign_view(first()).plan if one.title == "PDE")
    assert plan.wanted is not None
    assert (plan.wanted.passed, plan.wanted.due, plan.wanted.devices) == (2, 100, 100)


def test_devices_are_counted_by_type_and_by_where_they_are(campaign: SimpleNamespace) -> None:
    kind = DeviceType.objects.create(name="A-1")
    for n in range(5):
        state = "lost" if n < 2 else campaign.devices[0].state
        Device.objects.create(serial=f"N-{n}", device_type=kind, state=state)
    view = campaign_view(first())
    assert view.kinds == (("A-1", 5), ("S12045(X)", 4))
    assert sum(n for _name, n in view.states) == 9
    assert dict(view.states)["lost"] == 2
    assert view.as_of >= Device.objects.latest("registered_at").registered_at

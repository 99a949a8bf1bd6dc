"""A lot's sample: how it is drawn, what it says while it is judged, and what follows from it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User

from mppcqa.inventory.models import Device, Lot
from mppcqa.inventory.states import Move
from mppcqa.limits.acceptance import Acceptance, of_rejected, rejected_lots
from mppcqa.limits.signals import lot_decided
from mppcqa.results.models import Standing
from mppcqa.statistics.accepting import (
    AcceptanceRefused,
    decide,
    draw,
    lift,
    lot_size,
    plan_of,
    progress,
)
from mppcqa.statistics.models import DeviceSummary, Series
from mppcqa.statistics.sampling import ByCount, ByValue, judge_values

TOLD = {"kind": "count", "good": 0.01, "bad": 0.1}


@pytest.fixture
def lot(campaign: SimpleNamespace) -> Lot:
    """Four devices that pass."""
    Standing.objects.update(outcome="pass")
    found: Lot = Lot.objects.get(name="L1")
    return found


def first(ids: list[int], n: int) -> list[int]:
    return ids[:n]


def drawn(lot: Lot, plan: Any, told: dict[str, Any] | None = None) -> Acceptance:
    return draw(lot, "pde", plan, told or TOLD, choose=first)


def test_what_was_shipped_lost_retired_or_built_in_is_none_of_the_lot(
    campaign: SimpleNamespace, lot: Lot
) -> None:
    assert lot_size(lot) == 4
    for n, state in enumerate(("shipped", "lost", "retired", "installed", "on_hold", "registered")):
        Device.objects.create(serial=f"A-{n}", device_type=campaign.kind, lot=lot, state=state)
    assert lot_size(lot) == 6
    made = drawn(lot, ByCount(6, 0))
    assert (made.lot_size, made.sample.count()) == (6, 6)
    assert set(made.sample.values_list("state", flat=True)) == {"in_tray", "on_hold", "registered"}


def test_a_sample_is_chance_and_no_device_is_in_it_twice(
    campaign: SimpleNamespace, lot: Lot
) -> None:
    Device.objects.bulk_create(
        Device(serial=f"B-{n:03d}", device_type=campaign.kind, lot=lot) for n in range(200)
    )
    samples = []
    for _again in range(2):
        made = draw(lot, "pde", ByCount(50, 1), TOLD)
        samples.append(set(made.sample.values_list("pk", flat=True)))
        made.delete()
    assert [len(one) for one in samples] == [50, 50]
    # One in 10^46 that two samples are the same.
    assert samples[0] != samples[1]


def test_a_plan_that_wants_more_than_there_are_is_refused_and_nothing_is_kept(lot: Lot) -> None:
    with pytest.raises(AcceptanceRefused, match="wants 5 devices, and of lot L1 4 are there"):
        drawn(lot, ByCount(5, 0))
    assert not Acceptance.objects.exists()


def test_a_lot_has_one_open_sample_a_stage(lot: Lot, operator: User) -> None:
    made = draw(lot, "pde", ByCount(2, 0), TOLD, by=operator, choose=first)
    assert made.drawn_by == operator
    with pytest.raises(AcceptanceRefused, match="drawn already: go on with that one"):
        drawn(lot, ByCount(2, 0))
    draw(lot, "darkbox", ByCount(2, 0), TOLD)
    decide(made)
    assert drawn(lot, ByCount(2, 0)).pk != made.pk


def test_the_plan_is_kept_with_what_was_told_of_it(lot: Lot) -> None:
    made = drawn(lot, ByCount(3, 1))
    assert made.plan == {**TOLD, "n": 3, "accept": 1, "letter": ""}
    assert plan_of(made) == ByCount(3, 1)
    assert plan_of(Acceptance(plan={"n": 7, "k": 1.9, "kind": "value"})) == ByValue(7, 1.9)


@pytest.mark.parametrize(
    ("outcomes", "accept", "outcome", "bad", "unknown"),
    [
        (("pass", "warning", "pass", "pass"), 0, "accepted", 0, 0),
        (("pass", "fail", "pass", "pass"), 1, "accepted", 1, 0),
        (("fail", "fail", "pass", "pass"), 1, "rejected", 2, 0),
        # More than may fail rejects before the rest is judged; fewer do not accept before.
        (("fail", "fail", "", "incomplete"), 1, "rejected", 2, 2),
        (("fail", "pass", "", "pass"), 1, "", 1, 1),
        (("pass", "pass", "incomplete", "pass"), 0, "", 0, 1),
    ],
)
def test_a_sample_says_as_soon_as_enough_is_known(
    campaign: SimpleNamespace,
    lot: Lot,
    outcomes: tuple[str, ...],
    accept: int,
    outcome: str,
    bad: int,
    unknown: int,
) -> None:
    for device, said in zip(campaign.devices, outcomes, strict=True):
        Standing.objects.filter(device=device).update(outcome=said)
    found = progress(drawn(lot, ByCount(4, accept)))
    assert (found.outcome, len(found.nonconforming), len(found.open)) == (outcome, bad, unknown)
    assert found.found == {"nonconforming": bad, "judged": 4 - unknown}


def test_what_another_stage_says_does_not_count(campaign: SimpleNamespace, lot: Lot) -> None:
    Standing.objects.update(outcome="fail", stage="darkbox")
    found = progress(drawn(lot, ByCount(4, 0)))
    assert (found.outcome, len(found.open)) == ("", 4)


def test_a_sample_by_value_is_judged_by_the_means_of_its_devices(
    campaign: SimpleNamespace, lot: Lot
) -> None:
    series = Series.objects.get(quantity__key="breakdown_voltage_v")
    means = [70.1, 70.2, 70.4, 71.2]
    for device, mean in zip(campaign.devices, means, strict=True):
        DeviceSummary.objects.filter(device=device, series=series).update(mean=mean)
    told = {"kind": "value", "series": series.pk, "low": 70.15, "high": 71.0}
    made = drawn(lot, ByValue(4, 1.0), told)
    found = progress(made)
    assert set(found.nonconforming) == {campaign.devices[0].pk, campaign.devices[3].pk}
    said = judge_values(ByValue(4, 1.0), means, 70.15, 71.0)
    assert found.outcome == ("accepted" if said.accepted else "rejected")
    assert found.found["mean"] == pytest.approx(np.mean(means))
    assert found.found["sigma"] == pytest.approx(np.std(means, ddof=1))
    assert found.found["share"] == pytest.approx(said.share)
    assert found.found["judged"] == 4
    DeviceSummary.objects.filter(device=campaign.devices[3], series=series).delete()
    fewer = progress(made)
    assert (fewer.outcome, fewer.open) == ("", (campaign.devices[3].pk,))
    assert fewer.found == {"nonconforming": 1, "judged": 3}


@pytest.mark.parametrize(
    ("low", "high", "bad"), [(None, 70.3, 2), (70.15, None, 1), (70.2, 71.2, 1)]
)
def test_a_side_that_is_open_bars_nothing_and_an_end_belongs_to_the_band(
    campaign: SimpleNamespace, lot: Lot, low: float | None, high: float | None, bad: int
) -> None:
    series = Series.objects.get(quantity__key="breakdown_voltage_v")
    for device, mean in zip(campaign.devices, [70.1, 70.2, 70.4, 71.2], strict=True):
        DeviceSummary.objects.filter(device=device, series=series).update(mean=mean)
    told = {"kind": "value", "series": series.pk, "low": low, "high": high}
    assert len(progress(drawn(lot, ByValue(4, 1.0), told)).nonconforming) == bad


def test_a_decision_is_made_once_when_the_sample_says_and_is_told(
    campaign: SimpleNamespace, lot: Lot, operator: User
) -> None:
    made = drawn(lot, ByCount(4, 0))
    Standing.objects.filter(device__in=campaign.devices[:2]).update(outcome="")
    with pytest.raises(AcceptanceRefused, match="2 devices of the sample are not judged yet"):
        decide(made)
    Standing.objects.update(outcome="pass")
    told = []

    def listen(acceptance: Acceptance, **_named: object) -> None:
        told.append((acceptance.pk, acceptance.outcome))

    lot_decided.connect(listen)
    try:
        done = decide(made, by=operator)
    finally:
        lot_decided.disconnect(listen)
    assert told == [(made.pk, "accepted")]
    assert (done.decided_by, done.is_open, done.rejects, done.held) == (operator, False, False, [])
    with pytest.raises(AcceptanceRefused, match="decided already: accepted"):
        decide(made)
    with pytest.raises(AcceptanceRefused, match="is not rejected, or not any more"):
        lift(made, "why not")


def test_a_rejected_lot_holds_what_is_at_hand_until_somebody_says_why_not(
    campaign: SimpleNamespace, lot: Lot, operator: User
) -> None:
    Standing.objects.update(outcome="fail")
    away = Device.objects.create(serial="AWAY", device_type=campaign.kind, lot=lot, state="shipped")
    other = Device.objects.create(serial="OTHER", device_type=campaign.kind)
    ids = [one.pk for one in campaign.devices]
    done = decide(drawn(lot, ByCount(4, 0)))
    assert (done.outcome, done.held) == ("rejected", ids)
    states = dict(Device.objects.values_list("serial", "state"))
    assert {states[one.serial] for one in campaign.devices} == {"on_hold"}
    assert states["AWAY"] == "shipped"
    assert rejected_lots([*ids, other.pk]) == dict.fromkeys(ids, lot)
    said = of_rejected(Move.PACK, {ids[0]: "GX-000", other.pk: "OTHER"})
    assert list(said) == [ids[0]]
    assert "GX-000 is of lot L1, which is rejected; lift the rejection" in said[ids[0]]
    assert of_rejected(Move.HOLD, {ids[0]: "GX-000"}) == {}
    assert of_rejected(Move.SHIP, {}) == {}
    with pytest.raises(AcceptanceRefused, match="Say why"):
        lift(done, "   ")
    lift(done, " measured again ", by=operator)
    done.refresh_from_db()
    assert (done.lifted_why, done.lifted_by, done.rejects) == ("measured again", operator, False)
    assert rejected_lots(ids) == {}
    states = dict(Device.objects.values_list("serial", "state"))
    assert {states[one.serial] for one in campaign.devices} == {"in_tray"}
    assert away.serial in states

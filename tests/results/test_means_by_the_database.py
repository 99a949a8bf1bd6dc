"""Means over channels and what was done before, as the database adds them up."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from types import SimpleNamespace

import numpy as np
import pytest
from django.contrib.auth.models import User

from mppcqa.inventory.records import DeviceRecord
from mppcqa.results import means
from mppcqa.results.columns import ValueColumns, columns_of_results, value_faults
from mppcqa.results.counting import CountingChange, devices_of, make_count
from mppcqa.results.means import channel_sums
from mppcqa.results.models import Analysis, Measurement, QuantityRow, Standing
from mppcqa.results.signals import counting_changed
from mppcqa.results.sums import (
    Stale,
    at_sums,
    changes_told,
    current_analyses,
    groups_of,
    kept_sums,
    moved_points,
    points_at,
    save_sums,
    stale,
    sums_before,
    with_sums,
)
from mppcqa.stages import Condition, Result, get_axis, get_stage
from tests.campaign import measured_run

DONE = Condition(fluence_neq_cm2=1e9)


Key = tuple[int, int, int, int]


def by_python(
    devices: list[int], analyses: list[int], quantities: list[int]
) -> dict[Key, list[Measurement]]:
    found: dict[Key, list[Measurement]] = defaultdict(list)
    for row in Measurement.objects.filter(
        device__in=devices, analysis__in=analyses, quantity__in=quantities
    ):
        if not row.bound:
            key = row.device_id, row.analysis_id, row.quantity_id, row.condition_id
            found[key].append(row)
    return found


@pytest.mark.parametrize("at_once", [1, 3, 500])
def test_sums_over_channels_are_those_of_the_values(
    campaign: SimpleNamespace, operator: User, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(means, "READ_DEVICES", at_once)
    measured_run(campaign.stations[0], campaign.devices[:2], operator)
    Measurement.objects.filter(channel=3).update(systematic=0.25)
    Measurement.objects.filter(channel=5, device=campaign.devices[1]).update(statistical=None)
    Measurement.objects.filter(channel=7).update(bound=1, statistical=None)
    devices = [one.pk for one in campaign.devices]
    analyses = list(Analysis.objects.values_list("pk", flat=True))
    quantities = list(
        QuantityRow.objects.filter(stage="pde").exclude(key="gain_adc").values_list("pk", flat=True)
    )
    expected = by_python(devices, analyses, quantities)
    found = {(one.device, one.analysis, one.quantity, one.condition): one
             for one in channel_sums(devices, analyses, quantities)}  # fmt: skip
    assert found.keys() == expected.keys()
    for key, rows in expected.items():
        one = found[key]
        assert one.n == len(rows) == 15, "limits are in no mean"
        assert one.value == pytest.approx(math.fsum(row.value for row in rows))
        assert one.systematic == pytest.approx(math.fsum(row.systematic**2 for row in rows))
        errors = [row.statistical for row in rows]
        if None in errors:
            assert math.isnan(one.statistical), "what is unknown of one is unknown of the mean"
        else:
            assert one.statistical == pytest.approx(math.fsum(e**2 for e in errors if e))
    assert any(math.isnan(one.statistical) for one in found.values())


def test_nothing_is_asked_of_no_devices_analyses_or_quantities(
    campaign: SimpleNamespace, django_assert_num_queries: object
) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert list(channel_sums([1], [], [1])) == []
        assert list(channel_sums([1], [1], [])) == []
        assert list(channel_sums([], [1], [1])) == []


def test_what_was_done_is_part_of_conditions_unless_they_say_it_themselves() -> None:
    own = Condition(bias_v=71.0, fluence_neq_cm2=5e8)
    assert with_sums(Condition(bias_v=71.0), DONE) == Condition(bias_v=71.0, **DONE)
    assert with_sums(own, DONE) == own


def columns() -> tuple[ValueColumns, list[Condition]]:
    at = [Condition(bias_v=71.0), Condition(bias_v=72.0)]
    results = [
        Result(slot=slot, channel=0, quantity="pde", value=0.2, uncertainty=0.01, condition=one)
        for slot in (1, 2, 3)
        for one in at
    ]
    return columns_of_results(results, {1: 11, 2: 12, 3: 13}), at


def test_values_of_each_device_know_what_was_done_to_it_alone() -> None:
    values, at = columns()
    found = at_sums(values, {12: DONE, 13: DONE})
    told = {
        (int(device), found.conditions[place])
        for device, place in zip(found.device, found.condition, strict=True)
    }
    assert told == {
        *((11, one) for one in at),
        *((device, with_sums(one, DONE)) for device in (12, 13) for one in at),
    }
    assert at_sums(values, {}) is values
    assert {tuple(ids) for _at, ids in groups_of({1: DONE, 2: Condition(), 3: DONE})} == {
        (1, 3), (2,)
    }  # fmt: skip


def test_points_move_from_the_sums_of_before_to_those_of_now() -> None:
    more = Condition(fluence_neq_cm2=2e9, dose_gy=3.0)
    points = {1: Condition(bias_v=71.0, **DONE), 2: Condition(bias_v=71.0, fluence_neq_cm2=7e7)}
    assert moved_points(points, DONE, more) == {
        1: Condition(bias_v=71.0, **more),
        # Not what we had noted: the run file says it, and it stands.
        2: Condition(bias_v=71.0, fluence_neq_cm2=7e7, dose_gy=3.0),
    }
    assert moved_points(points, DONE, Condition())[1] == Condition(bias_v=71.0)


def test_sums_are_kept_with_an_analysis_and_come_back_by_device(
    campaign: SimpleNamespace,
) -> None:
    analysis = Analysis.objects.get()
    one, other = campaign.devices[:2]
    save_sums(analysis, {one.pk: DONE, other.pk: Condition(dose_gy=2.0)})
    assert kept_sums(analysis) == {one.pk: DONE, other.pk: Condition(dose_gy=2.0)}
    assert kept_sums(analysis, [other.pk]) == {other.pk: Condition(dose_gy=2.0)}
    assert sums_before(None, get_stage("pde"), [one.pk]) == {}
    assert sums_before(campaign.run, get_stage("pde"), [one.pk]) == {}


def test_what_will_change_is_told_axis_by_axis_and_only_what_differs(
    campaign: SimpleNamespace,
) -> None:
    analysis = Analysis.objects.get()
    before = Condition(fluence_neq_cm2=1e9, dose_gy=2.0)
    after = Condition(fluence_neq_cm2=1e9, dose_gy=5.0, thermal_cycles=1.0)
    (told,) = changes_told([Stale(analysis, campaign.devices[0].pk, before, after)])
    assert (told["serial"], told["run"], told["stage"]) == ("GX-000", campaign.run.pk, "pde")
    assert told["axes"] == [
        (get_axis("dose_gy"), 2.0, 5.0), (get_axis("thermal_cycles"), 0.0, 1.0)
    ]  # fmt: skip


def test_of_each_file_the_analysis_that_counts_is_current_the_first_first(
    campaign: SimpleNamespace, operator: User
) -> None:
    first = Analysis.objects.get()
    measured_run(campaign.stations[0], campaign.devices[:1], operator)
    second = Analysis.objects.latest("pk")
    ids = [one.pk for one in campaign.devices]
    assert current_analyses(ids) == [first, second]
    assert current_analyses(ids[1:]) == [first]
    assert current_analyses([]) == []
    Analysis.objects.filter(pk=second.pk).update(counts=False)
    assert current_analyses(ids) == [first]
    pk = Measurement.objects.filter(analysis=first).values_list("condition", flat=True)[0]
    assert points_at(np.array([pk, pk])).keys() == {pk}
    assert points_at(np.zeros(0, int)) == {}


def test_an_analysis_counts_for_the_devices_that_it_is_made_to_count_for(
    campaign: SimpleNamespace, operator: User
) -> None:
    first = Analysis.objects.get()
    measured_run(campaign.stations[0], campaign.devices[:2], operator)
    told: list[CountingChange] = []

    def listen(change: CountingChange, **_named: object) -> None:
        told.append(change)

    one, other = campaign.devices[:2]
    counting_changed.connect(listen)
    try:
        make_count(first, [one.pk])
        make_count(first, [one.pk])
    finally:
        counting_changed.disconnect(listen)
    standing = dict(Standing.objects.filter(stage="pde").values_list("device", "analysis"))
    assert standing[one.pk] == first.pk
    assert standing[other.pk] != first.pk
    change, again = told
    assert change.lost is not None
    assert set(change.lost.device.tolist()) == {one.pk}
    assert set(change.gained.device.tolist()) == {one.pk}
    assert len(change.lost) == len(change.gained) > 0
    assert set(change.gained.analysis.tolist()) == {first.pk}
    # A second time nothing changes.
    assert (again.lost, len(again.gained)) == (None, 0)
    assert devices_of(first) == sorted(one.pk for one in campaign.devices)


def test_an_imported_analysis_is_of_the_devices_that_it_counts_for(
    campaign: SimpleNamespace,
) -> None:
    analysis = Analysis.objects.get()
    analysis.run_file.run = None
    Standing.objects.filter(device=campaign.devices[0]).delete()
    assert devices_of(analysis) == sorted(one.pk for one in campaign.devices[1:])


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        # The PDE lies from 0 to 1; five uncertainties more are chance, what is beyond is none.
        (1.0, 0.0, None), (1.049, 0.01, None), (1.051, 0.01, "lies outside"), (0.0, 0.0, None),
        (-0.049, 0.01, None), (-0.051, 0.01, "lies outside"), (math.nan, 0.1, "no measured value"),
        (0.5, -0.1, "no measured value"), (math.inf, 0.1, "no measured value"),
        (0.5, math.nan, None), (1.001, math.nan, "lies outside"),
    ],
)  # fmt: skip
def test_what_can_not_be_a_value_is_told(value: float, error: float, words: str | None) -> None:
    one = Result(slot=1, channel=0, quantity="pde", value=value, uncertainty=error)
    found = list(value_faults(get_stage("pde"), columns_of_results([one], {1: 11})))
    assert len(found) == (words is not None)
    if words is not None:
        assert words in found[0][1]


def test_every_fault_has_its_row_and_the_first_reason_there_is() -> None:
    def result(slot: int, quantity: str, value: float) -> Result:
        return Result(slot=slot, channel=0, quantity=quantity, value=value, uncertainty=0.01)

    rows = [
        result(1, "pde", 0.5), result(1, "no_such", 0.5), result(9, "pde", 0.5),
        result(9, "no_such", math.nan), result(1, "pde", 0.7),
    ]  # fmt: skip
    found = list(value_faults(get_stage("pde"), columns_of_results(rows, {1: 11})))
    assert found == [
        (1, "the stage declares no such quantity"),
        (2, "no device sat in that slot"),
        (3, "the stage declares no such quantity"),
    ]
    assert list(value_faults(get_stage("pde"), columns_of_results([], {}))) == []


def test_only_what_was_done_before_a_run_measured_is_in_its_sums(
    campaign: SimpleNamespace,
) -> None:
    """A run that is taken in late was measured before what was done since."""
    one, other = campaign.devices[:2]
    moment = campaign.run.measured_at
    for device, days, fluence in ((one, -2, 1e9), (one, -1, 2e9), (one, 1, 5e9), (other, 1, 1e9)):
        DeviceRecord.objects.create(
            device=device, kind="irradiation", done_at=moment + dt.timedelta(days=days),
            facts={"particle": "n", "fluence_neq_cm2": fluence},
        )  # fmt: skip
    ids = [one.pk, other.pk]
    stage = get_stage("pde")
    assert sums_before(campaign.run, stage, ids) == {one.pk: Condition(fluence_neq_cm2=3e9)}
    (found,) = stale(ids)
    assert (found.device, found.before) == (one.pk, Condition())
    assert found.after == Condition(fluence_neq_cm2=3e9)
    # What the analysis says already is not to be changed again.
    save_sums(found.analysis, {one.pk: found.after})
    assert stale(ids) == []
    DeviceRecord.objects.filter(device=one).update(withdrawn_at=moment)
    (back,) = stale(ids)
    assert (back.before, back.after) == (found.after, Condition())

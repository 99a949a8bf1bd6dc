"""What was done to devices is part of what their runs say, also where it is recorded late."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from mppcqa.inventory.records import DeviceRecord
from mppcqa.limits.models import Verdict
from mppcqa.limits.records import (
    NewRecord,
    RecordRefused,
    add_records,
    effect,
    follow,
    withdraw,
)
from mppcqa.queue.models import Task
from mppcqa.results.models import Analysis, Measurement, Standing, SumsAt
from mppcqa.statistics.check import check_summaries
from tests.campaign import measured_run

FLUENCE = "fluence_neq_cm2"
DAY = dt.timedelta(days=1)


def irradiation(device: Any, when: dt.datetime, fluence: float = 1e10) -> NewRecord:
    facts = {"particle": "neutron", FLUENCE: fluence}
    return NewRecord("irradiation", when, facts, uncertainty=0.1, devices=[device.pk])


def sums_in(analysis: Analysis, device: Any, axis: str = FLUENCE) -> set[float | None]:
    """What the conditions of a device's values in an analysis say of an axis."""
    rows = Measurement.objects.filter(analysis=analysis, device=device)
    return {at.get(axis) for at in rows.values_list("condition__at", flat=True)}


def standing(device: Any) -> Standing:
    return Standing.objects.select_related("analysis", "verdict").get(device=device, stage="pde")


def done_before(run: Any, days: int) -> None:
    run.measured_at = timezone.now() - days * DAY
    run.save()


def test_a_run_knows_what_was_done_to_each_device_before(
    campaign: SimpleNamespace, operator: User
) -> None:
    first, second, *_others = campaign.devices
    done_before(campaign.run, 10)
    add_records(
        [
            irradiation(first, timezone.now() - DAY),
            irradiation(first, timezone.now() - DAY / 2, 2e10),
            NewRecord(
                "annealing",
                timezone.now() - DAY / 4,
                {"temperature_c": 60.0, "annealing_h": 1.5},
                devices=[first.pk, second.pk],
            ),
        ],
        by=operator,
    )
    run = measured_run(campaign.stations[0], campaign.devices, operator)
    analysis = Analysis.objects.get(run_file__run=run)
    assert sums_in(analysis, first) == {3e10}
    assert sums_in(analysis, first, "annealing_h") == {1.5}
    assert sums_in(analysis, second) == {None}
    assert sums_in(analysis, second, "annealing_h") == {1.5}
    assert sums_in(analysis, campaign.devices[2], "annealing_h") == {None}
    # What was measured before it was done stays as it was.
    former = Analysis.objects.get(run_file__run=campaign.run)
    assert sums_in(former, first) == {None}
    assert not Task.objects.filter(name="limits.follow_records").exists()
    assert check_summaries().differences == []


def test_a_record_that_comes_late_is_followed_by_a_task(
    campaign: SimpleNamespace, operator: User
) -> None:
    device, other, *_others = campaign.devices
    old = standing(device)
    late = irradiation(device, campaign.run.created_at - DAY)
    told = effect([device.pk], [late])
    assert [(one.device, dict(one.after)) for one in told] == [(device.pk, {FLUENCE: 1e10})]
    assert Analysis.objects.count() == 1  # a look changes nothing
    add_records([late], by=operator)
    task = Task.objects.get(name="limits.follow_records")
    assert follow(task.arguments["devices"], task=task) == 1
    new = standing(device)
    assert sums_in(new.analysis, device) == {1e10}
    assert sums_in(new.analysis, other) == {None}
    assert (new.analysis.values, new.outcome) == (old.analysis.values, old.outcome)
    assert new.verdict_id != old.verdict_id
    assert standing(other).analysis == new.analysis
    # What was there is readable as it was.
    assert sums_in(old.analysis, device) == {None}
    assert Verdict.objects.filter(pk=old.verdict_id).exists()
    assert check_summaries().differences == []
    # Once more there is nothing left to do.
    assert follow([device.pk, other.pk]) == 0


def test_a_withdrawn_record_counts_no_longer_and_stays_readable(
    campaign: SimpleNamespace, operator: User
) -> None:
    device = campaign.devices[0]
    (row,) = add_records([irradiation(device, campaign.run.created_at - DAY)], by=operator)
    follow([device.pk])
    with pytest.raises(RecordRefused):
        withdraw(row, "  ", by=operator)
    withdraw(row, "another box", by=operator)
    follow([device.pk])
    assert sums_in(standing(device).analysis, device) == {None}
    assert not SumsAt.objects.filter(analysis=standing(device).analysis).exists()
    row.refresh_from_db()
    assert (row.withdrawn_by, row.withdrawn_why) == (operator, "another box")
    with pytest.raises(RecordRefused):
        withdraw(row, "again", by=operator)
    assert check_summaries().differences == []


def test_a_corrected_record_takes_the_place_of_the_wrong_one(
    campaign: SimpleNamespace, operator: User
) -> None:
    device = campaign.devices[0]
    (wrong,) = add_records([irradiation(device, campaign.run.created_at - DAY)], by=operator)
    follow([device.pk])
    right = irradiation(device, campaign.run.created_at - DAY, 5e11)
    add_records([right], by=operator, replaces=wrong)
    follow([device.pk])
    assert sums_in(standing(device).analysis, device) == {5e11}
    assert DeviceRecord.objects.filter(withdrawn_at=None).count() == 1


def test_a_run_that_counts_no_longer_for_the_device_is_brought_in_line_too(
    campaign: SimpleNamespace, operator: User
) -> None:
    device = campaign.devices[0]
    done_before(campaign.run, 10)
    later = measured_run(campaign.stations[0], campaign.devices, operator)
    add_records([irradiation(device, timezone.now() - 20 * DAY)], by=operator)
    assert follow([device.pk]) == 2
    now = {row.run_file.run_id: row for row in Analysis.objects.filter(counts=True)}
    assert sums_in(now[campaign.run.pk], device) == {1e10}
    assert sums_in(now[later.pk], device) == {1e10}
    assert standing(device).analysis == now[later.pk]
    assert check_summaries().differences == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "exorcism"}, "kind"),
        ({"facts": {FLUENCE: 1e10}}, "particle"),
        ({"facts": {"particle": "proton"}}, FLUENCE),
        ({"facts": {"particle": "proton", FLUENCE: -1.0}}, FLUENCE),
        ({"facts": {"particle": "proton", FLUENCE: 1.0, "spin": 2.0}}, "spin"),
        ({"facts": {"particle": 5.0, FLUENCE: 1.0}}, "particle"),
        ({"kind": "thermal_cycling", "facts": {"thermal_cycles": 2.5}}, "thermal_cycles"),
        ({"done_at": timezone.now() + DAY}, "done_at"),
        ({"uncertainty": -0.1}, "uncertainty"),
    ],
)
def test_a_record_that_can_not_be_is_refused_at_its_field(
    campaign: SimpleNamespace, change: dict[str, Any], field: str
) -> None:
    from dataclasses import replace

    with pytest.raises(RecordRefused) as refused:
        add_records([replace(irradiation(campaign.devices[0], timezone.now()), **change)])
    assert [(one.field, one.row) for one in refused.value.faults] == [(field, 0)]
    assert not DeviceRecord.objects.exists()


def test_the_same_record_is_not_counted_twice(campaign: SimpleNamespace) -> None:
    when = timezone.now() - DAY
    add_records([irradiation(campaign.devices[0], when)])
    with pytest.raises(RecordRefused, match="GX-000"):
        add_records([irradiation(campaign.devices[0], when)])
    with pytest.raises(RecordRefused, match="GX-001"):
        add_records([irradiation(campaign.devices[1], when)] * 2)
    assert DeviceRecord.objects.count() == 1

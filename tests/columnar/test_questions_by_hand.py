"""Answers over the campaign, group by group, are those that plain NumPy and Python give."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.db.models.functions import Mod

from mppcqa.columnar import keeping
from mppcqa.columnar.questions import Chosen, Measure, Questions, Range
from mppcqa.columnar.rows import point_of
from mppcqa.inventory.models import Device, DeviceType, Lot
from mppcqa.limits.models import Verdict
from mppcqa.results.conditions import compared
from mppcqa.results.models import Measurement, QuantityRow, Standing
from mppcqa.runs.models import Run
from tests.campaign import measured_run

pytestmark = pytest.mark.django_db
MONDAY = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
WEEK_OF_MONDAY = (MONDAY.date() - dt.date(1970, 1, 1)).days + 3
KEY = WEEK_OF_MONDAY // 7


class Told:
    """What a routine gets of its task."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int, str]] = []

    def progress(self, done: int, total: int, text: str) -> None:
        self.steps.append((done, total, text))


@pytest.fixture
def world(
    campaign: SimpleNamespace, operator: User, tmp_path: Path, settings: Any
) -> SimpleNamespace:
    """Gains that all differ; devices 0 and 1 of lot L1, 2 of L2, 3 of none and measured anew."""
    settings.MPPCQA_COLUMNAR = tmp_path / "columnar"
    settings.MPPCQA_COLUMNAR_KEEP_S = 0.0
    again = measured_run(campaign.stations[1], campaign.devices[3:], operator)
    Run.objects.filter(pk=campaign.run.pk).update(measured_at=MONDAY)
    Run.objects.filter(pk=again.pk).update(measured_at=MONDAY + dt.timedelta(days=7))
    other = Lot.objects.create(name="L2")
    Device.objects.filter(pk=campaign.devices[2].pk).update(lot=other)
    Device.objects.filter(pk=campaign.devices[3].pk).update(lot=None)
    row = QuantityRow.objects.get(stage="pde", key="gain_adc")
    rows = Measurement.objects.filter(quantity=row)
    mixed = F("device") * 7919 + F("analysis") * 4421 + F("channel") * 607 + F("condition") * 1301
    rows.update(value=F("channel") + Mod(mixed, 997) / 64.0)
    values = dict(Standing.objects.filter(stage="pde").values_list("device", "analysis"))
    mine = [
        (one.device_id, one.channel, compared(one.condition.at), one.value)
        for one in rows.select_related("condition")
        if values[one.device_id] == one.analysis_id
    ]
    points = tuple(sorted({one[2] for one in mine}, key=str))
    campaign.again, campaign.rows, campaign.other = again, mine, other
    campaign.gain = Measure(row.pk, points, "pde")
    campaign.one = Measure(row.pk, points[:1], "pde")
    return campaign


def by(world: SimpleNamespace, key: Callable[[Any], Any]) -> dict[Any, list[float]]:
    found: dict[Any, list[float]] = {}
    for row in world.rows:
        found.setdefault(key(row), []).append(row[3])
    return found


def groups(world: SimpleNamespace) -> dict[str, Callable[[Any], Any]]:
    lots = dict(Device.objects.values_list("pk", "lot"))
    last = world.devices[3].pk
    return {
        "": lambda row: 0,
        "device": lambda row: row[0],
        "lot": lambda row: lots[row[0]],
        "channel": lambda row: row[1],
        "point": lambda row: point_of(row[2]),
        "type": lambda row: world.kind.pk,
        "run": lambda row: world.again.pk if row[0] == last else world.run.pk,
        "station": lambda row: world.stations[row[0] == last].pk,
        "week": lambda row: KEY + (row[0] == last),
        "tray": lambda row: world.tray.pk,
    }


@pytest.mark.parametrize("copied", [False, True])
def test_each_group_has_the_numbers_of_its_values(world: SimpleNamespace, copied: bool) -> None:
    if copied:
        keeping.follow()
    questions = Questions()
    for name, key in groups(world).items():
        expected = by(world, key)
        found = questions.summary(world.gain, name)
        assert {one.group for one in found} == expected.keys(), name
        assert [one.n for one in found] == sorted((one.n for one in found), reverse=True)
        for one in found:
            values = np.array(expected[one.group])
            middle = np.median(values)
            assert one.n == len(values)
            assert one.devices == len({row[0] for row in world.rows if key(row) == one.group})
            assert (one.median, one.mean) == pytest.approx((middle, values.mean()))
            assert one.sigma == pytest.approx(values.std(ddof=1))
            assert one.scatter == pytest.approx(1.4826 * np.median(np.abs(values - middle)))
            assert one.quantiles == pytest.approx(np.quantile(values, (0.05, 0.25, 0.75, 0.95)))
            assert (one.low, one.high) == (values.min(), values.max())


def test_bins_hold_each_value_of_each_group_once(world: SimpleNamespace) -> None:
    key = groups(world)["lot"]
    found = Questions().histogram(world.gain, "lot")
    expected = by(world, key)
    assert found.groups == 3
    inside = 0
    for group, counts in found.counts.items():
        values = np.array(expected[group])
        bins = zip(found.edges[:-2], found.edges[1:-1], strict=True)
        places = [int(np.sum((values >= low) & (values < high))) for low, high in bins]
        assert counts[:-1] == places, group
        inside += sum(counts)
    assert inside + found.below + found.above == len(world.rows)
    assert found.below == sum(row[3] < found.edges[0] for row in world.rows)
    few = Questions().histogram(world.gain, "device", most=2)
    assert (len(few.counts), few.groups) == (2, 4)
    assert Questions(chosen=Chosen(channel=99)).histogram(world.gain).edges == []


def test_weeks_begin_on_monday_and_each_has_median_and_quartiles(world: SimpleNamespace) -> None:
    expected = by(world, groups(world)["week"])
    found = Questions().over_time(world.gain)
    assert [one.week for one in found] == sorted(expected)
    for one in found:
        quartiles = np.quantile(expected[one.week], (0.5, 0.25, 0.75))
        assert (one.median, one.low, one.high) == pytest.approx(quartiles)
        assert one.n == len(expected[one.week])
    Run.objects.filter(pk=world.run.pk).update(measured_at=MONDAY - dt.timedelta(seconds=1))
    assert [one.week for one in Questions().over_time(world.gain)] == [KEY - 1, KEY + 1]
    # What belongs to no lot comes last.
    by_lot = [one.group for one in Questions().over_time(world.gain, "lot")]
    assert by_lot == [*sorted(one for one in by_lot if one is not None), None]


@pytest.mark.parametrize(
    ("seconds", "since", "until"),
    [(0, 4, 0), (1, 1, 3), (7 * 86_400, 1, 3), (7 * 86_400 + 1, 0, 4)],
)
def test_a_moment_belongs_to_what_begins_with_it(
    world: SimpleNamespace, seconds: int, since: int, until: int
) -> None:
    at = int(MONDAY.timestamp()) + seconds
    assert Questions(chosen=Chosen(since=at)).extent(world.one).devices == since
    assert Questions(chosen=Chosen(until=at)).extent(world.one).devices == until


def test_devices_are_chosen_by_what_they_belong_to_and_by_belonging_to_nothing(
    world: SimpleNamespace,
) -> None:
    def devices(**chosen: Any) -> set[int]:
        return {one.device for one in Questions(chosen=Chosen(**chosen)).listed(world.one)}

    ids = [one.pk for one in world.devices]
    assert devices(ids={"lot": (world.other.pk,)}) == {ids[2]}
    assert devices(ids={"lot": (world.other.pk, 0)}) == {ids[2], ids[3]}
    assert devices(ids={"lot": ()}) == set(ids), "what is empty chooses all"
    assert devices(ids={"station": (world.stations[1].pk,)}) == {ids[3]}
    assert devices(ids={"device": tuple(ids[:2]), "run": (world.run.pk,)}) == set(ids[:2])
    assert devices(place=(0, 2)) == {ids[2]}
    assert devices(place=(2, 0)) == set()
    assert devices(channel=99) == set()
    Standing.objects.filter(device=ids[0]).update(outcome="fail")
    assert ids[0] not in devices(outcomes=("pass", "warning", "incomplete"))
    assert devices(outcomes=("fail",)) >= {ids[0]}
    with pytest.raises(ValueError, match="colour is nothing to choose by"):
        devices(ids={"colour": (1,)})


def test_values_are_chosen_with_both_ends_of_a_range(world: SimpleNamespace) -> None:
    values = sorted(row[3] for row in world.rows if row[2] == world.one.at[0])
    low, high = values[5], values[-5]
    expected = [one for one in values if low <= one <= high]
    found = Questions(chosen=Chosen(low=low, high=high)).listed(world.one)
    assert sorted(one.value for one in found) == expected
    assert expected[0] == low
    assert expected[-1] == high
    only = Questions(chosen=Chosen(low=high)).extent(world.one)
    assert only.values == sum(one >= high for one in values)


def test_a_range_of_another_quantity_chooses_channels_of_the_same_device(
    world: SimpleNamespace,
) -> None:
    chosen = Chosen(ranges=(Range(world.one, low=10.0, high=15.0),))
    there = {row[:2] for row in world.rows if row[2] == world.one.at[0] and 10 <= row[3] <= 15}
    assert 0 < len(there) < 64
    row = QuantityRow.objects.get(stage="pde", key="breakdown_voltage_v")
    breakdown = Measure(row.pk, (), "pde")
    found = Questions(chosen=chosen).listed(breakdown)
    assert {(one.device, one.channel) for one in found} == there


def test_yields_count_devices_that_pass_or_are_warned_of(world: SimpleNamespace) -> None:
    for device, outcome in zip(world.devices, ("pass", "warning", "fail", ""), strict=True):
        Standing.objects.filter(device=device).update(outcome=outcome)
    (whole,) = Questions().yields("pde")
    assert (whole.judged, whole.passed) == (3, 2), "who was not judged has not failed"
    by_lot = {one.group: (one.judged, one.passed) for one in Questions().yields("pde", "lot")}
    assert by_lot == {world.devices[0].lot_id: (2, 2), world.other.pk: (1, 0)}
    Verdict.objects.filter(device__in=world.devices[:2]).update(judged_at=MONDAY)
    Verdict.objects.filter(device__in=world.devices[2:]).update(
        judged_at=MONDAY - dt.timedelta(days=1)
    )
    weeks = [(one.group, one.judged) for one in Questions().yields("pde", "week")]
    assert weeks == [(KEY, 2), (KEY - 1, 1)], "the latest first"
    with pytest.raises(ValueError, match="yields by channel are none"):
        Questions().yields("pde", "channel")
    assert Questions().yields("no_such") == []


def test_a_map_of_channels_is_of_each_type_and_leaves_whole_devices_out(
    world: SimpleNamespace,
) -> None:
    kind = DeviceType.objects.create(name="B")
    Device.objects.filter(pk=world.devices[0].pk).update(device_type=kind)
    found = Questions().channel_map(world.one)
    medians = {(one[0], one[1]): (one[2], one[3]) for one in found}
    assert len(found) == 32
    for (of, channel), (n, median) in medians.items():
        values = [
            row[3] for row in world.rows
            if row[1] == channel and row[2] == world.one.at[0]
            and (row[0] == world.devices[0].pk) == (of == kind.pk)
        ]  # fmt: skip
        assert (n, median) == (len(values), pytest.approx(np.median(values)))
    Measurement.objects.filter(quantity=world.gain.quantity, channel=5).update(channel=-1)
    keeping.rebuild()
    assert {one[1] for one in Questions().channel_map(world.one)} == set(range(16)) - {5}


def test_choices_are_what_there_is_without_what_is_nobodys(world: SimpleNamespace) -> None:
    found = Questions().choices(["lot", "tray", "device", "station"])
    assert found == {
        "lot": sorted((world.devices[0].lot_id, world.other.pk)),
        "tray": [world.tray.pk],
        "device": sorted(one.pk for one in world.devices),
        "station": sorted(one.pk for one in world.stations),
    }


def test_a_copy_that_is_wrong_is_made_anew_and_said_to_have_been(world: SimpleNamespace) -> None:
    from mppcqa.columnar.tasks import check, follow
    from mppcqa.queue.errors import TaskError

    told = Told()
    done = follow(told)
    total = Measurement.objects.count()
    assert done["values"] == total
    assert done["files"] > 0
    assert told.steps[-1][:2] == (total, total)
    assert check(told) == {"values": total, "absent": 0}
    row = Measurement.objects.order_by("device", "quantity", "channel", "condition")[0]
    Measurement.objects.filter(
        device=row.device_id, analysis=row.analysis_id, quantity=row.quantity_id,
        channel=row.channel, condition=row.condition_id,
    ).update(value=1.5)  # fmt: skip
    with pytest.raises(
        TaskError, match=rf"the first of {row.analysis_id}\. The copy was made anew"
    ):
        check(told)
    assert check(told) == {"values": total, "absent": 0}

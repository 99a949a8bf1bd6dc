"""What is part of what, as its page tells it: the tree, the history, and what the parts gather."""

from __future__ import annotations

import datetime as dt
import statistics
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User

from mppcqa.digits import number
from mppcqa.inventory.assembly import Mount, mount, take_out
from mppcqa.inventory.models import Device, DeviceType
from mppcqa.results.models import Standing
from mppcqa.statistics.models import DeviceSummary
from mppcqa.views.assembly import AssemblyView, assembly_view

DAY = dt.date(2026, 3, 2)


@pytest.fixture
def module(campaign: SimpleNamespace, operator: User) -> Device:
    """A module of two boards; on the first are four measured devices at positions 10, 9, 2, 1."""
    kind = DeviceType.objects.create(name="board", rows=1, columns=1)
    whole, one, other = (
        Device.objects.create(serial=name, device_type=kind) for name in ("MOD", "B-2", "B-10")
    )
    parts = [Mount(one.pk, whole.pk, since=DAY), Mount(other.pk, whole.pk, since=DAY)]
    parts += [
        Mount(device.pk, one.pk, {"pos": place, "bias_channel": "3"}, since=DAY)
        for device, place in zip(campaign.devices, ("10", "9", "2", "1"), strict=True)
    ]
    mount(parts, by=operator)
    return whole


def seen(device: Device) -> AssemblyView:
    return assembly_view(device, None)


def test_each_part_is_followed_by_its_own_and_two_comes_before_ten(module: Device) -> None:
    view = seen(module)
    assert [(one.serial, one.depth) for one in view.parts] == [
        ("B-2", 0),
        *((f"GX-00{n}", 1) for n in (3, 2, 1, 0)),
        ("B-10", 0),
    ]
    assert view.number == 6
    first = view.parts[1]
    assert first.place == "position 1, bias channel 3"
    assert (first.kind, first.since) == ("S12045(X)", DAY)
    assert view.parts[0].verdicts == ()
    assert first.verdicts[0][:2] == ("PDE", Standing.objects.filter(stage="pde")[0].outcome)


def test_verdicts_of_all_parts_are_counted_with_those_that_were_not_tested(
    module: Device, campaign: SimpleNamespace
) -> None:
    Standing.objects.filter(device=campaign.devices[0]).update(outcome="pass")
    Standing.objects.exclude(device=campaign.devices[0]).update(outcome="fail")
    (found,) = seen(module).verdicts
    assert found.title == "PDE"
    assert found.counts == (("fail", "fail", 3), ("", "not tested", 2), ("pass", "pass", 1))
    board = Device.objects.get(serial="B-2")
    assert seen(board).verdicts[0].counts == (("fail", "fail", 3), ("pass", "pass", 1))


def test_values_are_gathered_over_the_means_of_the_parts(
    module: Device, campaign: SimpleNamespace
) -> None:
    rows = DeviceSummary.objects.filter(series__quantity__key="breakdown_voltage_v")
    means = [70.0, 70.2, 70.7, 71.5]
    for device, mean in zip(campaign.devices, means, strict=True):
        rows.filter(device=device).update(mean=mean, lowest=mean - 0.5, highest=mean + 0.25)
    found = {one.title: one for one in seen(module).values}
    one = next(one for title, one in found.items() if "reakdown" in title)
    assert one.n == 4
    assert one.mean == f"{number(statistics.fmean(means))} V"
    assert one.spread == f"{number(statistics.stdev(means))} V", "of a sample, not of a population"
    assert (one.lowest, one.highest) == ("69.5 V", "71.75 V")


def test_values_of_parts_are_told_in_the_unit_that_people_read_at_their_condition(
    module: Device,
) -> None:
    percents = [one for one in seen(module).values if one.mean.endswith("%")]
    assert [one.mean for one in percents if "1 V over" in one.condition][:1] == ["20 %"]
    assert {one.n for one in percents} == {4}
    assert all(one.spread == "0 %" for one in percents)


def test_one_part_has_no_spread(campaign: SimpleNamespace, operator: User) -> None:
    kind = DeviceType.objects.create(name="board", rows=1, columns=1)
    board = Device.objects.create(serial="B-1", device_type=kind)
    mount([Mount(campaign.devices[0].pk, board.pk, since=DAY)], by=operator)
    assert {one.spread for one in seen(board).values} == {"—"}
    assert {one.n for one in seen(board).values} == {1}


def test_the_history_tells_where_a_part_was_and_what_a_whole_held(
    module: Device, campaign: SimpleNamespace, operator: User
) -> None:
    other = User.objects.create_user("ana")
    later = dt.date(2026, 4, 6)
    device = campaign.devices[0]
    take_out([device.pk], until=later, why="it cracked", by=other)
    (stay,) = seen(device).history
    assert (stay.part, stay.whole, stay.place) == ("GX-000", "B-2", "position 10, bias channel 3")
    assert (stay.since, stay.until, stay.why) == (DAY, later, "it cracked")
    assert (stay.by, stay.ended_by, stay.who) == ("rosa", "ana", "rosa, ana")
    assert stay.period == "2026-03-02 to 2026-04-06"
    board = seen(Device.objects.get(serial="B-2"))
    assert [one.part for one in board.history].count("GX-000") == 1
    assert board.newest == stay.changed_at
    still = next(one for one in board.history if one.part == "GX-001")
    assert (still.period, still.who) == ("2026-03-02 to today", "rosa")
    assert "GX-000" not in [one.serial for one in board.parts]


def test_a_device_that_is_alone_has_an_empty_assembly(campaign: SimpleNamespace) -> None:
    view = seen(campaign.devices[0])
    assert (view.number, view.parts, view.history, view.verdicts, view.values) == (
        0, (), (), (), ()
    )  # fmt: skip
    assert view.newest is None

"""Groups of alike devices as they are proposed: who is chosen from, by what value, what is left."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from mppcqa.inventory.models import Device, Lot
from mppcqa.limits.picking import Need
from mppcqa.results.models import Standing
from mppcqa.statistics import alike
from mppcqa.statistics.alike import Proposal, Wanted, propose
from mppcqa.statistics.models import DeviceSummary, Series

VOLTAGES = (70.3, 70.0, 70.31, 70.02)


@pytest.fixture
def series(campaign: SimpleNamespace) -> Series:
    """The breakdown voltage, of which each device has another; all pass."""
    Standing.objects.update(outcome="pass")
    found: Series = Series.objects.get(quantity__key="breakdown_voltage_v")
    for device, voltage in zip(campaign.devices, VOLTAGES, strict=True):
        DeviceSummary.objects.filter(device=device, series=found).update(
            mean=voltage, uncertainty=voltage / 1000
        )
    return found


def found(
    campaign: SimpleNamespace, value: Series | str, size: int = 2, **more: object
) -> Proposal:
    need = Need(campaign.place, 1000, stages=("pde",))
    return propose(Wanted(need, size, value, **more), None)  # type: ignore[arg-type]


def serials(made: Proposal) -> list[list[str]]:
    return [[made.serials[one.device] for one in group] for group in made.groups]


def test_the_nearest_are_put_together_with_their_values_and_uncertainties(
    campaign: SimpleNamespace, series: Series
) -> None:
    made = found(campaign, series)
    assert serials(made) == [["GX-001", "GX-003"], ["GX-000", "GX-002"]]
    assert made.best.spreads == pytest.approx([0.02, 0.01])
    assert [one.value for one in made.groups[0]] == [70.0, 70.02]
    assert [one.uncertainty for one in made.groups[0]] == pytest.approx([0.07, 0.07002])
    assert (made.refused, made.without) == (0, 0)


def test_beside_the_best_stand_those_of_sorting_and_those_by_serial(
    campaign: SimpleNamespace, series: Series
) -> None:
    made = found(campaign, series)
    assert made.sorted.total == pytest.approx(0.03)
    assert made.plain.spreads == pytest.approx([0.3, 0.29])
    one = found(campaign, series, groups=1)
    assert serials(one) == [["GX-000", "GX-002"]]
    # As many groups as the best have, cut from the lowest value, or from the first serial.
    assert (one.sorted.groups, one.sorted.spreads) == ([[1, 3]], pytest.approx([0.02]))
    assert one.plain.spreads == pytest.approx([0.3])


def test_who_fails_is_refused_and_who_has_no_value_is_counted(
    campaign: SimpleNamespace, series: Series
) -> None:
    Standing.objects.filter(device=campaign.devices[0]).update(outcome="fail")
    DeviceSummary.objects.filter(device=campaign.devices[1], series=series).delete()
    made = found(campaign, series)
    assert serials(made) == [["GX-003", "GX-002"]]
    assert (made.refused, made.without) == (1, 1)
    assert len(made.members) == 2


def test_devices_of_a_group_are_of_one_lot_where_that_is_asked_for(
    campaign: SimpleNamespace, series: Series
) -> None:
    other = Lot.objects.create(name="L2")
    Device.objects.filter(pk__in=[one.pk for one in campaign.devices[:2]]).update(lot=other)
    assert sorted(serials(found(campaign, series, alike="lot"))) == [
        ["GX-001", "GX-000"], ["GX-003", "GX-002"]
    ]  # fmt: skip
    assert serials(found(campaign, series, alike="type")) == serials(found(campaign, series))
    assert serials(found(campaign, series, alike="maker")) == serials(found(campaign, series))


def test_no_group_is_wider_than_allowed(campaign: SimpleNamespace, series: Series) -> None:
    assert serials(found(campaign, series, widest=0.015)) == [["GX-000", "GX-002"]]
    assert found(campaign, series, widest=0.005).groups == []


def test_a_makers_value_is_taken_as_it_was_said(campaign: SimpleNamespace, series: Series) -> None:
    for device, voltage in zip(campaign.devices[:3], (55.0, 55.4, 55.1), strict=True):
        Device.objects.filter(pk=device.pk).update(maker_values={"Vop [V]": voltage})
    made = found(campaign, "operating voltage")
    assert serials(made) == [["GX-000", "GX-002"]]
    assert [one.uncertainty for one in made.members] == [None] * 3
    assert made.without == 1
    Device.objects.filter(pk=campaign.devices[0].pk).update(maker_values={"remark": "x"})
    assert found(campaign, "operating voltage").without == 2


def test_a_value_that_is_no_number_is_none(campaign: SimpleNamespace, series: Series) -> None:
    Device.objects.filter(pk=campaign.devices[0].pk).update(maker_values={"Vop [V]": "n/a"})
    assert found(campaign, "operating voltage").without == 4


def test_many_devices_are_read_a_piece_at_a_time(
    campaign: SimpleNamespace, series: Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = found(campaign, series, alike="lot")
    monkeypatch.setattr(alike, "PIECE", 1)
    pieces = found(campaign, series, alike="lot")
    assert (pieces.members, pieces.best.groups) == (whole.members, whole.best.groups)
    assert np.isfinite(whole.best.total)
    assert math.isclose(pieces.best.total, whole.best.total)

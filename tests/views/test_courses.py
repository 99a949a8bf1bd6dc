"""A device before and after what was done to it: all its runs at a stage beside each other."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.utils.translation import override

from mppcqa.inventory.models import Device
from mppcqa.results.models import Analysis, Measurement, QuantityRow
from mppcqa.stages import get_axis, get_stage
from mppcqa.stages.numbers import BELOW
from mppcqa.views.course import device_course
from tests.views.test_looking_into_runs import result, stored

FLUENCE = "fluence_neq_cm2"


@pytest.fixture
def device(campaign: SimpleNamespace) -> Device:
    found: Device = campaign.devices[0]
    return found


def irradiated(device: Device, operator: User, *fluences: float) -> None:
    """A run for each fluence, at two biases and with two channels; the PDE falls by 1 % each."""
    for n, fluence in enumerate(fluences):
        done = {FLUENCE: fluence} if fluence else {}
        results = [
            result(1, channel, 0.20 - n / 100 + channel / 50, bias, 0.004, **done)
            for channel in (0, 1)
            for bias in (71.0, 72.0)
        ]
        stored({1: device}, results, operator)


def test_values_are_drawn_along_what_was_done_and_begin_at_nothing(
    device: Device, operator: User
) -> None:
    irradiated(device, operator, 0.0, 1e9, 1e10)
    found = device_course(device)
    assert [axis.key for axis in found.axes] == [FLUENCE]
    assert found.runs == 4, "all runs of the stage, whichever of them counts by now"
    low, high = sorted(found.trends("pde", get_axis(FLUENCE)), key=lambda one: one.name)
    assert low.x == high.x == [0.0, 1e9, 1e10]
    assert "1 V over" in low.name
    assert "2 V over" in high.name
    # The device's first run has sixteen channels with 0.2 at 1 V, where nothing had been done.
    assert high.y == pytest.approx([21.0, 20.0, 19.0])
    assert low.y == pytest.approx([(16 * 20 + 20 + 22) / 18, 20.0, 19.0])


def test_uncertainties_and_limits_come_along_in_the_unit_that_is_shown(
    device: Device, operator: User
) -> None:
    irradiated(device, operator, 0.0, 1e9)
    limit = replace(result(1, 0, 0.05, 72.0, math.nan, **{FLUENCE: 1e11}), bound=BELOW)
    stored({1: device}, [limit], operator)
    found = device_course(device)
    (high,) = (one for one in found.trends("pde", get_axis(FLUENCE)) if "2 V" in one.name)
    assert high.y == pytest.approx([21.0, 20.0, 5.0])
    assert high.bound == [0, 0, BELOW]
    assert high.error[1] == pytest.approx(0.4 / math.sqrt(2))
    assert high.error[2] is None
    assert [one.channel for one in high.means] == [-1, -1, -1]


def test_a_systematic_uncertainty_is_scaled_as_the_value_is(device: Device, operator: User) -> None:
    irradiated(device, operator, 0.0, 1e9)
    Measurement.objects.filter(device=device).update(systematic=0.03)
    found = device_course(device)
    (high,) = (one for one in found.trends("pde", get_axis(FLUENCE)) if "2 V" in one.name)
    assert [one.systematic for one in high.means] == pytest.approx([3.0, 3.0])


def test_a_setting_that_was_measured_after_one_amount_alone_is_not_compared(
    device: Device, operator: User
) -> None:
    irradiated(device, operator, 0.0, 1e9)
    stored({1: device}, [result(1, 0, 0.3, 73.5, **{FLUENCE: 1e9})], operator)
    names = [one.name for one in device_course(device).trends("pde", get_axis(FLUENCE))]
    assert len(names) == 2
    assert not any("3.5" in name for name in names)
    assert device_course(device).trends("no such", get_axis(FLUENCE)) == []


def test_each_value_knows_its_run(device: Device, operator: User) -> None:
    irradiated(device, operator, 0.0, 1e9)
    found = device_course(device)
    (high,) = (one for one in found.trends("pde", get_axis(FLUENCE)) if "2 V" in one.name)
    runs = [found.run_of[one.slot] for one in high.means]
    assert runs == list(device.runs.order_by("pk").values_list("pk", flat=True)[1:])


def test_of_several_stages_the_one_of_most_runs_is_shown_unless_another_is_asked_for(
    device: Device, operator: User, campaign: SimpleNamespace
) -> None:
    irradiated(device, operator, 0.0, 1e9)
    gone = Analysis.objects.latest("pk")
    Analysis.objects.filter(pk=gone.pk).update(stage="a_lost_one")
    found = device_course(device)
    assert list(found.stages.items()) == [("pde", "PDE"), ("a_lost_one", "a_lost_one")]
    assert (found.stage, found.runs) == ("pde", 2)
    assert "pde" in found.headlines
    asked = device_course(device, "a_lost_one")
    assert (asked.stage, asked.runs, asked.headlines) == ("a_lost_one", 1, set())
    # What no package declares here is told as it was stored.
    assert asked.quantities["pde"].scale == 1.0
    assert device_course(device, "no such").stage == "pde"
    with override("es"):
        assert device_course(device).quantities["pde"].title != asked.quantities["pde"].title


def test_quantities_are_those_with_values_in_the_order_of_the_stage(
    device: Device, operator: User
) -> None:
    QuantityRow.objects.create(stage="pde", key="tilt", title="Tilt", unit="mrad")
    keys = list(device_course(device).quantities)
    assert set(keys) == {"breakdown_voltage_v", "pde", "gain_adc", "crosstalk_probability"}
    declared = [one.key for one in get_stage("pde").quantities if one.key in keys]
    assert keys == declared


def test_a_device_without_values_has_an_empty_course(
    campaign: SimpleNamespace, operator: User
) -> None:
    new = Device.objects.create(serial="GX-NEW", device_type=campaign.kind)
    found = device_course(new)
    assert (found.stages, found.stage, found.runs, found.quantities) == ({}, "", 0, {})
    assert found.axes == []

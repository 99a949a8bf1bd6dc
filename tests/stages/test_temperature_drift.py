"""Breakdown voltages of scans whose temperature drifts, and the reason where there is none."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from mppcqa.physics import (
    LineError,
    breakdown_from_gain,
    breakdown_over_temperatures,
    simulate_charges,
)
from mppcqa.runfile import RunWriter
from mppcqa.stages import get_stage
from mppcqa.stages.analysis import Bias, temperature_groups
from mppcqa.stages.conditions import Condition

COEFFICIENT = 0.055
BREAKDOWN = 51.6


def scan(path: Path, points: list[tuple[float, float]], **meta: object) -> Path:
    """A run file of one device with light spectra at (bias, temperature)."""
    rng = np.random.default_rng(5)
    slots = [{"slot": 1, "serial": "A", "channels": 2}]
    about = {"run": 1, "stage": "stage2", "station": "", "operator": "", "program": "t",
             "started": "2026-01-01T00:00:00Z", "slots": slots, **meta}  # fmt: skip
    with RunWriter(path, about) as writer:
        for number, (bias, at_c) in enumerate(points):
            writer.point(number, bias_v=bias, temperature_c=at_c, light=1.0)
            gain = 30.0 * (bias - BREAKDOWN - COEFFICIENT * (at_c - 27.2))
            one = [
                simulate_charges(rng, 8000, mean_light_pe=2.0, gain=gain, pedestal=50.0)
                for _ in range(2)
            ]
            writer.charges(number, 1, np.stack(one, axis=1))
    return path


def test_a_scan_that_warms_up_has_a_breakdown_voltage(tmp_path: Path) -> None:
    """Right within five of its own standard uncertainties, which are below 0.15 V."""
    points = [(53.5 + 0.5 * i, round(26.1 + 0.367 * i, 1)) for i in range(7)]
    analysed = get_stage("stage2").analyse(scan(tmp_path / "a.root", points), {})
    found = [one for one in analysed.results if one.quantity == "breakdown_voltage_v"]
    assert len(found) == 2
    for one in found:
        expected = BREAKDOWN + COEFFICIENT * (one.condition["temperature_c"] - 27.2)
        both = math.hypot(one.uncertainty, one.systematic)
        assert 0.02 < both < 0.15
        assert abs(one.value - expected) < 5 * both
        assert "drift" in one.method
    overvoltages = {one.condition.get("overvoltage_v") for one in analysed.results} - {None}
    assert len(overvoltages) == 7


def test_one_bias_alone_says_that_there_is_no_breakdown_voltage(tmp_path: Path) -> None:
    analysed = get_stage("stage2").analyse(scan(tmp_path / "a.root", [(54.0, 20.0)]), {})
    assert not [one for one in analysed.results if one.quantity == "breakdown_voltage_v"]
    assert any("one bias" in one.what for one in analysed.problems)


def test_temperatures_with_full_scans_are_not_mixed() -> None:
    def groups(points: list[tuple[float, float]]) -> list[list[int]]:
        return temperature_groups(
            [Bias(Condition(bias_v=v, temperature_c=t), None, 0, 1.0) for v, t in points]
        )

    assert groups([(70, 20.0), (71, 20.0), (70, 20.5), (71, 20.5)]) == [[0, 1], [2, 3]]
    assert groups([(70, 20.0), (71, 20.1), (70, 25.0), (71, 25.2)]) == [[0, 1], [2, 3]]
    assert groups([(70, 20.0), (71, 22.0)]) == [[0], [1]]


def test_pulls_of_breakdown_voltages_are_standard_normal() -> None:
    """Width of 1 within four standard errors, for coefficients drawn as the prior says."""
    rng = np.random.default_rng(2)
    bias = np.linspace(53.5, 56.5, 7)
    pulls = []
    for _ in range(400):
        warm = 27 + np.cumsum(rng.normal(0, 0.4, 7))
        k = rng.normal(0.04, 0.02)
        gain = 30 * (bias - BREAKDOWN - k * (warm - warm.mean())) + rng.normal(0, 0.2, 7)
        found = breakdown_over_temperatures(bias, warm, gain, np.full(7, 0.2))
        pulls.append((found.voltage_v - BREAKDOWN) / found.error_v)
        assert found.systematic_v < found.error_v
    # Where the points scatter more than expected the uncertainty grows, never the other way.
    assert 0.75 < np.std(pulls) < 1 + 4 / np.sqrt(800)
    assert abs(np.mean(pulls)) < 4 / np.sqrt(400)


def test_points_of_one_temperature_give_the_straight_line() -> None:
    bias, gain, error = [71.0, 72, 73], [30.0, 60.5, 90], [0.3] * 3
    found = breakdown_over_temperatures(bias, [20.0] * 3, gain, error)
    expected = breakdown_from_gain(bias, gain, error).crossing()
    assert (found.voltage_v, found.error_v) == pytest.approx(expected, rel=1e-6)
    assert found.systematic_v == pytest.approx(0, abs=1e-6)
    with pytest.raises(LineError, match="no line"):
        breakdown_over_temperatures([71, 71], [20.0, 21.0], [30, 30.5], [0.3, 0.3])

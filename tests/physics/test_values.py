"""Lines, light from pedestals, efficiency, uniformity."""

from __future__ import annotations

import doctest
import importlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mppcqa.physics import (
    LineError,
    breakdown_from_gain,
    detection_efficiency,
    fit_line,
    mean_light_from_p0,
    simulate_charges,
    uniformity,
)


@pytest.mark.parametrize(
    "module", ["spectra", "histograms", "simulation", "lines", "detection", "light"]
)
def test_the_examples_in_the_documentation_run(module: str) -> None:
    found = doctest.testmod(importlib.import_module(f"mppcqa.physics.{module}"))
    assert found.failed == 0


@given(
    slope=st.floats(0.5, 50),
    breakdown=st.floats(20, 80),
    overvoltages=st.lists(st.floats(0.5, 8), min_size=3, max_size=9, unique=True),
)
def test_an_exact_line_gives_back_its_breakdown_voltage(slope, breakdown, overvoltages) -> None:
    over = np.array(overvoltages)
    if np.ptp(over) < 0.1:
        return
    line = breakdown_from_gain(breakdown + over, slope * over, np.full(len(over), 0.01))
    value, error = line.crossing()
    assert value == pytest.approx(breakdown, abs=1e-6)
    assert error > 0


def test_breakdown_voltage_pull() -> None:
    """2000 lines: mean pull beyond 0.1 is beyond 4.4 sigma. Width: scatter scaled lines too."""
    rng = np.random.default_rng(3)
    bias = np.array([52.0, 53.0, 54.0, 55.0, 56.0])
    pulls = []
    for _ in range(2000):
        gain = 20 * (bias - 50) + rng.normal(0, 0.3, 5)
        value, error = breakdown_from_gain(bias, gain, np.full(5, 0.3)).crossing()
        pulls.append((value - 50) / error)
    assert abs(np.mean(pulls)) < 0.1
    assert 0.8 < np.std(pulls) < 1.05


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1, 1, 1], [1, 2, 3], "no line"),
        ([1, np.nan], [1, 2], "no line"),
        ([1, 2, 3], [3, 2, 1], "falls"),
    ],
)
def test_points_that_make_no_breakdown_voltage_say_so(x, y, message) -> None:
    with pytest.raises(LineError, match=message):
        breakdown_from_gain(x, y, np.full(len(x), 0.1))


def test_a_line_at_its_points() -> None:
    line = fit_line([0, 1, 2], [1, 3, 5], [0.1, 0.1, 0.1])
    assert line.at(1.0)[0] == pytest.approx(3.0)
    assert line.at(10.0)[1] > line.at(1.0)[1]


def test_light_from_pedestals_does_not_feel_crosstalk() -> None:
    """3 sigma either way: one seed in 370 would fail; this one is fixed."""
    rng = np.random.default_rng(9)
    for crosstalk in (0.0, 0.3):
        light = simulate_charges(
            rng, 50000, mean_light_pe=1.2, gain=40.0, crosstalk_probability=crosstalk
        )
        dark = simulate_charges(rng, 50000, mean_light_pe=0, gain=40.0)
        mu, error = mean_light_from_p0((light < 20).sum(), 50000, (dark < 20).sum(), 50000)
        assert abs(mu - 1.2) < 3 * error


def test_light_without_pedestal_is_no_number() -> None:
    mu, error = mean_light_from_p0([0], [1000], [900], [1000])
    assert np.isnan(mu[0])
    assert np.isnan(error[0])


def test_efficiency_carries_the_reference_as_a_shared_part() -> None:
    value, error, shared = detection_efficiency([2.0, 2.2], [0.02, 0.02], 10.0, 0.3)
    np.testing.assert_allclose(value, [0.2, 0.22])
    np.testing.assert_allclose(shared, value * 0.03)
    np.testing.assert_allclose(error, np.hypot(0.002, shared))
    with pytest.raises(ValueError, match="positive"):
        detection_efficiency([1.0], [0.1], 0.0, 0.0)


def test_uniformity_takes_off_what_the_uncertainties_make() -> None:
    rng = np.random.default_rng(1)
    spreads = [
        uniformity(100 + rng.normal(0, 4, 16) + rng.normal(0, 2, 16), np.full(16, 2.0))[0]
        for _ in range(400)
    ]
    assert np.mean(spreads) == pytest.approx(0.04, rel=0.05)
    with pytest.raises(ValueError, match="two channels"):
        uniformity([1.0], [0.1])


def test_crosstalk_that_never_ends_is_refused() -> None:
    with pytest.raises(ValueError, match="multiply"):
        simulate_charges(
            np.random.default_rng(0), 10, mean_light_pe=1, gain=1, crosstalk_probability=0.9
        )

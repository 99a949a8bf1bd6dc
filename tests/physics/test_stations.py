"""Two stations on the same devices; uniformity; values and bias at a reference temperature."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mppcqa.physics import (
    LineError,
    at_temperature,
    bias_for_overvoltage,
    bias_for_target,
    compare_stations,
    fit_line,
    largest_difference,
    york_line,
)

PEARSON = np.array(
    [
        [0.0, 5.9, 1000, 1], [0.9, 5.4, 1000, 1.8], [1.8, 4.4, 500, 4], [2.6, 4.6, 800, 8],
        [3.3, 3.5, 200, 20], [4.4, 3.7, 80, 20], [5.2, 2.8, 60, 70], [6.1, 2.8, 20, 70],
        [6.5, 2.4, 1.8, 100], [7.4, 1.5, 1, 500],
    ]
)  # fmt: skip
"""Pearson's points with York's weights; the line through them is published to eight digits."""


def test_yorks_line_is_the_published_one() -> None:
    x, y, wx, wy = PEARSON.T
    intercept, slope, covariance = york_line(x, wx**-0.5, y, wy**-0.5)
    assert intercept == pytest.approx(5.47991022, abs=1e-6)
    assert slope == pytest.approx(-0.480533407, abs=1e-7)
    # Published without growth by chi2 / ndf = 11.8663 / 8, which ours has.
    errors = np.sqrt(np.diag(covariance) * 8 / 11.8663532)
    assert errors == pytest.approx([0.29497, 0.05799], rel=2e-3)


def stations(seed: int, n: int = 200, offset: float = 0.0, drift: float = 0.0, scale: float = 1.0):
    rng = np.random.default_rng(seed)
    true = rng.normal(70, 0.2, n)
    ea, eb = rng.uniform(0.01, 0.03, n), rng.uniform(0.01, 0.02, n)
    a = true + rng.normal(0, ea)
    b = 70 + scale * (true - 70) + offset + rng.normal(0, eb) + rng.normal(0, drift, n)
    return a, ea, b, eb


def test_uncertainties_of_a_comparison_cover_the_truth() -> None:
    """Pulls over 200 seeds: mean within 4 / sqrt(200), width within 4 sigma (0.05) of 1."""
    pulls = []
    for seed in range(200):
        found = compare_stations(*stations(seed, n=60, offset=0.04, scale=1.1))
        pulls.append(
            [
                (found.slope - 1.1) / found.slope_error,
                (found.intercept - (0.04 - 7.0)) / found.intercept_error,
            ]
        )
    assert np.all(np.abs(np.mean(pulls, axis=0)) < 0.29)
    assert np.all(np.abs(np.std(pulls, axis=0) - 1) < 0.2)
    offsets = [compare_stations(*stations(seed, offset=0.04)) for seed in range(100)]
    pulls = [(found.offset - 0.04) / found.offset_error for found in offsets]
    assert abs(np.mean(pulls)) < 0.4
    assert abs(np.std(pulls) - 1) < 0.29


def test_scatter_is_split_into_noise_and_what_noise_does_not_explain() -> None:
    """Within 4 of their uncertainties each: a false alarm once in 5,000 seeds."""
    quiet = compare_stations(*stations(1))
    assert abs(quiet.pull_std - 1) < 4 / 400**0.5
    assert quiet.unexplained < 4 * quiet.unexplained_error
    drifting = compare_stations(*stations(1, drift=0.05))
    assert abs(drifting.unexplained - 0.05) < 4 * drifting.unexplained_error
    assert drifting.pull_std > 1.5
    low, high = drifting.limits
    a, _, b, _ = stations(2, drift=0.05, n=4000)
    assert ((b - a > low) & (b - a < high)).mean() == pytest.approx(0.95, abs=0.04)
    assert 0 < drifting.limits_error < drifting.scatter


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), shift=st.floats(-5, 5), factor=st.floats(0.1, 10))
def test_a_comparison_turns_with_its_stations_and_units(seed, shift, factor) -> None:
    a, ea, b, eb = stations(seed, n=20)
    one, other = compare_stations(a, ea, b, eb), compare_stations(b, eb, a, ea)
    assert other.offset == pytest.approx(-one.offset)
    assert other.slope == pytest.approx(1 / one.slope, rel=1e-6)
    moved = compare_stations(a * factor, ea * factor, b * factor + shift, eb * factor)
    assert moved.offset == pytest.approx(one.offset * factor + shift, abs=1e-6 * factor)
    assert moved.slope == pytest.approx(one.slope, rel=1e-6)
    assert moved.pull_std == pytest.approx(compare_stations(a, ea, b + shift / factor, eb).pull_std)


def test_devices_without_both_values_are_left_out() -> None:
    a, ea, b, eb = stations(3)
    plain = compare_stations(a[5:], ea[5:], b[5:], eb[5:])
    a[0], ea[1], b[2], eb[3], ea[4] = np.nan, np.nan, np.inf, 0.0, -1.0
    assert compare_stations(a, ea, b, eb).offset == plain.offset
    assert plain.devices == 195
    with pytest.raises(ValueError, match="3 devices"):
        compare_stations(a[5:8], ea[5:8], b[5:8], eb[5:8])
    with pytest.raises(ValueError, match="one length"):
        compare_stations(a, ea, b[1:], eb)


TRAYS = ("250717-1304", "250821-1301", "250821-1302", "250821-1303", "250821-1304")


def test_two_methods_on_measured_trays(shared_data: Path) -> None:
    """IV against single photon spectra on the same devices at 25 degC, five trays of 460: IV tells
    where avalanches begin, the line of gains where they are quenched, which is lower by one and the
    same 0.56 V (Chmill et al., NIM A 845 (2017) 56, saw such a difference). With it, each device is
    explained within 0.05 V."""
    offsets = []
    for tray in TRAYS:
        folder = shared_data / "lfhcal_trays" / tray
        iv = {row[1]: float(row[5]) for row in rows_of(folder / "IV_result.txt", 10)}
        sps = {
            row[0]: (float(row[6]), float(row[7]))
            for row in rows_of(folder / "SPS_result_onlynumbers.txt", 11)
        }
        both = sorted(set(iv) & set(sps))
        assert len(both) == 460
        a = np.array([iv[device] for device in both])
        b, eb = np.array([sps[device] for device in both]).T
        found = compare_stations(a, np.full(len(a), 0.01), b, eb)
        assert found.devices == 460
        assert found.offset_error < 0.001
        assert found.scatter < 0.02
        assert found.unexplained < 0.01
        assert np.mean(np.abs(b - a - found.offset) < 0.05) > 0.99
        offsets.append(found.offset)
    assert np.ptp(offsets) < 0.01
    assert np.mean(offsets) == pytest.approx(-0.565, abs=0.01)


def rows_of(path: Path, columns: int) -> list[list[str]]:
    rows = [line.split() for line in path.read_text().splitlines()]
    return [row for row in rows if len(row) == columns]


def test_largest_difference_does_not_grow_with_noise() -> None:
    """500 arrays whose true difference is 10 %: mean within 4 of its uncertainties, where the
    plain difference would be 2 sigma of a channel too large; 68 % within one uncertainty."""
    rng = np.random.default_rng(4)
    true = np.linspace(95, 105, 16)
    noise = 0.4
    found = np.array(
        [
            largest_difference(true + rng.normal(0, noise, 16), np.full(16, noise))
            for _ in range(500)
        ]
    )
    assert found[:, 0].mean() == pytest.approx(0.1, abs=0.0015)
    assert (np.abs(found[:, 0] - 0.1) < found[:, 1]).mean() == pytest.approx(0.68, abs=0.1)
    with pytest.raises(ValueError, match="two channels"):
        largest_difference([1.0, np.nan], [0.1, 0.1])


def test_bias_for_a_target_covers_the_truth() -> None:
    """Gain 30 a volt above 70 V, target at 71.5 V. Pulls over 300 seeds."""
    rng = np.random.default_rng(5)
    bias = np.array([71.0, 71.3, 71.6, 71.9, 72.2])
    line, parabola = [], []
    for _ in range(300):
        gain = 30 * (bias - 70) + rng.normal(0, 0.3, 5)
        value, error = bias_for_target(bias, gain, np.full(5, 0.3), 45.0)
        line.append((value - 71.5) / error)
        pde = 0.3 - 0.02 * (73.5 - bias) ** 2 + rng.normal(0, 0.002, 5)
        value, error = bias_for_target(bias, pde, np.full(5, 0.002), 0.22, curved=True)
        parabola.append((value - 71.5) / error)
    # Errors grow with chi2 / ndf where that is above one, so pulls are a little narrow.
    for pulls in (line, parabola):
        assert abs(np.mean(pulls)) < 0.25
        assert 0.75 < np.std(pulls) < 1.1


def test_a_target_outside_the_scan_is_no_bias() -> None:
    bias, gain = np.array([71.0, 72.0, 73.0]), np.array([30.0, 60.0, 90.0])
    error = np.full(3, 0.3)
    for target in (300.0, -100.0):
        with pytest.raises(LineError, match="outside the scan"):
            bias_for_target(bias, gain, error, target)
    with pytest.raises(LineError, match="never reaches"):
        bias_for_target(bias, [0.2, 0.25, 0.2], error, 0.4, curved=True)
    with pytest.raises(LineError, match="needs three"):
        bias_for_target(bias[:2], gain[:2], error[:2], 40, curved=True)
    with pytest.raises(LineError, match="usable points"):
        bias_for_target([71.0], [30.0], [0.3], 30.0)
    moved, _ = bias_for_target(bias, gain, error, 45.0, temperature_step_c=-10.0)
    assert moved == pytest.approx(71.5 - 0.56)


def test_values_move_to_a_reference_temperature_with_their_uncertainty() -> None:
    value, error = at_temperature(
        [70.0, 70.5], 0.01, [25.0, 15.0], 20.0, slope_per_c=0.056, slope_error_per_c=0.002
    )
    assert value == pytest.approx([69.72, 70.78])
    assert error == pytest.approx(np.hypot(0.01, 0.01))
    bias, error = bias_for_overvoltage(1.5, 70.0, 0.01, measured_c=25.0, slope_error_v_per_c=0.002)
    assert bias == pytest.approx(71.22)
    assert error == pytest.approx(np.hypot(0.01, 0.01))
    with pytest.raises(ValueError, match="positive"):
        bias_for_overvoltage(0.0, 70.0, 0.01)


def test_a_line_tells_where_it_reaches_a_value() -> None:
    line = fit_line([-10.0, 0.0, 10.0, 20.0], [69.0, 69.56, 70.12, 70.68], np.full(4, 0.01))
    assert line.slope == pytest.approx(0.056)
    assert line.slope_error == pytest.approx(0.01 / np.sqrt(500))
    x, error = line.where(69.84)
    assert x == pytest.approx(5.0)
    assert error == pytest.approx(0.01 / 2 / 0.056, rel=1e-6)

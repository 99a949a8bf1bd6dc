"""Simulated waveforms and IV curves hold what their truth says."""

from __future__ import annotations

import numpy as np
import pytest

from mppcqa.physics import dark_rate_at, simulate_iv, simulate_waveforms
from mppcqa.physics.waveform_simulation import AFTERPULSE, CROSSTALK, DARK, LIGHT


def make(seed: int = 1, **more):
    settings = {"sampling_s": 2e-9, "dark_rate_hz": 1e6, "crosstalk_probability": 0.2, **more}
    return simulate_waveforms(np.random.default_rng(seed), 400, 1000, **settings)


def test_the_same_seed_gives_the_same_waveforms() -> None:
    first, second, other = make(3)[0], make(3)[0], make(4)[0]
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_counts_follow_what_was_asked_for() -> None:
    """Each count within 4 sigma of its expectation: a false alarm once in 5,000 seeds."""
    adc, truth = make(afterpulse_probability=0.1)
    assert adc.shape == (400, 1000)
    expected = 1e6 * 400 * 1000 * 2e-9
    assert truth.count(DARK) == pytest.approx(expected, abs=4 * expected**0.5)
    # Every avalanche has lambda children, so of all avalanches the fraction lambda is crosstalk.
    everything = sum(truth.count(cause) for cause in (DARK, LIGHT, CROSSTALK, AFTERPULSE))
    children = -np.log(0.8) * everything
    assert truth.count(CROSSTALK) == pytest.approx(children, abs=4 * children**0.5)
    after = 0.1 * everything
    assert truth.count(AFTERPULSE) == pytest.approx(after, abs=5 * after**0.5)
    assert truth.amplitude_pe.max() == 1
    assert 0 < truth.amplitude_pe[truth.cause == AFTERPULSE].min() < 0.5


def test_the_waveform_is_the_sum_of_its_pulses() -> None:
    """Campbell's theorem: the mean is rate times pulse area, here closed form; tolerance 4 %
    is 5 sigma of the Poisson number of pulses."""
    adc, truth = make(crosstalk_probability=0.0, noise=1.0, amplitude=500.0, baseline=-3000.0)
    peak = np.log(25 / 2) * 2 * 25 / 23
    area = 500 * (25 - 2) / (np.exp(-peak / 25) - np.exp(-peak / 2)) * 1e-9
    assert adc.mean() + 3000 == pytest.approx(area * 1e6, rel=0.2)
    n = truth.count(DARK)
    assert (adc + 3000.0).sum() * 2e-9 == pytest.approx(n * area, rel=0.04)
    down = make(crosstalk_probability=0.0, noise=1.0, polarity=-1)[0]
    up = make(crosstalk_probability=0.0, noise=1.0)[0]
    assert down.min() < -150
    assert up.max() > 150


def test_light_comes_when_it_is_pulsed() -> None:
    _, truth = make(dark_rate_hz=0.0, light_pe=2.0, light_time_s=300e-9)
    assert truth.count(LIGHT) == pytest.approx(800, abs=120)
    assert np.all(truth.time_s == 300e-9)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"crosstalk_probability": 0.7}, "without end"),
        ({"dark_rate_hz": -1.0}, "negative"),
        ({"decay_s": 1e-9}, "slower"),
        ({"afterpulse_probability": 1.0}, "outside"),
        ({"dark_rate_hz": 1e12}, "fewer waveforms"),
    ],
)
def test_what_can_not_be_simulated_is_refused(wrong, message) -> None:
    with pytest.raises(ValueError, match=message):
        make(**wrong)


def test_iv_curves_break_down_where_the_truth_says() -> None:
    bias = np.linspace(60, 73, 131)
    kinds = {"relative_noise": 0.0, "noise_a": 0.0, "light_rate_hz": 1e9}
    warm, truth = simulate_iv(np.random.default_rng(0), bias, temperature_c=30.0, **kinds)
    assert truth.breakdown_voltage_v == pytest.approx(70.56)
    rise = bias[np.argmax(np.diff(np.log(warm)))]
    assert rise == pytest.approx(70.56, abs=0.15)
    assert np.all(np.diff(warm) > 0)
    limited, _ = simulate_iv(np.random.default_rng(0), bias, compliance_a=1e-6, **kinds)
    assert limited.max() == 1e-6


def test_forward_slope_is_the_quenching_resistance_of_all_pixels() -> None:
    bias = np.array([-3.0, -2.9])
    current, truth = simulate_iv(np.random.default_rng(0), bias, relative_noise=0, noise_a=0)
    resistance = 3600 * (bias[1] - bias[0]) / (current[1] - current[0])
    # The diode in series adds n k T / I of its own: 2 % at these 60 mA.
    assert resistance == pytest.approx(truth.quenching_ohm, rel=0.04)


def test_dark_rate_doubles() -> None:
    assert dark_rate_at(1e6, 29.0) == pytest.approx(2e6)
    with pytest.raises(ValueError, match="finite"):
        simulate_iv(np.random.default_rng(0), [1.0, float("nan")])

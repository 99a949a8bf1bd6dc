"""Channels that see the same pulses tell how much the light varies, and their fits are told it."""

from __future__ import annotations

import numpy as np
import pytest

from mppcqa.physics import (
    PulseShape,
    fit_spectra,
    histogram_pairs,
    light_variance_of,
    simulate_charges,
)

PULSE = PulseShape(decay_per_gate=0.1, rise_per_gate=0.015)
CROSSTALK = 0.15


def _charges(
    rng: np.random.Generator, channels: int, spread: float, light: float, common: float = 0.0
) -> np.ndarray:
    """Charges (10,000 pulses, channels) of light that varies by `spread`, and noise in common."""
    pulses = light * np.maximum(1 + spread * rng.standard_normal(200), 0.0)
    charges = np.concatenate([
        np.stack([
            simulate_charges(
                rng, 50, mean_light_pe=one * (1 + 0.02 * channel), gain=40.0, pedestal=100.0,
                pedestal_width=4.0, pe_width=2.5, crosstalk_probability=CROSSTALK,
                dark_counts_per_gate=0.01, pulse=PULSE,
            )
            for channel in range(channels)
        ], axis=1)
        for one in pulses
    ])  # fmt: skip
    return charges + common * rng.standard_normal((len(charges), 1))


@pytest.mark.parametrize("spread", [0.0, 0.15])
def test_the_light_of_an_array_says_how_much_it_varies(spread: float) -> None:
    """Eight channels whose noise goes together; 200 amplitudes tell their variance to a tenth."""
    rng = np.random.default_rng(70)
    light = _charges(rng, 8, spread, 2.0, common=6.0)
    dark = _charges(rng, 8, 0.0, 0.0, common=6.0)
    found = light_variance_of(light, dark=dark)
    assert found is not None
    assert abs(found[0] - spread**2) < 5 * np.hypot(found[1], 0.1 * spread**2)
    assert found[1] < 0.002


def test_light_that_is_known_not_to_vary_makes_light_and_crosstalk_surer() -> None:
    """16 channels: light and crosstalk are off by as much as they say, and by less than without."""
    rng = np.random.default_rng(71)
    light, dark = _charges(rng, 16, 0.0, 2.0), _charges(rng, 16, 0.0, 0.0)
    lit, unlit, edges, _ = histogram_pairs(light, dark)
    told = light_variance_of(light, dark=dark)
    known = fit_spectra(lit, edges, dark_counts=unlit, pulse=PULSE, light_variance=told)
    guessed = fit_spectra(lit, edges, dark_counts=unlit, pulse=PULSE)
    assert not known.status.any()
    true = {"mean_light_pe": 2.0 * (1 + 0.02 * np.arange(16)),
            "crosstalk_children": -np.log1p(-CROSSTALK)}  # fmt: skip
    for name, right in true.items():
        value, error = known.get(name)
        assert (error < 0.8 * guessed.get(name)[1]).all(), name
        # A width of 16 pulls is known to 0.18 of itself.
        assert 0.45 < np.std((value - right) / error) < 1.7, name


def test_light_that_varies_is_fitted_as_it_does() -> None:
    """16 channels whose light varies by 0.2: all lie within five of their uncertainties, which are
    smaller than those of channels that are not told."""
    rng = np.random.default_rng(72)
    light, dark = _charges(rng, 16, 0.2, 3.0), _charges(rng, 16, 0.0, 0.0)
    lit, unlit, edges, _ = histogram_pairs(light, dark)
    told = light_variance_of(light, dark=dark)
    fits = fit_spectra(lit, edges, dark_counts=unlit, pulse=PULSE, light_variance=told)
    guessed = fit_spectra(lit, edges, dark_counts=unlit, pulse=PULSE)
    assert not fits.status.any()
    crosstalk, error = fits.crosstalk_probability
    assert (np.abs(crosstalk - CROSSTALK) / error).max() < 5
    assert np.median(error / guessed.crosstalk_probability[1]) < 0.9
    off = np.abs(crosstalk - CROSSTALK).mean()
    assert off < np.abs(guessed.crosstalk_probability[0] - CROSSTALK).mean()


def test_what_are_no_common_pulses_tells_nothing() -> None:
    """One channel, charges in order as of a histogram, few pulses, channels that end with the
    digitizer."""
    rng = np.random.default_rng(73)
    light = 40.0 * rng.poisson(2.0, (5000, 4)) + rng.standard_normal((5000, 4))
    none = np.zeros(4)
    assert light_variance_of(light, pedestals=none) is not None
    assert light_variance_of(light[:, :1], pedestals=none[:1]) is None
    assert light_variance_of(np.sort(light, axis=0), pedestals=none) is None
    assert light_variance_of(light[:300], pedestals=none) is None
    assert light_variance_of(np.minimum(light, 100.0), pedestals=none) is None
    lost = light.copy()
    lost[:, 1:] = np.nan
    assert light_variance_of(lost, pedestals=none) is None
    with pytest.raises(ValueError, match="must be told"):
        light_variance_of(light)
    with pytest.raises(ValueError, match="uncertainties above zero"):
        fit_spectra(np.ones((1, 50)), np.arange(51.0), light_variance=(0.0, 0.0))

"""Light, excess noise and light fields against truth that does not come from our formulas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mppcqa.physics import (
    LineError,
    excess_noise_factor,
    fit_light_field,
    fit_spectra,
    histogram_pairs,
    mean_light_from_spectra,
    pedestal_end,
    simulate_charges,
    simulate_charges_with_truth,
)

GAIN = 40.0


def spectra(mu: float, crosstalk: float, dark: float, width: float, n: int = 12):
    """Light and dark spectra (n, bins) and their edges, of 30,000 events each."""
    rng = np.random.default_rng(8)
    parts = [
        np.stack(
            [
                simulate_charges(
                    rng,
                    30_000,
                    mean_light_pe=light,
                    gain=GAIN,
                    pedestal=7.0,
                    pe_width=width * GAIN,
                    crosstalk_probability=crosstalk,
                    dark_counts_per_gate=dark,
                )
                for _ in range(n)
            ],
            axis=1,
        )
        for light in (mu, 0.0)
    ]
    return histogram_pairs(*parts)[:3]


@pytest.mark.parametrize(
    ("crosstalk", "dark", "width"), [(0, 0, 0.08), (0.3, 0.1, 0.08), (0.1, 0.2, 0.2)]
)
@pytest.mark.parametrize("mu", [0.3, 1.5, 4.0])
def test_light_from_pairs_of_spectra(
    mu: float, crosstalk: float, dark: float, width: float
) -> None:
    """Mean pull of 12 beyond 1.2 is beyond 4 sigma; dark counts and crosstalk don't move it."""
    light, unlit, edges = spectra(mu, crosstalk, dark, width)
    fits = fit_spectra(light, edges, dark_counts=unlit)
    found, error = mean_light_from_spectra(light, unlit, edges, pedestal_end(fits))
    pulls = (found - mu) / error
    assert abs(pulls.mean()) < 1.2
    assert 0.4 < pulls.std() < 1.8


@pytest.mark.parametrize(("crosstalk", "width"), [(0.0, 0.0), (0.2, 0.0), (0.2, 0.15)])
def test_excess_noise_of_crosstalk_and_gain_spread(crosstalk: float, width: float) -> None:
    """Generalised Poisson: 1 / (1 - l) and, of the spread, (s1 / G)^2 (1 - l)."""
    light, unlit, edges = spectra(2.0, crosstalk, 0.0, width)
    found, error = excess_noise_factor(light, unlit, edges, 2.0, 0.0)
    left = 1 + np.log1p(-crosstalk)
    pulls = (found - (1 / left + width**2 * left)) / error
    assert abs(pulls.mean()) < 1.2
    assert 0.4 < pulls.std() < 1.8


def test_no_light_has_no_excess_noise_and_no_pedestal_no_light() -> None:
    dark = np.full((1, 10), 50.0)
    factor, error = excess_noise_factor(dark, dark, np.arange(11.0), 0.0, 0.01)
    assert np.isnan([factor, error]).all()
    light = np.zeros((1, 10))
    light[0, 9] = 100
    assert np.isnan(mean_light_from_spectra(light, dark, np.arange(11.0), [5.0])).all()
    assert np.isnan(mean_light_from_spectra(dark, dark, np.arange(11.0), [np.nan])).all()


def test_factors_of_a_tilted_beam_with_noise() -> None:
    """200 scans of a Gaussian beam: pulls of factors at places that were not measured."""
    rng = np.random.default_rng(5)
    x, y = (part.ravel() for part in np.meshgrid(np.linspace(-10, 10, 6), np.linspace(-8, 8, 5)))

    def beam(x, y):
        return 30 * np.exp(-((x - 2) ** 2 + 0.5 * x * y + 2 * (y + 1) ** 2) / 600)

    places = np.array([[3.3, -7.7, 9.1], [1.1, 4.4, -6.6]])
    truth = beam(*places) / beam(0.0, 0.0)
    pulls = []
    for _ in range(200):
        seen = beam(x, y) * rng.normal(1, 0.01, len(x))
        field = fit_light_field(x, y, seen, 0.01 * beam(x, y))
        value, covariance = field.factors(*places, (0.0, 0.0))
        pulls.append((value - truth) / np.sqrt(np.diag(covariance)))
    assert np.abs(np.mean(pulls, axis=0)).max() < 0.3
    assert 0.8 < np.std(pulls) < 1.1


@pytest.mark.parametrize(
    ("x", "y", "light", "message"),
    [
        ([0, 1, 2], [0, 1, 2], [1, 1, 1], "3 usable places"),
        ([0, 1, 2, 3, 4, 5, 6], [0] * 7, [1] * 7, "too few lines"),
        ([0, 1, 2, 3, 4, 5, 6], [0, 1, 0, 1, 2, 1, 5], [np.nan] * 7, "0 usable places"),
    ],
)
def test_places_that_tell_no_field(x, y, light, message) -> None:
    with pytest.raises(LineError, match=message):
        fit_light_field(x, y, light, np.full(len(x), 0.1))


NUMBERS = st.sampled_from([0.0, 1.0, 3.0, 1e9, -1.0, float("nan"), float("inf")])


@settings(max_examples=100)
@given(
    counts=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=0, max_size=12),
    shift=st.integers(-1, 1),
    end=NUMBERS,
    light=NUMBERS,
)
def test_any_counts_give_a_value_with_its_error_or_a_named_error(counts, shift, end, light) -> None:
    lit, dark = ([one[i] for one in counts] for i in (0, 1))
    edges = np.arange(max(len(counts) + 1 + shift, 0), dtype=float)
    for work in (
        lambda: mean_light_from_spectra(lit, dark, edges, end),
        lambda: excess_noise_factor(lit, dark, edges, light, 0.1),
    ):
        try:
            value, error = work()
        except ValueError:
            continue
        assert (np.isnan(value) == np.isnan(error)).all()
        assert (error[np.isfinite(error)] >= 0).all()


def test_truth_beside_charges_is_what_made_them() -> None:
    """Without noise, charges of events with light alone are whole gains of their avalanches."""
    settings_ = {
        "mean_light_pe": 1.5,
        "gain": GAIN,
        "pedestal_width": 0.0,
        "pe_width": 0.0,
        "crosstalk_probability": 0.2,
        "dark_counts_per_gate": 0.2,
        "afterpulses": 0.1,
    }
    charges, truth = simulate_charges_with_truth(np.random.default_rng(3), 50_000, **settings_)
    same = simulate_charges(np.random.default_rng(3), 50_000, **settings_)
    np.testing.assert_array_equal(charges, same)
    alone = (truth.dark == 0) & (truth.afterpulses == 0)
    avalanches = (truth.light + truth.crosstalk)[alone]
    np.testing.assert_allclose(charges[alone], GAIN * avalanches, atol=1e-9)
    assert abs(truth.light.mean() - 1.5) < 4 * np.sqrt(1.5 / 50_000)

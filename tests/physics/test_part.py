"""A person may choose which bins are fitted and what may be free."""

from __future__ import annotations

import numpy as np
import pytest

from mppcqa.physics import fit_spectra, histogram_pairs, simulate_charges

GAIN, LIGHT = 40.0, 1.5


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(19)
    light, dark = (
        simulate_charges(rng, 20_000, mean_light_pe=mu, gain=GAIN, crosstalk_probability=0.1)
        for mu in (LIGHT, 0.02)
    )
    lit, unlit, edges, _ = histogram_pairs(light[:, None], dark[:, None])
    return lit, unlit, edges


def test_of_a_range_only_its_bins_are_fitted(pair: tuple[np.ndarray, ...]) -> None:
    """The gain within five standard uncertainties, false alarms below 1 in 1e6."""
    light, dark, edges = pair
    whole = fit_spectra(light, edges, dark_counts=dark)
    part = fit_spectra(light, edges, dark_counts=dark, between=(-30.0, 4.5 * GAIN))
    assert part.message(0) == ""
    assert part.events[0] < whole.events[0]
    gain, error = (one[0] for one in part.get("gain"))
    assert error > whole.get("gain")[1][0]
    assert abs(gain - GAIN) < 5 * error
    # What lies outside of the range changes nothing.
    moved = light.copy()
    moved[0, edges[0, 1:] > 5 * GAIN] += 7
    again = fit_spectra(moved, edges, dark_counts=dark, between=(-30.0, 4.5 * GAIN))
    assert again.values[0].tolist() == part.values[0].tolist()


def test_a_range_that_leaves_too_little_says_so(pair: tuple[np.ndarray, ...]) -> None:
    light, dark, edges = pair
    for between, why in (((1e4, 2e4), "fewer than 100 events"), ((38.0, 42.0), "fewer than five")):
        found = fit_spectra(light, edges, dark_counts=dark, between=between)
        assert why in found.message(0)
        assert np.isnan(found.values[0]).all()


def test_what_is_held_does_nothing(pair: tuple[np.ndarray, ...]) -> None:
    light, dark, edges = pair
    shifted = np.roll(light, 4, axis=1)
    free = fit_spectra(shifted, edges, dark_counts=dark)
    held = fit_spectra(shifted, edges, dark_counts=dark, held=("dark_pedestal_shift",))
    assert free.seen[0, 0]
    assert not held.freed[0, 0]
    assert held.message(0) or held.chi2[0] > free.chi2[0]
    quiet = fit_spectra(light, edges, dark_counts=dark, held=("afterpulses", "light_variance"))
    assert quiet.get("afterpulses")[0][0] == quiet.get("afterpulses")[1][0] == 0
    with pytest.raises(ValueError, match="'gain' can't be held"):
        fit_spectra(light, edges, held=("gain",))

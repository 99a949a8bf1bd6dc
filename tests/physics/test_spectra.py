"""The fit against simulated truth: pulls, refusals, and what it says when it can't."""

from __future__ import annotations

import numpy as np
import pytest

from mppcqa.physics import (
    fit_spectra,
    histogram_charges,
    light_variance_of,
    simulate_charges,
)
from mppcqa.physics.spectra import PARAMETERS

TRUTH = {
    "pedestal": 12.0,
    "gain": 40.0,
    "pedestal_width": 4.8,
    "pe_width": 3.2,
    "crosstalk_children": 0.128,
}


def _charges(rng: np.random.Generator, n: int, events: int, light: float, dark: float):
    return np.stack(
        [
            simulate_charges(
                rng,
                events,
                mean_light_pe=light,
                gain=40.0,
                pedestal=12.0,
                pedestal_width=4.8,
                pe_width=3.2,
                crosstalk_probability=1 - np.exp(-0.128),
                dark_counts_per_gate=dark,
                afterpulses=0.03,
            )
            for _ in range(n)
        ],
        axis=1,
    )


@pytest.mark.parametrize(("light", "dark"), [(0.5, 0.05), (2.0, 0.0), (2.0, 0.15), (6.0, 0.05)])
def test_pulls_of_light_and_dark_spectra_together(light: float, dark: float) -> None:
    """60 spectra: a mean pull beyond 0.5 is beyond 3.9 sigma, a width beyond 1.4 beyond 4."""
    rng = np.random.default_rng(20261123)
    with_light = _charges(rng, 60, 10000, light, dark)
    in_dark = _charges(rng, 60, 10000, 0.0, dark)
    _counts, edges, _ = histogram_charges(np.concatenate([with_light, in_dark]))
    lights = np.stack([np.histogram(with_light[:, i], edges[i])[0] for i in range(60)])
    darks = np.stack([np.histogram(in_dark[:, i], edges[i])[0] for i in range(60)])
    # All 60 see the same pulses, whose light does not vary; alone none tells that.
    seen = light_variance_of(with_light, dark=in_dark)
    fits = fit_spectra(lights, edges, dark_counts=darks, light_variance=seen)
    assert not fits.status.any(), [fits.message(i) for i in np.flatnonzero(fits.status)]
    assert 0.8 < np.mean(fits.chi2 / fits.ndf) < 1.2
    for name, truth in {**TRUTH, "mean_light_pe": light, "dark_counts_per_gate": dark}.items():
        values, errors = fits.get(name)
        if name == "dark_counts_per_gate" and dark == 0:
            assert (values < 5e-3).all()
            continue
        pulls = (values - truth) / errors
        assert abs(pulls.mean()) < 0.5, name
        assert 0.6 < pulls.std() < 1.4, name


def test_dark_spectra_alone() -> None:
    """40 spectra of one device; the gain is given less certain by what two may look like."""
    rng = np.random.default_rng(7)
    counts, edges, bad = histogram_charges(_charges(rng, 40, 20000, 0.0, 0.1))
    fits = fit_spectra(counts, edges, light=False)
    assert not fits.status.any()
    assert not bad.any()
    for name, truth in {**TRUTH, "dark_counts_per_gate": 0.1}.items():
        values, errors = fits.get(name)
        pulls = (values - truth) / errors
        assert abs(pulls.mean()) < 0.65, name
        assert (0.2 if name == "gain" else 0.5) < pulls.std() < 1.5, name


def test_scale_and_offset_only_scale_and_shift() -> None:
    rng = np.random.default_rng(11)
    charges = _charges(rng, 4, 20000, 1.5, 0.0)
    counts, edges, _ = histogram_charges(charges)
    one = fit_spectra(counts, edges)
    other = fit_spectra(counts, edges * 1e-3 - 7.0)
    np.testing.assert_allclose(other.get("gain")[0], one.get("gain")[0] * 1e-3, rtol=1e-6)
    np.testing.assert_allclose(other.get("pedestal")[0], one.get("pedestal")[0] * 1e-3 - 7.0)
    np.testing.assert_allclose(other.get("mean_light_pe")[0], one.get("mean_light_pe")[0])


def test_what_can_not_be_fitted_is_named_and_spoils_no_neighbour() -> None:
    rng = np.random.default_rng(5)
    good, edges, _ = histogram_charges(_charges(rng, 1, 10000, 1.5, 0.0))
    bins = good.shape[1]
    smooth = np.exp(-0.5 * ((np.arange(bins) - 200) / 40) ** 2) * 300
    spectra = np.stack(
        [
            good[0],
            np.zeros(bins),
            np.where(np.arange(bins) == 10, 5000, 0),
            np.where(np.arange(bins) == 10, np.nan, good[0]),
            np.where(np.arange(bins) == 10, -1, good[0]),
            rng.poisson(smooth),
        ]
    )
    fits = fit_spectra(spectra, edges[0])
    assert list(fits.status[:5]) == [0, 1, 5, 4, 4]
    assert fits.status[5] in (2, 3)
    for i in range(1, 6):
        assert fits.message(i)
        assert np.isnan(fits.values[i]).all()
        assert np.isnan(fits.errors[i]).all()
    alone = fit_spectra(good, edges)
    np.testing.assert_allclose(fits.values[0], alone.values[0], rtol=1e-6)


def test_parameters_are_named_once() -> None:
    assert len(set(PARAMETERS)) == len(PARAMETERS) == 8


def test_charges_that_are_not_finite_are_counted() -> None:
    charges = np.full((200, 2), 3.0)
    charges[::2, 1] = np.nan
    charges[1, 1] = np.inf
    _, _, bad = histogram_charges(charges)
    assert list(bad) == [0, 101]

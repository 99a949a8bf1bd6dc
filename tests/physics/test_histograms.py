"""Histograms of charges: against NumPy's, with what a digitizer does, with what is no charge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mppcqa.physics import fit_spectra, histogram_charges, histogram_pairs, simulate_charges


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    events=st.integers(0, 3000),
    channels=st.integers(1, 20),
    bins=st.integers(1, 500),
    holes=st.sampled_from([0.0, 0.01, 1.0]),
    step=st.sampled_from([0.0, 1.0, 0.25, 7.0]),
    kind=st.sampled_from([np.float32, np.float64, np.int16]),
)
def test_every_finite_charge_is_counted_once(
    seed, events, channels, bins, holes, step, kind
) -> None:
    rng = np.random.default_rng(seed)
    charges = rng.normal(50, rng.uniform(0, 30), (events, channels))
    if step:
        charges = step * np.rint(charges / step)
    charges = charges.astype(kind)
    if kind != np.int16:
        charges[rng.random(charges.shape) < holes] = rng.choice([np.nan, np.inf, -np.inf])
    counts, edges, bad = histogram_charges(charges, bins)
    assert counts.shape == (channels, bins)
    assert (np.diff(edges, axis=1) > 0).all()
    np.testing.assert_array_equal(bad, (~np.isfinite(charges)).sum(axis=0))
    for channel in range(channels):
        values = charges[:, channel]
        values = values[np.isfinite(values)].astype(float)
        inside = np.clip(values, edges[channel, 0], np.nextafter(edges[channel, -1], -np.inf))
        expected = np.histogram(inside, edges[channel])[0]
        # A charge that lies on an edge may fall to either side.
        near = 1e-6 * (edges[channel, -1] - edges[channel, 0])
        on_edge = (np.abs(values[:, None] - edges[channel]) < near).sum(axis=0)
        assert (np.abs(np.cumsum(expected - counts[channel])) <= on_edge[1:]).all()
        assert counts[channel].sum() == len(values)


@pytest.mark.parametrize(("gain", "step"), [(10.0, 1.0), (40.0, 1.0), (40.0, 0.3), (200.0, 1.0)])
def test_charges_in_a_digitizers_steps_are_fitted_like_smooth_ones(
    gain: float, step: float
) -> None:
    """16 spectra, each smooth and in steps: the same events, so their gains agree within noise."""
    rng = np.random.default_rng(11)
    light, dark = (
        np.stack(
            [
                simulate_charges(rng, 20000, mean_light_pe=mu, gain=gain, dark_counts_per_gate=0.05)
                for _ in range(16)
            ],
            axis=1,
        )
        for mu in (2.0, 0.0)
    )
    found = []
    for charges in ((light, dark), [step * np.rint(part / step) + 0.1 for part in (light, dark)]):
        lit, unlit, edges, _ = histogram_pairs(*[part.astype(np.float32) for part in charges])
        fits = fit_spectra(lit, edges, dark_counts=unlit)
        assert not fits.status.any(), fits.message(int(np.flatnonzero(fits.status)[0]))
        assert 0.8 < np.mean(fits.chi2 / fits.ndf) < 1.2
        found.append(fits)
    value, error = found[0].get("gain")
    assert np.abs(found[1].get("gain")[0] - value).max() < error.max()
    np.testing.assert_allclose(
        found[1].get("pedestal")[0], found[0].get("pedestal")[0] + 0.1, atol=0.1 * gain * 0.12
    )


def test_levels_lie_in_the_middle_of_bins_of_whole_steps() -> None:
    charges = np.random.default_rng(2).integers(-40, 4000, (5000, 3)).astype(np.float32)
    _, edges, _ = histogram_charges(charges)
    width = np.diff(edges, axis=1)
    np.testing.assert_allclose(width, np.rint(width), atol=1e-6)
    np.testing.assert_allclose(edges % 1, 0.5, atol=1e-6)


def test_channels_that_do_not_match_are_refused() -> None:
    with pytest.raises(ValueError, match="3 channels"):
        histogram_pairs(np.zeros((5, 3)), np.zeros((5, 2)))
    with pytest.raises(ValueError, match="events, channels"):
        histogram_charges(np.zeros(5))

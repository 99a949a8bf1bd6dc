"""Pairs of spectra with a trouble each: it is seen, fitted, and the values are right."""

from __future__ import annotations

import numpy as np
import pytest

from mppcqa.physics import (
    PulseShape,
    SpectrumFits,
    expected_counts,
    fit_spectra,
    histogram_pairs,
    simulate_charges,
)
from mppcqa.physics.spectra import TROUBLES

PULSE = PulseShape(25 / 150, 2 / 150)
EVENTS = 40_000
DEVICE = {"gain": 40.0, "pedestal": 100.0, "pedestal_width": 3.2, "pe_width": 2.0,
          "crosstalk_probability": 0.12, "afterpulses": 0.015}  # fmt: skip
TRUTH = {"gain": 40.0, "mean_light_pe": 3.0, "crosstalk_children": -np.log(0.88)}


def charges(rng: np.random.Generator, light: float, dark: float, **more: float) -> np.ndarray:
    return simulate_charges(
        rng, EVENTS, mean_light_pe=light, dark_counts_per_gate=dark, pulse=PULSE,
        **{**DEVICE, **more},
    )  # fmt: skip


def fit(lit: np.ndarray, unlit: np.ndarray) -> tuple[SpectrumFits, tuple[np.ndarray, ...]]:
    light, dark, edges, _ = histogram_pairs(lit[:, None], unlit[:, None])
    return fit_spectra(light, edges, dark_counts=dark, pulse=PULSE), (light[0], dark[0], edges[0])


def seen(fits: SpectrumFits, name: str) -> bool:
    return bool(fits.seen[0, TROUBLES.index(name)])


def troubled(kind: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([seed, len(kind)])
    lit, unlit = charges(rng, 3.0, 0.06), charges(rng, 0.0, 0.06)
    if kind == "burst_fraction":
        for part in (lit, unlit):
            part += 16 * rng.standard_normal(EVENTS) * (rng.random(EVENTS) < 0.03)
    elif kind == "log_dark_rate_ratio":
        unlit = charges(rng, 0.0, 0.03)
    elif kind == "dark_pedestal_shift":
        unlit += 2.0
    elif kind == "light_variance":
        mean = 3 * np.maximum(0, 1 + 0.25 * rng.standard_normal(400))
        lit = np.concatenate([charges(rng, float(m), 0.06)[: EVENTS // 400] for m in mean])
    return lit, unlit


@pytest.mark.parametrize(
    "kind", ["burst_fraction", "log_dark_rate_ratio", "dark_pedestal_shift", "light_variance"]
)
def test_what_troubles_a_pair_is_fitted_with_it(kind: str) -> None:
    """Two seeds; a deviation beyond 4.5 sigma is one in 150,000 for each of six values."""
    for seed in range(2):
        fits, (light, dark, edges) = fit(*troubled(kind, seed))
        assert fits.status[0] == 0, fits.message(0)
        assert seen(fits, kind)
        for name, truth in TRUTH.items():
            value, error = (part[0] for part in fits.get(name))
            # 400 amplitudes scatter by 0.25 / 20 in their mean, which is the light that there was.
            more = 0.04 if (kind, name) == ("light_variance", "mean_light_pe") else 0.0
            assert abs(value - truth) < 4.5 * np.hypot(error, more), (seed, name)
        for counts, lit in ((light, True), (dark, False)):
            curve = expected_counts(fits, 0, edges, EVENTS, light=lit, pulse=PULSE)
            used = curve > 10
            chi2 = ((counts - curve)[used] ** 2 / curve[used]).sum()
            assert chi2 < used.sum() + 6 * np.sqrt(2 * used.sum())


def test_a_quiet_pair_has_no_troubles() -> None:
    """Of ten pairs with four troubles looked for at three sigma, fewer than three are seen."""
    rng = np.random.default_rng(4)
    pairs = [(charges(rng, 3.0, 0.06), charges(rng, 0.0, 0.06)) for _ in range(10)]
    found = [fit(*pair)[0] for pair in pairs]
    assert sum(int(one.seen[0].any()) for one in found) < 3
    assert all(0 < one.p_value[0] <= 1 for one in found)

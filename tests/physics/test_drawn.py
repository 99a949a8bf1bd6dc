"""Spectra that electronics draw down or comb, and light that was off: right, or the reason."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.truth_cases import draw

from mppcqa.physics import PulseShape, expected_counts, fit_spectra, histogram_pairs
from mppcqa.physics.spectra import NO_LIGHT

GAIN, LIGHT, RATE, CHILDREN, DECAY = 40.0, 2.0, 0.1, 0.12, 0.05
PULSE = PulseShape(decay_per_gate=DECAY)


def _charges(rng, light: float, window: float = 0.0, coupling: float = 0.0, events: int = 20000):
    """Charges (events,), avalanche by avalanche; times in gates, light at the gate's start."""
    early = 8 * DECAY + window + 5 * coupling
    lit, dark = rng.poisson(light, events), rng.poisson(RATE * (early + 1), events)
    event = np.concatenate([np.repeat(np.arange(events), lit), np.repeat(np.arange(events), dark)])
    time = np.concatenate([np.zeros(lit.sum()), rng.uniform(-early, 1, dark.sum())])

    def come(t):
        return -np.expm1(-np.maximum(t, 0) / DECAY)

    seen = come(1 - time) - come(-time)
    if window:
        seen -= (come(-time) - come(-window - time)) / window
    if coupling:
        seen -= np.exp(-np.maximum(-time, 0) / coupling) - np.exp(-(1 - time) / coupling)
    size = newest = np.ones(len(time), int)
    while newest.any():
        newest = rng.poisson(CHILDREN * newest)
        size = size + newest
    spread = size + 0.06 * np.sqrt(size) * rng.standard_normal(len(time))
    whole = come(1.0) - (-np.expm1(-1 / coupling) if coupling else 0.0)
    found = np.bincount(event, seen * spread, events) * GAIN / whole
    return 100 + found + 4 * rng.standard_normal(events)


def _pair(rng, **drawn: float):
    return histogram_pairs(
        np.rint(_charges(rng, LIGHT, **drawn))[:, None],
        np.rint(_charges(rng, 0.0, **drawn))[:, None],
    )


@pytest.mark.parametrize(
    ("drawn", "name"),
    [({"window": 0.5}, "baseline_per_gate"), ({"coupling": 3.0}, "coupling_per_gate")],
)
def test_spectra_that_are_drawn_down_tell_it_and_keep_their_values(drawn, name) -> None:
    """Neither is told to the fit; told, it says the same."""
    light, dark, edges, _ = _pair(np.random.default_rng(5), **drawn)
    fits = fit_spectra(light, edges, dark_counts=dark, pulse=PULSE)
    assert fits.status[0] == 0, fits.message(0)
    (length,) = drawn.values()
    assert length / 2 < getattr(fits, name)[0] < 2 * length
    told = PulseShape(decay_per_gate=DECAY, **{name: length})
    for one in (fits, fit_spectra(light, edges, dark_counts=dark, pulse=told)):
        for quantity, truth in {
            "gain": GAIN,
            "mean_light_pe": LIGHT,
            "crosstalk_children": CHILDREN,
            "dark_counts_per_gate": RATE,
        }.items():
            value, error = (part[0] for part in one.get(quantity))
            assert abs(value - truth) < 4 * error < 0.6 * truth, quantity
    curve = expected_counts(fits, 0, edges[0], light[0].sum(), pulse=PULSE)
    tail = edges[0, 1:] < 80
    assert abs(curve[tail].sum() - light[0][tail].sum()) < 5 * np.sqrt(light[0][tail].sum())


def test_codes_that_are_never_given_cost_nothing_but_certainty() -> None:
    rng = np.random.default_rng(6)
    parts = []
    for light in (LIGHT, 0.0):
        code = np.rint(_charges(rng, light)).astype(int)
        parts.append((code + (code % 23 == 5))[:, None])
    for bins in (460, 120):  # of one code, and of several
        light, dark, edges, _ = histogram_pairs(*parts, bins)
        fits = fit_spectra(light, edges, dark_counts=dark, pulse=PULSE)
        assert fits.status[0] == 0, fits.message(0)
        assert light.sum() == len(parts[0])
        for quantity, truth in {"gain": GAIN, "mean_light_pe": LIGHT}.items():
            value, error = (part[0] for part in fits.get(quantity))
            assert abs(value - truth) < 4 * error < 0.1 * truth, (bins, quantity)


def test_a_light_that_was_off_is_told() -> None:
    """Alone and beside a dark run; else a gain would hang on how the gate cuts dark counts."""
    rng = np.random.default_rng(7)
    light, dark, edges, _ = histogram_pairs(*(_charges(rng, 0.0)[:, None] for _ in range(2)))
    for fits in (
        fit_spectra(light, edges, pulse=PULSE),
        fit_spectra(light, edges, dark_counts=dark, pulse=PULSE),
    ):
        assert fits.status[0] == NO_LIGHT
        assert "off" in fits.message(0)
        assert np.isnan(fits.get("gain")[0][0])


@pytest.mark.parametrize("number", [981, 8165])
def test_dark_counts_that_the_gate_cuts_are_no_faint_light(number: int) -> None:
    """Light spectra whose light was off: of 115 these two passed, drawn down, with 0.05 of light
    and gains five sigma and more off."""
    case = draw(1, number)
    assert case is not None
    assert "light off" in case.troubles
    fits = fit_spectra(case.data["counts"], case.data["edges"], pulse=case.data["pulse"])
    assert fits.status[0] != 0
    assert fits.message(0)
    assert np.isnan(fits.get("gain")[0][0])


@pytest.mark.parametrize(
    ("seed", "number"), [(71, 4255), (71, 6885), (71, 8117), (31, 2087), (301, 935)]
)
def test_few_dark_counts_are_found_beside_noise_in_bursts(seed: int, number: int) -> None:
    """A hundred of them and a thousand events of wide noise: the shoulders of the pedestal passed
    for peaks, and for a spectrum that is drawn down, with gains of a third to a half."""
    case = draw(seed, number)
    assert case is not None
    assert "noise bursts" in case.troubles
    fits = fit_spectra(
        case.data["counts"], case.data["edges"], light=False, pulse=case.data["pulse"]
    )
    assert fits.status[0] == 0, fits.message(0)
    assert fits.freed[0, 3]
    gain, error = (part[0] for part in fits.get("gain"))
    truth = case.truth["gain"][0]
    assert abs(gain - truth) < 3 * error < 0.2 * truth


def test_a_baseline_taken_off_what_coupling_has_drawn_down_is_seen() -> None:
    """Both together explain what neither does alone, with which crosstalk was four sigmas off."""
    case = draw(31002, 28331)
    assert case is not None
    assert set(case.troubles) == {"baseline before the gate", "AC coupling"}
    data = case.data
    fits = fit_spectra(data["counts"], data["edges"], dark_counts=data["dark"], pulse=data["pulse"])
    assert fits.status[0] == 0, fits.message(0)
    assert fits.baseline_per_gate[0] > 0
    assert fits.coupling_per_gate[0] > 0
    for name, quantity in {
        "gain": "gain", "light": "mean_light_pe", "dark_rate": "dark_counts_per_gate",
    }.items():  # fmt: skip
        value, error = (part[0] for part in fits.get(quantity))
        truth = case.truth[name][0]
        assert abs(value - truth) < 3 * error < 0.5 * truth, name
    value, error = (part[0] for part in fits.crosstalk_probability)
    assert abs(value - case.truth["crosstalk"][0]) < 3 * error < 0.1


@pytest.mark.parametrize(
    ("seed", "number", "name", "quantity"),
    [
        (161501, 153, "gain", "gain"),
        (31002, 23059, "gain", "gain"),
        (31002, 17797, "gain", "gain"),
        (161501, 2007, "dark_rate", "dark_counts_per_gate"),
    ],
)
def test_values_of_spectra_that_are_drawn_down_are_as_uncertain(
    seed: int, number: int, name: str, quantity: str
) -> None:
    """A baseline too, an unknown pulse, late light, few dark counts: 6 to 15 sigmas off before."""
    case = draw(seed, number)
    assert case is not None
    assert "AC coupling" in case.troubles
    data = case.data
    fits = fit_spectra(
        data["counts"],
        data["edges"],
        dark_counts=data.get("dark"),
        light=case.kind != "dark",
        pulse=data["pulse"],
    )
    assert fits.status[0] == 0, fits.message(0)
    value, error = (part[0] for part in fits.get(quantity))
    truth = case.truth[name][0]
    assert abs(value - truth) < 4 * error < 0.9 * truth

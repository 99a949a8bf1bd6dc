"""Light spectra without their dark one: the right light, or none; never that of a peak too far."""

from __future__ import annotations

import numpy as np
import pytest

from mppcqa.physics import PulseShape, fit_spectra, histogram_charges, simulate_charges
from mppcqa.physics.spectra import GAIN_ONLY, PARAMETERS, SpectrumFits

PULSE = PulseShape(decay_per_gate=25 / 150, rise_per_gate=2 / 150)


def _fit(seed: int, events: int, light: float, dark: float, **changed: float) -> SpectrumFits:
    device = {
        "gain": 40.0,
        "pedestal": 100.0,
        "pedestal_width": 3.2,
        "pe_width": 2.0,
        "crosstalk_probability": 0.12,
        "afterpulses": 0.015,
    }
    charges = simulate_charges(
        np.random.default_rng(seed),
        events,
        mean_light_pe=light,
        dark_counts_per_gate=dark,
        pulse=PULSE,
        **{**device, **changed},
    )
    counts, edges, _ = histogram_charges(charges[:, None])
    return fit_spectra(counts, edges, pulse=PULSE)


@pytest.mark.parametrize("dark", [0.0, 0.02, 0.045, 0.1, 0.3])
@pytest.mark.parametrize("light", [0.4, 1.5, 2.0, 3.0, 5.0])
def test_clean_spectra_have_their_light(light: float, dark: float) -> None:
    """Three seeds a setting; a deviation beyond 4.5 sigma is one in 150,000."""
    unknown = 0
    for seed in range(3):
        fits = _fit(seed, 50000, light, dark)
        if light < 1 and fits.status[0] == GAIN_ONLY:
            unknown += 1  # so little light seldom tells a pedestal from a first photoelectron
            continue
        assert fits.status[0] == 0, fits.message(0)
        for name, truth in {
            "pedestal": 100.0,
            "gain": 40.0,
            "mean_light_pe": light,
            "crosstalk_children": -np.log(0.88),
        }.items():
            value, error = (part[0] for part in fits.get(name))
            assert abs(value - truth) < 4.5 * error, (seed, name)
    assert unknown < 3


@pytest.mark.parametrize("light", [1.0, 2.0, 4.0])
def test_a_trigger_on_the_signal_gives_the_gain_and_nothing_else(light: float) -> None:
    """Events of no photoelectron were never recorded: 12 spectra, of which at most five may be
    taken for whole ones (all were); the gain is right within 1 % in all of them."""
    taken = 0
    for seed in range(12):
        charges = simulate_charges(
            np.random.default_rng([seed, 3]), 30000, mean_light_pe=light, gain=40.0,
            pedestal=100.0, pedestal_width=3.2, pe_width=2.0, crosstalk_probability=0.12,
            dark_counts_per_gate=0.02, afterpulses=0.015, pulse=PULSE,
        )  # fmt: skip
        counts, edges, _ = histogram_charges(charges[charges > 120][:, None])
        fits = fit_spectra(counts, edges, pulse=PULSE)
        taken += int(fits.status[0] == 0)
        assert abs(fits.get("gain")[0][0] - 40) < 0.4
    assert taken <= 5


@pytest.mark.parametrize("events", [13000, 27000, 75000])
@pytest.mark.parametrize("light", [7.0, 9.0, 12.0])
def test_a_pedestal_of_few_events_is_found_or_told(light: float, events: int) -> None:
    """One that holds hardly an event looks like a tail, and the next peak like a pedestal."""
    for seed in range(4):
        fits = _fit(seed, events, light, 0.05)
        if fits.status[0] == 0:
            value, error = (part[0] for part in fits.get("mean_light_pe"))
            assert abs(value - light) < 4.5 * error
            assert events * np.exp(-light) > 10
        else:
            assert events * np.exp(-light) < 40


def test_a_spectrum_without_its_pedestal_has_a_gain_and_nothing_else() -> None:
    fits = _fit(3, 50000, 11.0, 0.02)
    assert fits.status[0] == GAIN_ONLY
    assert "pedestal" in fits.message(0)
    gain, error = fits.get("gain")
    assert abs(gain[0] - 40.0) < 4.5 * error[0]
    for name in PARAMETERS:
        if name != "gain":
            assert np.isnan(fits.get(name)[0][0]), name


def test_spectra_cut_before_their_second_peak_are_not_taken_for_whole_ones() -> None:
    """The digitizer recorded nothing below: where the pedestal lies can't be known."""
    charges = simulate_charges(
        np.random.default_rng(5), 50000, mean_light_pe=3.0, gain=40.0, pulse=PULSE
    )
    edges = np.arange(25.0, 400.0, 1.0)
    fits = fit_spectra(np.histogram(charges, edges)[0][None], edges, pulse=PULSE)
    assert fits.status[0] == GAIN_ONLY

"""Values that passed although they were wrong; what tells each now withholds or widens it."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.truth_cases import draw

from mppcqa.physics import fit_spectra, histogram_pairs, simulate_charges
from mppcqa.physics._summit import MISFIT

GAIN = 40.0


@pytest.mark.parametrize(("seed", "number"), [(71, 6743), (71, 7591), (601, 981)])
def test_two_devices_whose_peaks_lie_within_one_another_are_refused(seed: int, number: int) -> None:
    """Half of the events of each, little light: the peaks of both pass for one as wide, and the
    mean of two gains for one of 0.3 %."""
    case = draw(seed, number)
    assert case is not None
    assert "two devices mixed" in case.troubles
    data = case.data
    fits = fit_spectra(
        data["counts"], data["edges"], dark_counts=data.get("dark"), pulse=data["pulse"]
    )
    assert fits.status[0] == MISFIT
    assert np.isnan(fits.get("gain")[0][0])


@pytest.mark.parametrize("light", [0.6, 3.0])
def test_wide_photoelectrons_of_one_device_are_no_two(light: float) -> None:
    """Photoelectrons of a tenth of the gain, in 100 pairs and as many light spectra of these."""
    rng = np.random.default_rng(8)
    known = {"gain": GAIN, "pe_width": 0.1 * GAIN, "crosstalk_probability": 0.2}
    known |= {"dark_counts_per_gate": 0.02, "afterpulses": 0.02}
    lit, unlit = (
        np.stack([simulate_charges(rng, 8000, mean_light_pe=mu, **known) for _ in range(100)], 1)
        for mu in (light, 0.0)
    )
    light_counts, dark_counts, edges, _ = histogram_pairs(lit, unlit)
    for dark in (dark_counts, None):
        fits = fit_spectra(light_counts, edges, dark_counts=dark)
        assert not (fits.status == MISFIT).any()


def test_a_few_events_that_the_digitizer_left_have_no_gain() -> None:
    """Of a bright spectrum 95 % were heaped up at the range's end; the rest had any spacing."""
    case = draw(71, 1939)
    assert case is not None
    assert case.troubles == ("bright", "clipping")
    fits = fit_spectra(case.data["counts"], case.data["edges"], pulse=case.data["pulse"])
    assert fits.message(0)
    assert np.isnan(fits.get("gain")[0][0])


def test_dark_counts_of_runs_that_disagree_are_as_uncertain() -> None:
    """A dark run with seven times the dark counts of the light's, says a fit with a pulse that
    nobody told: the rate was 22 of its uncertainties off."""
    case = draw(71, 6371)
    assert case is not None
    data = case.data
    fits = fit_spectra(data["counts"], data["edges"], dark_counts=data["dark"], pulse=data["pulse"])
    assert fits.status[0] == 0
    value, error = (part[0] for part in fits.get("dark_counts_per_gate"))
    assert abs(value - case.truth["dark_rate"][0]) < 3 * error
    gain, error = (part[0] for part in fits.get("gain"))
    assert abs(gain - case.truth["gain"][0]) < 4 * error < 0.01 * gain


@pytest.mark.parametrize(("seed", "number"), [(160301, 2369), (91002, 17287)])
def test_a_decay_time_told_wrongly_does_not_pass_for_a_dark_run_of_another_rate(
    seed: int, number: int
) -> None:
    """A quarter too long or a fifth too short: the dark rate was five of its uncertainties off,
    and the light run's rate 0.7 of what the dark run's was."""
    case = draw(seed, number)
    assert case is not None
    assert case.troubles == ("pulse told wrongly",)
    data = case.data
    fits = fit_spectra(data["counts"], data["edges"], dark_counts=data["dark"], pulse=data["pulse"])
    value, error = (one[0] for one in fits.get("dark_counts_per_gate"))
    assert abs(value - case.truth["dark_rate"][0]) < 2 * error
    assert fits.systematic[0, 6] > 0.9 * error

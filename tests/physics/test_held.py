"""What a fit holds, and does not know, stands in its uncertainties."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mppcqa.physics import (
    UNKNOWN_PULSE,
    PulseShape,
    SpectrumFits,
    fit_spectra,
    histogram_pairs,
    simulate_charges,
)

PULSE = PulseShape(decay_per_gate=0.1, rise_per_gate=0.015)
GAIN = 30.3


def _pairs(seed: int, number: int, **given: float) -> SpectrumFits:
    """Fits of pairs of 8,000 events whose peaks are wide."""
    rng = np.random.default_rng(seed)
    known = {
        "gain": GAIN, "pedestal": 120.0, "pedestal_width": 4.5, "pe_width": 3.2,
        "dark_counts_per_gate": 0.07, **given,
    }  # fmt: skip
    light, dark = (
        np.rint(
            [
                simulate_charges(rng, 8000, mean_light_pe=mean, pulse=PULSE, **known)
                for _ in range(number)
            ]
        ).T
        for mean in (2.0, 0.0)
    )
    lit, unlit, edges, _ = histogram_pairs(light, dark)
    return fit_spectra(lit, edges, dark_counts=unlit, pulse=PULSE)


def test_gains_are_right_where_afterpulses_come_out_as_none() -> None:
    """A parameter at its bound is not known to be there: held as known, gains were off by a
    standard deviation wherever afterpulses of 2 % came out as zero."""
    fits = _pairs(4, 260, crosstalk_probability=0.05, afterpulses=0.02)
    gain, error = fits.get("gain")
    at_bound = np.isfinite(fits.upper_limit("afterpulses")) & (fits.status == 0)
    assert at_bound.sum() >= 20
    pulls = (gain - GAIN)[at_bound] / error[at_bound]
    assert np.sqrt(np.mean(pulls**2)) < 1.25
    assert abs(pulls.mean()) < 0.85


def test_a_crosstalk_of_zero_is_an_upper_limit() -> None:
    """At least 90 % of limits lie above the truth; what is not at its bound has none."""
    fits = _pairs(5, 80, crosstalk_probability=0.004, afterpulses=0.0)
    limit = fits.upper_limit("crosstalk_children")
    seen = fits.get("crosstalk_children")[0]
    at_bound = np.isfinite(limit)
    assert at_bound.sum() >= 10
    assert (seen[at_bound] == 0).all()
    assert (seen[~at_bound] > 0).all()
    assert (limit[at_bound] > 0.004).mean() >= 0.9


@pytest.mark.parametrize("spread", [0.1])
def test_light_alone_holds_what_unstable_light_looks_like(spread: float) -> None:
    """A source that varies by a tenth looks like crosstalk, of which nothing else tells here."""
    rng = np.random.default_rng(6)
    off = []
    for _ in range(12):
        means = 2.0 * np.maximum(1 + spread * rng.standard_normal(40), 0.0)
        charges = np.concatenate(
            [
                simulate_charges(
                    rng,
                    200,
                    mean_light_pe=mean,
                    gain=40.0,
                    pedestal=100.0,
                    pedestal_width=4.0,
                    pe_width=2.5,
                    crosstalk_probability=0.1,
                    dark_counts_per_gate=0.01,
                    pulse=PULSE,
                )
                for mean in means
            ]
        )
        counts = np.histogram(charges, np.arange(60.0, 900.0))[0]
        fits = fit_spectra(counts, np.arange(60.0, 900.0), pulse=PULSE)
        value, error = fits.crosstalk_probability
        if fits.status[0] == 0:
            off.append((value[0] - 0.1) / error[0])
    assert len(off) >= 9
    assert np.max(np.abs(off)) < 5


def _unstable(rng: np.random.Generator, spread: float, light: float, dark: float) -> Any:
    """Charges of 10,000 pulses that vary by `spread`, of an eighth of crosstalk."""
    means = light * np.maximum(1 + spread * rng.standard_normal(500), 0.0)
    known = {"gain": 40.0, "pedestal": 100.0, "pedestal_width": 4.0, "pe_width": 2.5}
    return np.concatenate([
        simulate_charges(
            rng, 20, mean_light_pe=mean, crosstalk_probability=0.125,
            dark_counts_per_gate=dark, pulse=PULSE, **known,
        )
        for mean in means
    ])  # fmt: skip


def test_no_pair_is_silently_wrong_where_the_light_varies() -> None:
    """Spreads up to a quarter, few dark counts: nothing tells them from crosstalk. 40 pairs, and of
    each light and crosstalk; chance alone puts a value of five sigma there once in 20,000 runs."""
    rng = np.random.default_rng(61)
    edges = np.arange(60.0, 1100.0)
    lit, unlit, true = [], [], []
    for i in range(40):
        light = float(rng.uniform(1, 5))
        one = _unstable(rng, 0.25 * (i + 1) / 40, light, 0.01)
        lit.append(np.histogram(one, edges)[0])
        unlit.append(np.histogram(_unstable(rng, 0.0, 0.0, 0.01), edges)[0])
        true.append(light)
    fits = fit_spectra(np.array(lit), edges, dark_counts=np.array(unlit), pulse=PULSE)
    good = fits.status == 0
    assert good.sum() >= 36
    crosstalk, error = fits.crosstalk_probability
    assert (np.abs(crosstalk - 0.125) / error)[good].max() < 5
    value, error = fits.get("mean_light_pe")
    # 500 amplitudes scatter in their mean, which is the light that there was.
    spread = 0.25 * np.arange(1, 41) / 40 / np.sqrt(500) * np.array(true)
    assert (np.abs(value - true) / np.hypot(error, spread))[good].max() < 5


def test_a_saturated_spectrum_of_much_light_keeps_its_light() -> None:
    """What lies beyond the range was laid round to its beginning where it reached far: light came
    out a fifth too large. 12 pairs of 20,000; five sigma is one in a hundred thousand runs."""
    rng = np.random.default_rng(62)
    known = {"gain": 40.0, "pedestal": 100.0, "pedestal_width": 4.0, "pe_width": 2.5}
    edges = np.arange(60.0, 421.0)
    lit, unlit = (
        np.array([
            np.histogram(np.minimum(simulate_charges(
                rng, 20_000, mean_light_pe=mean, crosstalk_probability=0.28,
                dark_counts_per_gate=0.02, pulse=PULSE, **known,
            ), 420.0), edges)[0]
            for _ in range(12)
        ])
        for mean in (5.0, 0.0)
    )  # fmt: skip
    fits = fit_spectra(lit, edges, dark_counts=unlit, pulse=PULSE)
    assert not fits.status.any()
    light, error = fits.get("mean_light_pe")
    assert np.abs(light - 5.0).max() < 0.25
    assert (np.abs(light - 5.0) / error).max() < 5


def test_dark_counts_alone_of_a_decay_time_told_wrongly_have_their_gain() -> None:
    """Decay times told a fifth too short or a quarter too long; 12 spectra of 30,000 each."""
    rng = np.random.default_rng(63)
    charges = np.array([
        simulate_charges(
            rng, 30_000, mean_light_pe=0.0, gain=40.0, pedestal=100.0, pedestal_width=4.0,
            pe_width=2.0, crosstalk_probability=0.15, dark_counts_per_gate=0.05,
            pulse=PulseShape(decay_per_gate=0.2),
        )
        for _ in range(12)
    ])  # fmt: skip
    edges = np.arange(60.0, 460.0)
    counts = np.array([np.histogram(one, edges)[0] for one in charges])
    for factor in (0.8, 1.25):
        told = PulseShape(decay_per_gate=0.2 * factor)
        fits = fit_spectra(counts, edges, light=False, pulse=told)
        gain, error = fits.get("gain")
        good = fits.status == 0
        assert good.sum() >= 10
        assert (np.abs(gain - 40.0) / error)[good].max() < 5


def test_measured_spectra_of_an_unknown_pulse_have_crosstalk_within_its_limits(
    shared_data: Path,
) -> None:
    """Seven biases of one device, light alone: no zero with an uncertainty of nothing. Whatever is
    given at a lower bias is no more than at the highest one, whose crosstalk is the largest."""
    taken = sorted(_read_hera(path) for path in (shared_data / "finger_spectra").glob("*.txt"))
    assert len(taken) == 7
    channel = taken[0][1][:, 0]
    step = channel[1] - channel[0]
    edges = np.append(channel - step / 2, channel[-1] + step / 2)
    fits = fit_spectra(np.array([one[1][:, 1] for one in taken]), edges, pulse=UNKNOWN_PULSE)
    good = fits.status == 0
    assert good.sum() >= 6
    value, error = fits.crosstalk_probability
    assert (error[good] > 0.01).all()
    limit = fits.upper_limit("crosstalk_children")
    highest = value[good][-1] + 3 * error[good][-1]
    assert (np.nan_to_num(limit[good]) < highest).all()


def _read_hera(path: Path) -> tuple[float, Any]:
    head, table = path.read_text(errors="replace").split("ADC Channel", 1)
    bias = re.findall(r"Bias Voltage \[V\]:\s+([\d,]+)", head)[1].replace(",", ".")
    rows = [line.split("\t")[:2] for line in table.splitlines()[1:] if line.strip()]
    return float(bias), np.array(rows, float)


def test_a_fit_says_what_it_was_made_of() -> None:
    """Events, those beyond the bins that are fitted, and the light by the pedestal alone."""
    rng = np.random.default_rng(64)
    known = {"gain": 40.0, "pedestal": 100.0, "pedestal_width": 4.0, "pe_width": 2.5}
    edges = np.arange(60.0, 261.0)
    lit, unlit = (
        np.histogram(np.minimum(simulate_charges(
            rng, 20_000, mean_light_pe=mean, dark_counts_per_gate=0.02, pulse=PULSE, **known
        ), 259.5), edges)[0]
        for mean in (2.0, 0.0)
    )  # fmt: skip
    fits = fit_spectra(np.array([lit]), edges, dark_counts=np.array([unlit]), pulse=PULSE)
    assert fits.events[0] == 40_000
    heaped = lit[-1] + unlit[-1]
    assert heaped <= fits.left_out[0] < 1.5 * heaped  # and what shares a bin of the fit with it
    assert abs(fits.light_p0[0] - 2.0) < 5 * fits.light_p0_error[0] < 0.1
    assert fits.freed[0].tolist() == [False, False, True, False, False]
    alone = fit_spectra(np.array([lit]), edges, pulse=PULSE)
    assert np.isnan(alone.light_p0[0])

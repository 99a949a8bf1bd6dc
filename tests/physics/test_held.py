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

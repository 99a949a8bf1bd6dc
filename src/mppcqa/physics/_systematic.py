"""What more events do not lessen: the model's own error, as a Monte Carlo shows it.

Where noise comes in bursts, light and dark counts are less certain than the likelihood says: what
looks like bursts may be a baseline that was taken where pulses are (`benchmarks.truth`, whose
simulation follows single avalanches and shares no formula with the fit).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mppcqa.physics._arrays import Floats
from mppcqa.physics._climb import PART, RATE
from mppcqa.physics._model import N_PARAMETERS

GAIN, WIDTH, LIGHT, CROSSTALK, DARK, AFTERPULSES = 1, 3, 4, 5, 6, 7
OF_GAIN = 3e-4
"""Of the gain: what the model leaves out.

351 ordinary pairs of 24 stations of `benchmarks.truth` (seeds 101, 202, 303; mppcqa 0.1.0, November
2026) lay 8.6e-4 off with 7.8e-4 stated: in the mean 1.4e-4 too high below 0.02 dark counts a gate,
and 0.3e-4 above.
"""
BURSTS_LIGHT = 0.02
"""Of the light, where noise comes in bursts: a baseline taken where pulses are looks like them."""
BURSTS_DARK = 0.5
"""Of the events in bursts, that may be dark counts."""
BURSTS_CROSSTALK = 0.15
"""The same, that may be crosstalk."""
BURSTS_DARK_ALONE = 0.05
"""Of the events in bursts for each dark count, in dark counts alone: crosstalk that they may be."""
PIXELS = 0.005
"""Of crosstalk, for each photoelectron: children that find their pixel fired already, in devices of
few pixels; how many a device has is not told."""
NARROW = 0.03
"""Width of a photoelectron in gains that is one device's; what is beyond may be of two."""
UNTOLD_LIGHT = 0.25
"""Of the dark counts of a light spectrum alone whose pulse is not known: they may be light."""
POOR_DARK = 0.1
"""Of dark counts, where chi-squared is poor: the decay time may not be the one told."""
APART = 1.0
"""Logarithm of the dark run's counts over the light's, two of the deviations that are known of it
beforehand (decision 34), beyond which it is no temperature: one of the two has it wrong, as where
the pulse is not the one told."""
DRAWN = {GAIN: 5e-4, LIGHT: 0.015, CROSSTALK: 0.01, DARK: 0.05}
"""Of gain, light and dark counts, and crosstalk as it is, of spectra that are drawn down by a
baseline or AC coupling whose length only they tell.

92 pairs of `benchmarks.truth` with one of both (seed 12; November 2026) lay off by 1.5 and 2.0 % of
the light, 0.010 and 0.013 of crosstalk; stated without it, 1.4 and 1.6 %, 0.009 and 0.011, with
pulls of up to seven.
"""
DRAWN_LATE = 0.03
"""Of the gain of dark counts alone, over the time constant of AC coupling in gates: light that
comes later than the gate's start is drawn off less, and where it would come nothing tells.

Of 1,600 spectra with AC coupling (seeds 31001, 31002 of `benchmarks.truth`, November 2026) dark
ones of light a tenth of a gate late lay 5 % off with 2 to 4 % stated.
"""
DRAWN_UNTOLD = 0.06
"""The same, of the gain, where the pulse is not known: what a wrong one leaves over passes for
another time constant. 12 of those spectra lay 6.4 % off, with 2.9 % stated."""
AFTER_ALONE = {CROSSTALK: 0.1, AFTERPULSES: 0.2}
"""Of the afterpulses of dark counts alone: what their delays and those of theirs leave open.

96 dark spectra with 0.2 or 0.3 of them (seed 5; mppcqa 0.1.0, November 2026) had 85 to 88 % within
1.96 of the uncertainties without it.
"""
MIXED = 0.25
"""Of the difference that two devices in dark counts alone would have: one spectrum in 25 may be."""


def systematic_of(
    theta: Floats,
    errors: Floats,
    *,
    dark_alone: bool = False,
    light_alone: bool = False,
    pulse_known: bool = True,
    poor: NDArray[np.bool_] | None = None,
) -> Floats:
    """Systematic part (n, 8) of the uncertainties of fitted parameters (n, 13).

    Dark counts alone are too few to show that peaks are double: two gains 2 d apart pass as one
    whose photoelectrons are wider by d, and the gain is then off by as much. Where the pulse is
    not known, a prompt child and an afterpulse of part of the charge are hardly told apart. `poor`
    (n,) says where chi-squared is beyond chance.
    """
    found = np.zeros((len(theta), N_PARAMETERS))
    bursts = np.where(errors[:, PART] > 0, theta[:, PART], 0.0)
    found[:, GAIN] = OF_GAIN * theta[:, GAIN]
    found[:, LIGHT] = BURSTS_LIGHT * theta[:, LIGHT] * (bursts > 0)
    found[:, DARK] = BURSTS_DARK * bursts
    found[:, CROSSTALK] = BURSTS_CROSSTALK * bursts
    if not pulse_known:
        found[:, CROSSTALK] = np.hypot(found[:, CROSSTALK], theta[:, AFTERPULSES])
        if light_alone:
            found[:, LIGHT] = np.hypot(found[:, LIGHT], UNTOLD_LIGHT * theta[:, DARK])
    with np.errstate(invalid="ignore"):
        apart = np.where(np.abs(theta[:, RATE]) > APART, np.expm1(theta[:, RATE]), 0.0)
    found[:, DARK] = np.hypot(found[:, DARK], np.abs(apart) * theta[:, DARK])
    if poor is not None:
        found[:, DARK] = np.hypot(found[:, DARK], POOR_DARK * poor * theta[:, DARK])
    collided = PIXELS * theta[:, LIGHT] * theta[:, CROSSTALK]
    found[:, CROSSTALK] = np.hypot(found[:, CROSSTALK], collided)
    if dark_alone:
        wider = np.maximum(theta[:, WIDTH] ** 2 - (NARROW * theta[:, GAIN]) ** 2, 0.0)
        found[:, GAIN] = np.hypot(found[:, GAIN], MIXED * np.sqrt(wider))
        for k, part in AFTER_ALONE.items():
            found[:, k] = np.hypot(found[:, k], part * theta[:, AFTERPULSES])
        a_count = bursts / np.maximum(theta[:, DARK], 1e-6)
        found[:, CROSSTALK] = np.hypot(found[:, CROSSTALK], BURSTS_DARK_ALONE * a_count)
    return found


def systematic_of_drawn(
    values: Floats, coupling_per_gate: float, *, dark_alone: bool, pulse_known: bool
) -> Floats:
    """What comes beside (n, 8) where spectra themselves say that they are drawn down, see `DRAWN`.

    `coupling_per_gate` is the time constant that was found, 0 for a baseline.
    """
    found = np.zeros_like(values)
    for k, size in DRAWN.items():
        found[:, k] = size * (1.0 if k == CROSSTALK else np.abs(values[:, k]))
    if dark_alone:
        late = DRAWN_LATE / coupling_per_gate if coupling_per_gate else 0.0
        more = np.hypot(late, 0.0 if pulse_known else DRAWN_UNTOLD)
        found[:, GAIN] = np.hypot(found[:, GAIN], more * values[:, GAIN])
    return found

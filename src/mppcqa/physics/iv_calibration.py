"""How the methods of a breakdown voltage from IV curves lie to one another and to the pixels'.

A method's value moves with the steps of a curve: the top of a derivative that rises at once and
falls slowly is drawn upwards by points far apart, and the line of a root downwards. The numbers
here are from curves of known breakdown that share no formula with the methods: three Monte Carlos
(pixels that scatter; laws of trigger, gain and crosstalk of three kinds each; light of 1e5 to 3e9
photons a second; leakage from none to most of the current), steps of 0.02 to 0.5 V, 60 curves of
each (mppcqa 0.1.0, November 2026; the methods' sources stand in `iv`).
"""

from __future__ import annotations

import numpy as np

PER_STEP2 = {
    "relative_derivative": 0.4, "second_derivative": 0.7, "inverse_derivative": 0.3,
    "square_root": -0.5,
}  # fmt: skip
"""Of the square of a curve's step, that a value by a method lies above what fine steps give [1/V].

Means over steps of 0.1, 0.2, 0.3 and 0.5 V, within a quarter of the step over the kinds of curve.
"""
STEP_SHARE = 0.6
"""Of a curve's step, that a method's value is known no better than while steps are fine: by so much
do values on 18 measured light curves of 25 mV steps lie off those of their authors by the same
method."""
COARSE = (0.009, 0.25)
"""The same where steps are coarse [V, and of the step]: what is left of curves once `PER_STEP2` is
taken off."""
ABOVE_ROOT = 0.13
"""Volts by which the top of the relative derivative lies above the zero of sqrt(I), in the mean
over the simulated curves of fine steps; 0.18 on those measured."""
DISAGREED = 0.5
"""Of what the two lie apart otherwise, that either may be off by: curves whose values were 0.15 to
0.35 V off, by noise or since light multiplied below breakdown, have the one below the other."""
ROOT_LOW = 0.085
"""Volts by which the zero of sqrt(I) lies below the pixels' breakdown, which its uncertainty holds:
crosstalk and the trigger probability's bend make it so."""


def step_correction(method: str, step_v: float) -> float:
    """Volts to take off a method's value on a curve of such steps."""
    return PER_STEP2[method] * step_v**2


def step_error(step_v: float) -> float:
    """Standard uncertainty [V] that the steps of a curve leave to a method's value."""
    return min(STEP_SHARE * step_v, COARSE[0] + COARSE[1] * step_v)


def disagreement(top_v: float, root_v: float) -> float:
    """Standard uncertainty [V] from how the relative derivative's top lies to sqrt(I)'s zero."""
    return float(DISAGREED * np.abs(top_v - root_v - ABOVE_ROOT))

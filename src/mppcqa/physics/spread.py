"""How alike the channels of an array are."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mppcqa.physics._arrays import Floats

TRIALS = 4000
"""Repetitions with added noise that tell a largest difference's own bias and scatter."""


def uniformity(values: ArrayLike, errors: ArrayLike) -> tuple[float, float]:
    """Standard deviation over mean of n channels, with its standard uncertainty.

    The scatter that the uncertainties themselves make is taken off; the uncertainty is that of a
    sample of n with the remaining scatter, sqrt((s^2 + e^2)^2 / (2 (n - 1))) / s in the usual
    normal approximation, and never below what the channels' own uncertainties leave.
    """
    value, error = _channels(values, errors)
    mean = value.mean()
    total, noise = value.var(ddof=1), float(np.mean(error**2))
    spread = np.sqrt(max(total - noise, 0.0))
    variance_of_total = total * np.sqrt(2 / (len(value) - 1))
    uncertainty = (
        min(variance_of_total / (2 * spread), np.sqrt(variance_of_total))
        if spread
        else (np.sqrt(variance_of_total))
    )
    return float(spread / abs(mean)), float(uncertainty / abs(mean))


def largest_difference(values: ArrayLike, errors: ArrayLike) -> tuple[float, float]:
    """(Largest - smallest) over mean of n channels, with its standard uncertainty.

    Noise makes the largest larger and the smallest smaller. How much is tried on the values
    themselves with noise of their uncertainties added (a bootstrap from a fixed seed, so that the
    same values give the same answer) and taken off; the scatter of the trials is the uncertainty.
    Needs two channels with a value, else `ValueError`.

    >>> value, error = largest_difference([98.0, 100.0, 102.0], [0.1, 0.1, 0.1])
    >>> round(value, 2), error < 0.002
    (0.04, True)
    """
    value, error = _channels(values, errors)
    seen = float(np.ptp(value))
    noise = np.random.default_rng(0).standard_normal((TRIALS, len(value))) * error
    trials = np.ptp(value + noise, axis=1)
    corrected = max(seen - (float(trials.mean()) - seen), 0.0)
    mean = abs(float(value.mean()))
    return corrected / mean, float(trials.std()) / mean


def _channels(values: ArrayLike, errors: ArrayLike) -> tuple[Floats, Floats]:
    """Values and errors of the channels that have both."""
    value, error = np.asarray(values, float), np.asarray(errors, float)
    good = np.isfinite(value) & np.isfinite(error)
    value, error = value[good], error[good]
    if len(value) < 2:
        raise ValueError("uniformity needs at least two channels with a value")
    return value, error

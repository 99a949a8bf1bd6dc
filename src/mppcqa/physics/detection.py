"""Light, dark rate and detection efficiency from fractions and means."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mppcqa.physics._arrays import Floats


def mean_light_from_p0(
    pedestal_light: ArrayLike,
    events_light: ArrayLike,
    pedestal_dark: ArrayLike,
    events_dark: ArrayLike,
) -> tuple[Floats, Floats]:
    """Mean photoelectrons a pulse from pedestal counts, whatever the crosstalk.

    mu = -ln P0(light) + ln P0(dark), with the variance (1 - P0) / (N P0) of each term
    (Otte et al., NIM A 846 (2017) 106). NaN where no pedestal event is left.
    """
    n_light, n_dark = np.asarray(events_light, float), np.asarray(events_dark, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        p_light = np.asarray(pedestal_light, float) / n_light
        p_dark = np.asarray(pedestal_dark, float) / n_dark
        mu = -np.log(p_light) + np.log(p_dark)
        variance = (1 - p_light) / (n_light * p_light) + (1 - p_dark) / (n_dark * p_dark)
    good = np.isfinite(mu)
    return np.where(good, mu, np.nan), np.where(good, np.sqrt(variance), np.nan)


def detection_efficiency(
    mean_light_pe: ArrayLike,
    mean_light_error: ArrayLike,
    photons: ArrayLike,
    photons_error: ArrayLike,
) -> tuple[Floats, Floats, Floats]:
    """PDE = mu / photons a pulse: value, whole uncertainty, and the part that all share.

    The photons come from the reference detector, its calibration and the position factor; their
    uncertainty moves every channel together (Otte et al., NIM A 846 (2017) 106).
    """
    mu, mu_error = np.asarray(mean_light_pe, float), np.asarray(mean_light_error, float)
    n, n_error = np.asarray(photons, float), np.asarray(photons_error, float)
    if np.any(n <= 0):
        raise ValueError("the number of photons a pulse must be positive")
    value = mu / n
    shared = value * n_error / n
    return value, np.hypot(mu_error / n, shared), shared

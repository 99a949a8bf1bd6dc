"""Photons a pulse from what a calibrated photodiode reads: the chain behind an absolute PDE."""

from __future__ import annotations

import math

PLANCK_J_S = 6.62607015e-34
LIGHT_M_S = 299792458.0
"""Both exact, SI Brochure (9th edition, 2019), section 2.2."""
YEAR_DAYS = 365.25


def photons_per_pulse(
    current_a: float, responsivity_a_per_w: float, wavelength_nm: float, rate_hz: float
) -> float:
    """Photons on a photodiode in each pulse of light.

    Its mean current [A], less that in the dark, over its responsivity [A/W] is the power of the
    light; that over the pulses' rate [Hz] is the energy of one, and a photon has h c / lambda
    (Otte et al., NIM A 846 (2017) 106, calibrate their light so). Raises `ValueError` for what
    is not above zero.

    >>> round(photons_per_pulse(2.0e-12, 0.2, 405.0, 1e4))
    2039
    """
    given = (current_a, responsivity_a_per_w, wavelength_nm, rate_hz)
    if not all(math.isfinite(one) and one > 0 for one in given):
        raise ValueError("current, responsivity, wavelength and rate of pulses must be above zero")
    energy_j = PLANCK_J_S * LIGHT_M_S / (wavelength_nm * 1e-9)
    return current_a / responsivity_a_per_w / rate_hz / energy_j


def after_drift(
    value: float, per_year: float, per_year_error: float, days: float
) -> tuple[float, float]:
    """What a calibrated value has become, and how uncertain that is for the drift alone, relative.

    A relative change `per_year` with its standard uncertainty goes on evenly from the day of the
    calibration; `days` later that uncertainty has grown in proportion.

    >>> value, relative = after_drift(0.2, -0.01, 0.004, 365.25 / 2)
    >>> round(value, 4), round(relative, 5)
    (0.199, 0.00201)
    """
    years = days / YEAR_DAYS
    factor = 1 + per_year * years
    if not factor > 0:
        raise ValueError(f"a drift of {per_year:g} a year leaves nothing after {years:.1f} years")
    return value * factor, abs(per_year_error * years) / factor

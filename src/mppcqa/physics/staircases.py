"""Rate against threshold (a staircase): dark count rate, crosstalk, and the height of a pulse.

A scan counts the pulses above a threshold t. Pulses of k fired pixels have heights around
``offset + k * height``; each k adds a step, and the plateaus between lie at half-integer heights:

    R(t) = sum_k n_k Q((t - offset - k * height) / width)  +  noise(t)

with Q the upper tail of a normal distribution, ``n_1 + n_2 + …`` the dark count rate and
``(n_2 + n_3 + …) / (n_1 + n_2 + …)`` the crosstalk probability, which is R(1.5 p.e.) / R(0.5 p.e.):
P. Eckert et al., Nucl. Instrum. Meth. A 620 (2010) 217, section 6. From three pixels on the rates
fall by one factor. The noise of the electronics is Rice's: ``f * exp(-(t - offset)^2 / 2 s^2)``
(Bell Syst. Tech. J. 24 (1945) 46).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, log_ndtr, logsumexp

Floats = NDArray[np.float64]
LEAST_POINTS = 14
PIXELS = 9
"""Most fired pixels that the model has a step for."""
LEAST_SHAPE = 0.015
"""Relative scatter that is granted to each rate: the model is none to the per mille."""
MODEL_CROSSTALK = 0.02
"""How far simulated scans of branching crosstalk came out beside the truth, of the value."""
WORST = 0.25
"""Relative scatter about the model above which it is not the staircase's."""
LEAST_STEP = 0.15
"""Share of the rate that the first step must take away."""
RESOLVED = 2.5
"""A step's height over its width below which no plateau is seen."""
SURE = 0.15
"""Relative uncertainty of rates among which steps are looked for."""
FITS = 5
"""Starts that are followed."""


class StaircaseError(ValueError):
    """A scan that gives no value; the message says why and what to do."""


@dataclass(frozen=True)
class Staircase:
    """What a scan of the threshold says; errors are standard uncertainties.

    Rates in hertz, heights in the threshold's unit; `chi2` over `dof` of the logarithms of rates.
    """

    rate_hz: float
    rate_error_hz: float
    crosstalk: float
    crosstalk_error: float
    height: float
    height_error: float
    offset: float
    """Threshold of no pulse."""
    width: float
    chi2: float
    dof: int


def staircase(
    threshold: ArrayLike, rate_hz: ArrayLike, error_hz: ArrayLike | None = None
) -> Staircase:
    """Dark count rate at 0.5 p.e. and crosstalk from rates (points,) at thresholds (points,).

    threshold
        In any unit that rises or falls with the pulse's height; where rates rise with it, the
        pulses are negative, and it is turned.
    error_hz
        Standard uncertainties (points,); without them the scatter about the curve says it.

    Raises `StaircaseError` where there are no two steps: one alone says not where 0.5 p.e. is.
    """
    t, y, e = _usable(threshold, rate_hz, error_hz)
    begins = [_begin(t, y, height, offset) for height, offset in _starts(t, y, e)]
    if not begins:
        raise StaircaseError("no two steps are seen; scan from below 0.5 to above 2 p.e.")
    begins.sort(key=lambda x: float(np.mean(np.abs(_log_rate(x, t) - y))))
    fits = [_fit(t, y, e, x) for x in begins[:FITS]]
    best = min(fits, key=lambda found: float(found.cost))
    dof = len(t) - len(best.x)
    chi2 = float(2 * best.cost)
    offset, height, width = best.x[0], np.exp(best.x[1]), np.exp(best.x[2])
    scatter = float(np.sqrt(np.mean(best.fun**2) - 1) * np.median(e)) if chi2 > len(t) else 0.0
    if scatter > WORST:
        raise StaircaseError(
            f"rates lie {100 * scatter:.0f} % off any staircase: is it a scan of one channel, in "
            "the dark, with steps?"
        )
    if height < RESOLVED * width:
        raise StaircaseError("no plateau is seen between the steps; scan at a higher overvoltage")
    errors = _errors(best.jac, max(1.0, chi2 / max(dof, 1)))
    # A first step by which nothing falls is none: half the height explains one step as well.
    unseen = 1 - expit(best.x[5]) < LEAST_STEP
    if unseen or t.max() < offset + 1.75 * height or t.min() > offset + 0.75 * height:
        raise StaircaseError(
            "there are no two steps: scan from below 0.5 to above 2 p.e., for one step alone does "
            "not say where 0.5 p.e. is"
        )
    rate, crosstalk = np.exp(best.x[4]), expit(best.x[5])
    error = crosstalk * np.hypot((1 - crosstalk) * errors[5], MODEL_CROSSTALK)
    if not errors[4] < 0.5 or not error < 0.5 * max(crosstalk, 0.02) or not errors[1] < 0.2:
        raise StaircaseError(
            "the steps do not stand out of the scatter; count longer at each threshold"
        )
    return Staircase(
        float(rate), float(rate * errors[4]), float(crosstalk), float(error), float(height),
        float(height * errors[1]), float(offset), float(width), chi2, dof,
    )  # fmt: skip


def expected_rate(threshold: ArrayLike, found: Staircase) -> Floats:
    """The steps of a staircase that was found, without noise, at thresholds (n,) [Hz]."""
    t = np.asarray(threshold, float)
    odds = np.log(found.crosstalk / (1 - found.crosstalk)) if found.crosstalk > 0 else -30.0
    x = np.array([found.offset, np.log(found.height), np.log(found.width), 0.0,
                  np.log(found.rate_hz), odds, odds, -700.0, 0.0])  # fmt: skip
    return np.asarray(np.exp(_log_rate(x, t)))


def _usable(
    threshold: ArrayLike, rate_hz: ArrayLike, error_hz: ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    """Rising thresholds, logarithms of rates and their errors; points without a count are left."""
    t, rate = np.asarray(threshold, float), np.asarray(rate_hz, float)
    error = np.full_like(rate, np.nan) if error_hz is None else np.asarray(error_hz, float)
    if t.ndim != 1 or t.shape != rate.shape or t.shape != error.shape:
        raise ValueError("thresholds, rates and errors must be lists of one length")
    good = np.isfinite(t) & np.isfinite(rate) & (rate > 0)
    t, rate, error = t[good], rate[good], error[good]
    if len(np.unique(t)) < LEAST_POINTS:
        raise StaircaseError(
            f"{len(np.unique(t))} thresholds with counts; {LEAST_POINTS} at least are needed"
        )
    if np.corrcoef(t, np.log(rate))[0, 1] > 0:
        t = -t  # pulses below the baseline
    order = np.argsort(t, kind="stable")
    t, rate, error = t[order], rate[order], error[order]
    relative = np.where(np.isfinite(error) & (error > 0), error / rate, 0.0)
    return t, np.log(rate), np.hypot(relative, LEAST_SHAPE)


def _starts(t: Floats, y: Floats, e: Floats) -> list[tuple[float, float]]:
    """Heights and offsets to begin at: steps are where the logarithm falls fastest."""
    # Together as long to load as all else of the physics, for one kind of curve.
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    sure = e < SURE
    if sure.sum() < LEAST_POINTS:
        raise StaircaseError("too few counts at most thresholds; count longer at each")
    even = np.linspace(t[0], t[sure][-1], int(sure.sum()) * 2)
    found = []
    for width in (1.5, 3.0, 5.0):
        smooth = gaussian_filter1d(np.interp(even, t, y), width, mode="nearest")
        slope = -np.gradient(smooth, even)
        at, about = find_peaks(slope, prominence=0.0)
        steps = even[at[about["prominences"] > 0.3 * slope[at]]]
        for low, high in pairwise(steps[:5]):
            found.append((high - low, 2 * low - high))
    return found


def _log_rate(x: Floats, t: Floats) -> Floats:
    """Logarithm of the model's rate; x: offset, ln height, ln width, ln growth, ln rate, logit of
    the crosstalk, logit of the factor from there on, ln noise, ln width of the noise."""
    offset, height, width = x[0], np.exp(x[1]), np.exp(x[2])
    second, further = -np.logaddexp(0, -x[5]), -np.logaddexp(0, -x[6])
    k = np.arange(1, PIXELS + 1)
    # ln of the rate of at least k pixels, and of exactly k.
    least = np.where(k == 1, 0.0, second + (k - 2) * further)
    exactly = least + np.log1p(-np.exp(np.where(k == 1, second, further)) + 1e-12)
    spread = np.sqrt(width**2 + (k - 1) * (width * np.tanh(x[3])) ** 2)
    tails = log_ndtr((offset + k * height - t[:, None]) / spread)
    steps = x[4] + logsumexp(tails + exactly, axis=1)
    noise = x[7] - 0.5 * (np.maximum(t - offset, 0) / np.exp(x[8])) ** 2
    return np.asarray(np.logaddexp(steps, noise))


def _begin(t: Floats, y: Floats, height: float, offset: float) -> Floats:
    """Parameters to begin a fit with."""
    lowest = np.interp(offset + 0.5 * height, t, y)
    next_ = np.interp(offset + 1.5 * height, t, y)
    odds = np.clip(next_ - lowest, -6, -0.1)
    odds -= np.log1p(-np.exp(odds))
    return np.array([offset, np.log(height), np.log(0.12 * height), 0.3, lowest, odds, odds,
                     max(y.max(), lowest) + 0.5, np.log(0.15 * height)])  # fmt: skip


def _fit(t: Floats, y: Floats, e: Floats, begin: Floats) -> Any:
    from scipy.optimize import least_squares

    span, height = np.ptp(t), np.exp(begin[1])
    low = np.array([t[0] - 2 * height, np.log(span / 25), np.log(span / 2000), 0.0, y.min() - 2,
                    -9.0, -9.0, y.min() - 60, np.log(span / 2000)])  # fmt: skip
    high = np.array([t[-1], np.log(2 * span), np.log(span), 2.0, y.max() + 3, 4.0, 4.0,
                     y.max() + 40, np.log(span)])  # fmt: skip
    begin = np.clip(begin, low + 1e-6, high - 1e-6)
    return least_squares(
        lambda x: (_log_rate(x, t) - y) / e, begin, bounds=(low, high), max_nfev=60,
        loss="linear", x_scale=np.maximum(np.array([height, .2, .3, .5, .5, .5, .5, 3, .3]), 1e-9),
    )  # fmt: skip


def _errors(jac: Floats, scale: float) -> Floats:
    """Standard uncertainties (parameters,); those that the data say nothing of are large."""
    information = jac.T @ jac
    values, vectors = np.linalg.eigh(information)
    values = np.maximum(values, 1e-12 * values.max())
    return np.asarray(np.sqrt(np.einsum("ij,j,ij->i", vectors, 1 / values, vectors) * scale))

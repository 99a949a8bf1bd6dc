"""Straight lines through points with uncertainties, and what is read off them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mppcqa.physics._arrays import Floats


@dataclass(frozen=True)
class Line:
    """y = intercept + slope x, with the covariance of (intercept, slope)."""

    intercept: float
    slope: float
    covariance: Floats
    chi2: float
    ndf: int

    def crossing(self) -> tuple[float, float]:
        """Where the line meets zero, -intercept / slope, with its standard uncertainty."""
        return self.where(0.0)

    def where(self, y: float) -> tuple[float, float]:
        """Where the line reaches `y`, with its standard uncertainty; `LineError` if it is flat."""
        if self.slope == 0:
            raise LineError(f"a flat line does not reach {y}")
        x = (y - self.intercept) / self.slope
        gradient = np.array([-1 / self.slope, -x / self.slope])
        return x, float(np.sqrt(gradient @ self.covariance @ gradient))

    @property
    def slope_error(self) -> float:
        """Standard uncertainty of the slope."""
        return float(np.sqrt(self.covariance[1, 1]))

    def at(self, x: float) -> tuple[float, float]:
        """Value at `x` with its standard uncertainty."""
        gradient = np.array([1.0, x])
        return self.intercept + self.slope * x, float(
            np.sqrt(gradient @ self.covariance @ gradient)
        )


class LineError(ValueError):
    """The points do not make a line; the message says why."""


def fit_line(x: ArrayLike, y: ArrayLike, error: ArrayLike) -> Line:
    """Least squares through points (n,) with standard uncertainties (n,) in y.

    Points that are not finite are left out; at least two at different x must remain. Where chi2
    is larger than its degrees of freedom, the covariance grows by that ratio (the points scatter
    more than their uncertainties say).

    >>> line = fit_line([1, 2, 3], [2, 4, 6], [0.1, 0.1, 0.1])
    >>> round(line.slope, 6)
    2.0
    """
    xs, ys, errors = (np.asarray(values, float) for values in (x, y, error))
    good = np.isfinite(xs) & np.isfinite(ys) & np.isfinite(errors) & (errors > 0)
    xs, ys, errors = xs[good], ys[good], errors[good]
    if len(np.unique(xs)) < 2:
        raise LineError(f"{len(xs)} usable points at {len(np.unique(xs))} positions: no line")
    middle = np.average(xs, weights=errors**-2)
    design = np.stack([np.ones_like(xs), xs - middle], axis=1) / errors[:, None]
    covariance = np.linalg.inv(design.T @ design)
    level, slope = covariance @ design.T @ (ys / errors)
    residuals = (ys - level - slope * (xs - middle)) / errors
    ndf = len(xs) - 2
    chi2 = float(residuals @ residuals)
    if ndf > 0 and chi2 > ndf:
        covariance = covariance * chi2 / ndf
    shift = np.array([[1.0, -middle], [0.0, 1.0]])
    return Line(
        float(level - slope * middle), float(slope), shift @ covariance @ shift.T, chi2, ndf
    )


def breakdown_from_gain(bias_v: ArrayLike, gain: ArrayLike, gain_error: ArrayLike) -> Line:
    """Line of gain against bias [V]; its `crossing` is the breakdown voltage.

    V_br = -intercept / slope with the full covariance (Klanner, NIM A 926 (2019) 36).
    """
    line = fit_line(bias_v, gain, gain_error)
    if line.slope <= 0:
        raise LineError(f"the gain falls with bias (slope {line.slope:.3g} a volt)")
    return line


@dataclass(frozen=True)
class GainBreakdown:
    """A breakdown voltage from gains, at one temperature, with its standard uncertainty."""

    voltage_v: float
    error_v: float
    """Scatter of the points, and what the temperature coefficient leaves open."""
    systematic_v: float
    """That second part, which all channels of a scan share; in `error_v` already."""
    temperature_c: float
    coefficient_v_per_c: float
    coefficient_error_v_per_c: float
    """Of the breakdown voltage; little more than what was given where temperatures hardly differ
    or go along with the bias."""
    chi2: float
    ndf: int

    @property
    def statistical_v(self) -> float:
        """The first part: what more points, or more events at each, would lessen."""
        return float(np.sqrt(max(self.error_v**2 - self.systematic_v**2, 0.0)))

    def at(self, temperature_c: float) -> float:
        """Breakdown voltage [V] at a temperature near that of the points."""
        return self.voltage_v + self.coefficient_v_per_c * (temperature_c - self.temperature_c)


USUAL_COEFFICIENT = (0.04, 0.02)
"""dV_br/dT [V/degC] of a device of which nothing is known, and its standard deviation: 25 to
56 mV/degC were measured, on Hamamatsu VUV4 56 +- 2 (arXiv:2405.18403)."""
MOST_ROUNDS = 50


def breakdown_over_temperatures(
    bias_v: ArrayLike,
    temperature_c: ArrayLike,
    gain: ArrayLike,
    gain_error: ArrayLike,
    *,
    coefficient_v_per_c: tuple[float, float] = USUAL_COEFFICIENT,
) -> GainBreakdown:
    """Breakdown voltage from gains (n,) at biases [V] and temperatures [degC] that differ a little.

    gain = slope (bias - V_br - k (temperature - mean temperature)), with the coefficient k known
    beforehand as `coefficient_v_per_c` says (value and standard deviation) and learned from the
    points as far as they tell it. The result is for the points' mean temperature. Points that are
    not finite are left out; where the others scatter more than their errors say, the uncertainty
    grows by that. `LineError` with fewer than two biases, and where the gain falls with bias.

    >>> import numpy as np
    >>> bias, warm = np.array([54.0, 55, 56, 57]), np.array([20.0, 20.5, 21.1, 21.4])
    >>> gain = 40 * (bias - 51.6 - 0.05 * (warm - 20.75))
    >>> found = breakdown_over_temperatures(bias, warm, gain, np.full(4, 0.1))
    >>> bool(abs(found.voltage_v - 51.6) < 2 * found.error_v)
    True
    """
    v, t, y, e = (np.asarray(part, float) for part in (bias_v, temperature_c, gain, gain_error))
    good = np.isfinite(v) & np.isfinite(t) & np.isfinite(y) & np.isfinite(e) & (e > 0)
    v, t, y, e = v[good], t[good], y[good], e[good]
    if len(np.unique(v)) < 2:
        raise LineError(f"{len(v)} usable points at {len(np.unique(v))} positions: no line")
    usual, width = coefficient_v_per_c
    mean_c = float(t.mean())
    warmer = t - mean_c
    line = breakdown_from_gain(v - usual * warmer, y, e)
    slope, breakdown, k = line.slope, line.crossing()[0], usual
    spread = bool(np.ptp(t) > 0)
    for _ in range(MOST_ROUNDS):
        over = v - breakdown - k * warmer
        columns = [over, np.full_like(v, -slope)] + ([-slope * warmer] if spread else [])
        design = np.stack(columns, axis=1) / e[:, None]
        rest = (y - slope * over) / e
        if spread:
            design = np.vstack([design, [0.0, 0.0, 1 / width]])
            rest = np.append(rest, (usual - k) / width)
        covariance = np.linalg.inv(design.T @ design)
        step = covariance @ design.T @ rest
        slope, breakdown = slope + step[0], breakdown + step[1]
        k += step[2] if spread else 0.0
        if abs(step[1]) < 1e-9:
            break
    if not slope > 0:
        raise LineError(f"the gain falls with bias (slope {slope:.3g} a volt)")
    chi2, ndf = float(rest @ rest), len(v) - 2
    if ndf > 0 and chi2 > ndf:
        covariance = covariance * chi2 / ndf
    variance = float(covariance[1, 1])
    of_k = float(covariance[2, 2]) if spread else width**2
    # With the coefficient held, the others are as certain as the points make them.
    held = variance - float(covariance[1, 2]) ** 2 / of_k if spread else variance
    return GainBreakdown(
        float(breakdown),
        float(np.sqrt(variance)),
        float(np.sqrt(max(variance - held, 0.0))),
        mean_c,
        float(k),
        float(np.sqrt(of_k)),
        chi2,
        ndf,
    )

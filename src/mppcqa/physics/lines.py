"""Straight lines through points with uncertainties, and what is read off them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mppcqa.physics._model import Floats


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

"""Comparison of two stations (or two methods) that measured the same devices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mppcqa.physics._arrays import Floats

LEAST_DEVICES = 4
CONVERGED = 1e-12


@dataclass(frozen=True)
class StationComparison:
    """How the second station's values stand to the first's; errors are standard uncertainties."""

    devices: int
    offset: float
    """Mean of second less first."""
    offset_error: float
    scatter: float
    """Standard deviation of the differences."""
    scatter_error: float
    unexplained: float
    """Scatter beyond what the values' uncertainties make; zero where they explain all."""
    unexplained_error: float
    pulls: Floats
    """(devices,) difference over its uncertainty, in the order given."""
    pull_mean: float
    pull_std: float
    """One where the uncertainties are right; above, they are too small or a station drifts."""
    limits: tuple[float, float]
    """95 % of differences lie between (limits of agreement)."""
    limits_error: float
    """Uncertainty of each limit."""
    slope: float
    """Of second against first with errors in both; one where both have the same scale."""
    slope_error: float
    intercept: float
    intercept_error: float
    covariance: Floats
    """Of (intercept, slope)."""


def compare_stations(
    first: ArrayLike, first_error: ArrayLike, second: ArrayLike, second_error: ArrayLike
) -> StationComparison:
    """Compare values (n,) with standard uncertainties (n,) of the same n devices.

    Devices without a finite value from both are left out. Offset, scatter and the 1.96 standard
    deviation limits with their uncertainties follow Bland & Altman, Lancet 327 (1986) 307; the
    straight line with errors in both coordinates York et al., Am. J. Phys. 72 (2004) 367, its
    covariance grown where the points scatter more than their uncertainties say. The
    uncertainties are taken as independent: leave out of them what both stations share.
    Raises `ValueError` with fewer than four devices.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> true = rng.normal(70, 0.2, 200)
    >>> a, b = true + rng.normal(0, 0.01, 200), true + 0.05 + rng.normal(0, 0.01, 200)
    >>> found = compare_stations(a, np.full(200, 0.01), b, np.full(200, 0.01))
    >>> bool(abs(found.offset - 0.05) < 4 * found.offset_error)
    True
    """
    x, ex, y, ey = (np.asarray(part, float) for part in (first, first_error, second, second_error))
    if not x.shape == ex.shape == y.shape == ey.shape or x.ndim != 1:
        raise ValueError("values and uncertainties must be four lists of one length")
    good = np.isfinite(x) & np.isfinite(y) & (ex > 0) & (ey > 0) & np.isfinite(ex + ey)
    x, ex, y, ey = x[good], ex[good], y[good], ey[good]
    n = len(x)
    if n < LEAST_DEVICES:
        raise ValueError(
            f"{n} devices have a value with an uncertainty from both stations: {LEAST_DEVICES} are "
            "needed"
        )
    difference, variance = y - x, ex**2 + ey**2
    scatter = float(difference.std(ddof=1))
    scatter_error = scatter / np.sqrt(2 * (n - 1))
    beyond, beyond_error = _beyond(scatter, scatter_error, float(variance.mean()))
    pulls = difference / np.sqrt(variance)
    offset = float(difference.mean())
    intercept, slope, covariance = york_line(x, ex, y, ey)
    return StationComparison(
        n,
        offset,
        scatter / np.sqrt(n),
        scatter,
        float(scatter_error),
        beyond,
        beyond_error,
        pulls,
        float(pulls.mean()),
        float(pulls.std(ddof=1)),
        (offset - 1.96 * scatter, offset + 1.96 * scatter),
        float(scatter * np.sqrt(1 / n + 1.96**2 / (2 * (n - 1)))),
        slope,
        float(np.sqrt(covariance[1, 1])),
        intercept,
        float(np.sqrt(covariance[0, 0])),
        covariance,
    )


def york_line(
    x: ArrayLike, x_error: ArrayLike, y: ArrayLike, y_error: ArrayLike
) -> tuple[float, float, Floats]:
    """Intercept, slope and their covariance of a line with errors in both coordinates (n,).

    York et al., Am. J. Phys. 72 (2004) 367, uncorrelated errors, all positive and finite.
    """
    xs, ys = np.asarray(x, float), np.asarray(y, float)
    wx, wy = np.asarray(x_error, float) ** -2.0, np.asarray(y_error, float) ** -2.0
    # The slope of the larger scatter is the start: ordinary regression would lie too flat.
    slope = float(np.std(ys) / max(np.std(xs), 1e-300))
    slope *= np.sign(np.corrcoef(xs, ys)[0, 1]) if np.std(ys) > 0 and np.std(xs) > 0 else 1.0
    for _ in range(500):
        w = wx * wy / (wx + slope**2 * wy)
        dx, dy = xs - np.average(xs, weights=w), ys - np.average(ys, weights=w)
        beta = w * (dx / wy + slope * dy / wx)
        new = float((w * beta * dy).sum() / (w * beta * dx).sum())
        done = abs(new - slope) <= CONVERGED * max(abs(new), 1e-300)
        slope = new
        if done:
            break
    w = wx * wy / (wx + slope**2 * wy)
    middle_x, middle_y = np.average(xs, weights=w), np.average(ys, weights=w)
    adjusted = middle_x + beta
    centre = float(np.average(adjusted, weights=w))
    slope_variance = 1 / float((w * (adjusted - centre) ** 2).sum())
    intercept = float(middle_y - slope * middle_x)
    chi2 = float((w * (ys - intercept - slope * xs) ** 2).sum())
    grow = max(chi2 / max(len(xs) - 2, 1), 1.0)
    covariance = grow * np.array(
        [
            [1 / w.sum() + centre**2 * slope_variance, -centre * slope_variance],
            [-centre * slope_variance, slope_variance],
        ]
    )
    return intercept, slope, covariance


def _beyond(scatter: float, scatter_error: float, expected: float) -> tuple[float, float]:
    """Scatter with the expected variance taken off, and its uncertainty."""
    rest = scatter**2 - expected
    rest_error = 2 * scatter * scatter_error
    if rest <= 0:
        return 0.0, float(np.sqrt(max(rest + rest_error, 0.0)))
    return float(np.sqrt(rest)), float(min(rest_error / (2 * np.sqrt(rest)), np.sqrt(rest_error)))

"""Control charts: does a process that is measured again and again stay where it was?

Arrays in, limits and alarms out; no database. `docs/statistics.md` says which of it decides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mppcqa.loading import Later

if TYPE_CHECKING:
    from scipy import integrate, optimize, stats
else:
    integrate, optimize = Later("scipy.integrate"), Later("scipy.optimize")
    stats = Later("scipy.stats")

Floats = NDArray[np.float64]
WEIGHT = 0.25
"""Of the newest value in the moving average: for shifts of about one standard deviation."""
BETWEEN_FALSE = 370.0
"""Measurements between two false alarms: as many as of a chart with three standard deviations."""
LEAST_BASELINE = 8
"""Values from which a mean and a standard deviation are had; with fewer nothing is said."""
BASELINE = 50
"""Values that make the baseline, once there are so many."""
ROUNDING = 1e-9
"""Of a value: what arithmetic leaves of no scatter at all."""
NODES = 121


@dataclass(frozen=True)
class Chart:
    """A centre and limits, in the unit of the values."""

    centre: float
    sigma: float
    """Of one plotted value."""
    low: float
    high: float


@lru_cache(maxsize=64)
def range_constants(n: int) -> tuple[float, float]:
    """Mean and standard deviation of the range of n >= 2 normal values, in their sigmas: d2, d3.

    L. H. C. Tippett, Biometrika 17 (1925) 364, integrated; d2(2) = 1.128, d3(2) = 0.853.
    """
    if n < 2:
        raise ValueError("a range is of two values at least")
    norm = stats.norm

    x = np.linspace(-8, 8, 1601)
    w = np.linspace(0, 14, 1401)
    cdf = n * norm.pdf(x) * (norm.cdf(x + w[:, None]) - norm.cdf(x)) ** (n - 1)
    beyond = 1 - integrate.simpson(cdf, x=x, axis=1)
    mean = float(integrate.simpson(beyond, x=w))
    second = float(integrate.simpson(2 * w * beyond, x=w))
    return mean, math.sqrt(second - mean**2)


def individuals(values: ArrayLike) -> Chart:
    """Three-sigma limits of single values (n >= 2), sigma from the mean moving range.

    NIST/SEMATECH e-Handbook 6.3.2.2.1.

    >>> found = individuals([49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1])
    >>> round(found.low, 3), round(found.high, 3)
    (45.815, 55.805)
    """
    x = np.asarray(values, float)
    if x.ndim != 1 or len(x) < 2:
        raise ValueError("a moving range needs two values at least")
    centre = float(x.mean())
    sigma = float(np.abs(np.diff(x)).mean()) / range_constants(2)[0]
    return Chart(centre, sigma, centre - 3 * sigma, centre + 3 * sigma)


def means_and_ranges(groups: Sequence[ArrayLike]) -> tuple[list[Chart], list[Chart]]:
    """Limits of each subgroup's mean and range (X-bar and R), for subgroups of any sizes >= 2.

    Sigma is the mean of the ranges over their d2 (NIST/SEMATECH e-Handbook 6.3.2.1); the centre
    is the mean of all values.
    """
    arrays = [np.asarray(one, float) for one in groups]
    if len(arrays) < 2 or any(len(one) < 2 for one in arrays):
        raise ValueError("X-bar and R need two subgroups at least, of two values each")
    sigma = float(np.mean([np.ptp(one) / range_constants(len(one))[0] for one in arrays]))
    centre = float(np.concatenate(arrays).mean())
    means, ranges = [], []
    for one in arrays:
        of_mean = sigma / math.sqrt(len(one))
        means.append(Chart(centre, of_mean, centre - 3 * of_mean, centre + 3 * of_mean))
        d2, d3 = range_constants(len(one))
        low, high = max(0.0, (d2 - 3 * d3) * sigma), (d2 + 3 * d3) * sigma
        ranges.append(Chart(d2 * sigma, d3 * sigma, low, high))
    return means, ranges


def moving_average(values: ArrayLike, start: float, weight: float = WEIGHT) -> Floats:
    """Exponentially weighted moving average (n,): each value counts `weight`, the former rest.

    S. W. Roberts, Technometrics 1 (1959) 239.
    """
    found, last = np.empty(len(np.asarray(values))), start
    for place, value in enumerate(np.asarray(values, float)):
        last = found[place] = weight * value + (1 - weight) * last
    return found


def moving_sigma(n: int, weight: float = WEIGHT) -> Floats:
    """Standard deviation of that average after 1 … n values, in those of one value."""
    after = np.arange(1, n + 1)
    found: Floats = np.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * after)))
    return found


RULES = (
    "one beyond three sigma",
    "two of three beyond two sigma on one side",
    "four of five beyond one sigma on one side",
    "eight in a row on one side",
)


def western_electric(values: ArrayLike, centre: float, sigma: float) -> list[tuple[int, ...]]:
    """Which of the four `RULES` (from 1) each value (n,) completes.

    Western Electric, *Statistical Quality Control Handbook*, 1956, p. 25. Together they give a
    false alarm in 92 values (C. W. Champ and W. H. Woodall, Technometrics 29 (1987) 393), so they
    are signs to look at and nothing more.
    """
    z = (np.asarray(values, float) - centre) / sigma
    found = []
    for place in range(len(z)):
        broken = {1} if abs(z[place]) > 3 else set()
        for rule, beyond, least, window in ((2, 2.0, 2, 3), (3, 1.0, 4, 5), (4, 0.0, 8, 8)):
            last = z[max(0, place - window + 1) : place + 1]
            for side in (1, -1):
                if side * z[place] > beyond and (side * last > beyond).sum() >= least:
                    broken.add(rule)
        found.append(tuple(sorted(broken)))
    return found


def run_length(weight: float, width: float, shift: float = 0.0) -> float:
    """Mean number of values until the moving average leaves ±`width` of its sigmas, from the
    centre, when all values lie `shift` of theirs off.

    By a Markov chain (J. M. Lucas and M. S. Saccucci, Technometrics 32 (1990) 1).
    """
    limit = width * math.sqrt(weight / (2 - weight))
    edges = np.linspace(-limit, limit, NODES + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    cuts = (edges[None, :] - (1 - weight) * middle[:, None]) / weight - shift
    moves = np.diff(stats.norm.cdf(cuts), axis=1)
    lengths = np.linalg.solve(np.eye(NODES) - moves, np.ones(NODES))
    return float(lengths[NODES // 2])


@lru_cache(maxsize=64)
def width_for(between: float, weight: float = WEIGHT) -> float:
    """The width at which a false alarm comes once in `between` values."""
    found: float = optimize.brentq(
        lambda width: math.log(run_length(weight, width) / between), 1.5, 6, xtol=1e-4
    )
    return found


@dataclass(frozen=True)
class Drift:
    """What the alarm says of the values after the baseline."""

    baseline: int
    """Values that the centre and sigma are of; 0 where there are too few."""
    begin: int
    """Place of the first value that is judged."""
    centre: float
    sigma: float
    average: Floats
    """The moving average of the values that are judged [n - begin]."""
    low: Floats
    high: Floats
    """Its limits."""
    first: int | None
    """Place among all values of the first that is outside; None while there is none."""

    @property
    def off(self) -> float:
        """How far the last average lies from the centre, in sigmas of a value; NaN of none."""
        if not len(self.average) or not self.sigma > 0:
            return math.nan
        return float((self.average[-1] - self.centre) / self.sigma)


def drift(values: ArrayLike, charts: int = 1, *, restart: int = 0, weight: float = WEIGHT) -> Drift:
    """Judge values (n,) in the order of time; the first of them (`baseline_size`) are the baseline.

    charts
        How many quantities are watched together: the limits widen, so that a false alarm of any of
        them comes as seldom as of one.
    restart
        Place from which the average begins anew at the centre: somebody has looked at what was
        before.

    The limits allow for what a short baseline leaves uncertain: the mean's own variance is added
    to the average's, and the width is that of Student's t with as many degrees of freedom.
    """
    x = np.asarray(values, float)
    n = baseline_size(len(x))
    if not n:
        empty = np.empty(0)
        return Drift(0, 0, math.nan, math.nan, empty, empty, empty, None)
    centre, sigma = float(x[:n].mean()), float(x[:n].std(ddof=1))
    if sigma <= ROUNDING * abs(centre):
        sigma = 0.0  # always the same number: nothing can be said
    begin = max(n, min(restart, len(x)))
    average = moving_average(x[begin:], centre, weight)
    tail = stats.norm.sf(width_for(BETWEEN_FALSE * charts, weight))
    width = float(stats.t.isf(tail, n - 1))
    half = width * sigma * np.sqrt(moving_sigma(len(average), weight) ** 2 + 1 / n)
    outside = np.flatnonzero(np.abs(average - centre) > half) if sigma > 0 else np.empty(0, int)
    first = int(outside[0]) + begin if len(outside) else None
    return Drift(n, begin, centre, sigma, average, centre - half, centre + half, first)


def baseline_size(n: int) -> int:
    """How many of n values are the baseline: all but the last ten, of `LEAST_BASELINE` to
    `BASELINE`."""
    if n < LEAST_BASELINE:
        return 0
    return min(BASELINE, max(LEAST_BASELINE, n - 10))

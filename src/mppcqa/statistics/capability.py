"""Capability: how much room limits leave to a spread. Numbers in, numbers out; no database."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mppcqa.loading import Later

if TYPE_CHECKING:
    from scipy import stats
else:
    stats = Later("scipy.stats")

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Capability:
    """Indices with their intervals; None where a limit that they need is not there."""

    cp: float | None
    cp_interval: tuple[float, float] | None
    cpk: float
    cpk_interval: tuple[float, float]
    outside: float
    """Share of a normal distribution outside of the limits."""


def capability(
    mean: float,
    sigma: float,
    n: int,
    low: float | None,
    high: float | None,
    confidence: float = CONFIDENCE,
) -> Capability:
    """Cp and Cpk of n >= 3 values with this mean and standard deviation within [low, high].

    NIST/SEMATECH e-Handbook 6.1.6. The interval of Cp is exact (chi-squared); that of Cpk is A. F.
    Bissell's (Appl. Stat. 39 (1990) 331). Raises `ValueError` without a limit, or where sigma is
    not positive.

    >>> found = capability(16.0, 2.0, 50, 8.0, 20.0)
    >>> found.cp, round(found.cpk, 4)
    (1.0, 0.6667)
    """
    if low is None and high is None:
        raise ValueError("a capability needs a limit")
    if n < 3 or not sigma > 0 or not math.isfinite(mean + sigma):
        raise ValueError("a capability needs three values that differ")
    sides = []
    if low is not None:
        sides.append((mean - low) / (3 * sigma))
    if high is not None:
        sides.append((high - mean) / (3 * sigma))
    cpk = min(sides)
    z = float(stats.norm.isf((1 - confidence) / 2))
    half = z * math.sqrt(1 / (9 * n) + cpk**2 / (2 * (n - 1)))
    outside = float(sum(stats.norm.sf(3 * one) for one in sides))
    if low is None or high is None:
        return Capability(None, None, cpk, (cpk - half, cpk + half), outside)
    cp = (high - low) / (6 * sigma)
    tails = stats.chi2.ppf([(1 - confidence) / 2, (1 + confidence) / 2], n - 1) / (n - 1)
    interval = (cp * math.sqrt(tails[0]), cp * math.sqrt(tails[1]))
    return Capability(cp, interval, cpk, (cpk - half, cpk + half), outside)


def of_quantiles(
    least: float, median: float, greatest: float, low: float | None, high: float | None
) -> float:
    """Cpk of a distribution that is not normal: from its 0.135, 50 and 99.865 % quantiles.

    J. A. Clements, Quality Progress 22 (1989) 95. Raises `ValueError` without a limit.
    """
    sides = []
    if low is not None and median > least:
        sides.append((median - low) / (median - least))
    if high is not None and greatest > median:
        sides.append((high - median) / (greatest - median))
    if not sides:
        raise ValueError("a capability needs a limit and a spread")
    return min(sides)

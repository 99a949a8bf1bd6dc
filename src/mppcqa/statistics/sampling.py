"""Sampling plans for lots, by attributes and by variables, with the risks of both sides computed.

By attributes n of a lot are looked at, and it is accepted with at most c nonconforming ones among
them. Plans are those of ISO 2859-1:1999 (single sampling, normal and tightened inspection; the same
numbers stand in MIL-STD-105E, tables I, II-A and II-B), or made from two points of the operating
characteristic. By variables one measured quantity of n devices is compared with its limits by
G. J. Lieberman and G. J. Resnikoff, J. Am. Stat. Assoc. 50 (1955) 457, standard deviation unknown.

Qualities are shares of nonconforming devices from 0 to 1; AQLs of the tables are in percent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from mppcqa.loading import Later

if TYPE_CHECKING:
    from scipy import stats
else:
    stats = Later("scipy.stats")

Floats = NDArray[np.float64]
LETTERS = "ABCDEFGHJKLMNPQRS"
"""The last one is of tightened inspection alone."""
SIZES = (2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800, 1250, 2000, 3150)
AQLS = (
    *(0.010, 0.015, 0.025, 0.040, 0.065, 0.10, 0.15, 0.25),
    *(0.40, 0.65, 1.0, 1.5, 2.5, 4.0, 6.5, 10.0),
)
"""In percent of nonconforming devices."""
LOTS = (8, 15, 25, 50, 90, 150, 280, 500, 1200, 3200, 10_000, 35_000, 150_000, 500_000)
"""The largest lots of the rows of table 1."""
LEVELS = {
    "S-1": "AAAABBBBCCCCDDD",
    "S-2": "AAABBBCCCDDDEEE",
    "S-3": "AABBCCDDEEFFGGH",
    "S-4": "AABCCDEEFGGHJJK",
    "I": "AABCCDEFGHJKLMN",
    "II": "ABCDEFGHJKLMNPQ",
    "III": "BCDEFGHJKLMNPQR",
}
FIRST = 14
"""Letter and AQL, counted from 0, add up to this on the diagonal of normal plans with c = 0."""
NORMAL = {0: 0, 3: 1, 4: 2, 5: 3, 6: 5, 7: 7, 8: 10, 9: 14, 10: 21}
TIGHTENED = {1: 0, 4: 1, 5: 2, 6: 3, 7: 5, 8: 8, 9: 12, 10: 18}
"""Acceptance numbers by diagonal; where there is none an arrow leads to another letter."""
UP_BETWEEN = 1
"""The diagonal of normal plans whose arrow leads up, to the smaller sample with c = 0."""
MOST = 100_000
"""Devices of a sample that plans are looked for up to."""


class NoPlan(ValueError):
    """There is no plan as asked for; the message says why."""


@dataclass(frozen=True)
class ByCount:
    """A single sampling plan by attributes."""

    n: int
    accept: int
    """Acceptance number c: the lot is accepted with so many nonconforming ones, or fewer."""
    letter: str = ""

    def accepted(self, quality: ArrayLike, lot: int | None = None) -> Floats:
        """Probability of acceptance by quality.

        Of a process the number in the sample is binomial; of a `lot` of a size it is
        hypergeometric, with a whole number of nonconforming devices in the lot (rounded).
        """
        p = np.asarray(quality, float)
        if lot is None:
            return np.asarray(stats.binom.cdf(self.accept, self.n, p), float)
        bad = np.rint(p * lot)
        return np.asarray(stats.hypergeom.cdf(self.accept, lot, bad, min(self.n, lot)), float)


@dataclass(frozen=True)
class ByValue:
    """A plan by variables: accepted where (mean - limit) / s is at least k on each side."""

    n: int
    k: float

    def accepted(self, quality: ArrayLike, lot: int | None = None) -> Floats:
        """Probability of acceptance by quality, of normal values and one limit.

        P(T >= k sqrt(n)) of a noncentral t with n - 1 degrees of freedom and noncentrality
        z(1 - p) sqrt(n). The size of the lot does not matter; with two limits it is a good
        approximation unless values scatter as widely as the limits lie apart.
        """
        p = np.asarray(quality, float)
        shift = stats.norm.isf(np.clip(p, 1e-12, 1 - 1e-12)) * math.sqrt(self.n)
        found = stats.nct.sf(self.k * math.sqrt(self.n), self.n - 1, shift)
        return np.where(p <= 0, 1.0, np.clip(np.nan_to_num(found), 0.0, 1.0))

    @property
    def most(self) -> float:
        """M: the largest estimated share outside that is accepted, by the second form."""
        return share_outside(self.n, self.k)


Plan = ByCount | ByValue


def iso_plan(lot: int, aql: float, level: str = "II", *, tightened: bool = False) -> ByCount:
    """The single plan of ISO 2859-1 for a lot (devices) and an AQL [%] of `AQLS`.

    Where the sample is as large as the lot, all of the lot is looked at.

    >>> iso_plan(1000, 1.0)
    ByCount(n=80, accept=2, letter='J')
    """
    if lot < 2:
        raise NoPlan("a lot has two devices or more")
    if aql not in AQLS or level not in LEVELS:
        raise NoPlan(f"the tables have no AQL of {aql:g} % or no level {level}")
    row = sum(lot > most for most in LOTS)
    letter, column = LETTERS.index(LEVELS[level][row]), AQLS.index(aql)
    table = TIGHTENED if tightened else NORMAL
    last, step = len(LETTERS) - (1 if tightened else 2), 0
    while (diagonal := letter + column - FIRST) not in table:
        if letter in (0, last):
            step = -1 if letter else 1  # there is but one way, and it goes on
        elif not step:
            up = diagonal > max(table) or (diagonal == UP_BETWEEN and not tightened)
            step = -1 if up else 1
        letter += step
    return ByCount(min(SIZES[letter], lot), table[diagonal], LETTERS[letter])


def count_plan(good: float, bad: float, alpha: float = 0.05, beta: float = 0.10) -> ByCount:
    """The smallest plan by attributes that holds both risks.

    A process of quality `good` is rejected with at most `alpha`, one of `bad` accepted with at
    most `beta`.

    >>> count_plan(0.01, 0.08)
    ByCount(n=65, accept=2, letter='')
    """
    _check(good, bad, alpha, beta)
    for accept in range(1000):

        def holds(n: int, accept: int = accept) -> bool:
            return bool(stats.binom.cdf(accept, n, bad) <= beta)

        n = _least(holds, accept + 1)
        if stats.binom.cdf(accept, n, good) >= 1 - alpha:
            return ByCount(n, accept)
    raise NoPlan("the two qualities lie too near to each other")


def value_plan(good: float, bad: float, alpha: float = 0.05, beta: float = 0.10) -> ByValue:
    """The smallest plan by variables that holds both risks (see `count_plan`).

    >>> plan = value_plan(0.01, 0.06)
    >>> plan.n, round(plan.k, 2)
    (42, 1.91)
    """
    _check(good, bad, alpha, beta)

    def holds(n: int) -> bool:
        return bool(ByValue(n, _k(n, good, alpha)).accepted(bad) <= beta)

    n = _least(holds, 3)
    return ByValue(n, _k(n, good, alpha))


def _k(n: int, good: float, alpha: float) -> float:
    root = math.sqrt(n)
    return float(stats.nct.ppf(alpha, n - 1, stats.norm.isf(good) * root) / root)


def _check(good: float, bad: float, alpha: float, beta: float) -> None:
    if not (0 < good < bad < 1 and 0 < alpha < 0.5 and 0 < beta < 0.5):
        raise NoPlan("it must be 0 < good quality < bad quality < 1, and risks below a half")


def _least(test: Callable[[int], Any], start: int) -> int:
    """The smallest n from `start` on for which something holds that then holds for all above."""
    low, high = start - 1, start
    while not test(high):
        low, high = high, 2 * high
        if high > MOST:
            raise NoPlan(f"it would take more than {MOST} devices")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if test(middle) else (middle, high)
    return high


def share_outside(n: int, distance: float) -> float:
    """The unbiased estimate of the share beyond a limit, of n values whose mean is `distance`
    standard deviations (of the sample) inside it.

    I_x(n/2 - 1, n/2 - 1) with x = max(0, 1/2 - Q sqrt(n) / (2 (n - 1))), the incomplete beta
    function (Lieberman and Resnikoff 1955, eq. 1).
    """
    x = 0.5 - distance * math.sqrt(n) / (2 * (n - 1))
    half = n / 2 - 1
    return float(special.betainc(half, half, min(1.0, max(0.0, x))))


@dataclass(frozen=True)
class Judged:
    """What a sample's values say of its lot, by variables."""

    accepted: bool
    share: float
    """Estimated share of the lot outside of the limits."""
    most: float
    """The largest that is accepted."""
    mean: float
    sigma: float


def judge_values(
    plan: ByValue, values: ArrayLike, low: float | None = None, high: float | None = None
) -> Judged:
    """Accept or reject by values (n,) and one or two limits, by the second form.

    With one limit this is (mean - low) / s >= k, or (high - mean) / s >= k.
    """
    x = np.asarray(values, float)
    if len(x) != plan.n or (low is None and high is None):
        raise ValueError(f"the plan needs {plan.n} values and a limit")
    mean, sigma = float(x.mean()), float(x.std(ddof=1))
    share = 0.0
    for inside in (None if low is None else mean - low, None if high is None else high - mean):
        if inside is None:
            continue
        if sigma > 0:
            share += share_outside(plan.n, inside / sigma)
        elif inside < 0:
            share += 1.0
    most = plan.most
    return Judged(share <= most, share, most, mean, sigma)


@dataclass(frozen=True)
class Risks:
    """What both sides risk with a plan."""

    producer: float
    """Probability that a lot of good quality is rejected."""
    consumer: float | None
    """Probability that one of bad quality is accepted; None where no such quality was named."""
    doubtful: float
    """The quality that is accepted half of the time."""
    limiting: float
    """The quality that is accepted one time in ten."""


def risks(plan: Plan, good: float, bad: float | None = None) -> Risks:
    """The risks of a plan at a good and a bad quality, of a process."""
    return Risks(
        1 - float(plan.accepted(good)),
        None if bad is None else float(plan.accepted(bad)),
        quality_at(plan, 0.5),
        quality_at(plan, 0.1),
    )


def quality_at(plan: Plan, probability: float) -> float:
    """The quality of a process that a plan accepts with a probability."""
    low, high = 0.0, 1.0
    for _step in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if plan.accepted(middle) > probability else (low, middle)
    return (low + high) / 2

"""When will it be done? A forecast from what was done week by week. Numbers in, numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LOOKED_AT = 12
"""Whole weeks, the latest, that say how fast it goes."""
LEAST_WEEKS = 3
HORIZON = 520
"""Weeks; what ends later is not forecast."""
FUTURES = 4000
INTERVAL = (0.1, 0.9)


@dataclass(frozen=True)
class Forecast:
    """Weeks from the end of the last whole week; None beyond `HORIZON`."""

    weeks: int
    """How many were looked at."""
    rate: float
    """Devices a week, their mean."""
    median: float | None
    low: float | None
    high: float | None
    """80 % of futures end between these."""


def forecast(left: int, done: Sequence[int], seed: int = 1) -> Forecast | None:
    """When `left` more devices will be done, from those done in each past whole week.

    Each of 4,000 futures has weights of its own for the past weeks (D. B. Rubin, Ann. Stat. 9
    (1981) 130: the uncertainty of the rate) and draws its weeks from them (the scatter from week
    to week). It knows no holidays, deliveries or repairs to come. None where fewer than three
    weeks, or none with any device, are there.
    """
    past = np.asarray(done[-LOOKED_AT:], float)
    if len(past) < LEAST_WEEKS or not past.sum() > 0:
        return None
    rate = float(past.mean())
    if left <= 0:
        return Forecast(len(past), rate, 0.0, 0.0, 0.0)
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(len(past)), FUTURES)
    cuts = weights.cumsum(axis=1)
    total, ends = np.zeros(FUTURES), np.full(FUTURES, np.inf)
    for week in range(HORIZON):
        open_ = np.flatnonzero(~np.isfinite(ends))
        if not len(open_):
            break
        chosen = (cuts[open_] < rng.random(len(open_))[:, None]).sum(axis=1)
        now = past[np.minimum(chosen, len(past) - 1)]
        reached = total[open_] + now >= left
        part = (left - total[open_[reached]]) / now[reached]
        ends[open_[reached]] = week + part
        total[open_] += now
    low, median, high = (
        float(one) if np.isfinite(one) else None
        for one in np.quantile(ends, [INTERVAL[0], 0.5, INTERVAL[1]], method="inverted_cdf")
    )
    return Forecast(len(past), rate, median, low, high)

"""Yields with the uncertainty that their numbers of devices leave."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mppcqa.views.texts import NONE

ALIKE = 1e-9
"""Tenths of a percent: what the last digits of a float differ by."""


@dataclass(frozen=True)
class Yield:
    """How many of some devices passed, with the 68 % interval of the share, all in percent.

    The interval is E. B. Wilson's (J. Am. Stat. Assoc. 22 (1927) 209).
    """

    passed: int
    judged: int
    percent: float
    """Rounded down to a tenth: 100 % is said only where every device passed. NaN of none."""
    low: float
    high: float

    @property
    def text(self) -> str:
        """``93.1 % (91.2 … 94.6 %)``; the ends are rounded outward, so the yield is among them."""
        if not self.judged:
            return NONE
        low = math.floor(10 * self.low + ALIKE) / 10
        high = math.ceil(10 * self.high - ALIKE) / 10
        return f"{self.percent:.1f} % ({low:.1f} … {high:.1f} %)"


def yield_of(passed: int, judged: int) -> Yield:
    """The yield of `passed` out of `judged` devices."""
    if judged <= 0:
        return Yield(passed, 0, math.nan, math.nan, math.nan)
    share = passed / judged
    centre = (share + 0.5 / judged) / (1 + 1 / judged)
    half = math.sqrt(share * (1 - share) / judged + 0.25 / judged**2) / (1 + 1 / judged)
    return Yield(
        passed,
        judged,
        math.floor(1000 * share) / 10,
        100 * max(0.0, centre - half),
        100 * min(1.0, centre + half),
    )

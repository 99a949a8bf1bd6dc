"""Means of values with their uncertainties."""

from __future__ import annotations

import math
from collections.abc import Sequence


def total(statistical: float | None, systematic: float = 0.0) -> float | None:
    """Both uncertainties as one number; None where the statistical one is unknown.

    >>> total(0.3, 0.4)
    0.5
    """
    return None if statistical is None else math.hypot(statistical, systematic)


def mean_with_uncertainties(
    values: Sequence[float], statistical: Sequence[float | None], systematic: Sequence[float]
) -> tuple[float, float | None, float]:
    """Mean of n values with its statistical and its systematic standard uncertainty.

    Statistical ones are independent and shrink with the square root of n (None where a value has
    none); systematic ones are taken to move together, and do not shrink.

    >>> mean_with_uncertainties([1.0, 3.0], [0.3, 0.4], [0.1, 0.1])
    (2.0, 0.25, 0.1)
    """
    n = len(values)
    mean, together = math.fsum(values) / n, math.fsum(systematic) / n
    known = [error for error in statistical if error is not None]
    if len(known) < n:
        return mean, None, together
    return mean, math.sqrt(math.fsum(error * error for error in known)) / n, together

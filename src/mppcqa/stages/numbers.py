"""Means of values with their uncertainties."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

Bound = Literal[-1, 0, 1]
"""Whether a value is one (0), or all that is known is that the true one lies below it (`BELOW`) or
above it (`ABOVE`)."""
BELOW: Literal[1] = 1
"""The value is an upper limit, at 95 % confidence where nothing else is said."""
ABOVE: Literal[-1] = -1
"""The value is a lower limit."""
SIGNS = {BELOW: "<", 0: "", ABOVE: ">"}
"""How a bound is written in tables."""


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


class Mean(NamedTuple):
    """A mean over channels; where there are limits alone, the weakest of them."""

    value: float
    statistical: float | None
    systematic: float
    bound: Bound
    limits: int
    """Limits that are not in it."""


class OneValue(Protocol):
    """What a mean is made of."""

    @property
    def value(self) -> float: ...

    @property
    def statistical(self) -> float | None: ...

    @property
    def systematic(self) -> float: ...

    @property
    def bound(self) -> Bound: ...


def mean_beside_limits(rows: Sequence[OneValue]) -> Mean:
    """Mean of the values among `rows` (at least one), which limits are not in.

    Of limits alone, the mean of what is below each is below the highest; above each, above the
    lowest.
    """
    measured = [one for one in rows if not one.bound]
    limits = len(rows) - len(measured)
    if not measured:
        above = all(one.bound == ABOVE for one in rows)
        value = (min if above else max)(one.value for one in rows if above or one.bound == BELOW)
        return Mean(value, None, 0.0, ABOVE if above else BELOW, limits)
    mean = mean_with_uncertainties(
        [one.value for one in measured],
        [one.statistical for one in measured],
        [one.systematic for one in measured],
    )
    return Mean(*mean, 0, limits)

"""Means of values with their uncertainties."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

Bound = Literal[-1, 0, 1]
"""Whether a value is one (0), or all that is known is that the true one lies below it (`BELOW`) or
above it (`ABOVE`)."""
BELOW: Literal[1] = 1
"""The true value is below this one (an upper limit), at 95 % confidence where nothing else is said.
"""
ABOVE: Literal[-1] = -1
"""The true value is above this one (a lower limit)."""
FEW = 0.1
"""So small a part of limits may be missing in a mean."""
ONE_SIDED = 1.645
"""Standard uncertainties between a value and its limit at 95 %."""
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


def shared_uncertainty(terms: Iterable[tuple[float, Mapping[str, float]]]) -> float:
    """Standard uncertainty of a weighted sum for what its values share with others.

    Each term is a weight and a value's shared parts by name (`protocol.SharedPart`), in the value's
    unit. Parts of one name move together, and cancel in a difference; those of different names are
    independent.

    Two of four values were measured with one photodiode, two with another:

    >>> one, other = {"diode 1": 0.02}, {"diode 2": 0.02}
    >>> round(shared_uncertainty([(0.25, one), (0.25, one), (0.25, other), (0.25, other)]), 5)
    0.01414
    >>> shared_uncertainty([(1.0, one), (-1.0, one)])
    0.0
    """
    moved: dict[str, float] = {}
    for weight, parts in terms:
        for name, size in parts.items():
            moved[name] = moved.get(name, 0.0) + weight * size
    return math.hypot(*moved.values())


class Mean(NamedTuple):
    """A mean over channels, or a limit of it where too many of them are limits."""

    value: float
    statistical: float | None
    systematic: float
    bound: Bound
    limits: int
    """Limits among what it is of: not in a mean (`bound` 0), and in a limit of one."""


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


def mean_beside_limits(rows: Sequence[OneValue]) -> Mean | None:
    """Mean of the values among `rows` (at least one), which a few limits are not in.

    Where more than a part `FEW` of them are limits, the mean of the others is not that of all, and
    only a limit of it is known: every upper limit taken as the value, the mean of all is below that
    (95 %), and above that where they are lower limits. Of limits alone, the mean of what is below
    each is below the highest; above each, above the lowest. None where some are upper and some
    lower limits, for these say nothing of a mean.
    """
    sides = {one.bound for one in rows if one.bound}
    measured = [one for one in rows if not one.bound]
    n, limits = len(rows), len(rows) - len(measured)
    if len(sides) == 2 and limits > FEW * n:
        return None
    above = sides == {ABOVE}
    if not measured:
        value = (min if above else max)(one.value for one in rows)
        return Mean(value, None, 0.0, ABOVE if above else BELOW, limits)
    value, statistical, systematic = mean_with_uncertainties(
        [one.value for one in measured],
        [one.statistical for one in measured],
        [one.systematic for one in measured],
    )
    if limits <= FEW * n:
        return Mean(value, statistical, systematic, 0, limits)
    value = math.fsum(one.value for one in rows) / n
    reach = ONE_SIDED * math.hypot(statistical or 0.0, systematic) * len(measured) / n
    return Mean(
        value - reach if above else value + reach, None, 0.0, ABOVE if above else BELOW, limits
    )

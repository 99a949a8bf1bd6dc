"""Gauge R&R: what part of a scatter is of the devices, the stations, the operators, the repeats.

Arrays in, numbers out; no database.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mppcqa.loading import Later

if TYPE_CHECKING:
    from scipy import linalg, optimize
else:
    linalg, optimize = Later("scipy.linalg"), Later("scipy.optimize")

MOST = 300
"""Observations: the time grows as their cube."""
LEAST_LOG, MOST_LOG = -9.0, 7.0
"""Of the logarithm of a component's sigma over that of the repeats."""
NOTHING = 1e-3
"""A ratio of sigmas below this is none."""
ONE_SIDED = 1.353
"""Half of the 90 % quantile of chi-squared: the 95 % limit of a sigma that is at its end."""


@dataclass(frozen=True)
class Component:
    """A standard deviation with its 95 % interval, in the unit of the values."""

    sigma: float
    low: float
    high: float


@dataclass(frozen=True)
class Components:
    """What a scatter is made of."""

    n: int
    mean: float
    of: dict[str, Component]
    """By the name of a factor."""
    repeat: Component
    """Of repeats with all factors the same (repeatability)."""
    same_as: dict[str, str]
    """A factor that can't be told from another: wherever the one changes, the other does."""


def components(values: ArrayLike, factors: Mapping[str, Sequence[Any]]) -> Components:
    """Standard deviations of random factors, by restricted maximum likelihood.

    values
        Observations (n,), at most `MOST`, in any design: devices need not all be measured by
        everybody. Where a design is balanced and no component is at zero, the result is that of
        the analysis of variance (S. R. Searle, G. Casella and C. E. McCulloch, *Variance
        Components*, 1992, ch. 6).
    factors
        Name -> labels (n,). A factor with one label alone is left out.

    Intervals are of the logarithm's curvature; of a component at zero the 95 % upper limit.
    Raises `ValueError` with fewer than four observations, or where nothing was repeated.
    """
    y = np.asarray(values, float)
    if y.ndim != 1 or len(y) < 4 or len(y) > MOST or not np.isfinite(y).all():
        raise ValueError(f"4 to {MOST} finite values are needed")
    codes, same = _told_apart(len(y), factors)
    together = len(np.unique(np.stack([*codes.values()], 1), axis=0)) if codes else 1
    if together >= len(y):
        raise ValueError("nothing was measured twice with all factors the same")
    blocks = [(one[:, None] == one[None, :]).astype(float) for one in codes.values()]
    size = float(y.std()) or 1.0
    z = (y - y.mean()) / size

    def deviance(logs: NDArray[np.float64]) -> float:
        return _profiled(z, blocks, logs)[0]

    k = len(blocks)
    bounds = [(LEAST_LOG, MOST_LOG)] * k
    logs = np.zeros(0)
    if k:
        found = optimize.minimize(deviance, np.zeros(k), bounds=bounds, method="L-BFGS-B")
        logs = np.asarray(found.x)
    _least, repeat = _profiled(z, blocks, logs)
    # Once more with all sigmas free, for the curvature.
    whole = np.array([math.log(repeat), *(logs + math.log(repeat))])
    zero = np.array([False, *(np.exp(logs) < NOTHING)])
    errors = _errors(z, blocks, whole, zero)
    made = []
    for place, (log, error) in enumerate(zip(whole, errors, strict=True)):
        if zero[place]:
            high = _upper(z, blocks, whole, place)
            made.append(Component(0.0, 0.0, high * size))
        else:
            reach = math.exp(min(1.96 * error, 50.0))
            sigma = math.exp(log) * size
            made.append(Component(sigma, sigma / reach, sigma * reach))
    return Components(
        len(y), float(y.mean()), dict(zip(codes, made[1:], strict=True)), made[0], same
    )


def _told_apart(
    n: int, factors: Mapping[str, Sequence[Any]]
) -> tuple[dict[str, NDArray[np.int64]], dict[str, str]]:
    """Labels as numbers, without factors of one label and those that are another's twin."""
    codes: dict[str, NDArray[np.int64]] = {}
    same: dict[str, str] = {}
    for name, labels in factors.items():
        if len(labels) != n:
            raise ValueError(f"{name}: one label a value is needed")
        texts = [str(one) for one in labels]
        numbers = np.array([sorted(set(texts)).index(one) for one in texts])
        if len(set(texts)) < 2:
            continue
        twin = next((key for key, one in codes.items() if _one_to_one(one, numbers)), "")
        if twin:
            same[name] = twin
        else:
            codes[name] = numbers
    return codes, same


def _one_to_one(one: NDArray[np.int64], other: NDArray[np.int64]) -> bool:
    pairs = len(np.unique(np.stack([one, other], 1), axis=0))
    return bool(pairs == len(np.unique(one)) == len(np.unique(other)))


def _likelihood(
    z: NDArray[np.float64], variance: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Log determinant, log of the mean's information, and weighted sum of squares."""
    root = linalg.cholesky(variance, lower=True, check_finite=False)
    solved = linalg.solve_triangular(
        root, np.stack([z, np.ones_like(z)], 1), lower=True, check_finite=False
    )
    information = float(solved[:, 1] @ solved[:, 1])
    mean = float(solved[:, 0] @ solved[:, 1]) / information
    rest = solved[:, 0] - mean * solved[:, 1]
    return 2 * float(np.log(np.diag(root)).sum()), math.log(information), float(rest @ rest)


def _profiled(
    z: NDArray[np.float64], blocks: Sequence[NDArray[np.float64]], logs: NDArray[np.float64]
) -> tuple[float, float]:
    """Minus twice the restricted log likelihood at the best sigma of repeats, and that sigma."""
    variance = np.eye(len(z))
    for block, log in zip(blocks, logs, strict=True):
        variance = variance + math.exp(2 * log) * block
    determinant, information, squares = _likelihood(z, variance)
    free = len(z) - 1
    repeat = max(squares / free, 1e-300)
    return determinant + information + free * math.log(repeat), math.sqrt(repeat)


def _deviance(
    z: NDArray[np.float64], blocks: Sequence[NDArray[np.float64]], logs: NDArray[np.float64]
) -> float:
    """The same of all sigmas, the repeats' first."""
    variance = math.exp(2 * logs[0]) * np.eye(len(z))
    for block, log in zip(blocks, logs[1:], strict=True):
        variance = variance + math.exp(2 * log) * block
    return sum(_likelihood(z, variance))


def _errors(
    z: NDArray[np.float64],
    blocks: Sequence[NDArray[np.float64]],
    logs: NDArray[np.float64],
    zero: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Standard errors of the logarithms that are not at their end."""
    free = np.flatnonzero(~zero)
    step, k = 1e-3, len(free)

    def at(moves: Mapping[int, float]) -> float:
        there = logs.copy()
        for place, move in moves.items():
            there[free[place]] += move
        return _deviance(z, blocks, there)

    middle, curve = at({}), np.empty((k, k))
    for i in range(k):
        curve[i, i] = (at({i: step}) - 2 * middle + at({i: -step})) / step**2
        for j in range(i):
            corners = [at({i: a * step, j: b * step}) * a * b for a in (1, -1) for b in (1, -1)]
            curve[i, j] = curve[j, i] = sum(corners) / (4 * step**2)
    errors = np.full(len(logs), math.nan)
    variances = np.diag(np.linalg.pinv(curve / 2))
    errors[free] = np.sqrt(np.maximum(variances, 0))
    return errors


def _upper(
    z: NDArray[np.float64],
    blocks: Sequence[NDArray[np.float64]],
    logs: NDArray[np.float64],
    place: int,
) -> float:
    """Where the deviance of a sigma at zero has grown by that of 95 %."""
    middle = _deviance(z, blocks, logs)

    def beyond(log: float) -> float:
        there = logs.copy()
        there[place] = log
        return _deviance(z, blocks, there) - middle - 2 * ONE_SIDED

    low, high = float(logs[0]) - 8, float(logs[0]) + 8
    if beyond(low) > 0 or beyond(high) < 0:
        return math.inf
    return math.exp(optimize.brentq(beyond, low, high, xtol=1e-4))

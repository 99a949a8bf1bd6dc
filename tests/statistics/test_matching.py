"""Groups of alike devices: the sum of spreads is the smallest, whatever is asked for."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from mppcqa.statistics.matching import cut, match


def milp_sum(values: Any, size: int, groups: int, classes: Any, widest: float) -> float:
    """The smallest sum of spreads by SciPy's `milp` over all groupings; infinite where none is."""
    columns = [
        one
        for one in combinations(range(len(values)), size)
        if len({classes[i] for i in one}) == 1 and np.ptp(values[list(one)]) <= widest
    ]
    if not columns:
        return 0.0 if groups == 0 else math.inf
    holds = np.zeros((len(values) + 1, len(columns)))
    for j, one in enumerate(columns):
        holds[list(one), j] = 1
    holds[-1] = 1
    least = np.concatenate([np.zeros(len(values)), [groups]])
    most = np.concatenate([np.ones(len(values)), [groups]])
    answer = milp(
        [np.ptp(values[list(one)]) for one in columns],
        constraints=LinearConstraint(holds, least, most),
        integrality=np.ones(len(columns)),
        bounds=Bounds(0, 1),
    )
    return float(answer.fun) if answer.success else math.inf


@pytest.mark.parametrize("seed", range(12))
def test_no_other_grouping_is_better(seed: int) -> None:
    random = np.random.default_rng(seed)
    n, size = int(random.integers(6, 13)), int(random.integers(2, 5))
    values = random.normal(70, 0.3, n)
    if seed % 3 == 0:
        values = values.round(1)  # some are equal
    classes = random.integers(0, 2, n).tolist() if seed % 2 else [0] * n
    widest = float(random.choice([math.inf, 0.5]))
    wanted = None if seed % 4 else 2
    found = match(values, size, groups=wanted, classes=classes, widest=widest)
    m = len(found.groups)
    assert found.total == pytest.approx(milp_sum(values, size, m, classes, widest), abs=1e-6)
    if wanted is None or m < wanted:  # nor are there groupings with more groups
        assert milp_sum(values, size, m + 1, classes, widest) == math.inf
    members = [i for group in found.groups for i in group]
    assert len(set(members)) == len(members) == m * size
    for group, spread in zip(found.groups, found.spreads, strict=True):
        assert len({classes[i] for i in group}) == 1
        assert spread == pytest.approx(np.ptp(values[group]))
        assert spread <= widest


@pytest.mark.parametrize("size", [4, 40])
def test_four_thousand_are_never_worse_than_sorted(size: int) -> None:
    values = np.random.default_rng(4).normal(70, 0.3, 4_003)
    best, plain = match(values, size), cut(values, size)
    assert len(best.groups) == len(plain.groups) == 4_003 // size
    assert best.total < plain.total < cut(values, size, ordered=False).total
    # Some may be left out, and then the outermost are.
    fewer = match(values, size, groups=3_600 // size)
    assert fewer.total < 0.5 * plain.total


def test_what_cannot_be_grouped() -> None:
    assert match([1.0, 2.0], 4).groups == []
    assert math.isnan(match([], 2).mean)
    assert match([1.0, 2.0, 3.0], 2, widest=0.5).groups == []
    for values, size in (([1.0, math.nan], 2), ([1.0, 2.0], 1), (np.zeros(10_001), 2)):
        with pytest.raises(ValueError, match=r"values|members"):
            match(values, size)

"""Sampling plans: their numbers, their risks, and what a sample says of its lot."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mppcqa.statistics.sampling import (
    AQLS,
    LETTERS,
    LEVELS,
    SIZES,
    ByCount,
    ByValue,
    NoPlan,
    count_plan,
    iso_plan,
    judge_values,
    quality_at,
    risks,
    share_outside,
    value_plan,
)

NIST = (0.998, 0.980, 0.930, 0.845, 0.739, 0.620, 0.502, 0.394, 0.300, 0.223, 0.162, 0.115)
"""NIST/SEMATECH e-Handbook of Statistical Methods, 6.2.3.2: acceptance of n = 52, c = 3 at lots
with 1, 2, … 12 % nonconforming."""


def test_the_operating_characteristic_is_that_of_nist() -> None:
    found = ByCount(52, 3).accepted(np.arange(1, 13) / 100)
    assert found == pytest.approx(NIST, abs=0.0015)


@pytest.mark.parametrize(
    ("lot", "aql", "level", "normal", "tightened"),
    [  # MIL-STD-105E, tables I, II-A and II-B, read off by hand; arrows among them
        (1000, 1.0, "II", (80, 2), (80, 1)),
        (1000, 0.65, "II", (80, 1), (125, 1)),
        (120, 0.65, "II", (20, 0), (32, 0)),
        (120, 1.0, "II", (13, 0), (20, 0)),
        (120, 1.5, "II", (32, 1), (50, 1)),
        (5000, 0.65, "II", (200, 3), (200, 2)),
        (300, 10.0, "III", (80, 14), (80, 12)),
        (20_000, 0.40, "I", (125, 1), (200, 1)),
        (5, 10.0, "II", (5, 1), (2, 0)),
        (600_000, 4.0, "S-1", (13, 1), (20, 1)),
    ],
)
def test_plans_of_the_tables(
    lot: int, aql: float, level: str, normal: tuple[int, int], tightened: tuple[int, int]
) -> None:
    one, other = iso_plan(lot, aql, level), iso_plan(lot, aql, level, tightened=True)
    assert ((one.n, one.accept), (other.n, other.accept)) == (normal, tightened)


def test_every_plan_of_the_tables_protects_its_producer() -> None:
    for level in LEVELS:
        for lot in (5, 60, 400, 4_000, 1_000_000):
            for aql in AQLS:
                plan, tight = iso_plan(lot, aql, level), iso_plan(lot, aql, level, tightened=True)
                assert plan.n in (*SIZES, lot)
                # Normal plans accept lots at the AQL with 0.87 to 0.998; tightened ones seldomer.
                good = float(ByCount(SIZES[LETTERS.index(plan.letter)], plan.accept)
                             .accepted(aql / 100))  # fmt: skip
                assert 0.85 < good <= 1
                assert float(tight.accepted(0.1)) <= float(plan.accepted(0.1)) + 1e-12


def test_plans_from_two_risks_are_the_smallest_that_hold_them() -> None:
    plan = count_plan(0.01, 0.08, 0.05, 0.10)
    assert (plan.accepted(0.01) >= 0.95, plan.accepted(0.08) <= 0.10) == (True, True)
    for n in range(1, plan.n):
        for c in range(n):
            one = ByCount(n, c)
            assert one.accepted(0.01) < 0.95 or one.accepted(0.08) > 0.10
    by_value = value_plan(0.01, 0.06, 0.05, 0.10)
    # D. C. Montgomery, Introduction to Statistical Quality Control: n = 40, k = 1.9 by nomograph.
    assert by_value.n == pytest.approx(40, abs=3)
    assert by_value.k == pytest.approx(1.9, abs=0.02)
    found = risks(by_value, 0.01, 0.06)
    assert found.producer == pytest.approx(0.05)
    assert found.consumer is not None
    assert 0.08 < found.consumer <= 0.10
    assert by_value.accepted(found.limiting) == pytest.approx(0.10)
    with pytest.raises(NoPlan):
        count_plan(0.05, 0.05)


def test_a_lot_that_is_finite_is_drawn_without_replacement() -> None:
    plan = ByCount(50, 1)
    assert plan.accepted(0.02, lot=50) == 1.0  # one of fifty, all looked at
    assert plan.accepted(0.04, lot=50) == 0.0
    exact = stats.hypergeom.cdf(1, 500, 20, 50)
    assert plan.accepted(0.04, lot=500) == pytest.approx(exact)


def test_values_are_accepted_as_often_as_the_curve_says() -> None:
    """Monte Carlo, 20,000 lots a point with a fixed seed: within 4 sigmas."""
    random = np.random.default_rng(3951)
    plan, lots = ByValue(20, 1.6), 20_000
    for quality in (0.01, 0.05, 0.10):
        limit = stats.norm.isf(quality)
        x = random.standard_normal((lots, plan.n))
        share = np.mean((limit - x.mean(1)) / x.std(1, ddof=1) >= plan.k)
        expected = float(plan.accepted(quality))
        assert abs(share - expected) < 4 * math.sqrt(expected * (1 - expected) / lots)
    for row in x[:300]:  # both forms agree where there is one limit
        by_k = (limit - row.mean()) / row.std(ddof=1) >= plan.k
        assert judge_values(plan, row, high=limit).accepted == by_k


def test_the_estimated_share_is_unbiased() -> None:
    random = np.random.default_rng(1955)
    x = random.standard_normal((20_000, 10))
    shares = [share_outside(10, d) for d in (1.5 - x.mean(1)) / x.std(1, ddof=1)]
    error = np.std(shares) / math.sqrt(len(shares))
    assert np.mean(shares) == pytest.approx(stats.norm.sf(1.5), abs=4 * error)


def test_two_limits_add_up() -> None:
    plan = value_plan(0.01, 0.10)
    x = np.random.default_rng(1).normal(0, 1, plan.n)
    low, high = judge_values(plan, x, low=-2.0), judge_values(plan, x, high=2.0)
    both = judge_values(plan, x, low=-2.0, high=2.0)
    assert both.share == pytest.approx(low.share + high.share)
    assert judge_values(plan, np.full(plan.n, 3.0), high=2.0).accepted is False
    assert judge_values(plan, np.full(plan.n, 1.0), high=2.0).accepted is True
    assert quality_at(plan, 0.5) == pytest.approx(0.03, abs=0.02)
    with pytest.raises(ValueError, match="values and a limit"):
        judge_values(plan, x)

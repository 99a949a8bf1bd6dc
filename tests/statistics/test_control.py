"""Control charts against worked examples, published run lengths and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mppcqa.statistics.control import (
    BETWEEN_FALSE,
    RULES,
    baseline_size,
    drift,
    individuals,
    means_and_ranges,
    moving_average,
    moving_sigma,
    range_constants,
    run_length,
    western_electric,
    width_for,
)

FLOW = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
"""NIST/SEMATECH e-Handbook 6.3.2.2.1, flowrates."""
PARTS = [52.0, 47.0, 53.0, 49.3, 50.1, 47.0, 51.0, 50.1, 51.2, 50.5, 49.6, 47.6, 49.9, 51.3, 47.8,
         51.2, 52.6, 52.4, 53.6, 52.1]  # fmt: skip
"""NIST/SEMATECH e-Handbook 6.3.2.4, with the averages that it gives."""
AVERAGES = [50.60, 49.52, 50.56, 50.18, 50.16, 49.21, 49.75, 49.85, 50.26, 50.33, 50.11, 49.36,
            49.52, 50.05, 49.38, 49.92, 50.73, 51.23, 51.94, 51.99]  # fmt: skip


def test_individuals_as_in_the_handbook() -> None:
    found = individuals(FLOW)
    assert found.centre == pytest.approx(50.81)
    assert (found.low, found.high) == (pytest.approx(45.8159, 1e-4), pytest.approx(55.8041, 1e-4))


def test_the_moving_average_as_in_the_handbook() -> None:
    found = moving_average(PARTS, 50.0, 0.3)
    assert found == pytest.approx(AVERAGES, abs=0.006)
    half = 3 * 2.0539 * math.sqrt(0.3 / 1.7)
    assert (50 - half, 50 + half) == (pytest.approx(47.4115, 1e-4), pytest.approx(52.5884, 1e-4))
    assert moving_sigma(200, 0.3)[-1] == pytest.approx(math.sqrt(0.3 / 1.7))
    assert moving_sigma(1, 0.3)[0] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("n", "d2", "d3"), [(2, 1.128, 0.853), (3, 1.693, 0.888), (5, 2.326, 0.864), (10, 3.078, 0.797)]
)
def test_constants_of_ranges_are_those_of_the_tables(n: int, d2: float, d3: float) -> None:
    assert range_constants(n) == (pytest.approx(d2, abs=6e-4), pytest.approx(d3, abs=6e-4))


def test_means_and_ranges_have_the_factors_of_the_tables() -> None:
    groups = [[1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 3.0, 4.0, 5.0, 6.0]]
    means, ranges = means_and_ranges(groups)
    # A2 = 0.577, D3 = 0, D4 = 2.114 of five; the mean range is 4.
    assert means[0].high - means[0].centre == pytest.approx(0.577 * 4, abs=2e-3)
    assert (ranges[0].low, ranges[0].high) == (0.0, pytest.approx(2.114 * 4, rel=1e-3))


@pytest.mark.parametrize(
    ("weight", "width", "lengths"),
    [
        (0.4, 3.054, (500, 224, 71.2, 28.4, 14.3, 5.9)),
        (0.25, 2.998, (500, 170, 48.2, 20.1, 11.1, 5.5)),
        (0.2, 2.962, (500, 150, 41.8, 18.2, 10.5, 5.5)),
        (0.1, 2.814, (500, 106, 31.3, 15.9, 10.3, 6.1)),
    ],
)
def test_run_lengths_are_those_of_lucas_and_saccucci(
    weight: float, width: float, lengths: tuple[float, ...]
) -> None:
    for shift, length in zip((0, 0.25, 0.5, 0.75, 1, 1.5), lengths, strict=True):
        assert run_length(weight, width, shift) == pytest.approx(length, rel=0.015)
    assert run_length(weight, width_for(500.0, weight)) == pytest.approx(500, rel=1e-3)


def test_each_rule_is_told_where_it_is_completed() -> None:
    assert len(RULES) == 4
    assert western_electric([0, 3.1, 0], 0, 1) == [(), (1,), ()]
    assert western_electric([2.1, 0, 2.1], 0, 1) == [(), (), (2,)]
    assert western_electric([1.1, 1.1, -0.5, 1.1, 1.1], 0, 1)[-1] == (3,)
    assert western_electric([0.1] * 8, 0, 1) == [()] * 7 + [(4,)]
    assert western_electric([2.1, -2.1, 2.1], 0, 1)[-1] == (2,)
    assert western_electric([-0.1] * 7 + [0.1], 0, 1)[-1] == ()


def test_the_four_rules_together_alarm_once_in_92() -> None:
    rng = np.random.default_rng(3)
    lengths = []
    for _trial in range(200):
        signs = western_electric(rng.normal(size=700), 0, 1)
        lengths.append(next((n for n, one in enumerate(signs, 1) if one), 700))
    assert np.mean(lengths) == pytest.approx(91.75, abs=4 * 90 / 14)


def found_and_false(repeats: int, trials: int = 20_000) -> tuple[float, float]:
    """Share of steps of one sigma (of a single measurement) found within ten reference
    measurements of so many repeats, and measurements a false alarm; centre and sigma known."""
    rng = np.random.default_rng(11)
    width, steady = width_for(BETWEEN_FALSE), 30
    z, alarmed = np.zeros(trials), np.zeros(trials, bool)
    false = looked = 0
    limits = width * moving_sigma(steady + 10)
    for place in range(steady):
        z = 0.25 * rng.normal(size=trials) + 0.75 * z
        out = (np.abs(z) > limits[place]) & ~alarmed
        false, looked = false + out.sum(), looked + (~alarmed).sum()
        alarmed |= out
    found = np.zeros(trials, bool)
    for place in range(steady, steady + 10):
        z = 0.25 * (rng.normal(size=trials) + math.sqrt(repeats)) + 0.75 * z
        found |= np.abs(z) > limits[place]
    return float(found[~alarmed].mean()), looked / false


def test_the_power_is_what_the_documentation_says() -> None:
    """One measurement a time does not find one sigma in 90 % of cases, and nothing could: even who
    knew when the step would come needs 85 % at this rate of false alarms. Two do."""
    single, between = found_and_false(1)
    assert single == pytest.approx(0.64, abs=0.02)
    twice, again = found_and_false(2)
    assert twice > 0.92
    assert min(between, again) > 300


def test_a_baseline_of_ones_own_gives_no_more_false_alarms() -> None:
    """The whole procedure, run after run from the first measurement on."""
    rng = np.random.default_rng(5)
    alarms = measurements = 0
    for _trial in range(60):
        values = rng.normal(70, 0.2, 70)
        for n in range(1, len(values) + 1):
            measurements += 1
            if drift(values[:n]).first is not None:
                alarms += 1
                break
    assert alarms / measurements < 1 / 300


@pytest.mark.parametrize(("repeats", "share"), [(2, 0.8), (3, 0.93), (4, 0.97)])
def test_the_power_with_a_baseline_of_fifty(repeats: int, share: float) -> None:
    rng, trials, found = np.random.default_rng(7), 400, 0
    for _trial in range(trials):
        step = [0.0] * 50 + [math.sqrt(repeats)] * 10
        found += drift(rng.normal(size=60) + step).first is not None
    assert found / trials > share - 2 * math.sqrt(share * (1 - share) / trials)


def test_what_somebody_has_looked_at_alarms_no_more() -> None:
    values = [*np.tile([-1.0, 1.0], 10), *[6.0] * 6]
    assert drift(values).first == 20
    again = drift(values, restart=26)
    assert again.first is None
    assert len(again.average) == 0
    assert drift([*values, 6.0, 6.0, 6.0], restart=26).first is not None


def test_too_few_values_say_nothing() -> None:
    assert [baseline_size(n) for n in (0, 7, 8, 18, 30, 60, 500)] == [0, 0, 8, 8, 20, 50, 50]
    assert drift([1.0, 2.0]).baseline == 0
    assert drift([3.0] * 30).first is None  # no scatter at all: nothing can be said
    with pytest.raises(ValueError, match="two values"):
        individuals([1.0])
    with pytest.raises(ValueError, match="two subgroups"):
        means_and_ranges([[1.0, 2.0]])

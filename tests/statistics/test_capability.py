"""Capability, gauge R&R and forecasts against worked examples and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mppcqa.statistics.capability import capability, of_quantiles
from mppcqa.statistics.forecast import forecast
from mppcqa.statistics.gauge import components


def test_capability_as_in_the_handbook() -> None:
    """NIST/SEMATECH e-Handbook 6.1.6: limits 8 and 20, mean 16, sigma 2."""
    found = capability(16, 2, 50, 8, 20)
    assert (found.cp, found.cpk) == (pytest.approx(1.0), pytest.approx(0.6667, abs=1e-4))
    assert found.outside == pytest.approx(stats.norm.sf(2) + stats.norm.sf(4))


@pytest.mark.parametrize(("low", "high"), [(-3.0, 4.5), (None, 4.0), (-3.5, None)])
def test_intervals_hold_the_truth_as_often_as_they_say(
    low: float | None, high: float | None
) -> None:
    rng, n, trials = np.random.default_rng(2), 60, 1500
    truth = min((4.5 if high is None else high) / 3, -(-4.5 if low is None else low) / 3)
    inside = cp_inside = 0
    for _trial in range(trials):
        x = rng.normal(size=n)
        found = capability(float(x.mean()), float(x.std(ddof=1)), n, low, high)
        inside += found.cpk_interval[0] <= truth <= found.cpk_interval[1]
        if found.cp_interval is not None:
            cp_inside += found.cp_interval[0] <= 7.5 / 6 <= found.cp_interval[1]
    assert inside / trials == pytest.approx(0.95, abs=0.02)
    if low is not None and high is not None:
        assert cp_inside / trials == pytest.approx(0.95, abs=0.02)


def test_quantiles_of_a_normal_distribution_give_its_cpk() -> None:
    ends = [float(stats.norm.ppf(one)) for one in (0.00135, 0.5, 0.99865)]
    assert of_quantiles(*ends, -3, 6) == pytest.approx(1.0, abs=1e-3)
    with pytest.raises(ValueError, match="needs a limit"):
        of_quantiles(*ends, None, None)
    with pytest.raises(ValueError, match="needs a limit"):
        capability(1, 1, 10, None, None)
    with pytest.raises(ValueError, match="three values"):
        capability(1, 0, 10, 0, 1)


GAUGE = {
    "A": (
        (0.29, -0.56, 1.34, 0.47, -0.80, 0.02, 0.59, -0.31, 2.26, -1.36),
        (0.41, -0.68, 1.17, 0.50, -0.92, -0.11, 0.75, -0.20, 1.99, -1.25),
        (0.64, -0.58, 1.27, 0.64, -0.84, -0.21, 0.66, -0.17, 2.01, -1.31),
    ),
    "B": (
        (0.08, -0.47, 1.19, 0.01, -0.56, -0.20, 0.47, -0.63, 1.80, -1.68),
        (0.25, -1.22, 0.94, 1.03, -1.20, 0.22, 0.55, 0.08, 2.12, -1.62),
        (0.07, -0.68, 1.34, 0.20, -1.28, 0.06, 0.83, -0.34, 2.19, -1.50),
    ),
    "C": (
        (0.04, -1.38, 0.88, 0.14, -1.46, -0.29, 0.02, -0.46, 1.77, -1.49),
        (-0.11, -1.13, 1.09, 0.20, -1.07, -0.67, 0.01, -0.56, 1.45, -1.77),
        (-0.15, -0.96, 0.67, 0.11, -1.45, -0.49, 0.21, -0.49, 1.87, -2.16),
    ),
}
"""Ten parts, three appraisers, three trials: *Measurement Systems Analysis*, AIAG, 4th ed."""


def gauge_rows() -> tuple[list[float], list[int], list[str]]:
    rows = [
        (value, part, who)
        for who, trials in GAUGE.items()
        for trial in trials
        for part, value in enumerate(trial)
    ]
    values, parts, people = zip(*rows, strict=True)
    return list(values), list(parts), list(people)


def test_gauge_study_as_in_the_manual() -> None:
    values, parts, people = gauge_rows()
    found = components(values, {"device": parts, "operator": people})
    assert found.repeat.sigma == pytest.approx(0.199933, rel=1e-3)
    assert found.of["operator"].sigma == pytest.approx(0.226838, rel=1e-3)
    assert found.of["device"].sigma == pytest.approx(1.042327, rel=1e-3)
    for one in (found.repeat, *found.of.values()):
        assert one.low < one.sigma < one.high


def test_what_does_not_differ_is_limited_from_above_and_twins_are_told() -> None:
    values, parts, people = gauge_rows()
    together = [f"{part} {who}" for part, who in zip(parts, people, strict=True)]
    twins = [f"station {who}" for who in people]
    found = components(
        values, {"device": parts, "operator": people, "station": twins, "both": together}
    )
    assert found.same_as == {"station": "operator"}
    assert found.of["both"].sigma == found.of["both"].low == 0
    assert 0.01 < found.of["both"].high < 0.2
    assert "one" not in components(values, {"one": [1] * 90, "device": parts}).of


def test_components_of_any_design_hold_the_truth() -> None:
    rng, inside, trials = np.random.default_rng(4), np.zeros(3), 25
    for _trial in range(trials):
        devices, stations = rng.integers(0, 15, 80), rng.integers(0, 6, 80)
        y = rng.normal(0, 2, 15)[devices] + rng.normal(0, 1, 6)[stations] + rng.normal(0, 0.5, 80)
        found = components(y, {"device": devices.tolist(), "station": stations.tolist()})
        ends = [found.of["device"], found.of["station"], found.repeat]
        inside += [a.low <= b <= a.high for a, b in zip(ends, (2, 1, 0.5), strict=True)]
    assert (inside / trials > 0.75).all()


def test_a_gauge_needs_repeats() -> None:
    with pytest.raises(ValueError, match="twice"):
        components([1.0, 2.0, 3.0, 4.0], {"device": [1, 2, 3, 4]})
    with pytest.raises(ValueError, match="finite"):
        components([1.0, 2.0], {})


def test_forecasts_hold_the_end_as_often_as_they_say() -> None:
    rng, inside, trials = np.random.default_rng(6), 0, 150
    for trial in range(trials):
        weeks = rng.poisson(rng.gamma(4, 10, 400))
        past, left = weeks[:12], 600
        found = forecast(left, past.tolist(), seed=trial)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        ahead = weeks[12:].cumsum()
        end = int(np.argmax(ahead >= left))
        truth = end + (left - (ahead[end] - weeks[12 + end])) / weeks[12 + end]
        inside += found.low <= truth <= found.high
    assert inside / trials == pytest.approx(0.8, abs=0.08)


def test_forecasts_say_nothing_of_nothing() -> None:
    assert forecast(10, [1, 2]) is None
    assert forecast(10, [0, 0, 0, 0]) is None
    steady = forecast(100, [20] * 12)
    assert steady is not None
    assert (steady.low, steady.median, steady.high) == (5.0, 5.0, 5.0)
    never = forecast(10**7, [0, 0, 1])
    assert never is not None
    assert never.median is None

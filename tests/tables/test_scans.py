"""A scan is what the instrument measured: its signs, its turns, its gaps, its time."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mppcqa.tables import TableError
from mppcqa.tables.curves import curve_of
from mppcqa.tables.histogram import spread_counts
from mppcqa.tables.measured import Measured, sign_of_pulses
from mppcqa.tables.sampling import sample_interval
from mppcqa.tables.sweeps import events_shared, several_scans, temperature_drift

BIAS = np.arange(-1.0, 57.0, 0.5)
CURRENT = np.where(BIAS < 0, 1e-3 * BIAS, 0) + np.where(BIAS > 52, 1e-8 * (BIAS - 52) ** 2, 1e-11)
NOTHING = np.full(len(BIAS), np.nan)


@pytest.mark.parametrize("supply", [1, -1])
@pytest.mark.parametrize("meter", [1, -1])
def test_a_curve_is_one_whichever_way_supply_and_meter_were_wired(supply: int, meter: int) -> None:
    curve, notes = curve_of(supply * BIAS, meter * CURRENT, NOTHING, "a.csv")
    np.testing.assert_array_equal(curve.bias_v, BIAS)
    np.testing.assert_array_equal(curve.current_a, CURRENT)
    assert any("reverse bias was written as negative" in one for one in notes) == (supply < 0)
    assert any("ran against the bias" in one for one in notes) == (supply * meter < 0)


def test_points_without_a_reading_are_left_out_with_their_spread_and_counted() -> None:
    current, spread = CURRENT.copy(), np.full(len(BIAS), -2e-12)
    current[3], current[10] = np.nan, np.inf
    spread[4] = -5e-12
    curve, notes = curve_of(BIAS, current, spread, "a.csv")
    assert len(curve.bias_v) == len(curve.spread_a) == len(BIAS) - 2
    assert curve.spread_a[3] == 5e-12  # the fifth point is the fourth that is left
    assert notes == ["2 points without a reading are left out"]


@pytest.mark.parametrize(
    ("bias", "current", "said"),
    [
        ([50.0, 51.0], [1e-9, 2e-9], "2 points are no curve"),
        ([50.0, 51.0, np.nan], [1e-9, 2e-9, 3e-9], "2 points are no curve"),
        ([50.0, 50.0, 50.0], [1e-9, 2e-9, 3e-9], "the bias is 50 V at each point"),
        ([50.0, 51.0, 3001.0], [1e-9, 2e-9, 3e-9], "up to 3001 V"),
        ([50.0, 51.0, 52.0], [1e-9, 2e-9, -11.0], "11 A are not possible"),
    ],
)
def test_what_can_be_no_curve_is_refused_by_its_numbers(
    bias: list[float], current: list[float], said: str
) -> None:
    with pytest.raises(TableError, match=f"^a.csv: .*{said}"):
        curve_of(np.array(bias), np.array(current), np.full(len(bias), np.nan), "a.csv")


def test_a_curve_of_three_points_up_to_the_largest_voltage_is_one() -> None:
    curve, _notes = curve_of(
        np.array([1.0, 2.0, 3000.0]), np.array([1.0, 2.0, 10.0]), np.full(3, np.nan), "a.csv"
    )
    assert curve.bias_v.tolist() == [1.0, 2.0, 3000.0]


@settings(max_examples=25)
@given(
    st.floats(1e-12, 1e-6),
    st.integers(2, 50),
    st.integers(1, 3),
    st.floats(-1e-3, 1e-3),
)
def test_time_between_samples_is_the_length_over_the_steps(
    step: float, samples: int, waves: int, begin: float
) -> None:
    times = begin + step * np.tile(np.arange(samples), (waves, 1))
    if np.diff(times[0]).min() > 0.9 * step:  # else the beginning has no digits left for the steps
        assert sample_interval(times, "a.csv") == pytest.approx(step, rel=0.12)
    assert sample_interval(times - times[0, 0], "a.csv") == pytest.approx(step, rel=0.12)


def test_times_of_few_digits_are_even_and_a_lost_sample_is_named() -> None:
    rounded = np.round(np.arange(100) * 0.8e-9, 9)[None, :]  # steps of 0 and 1 ns
    assert sample_interval(np.arange(5.0)[None, :] * 2e-9, "a.csv") == pytest.approx(2e-9)
    with pytest.raises(TableError, match="not evenly spaced"):
        sample_interval(rounded, "a.csv")
    lost = np.delete(np.arange(20.0), 7)[None, :]
    with pytest.raises(TableError, match=r"a.csv: .* at sample 8$"):
        sample_interval(lost, "a.csv")
    with pytest.raises(TableError, match="not evenly spaced"):
        sample_interval(np.zeros((1, 5)), "a.csv")
    with pytest.raises(TableError, match="not evenly spaced"):
        sample_interval(-np.arange(5.0)[None, :], "a.csv")
    with pytest.raises(TableError, match="two samples at least"):
        sample_interval(np.zeros((3, 1)), "a.csv")


@settings(max_examples=25)
@given(
    st.lists(st.integers(0, 30), min_size=5, max_size=40).filter(any),
    st.floats(-1e3, 1e3),
    st.floats(0.01, 100),
)
def test_charges_of_a_histogram_give_it_back(counts: list[int], first: float, width: float) -> None:
    """NumPy's own histogram over the same bins has the same counts, and each bin its mean."""
    centres = first + width * np.arange(len(counts))
    charges = spread_counts(centres, np.array(counts, float), "a.csv")
    assert charges.dtype == np.float32
    assert len(charges) == sum(counts)
    edges = first + width * (np.arange(len(counts) + 1) - 0.5)
    # Nothing stands on an edge: a bin's charges stand in the middles of as many parts of it.
    slack = 1e-6 * (np.abs(edges).max() + width)
    if slack < width / 100:
        assert np.histogram(charges.astype(float), edges)[0].tolist() == counts
        at = counts.index(max(counts))
        inside = charges[sum(counts[:at]) : sum(counts[: at + 1])].astype(float)
        assert inside.mean() == pytest.approx(centres[at], abs=slack + width / 1000)
        assert np.ptp(inside) == pytest.approx(width * (1 - 1 / len(inside)), abs=3 * slack)


@pytest.mark.parametrize(
    ("centres", "counts", "said"),
    [
        ([0, 1, 2, 3], [1, 1, 1, 1], "4 bins are no spectrum"),
        ([0, 1, 2, 4, 5, 6], [1] * 6, "not evenly spaced at bin 4 of"),
        ([6, 5, 4, 3, 2, 1], [1] * 6, "not evenly spaced"),
        ([0, 1, 2, 3, 4, 5], [1, 1, 1, -1, 1, 1], "bin 4 has -1 counts"),
        ([0, 1, 2, 3, 4, 5], [1, 1, 0.5, 1, 1, 1], "bin 3 has 0.5 counts"),
        ([0, 1, 2, 3, 4, 5], [0] * 6, "0 events; 1 to 50000000"),
        ([0, 1, 2, 3, 4, 5], [0, 0, 50_000_001, 0, 0, 0], "events; 1 to 50000000"),
    ],
)
def test_what_is_no_histogram_is_refused_by_its_bin(
    centres: list[float], counts: list[float], said: str
) -> None:
    with pytest.raises(TableError, match=said):
        spread_counts(np.array(centres, float), np.array(counts, float), "a.csv")


UP = np.arange(50.0, 57.0, 0.5)


@pytest.mark.parametrize(
    ("scanned", "measured", "asks", "said"),
    [
        (np.concatenate([UP, UP]), np.ones(28), True, "2 scans from 50 to 56.5"),
        (np.tile(UP, 3), np.repeat([1.0, 1.0, 2.0], 14), True, "3 scans from 50 to 56.5 .*50 % a"),
        (np.concatenate([UP, UP[::-1]]), np.repeat([10.0, 8.0], 14), False, "turns back.* 20 % a"),
        (np.concatenate([UP, UP[::-1]]), np.repeat([10.0, 5.0], 14), True, "2 scans.* 50 % apart"),
        (np.repeat(UP, 3), np.arange(42.0), False, "^$"),
        (UP, np.ones(14), False, "^$"),
        # a line written twice, or a turn at zero: values in common by chance
        (np.concatenate([UP, UP[-3:-1]]), np.ones(16), False, "^$"),
    ],
)
def test_a_scan_that_comes_back_to_its_values_is_told_or_asked(
    scanned: np.ndarray, measured: np.ndarray, asks: bool, said: str
) -> None:
    text, asked = several_scans(scanned, measured)
    assert asked == asks
    assert re.search(said, text)


def test_readings_at_one_value_count_as_their_mean() -> None:
    """Two readings a step, whose scatter is no difference between the ways up and down."""
    scanned = np.repeat(np.concatenate([UP, UP[::-1]]), 2)
    text, asked = several_scans(scanned, np.tile([5.0, 15.0], 28))
    assert not asked
    assert " 0 % apart" in text


@pytest.mark.parametrize(
    ("readings", "said", "asks"),
    [
        ([], "", False),
        ([20.0, np.nan, 20.4], "", False),
        ([20.0, 20.5], "from 20.0 to 20.5 °C; its mean, 20.2 °C", False),
        ([20.0, 23.0], "from 20.0 to 23.0", False),
        ([20.0, np.nan, 23.1], "from 20.0 to 23.1", True),
    ],
)
def test_a_temperature_that_ran_is_told_and_one_that_ran_far_is_asked(
    readings: list[float], said: str, asks: bool
) -> None:
    text, asked = temperature_drift(np.array(readings))
    assert asked == asks
    assert said in text
    assert bool(text) == bool(said)


def test_rows_of_one_event_that_follow_one_another_are_asked() -> None:
    assert events_shared(np.repeat(np.arange(10.0), 2))[1]
    assert events_shared(np.array([1.0, 1.0]))[1]
    assert events_shared(np.arange(10.0)) == ("", False)
    assert events_shared(np.array([3.0])) == ("", False)
    # one in ten by chance
    assert events_shared(np.array([*range(9), 8.0])) == ("", False)
    assert events_shared(np.array([np.nan, 4.0, np.nan, 4.0]))[1]


def test_pulses_below_the_baseline_are_told_by_the_pulses_not_by_the_noise() -> None:
    noise = np.random.default_rng(3).normal(0, 1, (50, 200))
    pulses = noise.copy()
    pulses[:, 100:110] += 30
    assert sign_of_pulses(pulses) == 1
    assert sign_of_pulses(-pulses) == -1
    assert sign_of_pulses(pulses + 1000) == 1
    assert sign_of_pulses(500 - pulses) == -1
    assert sign_of_pulses(noise) == 1


def test_a_condition_said_on_any_axis_is_found_there_again() -> None:
    part = Measured()
    for axis in ("bias_v", "light", "wavelength_nm"):
        assert np.isnan(part.at(axis))
        part.put(axis, 7.5)
        assert part.at(axis) == 7.5
    assert part.bias_v == 7.5
    assert part.others == {"wavelength_nm": 7.5}

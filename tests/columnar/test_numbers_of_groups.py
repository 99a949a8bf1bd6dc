"""Numbers of groups are those that NumPy and SciPy have group by group, without approximation."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mppcqa.columnar import answers
from mppcqa.columnar.answers import MANY, bin_edges, counted, in_bins, largest, rank_correlation
from mppcqa.columnar.grouped import (
    AS_SIGMA,
    Columns,
    always_the_same,
    device_and_channel,
    grouped,
    line_of,
)

VALUES = st.lists(st.tuples(st.integers(0, 6), st.integers(-50, 50)), min_size=1, max_size=80)


def arrays(rows: list[tuple[int, int]]) -> tuple[Any, Any]:
    codes, values = zip(*rows, strict=True)
    return np.array(values, float) / 4, np.array(codes, np.int32)


@settings(max_examples=60)
@given(VALUES)
def test_each_group_has_its_own_numbers(rows: list[tuple[int, int]]) -> None:
    values, codes = arrays(rows)
    found = grouped(values.copy(), codes)
    assert found.codes.tolist() == sorted(set(codes.tolist()))
    for place, code in enumerate(found.codes):
        mine = values[codes == code]
        assert found.counts[place] == len(mine)
        assert found.means[place] == pytest.approx(mine.mean())
        for part in (0.0, 0.05, 0.25, 0.5, 0.95, 1.0):
            assert found.quantile(part)[place] == pytest.approx(np.quantile(mine, part))
        median = np.median(mine)
        assert found.medians[place] == pytest.approx(median)
        away = AS_SIGMA * np.median(np.abs(mine - median))
        assert found.scatter[place] == pytest.approx(away)
        if len(mine) > 1:
            assert found.sigmas[place] == pytest.approx(mine.std(ddof=1), abs=1e-9)
        else:
            assert math.isnan(found.sigmas[place])
        start = found.starts[place]
        assert found.values[start : start + len(mine)].tolist() == sorted(mine.tolist())


def test_of_many_groups_the_largest_are_told_in_their_order() -> None:
    codes = np.array([5, 5, 5, 2, 2, 9, 0, 0, 0, 0])
    found = grouped(np.arange(10.0), codes, most=2)
    assert found.codes.tolist() == [0, 5]
    assert found.counts.tolist() == [4, 3]
    assert found.medians.tolist() == [7.5, 1.0]
    assert grouped(np.arange(10.0), codes, most=9).codes.tolist() == [0, 2, 5, 9]


def test_nothing_has_no_groups_and_values_without_codes_are_one() -> None:
    none = grouped(np.zeros(0))
    assert none.codes.tolist() == none.means.tolist() == none.medians.tolist() == []
    one = grouped(np.array([3.0, 1.0, 2.0]))
    assert (one.codes.tolist(), one.means.tolist(), one.medians.tolist()) == ([0], [2.0], [2.0])


@settings(max_examples=60)
@given(VALUES, st.integers(1, 9), st.booleans())
def test_bins_count_every_value_once(rows: list[tuple[int, int]], bins: int, last: bool) -> None:
    values, codes = arrays(rows)
    edges = [-5.0 + n * 1.25 for n in range(bins + 1)]
    found = counted([values], [codes], 7, edges, last=last)
    assert found.sum() == len(values)
    for code in range(7):
        mine = values[codes == code]
        assert found[code, 0] == (mine < edges[0]).sum()
        inner = [((mine >= a) & (mine < b)).sum() for a, b in pairwise(edges)]
        above = int((mine >= edges[-1]).sum())
        if last:
            inner[-1] += above
            above = 0
        assert found[code, 1:-1].tolist() == inner
        assert found[code, -1] == above
    inside = in_bins([values], [codes], 7, edges, last=last)
    assert inside.tolist() == found[:, 1:-1].sum(axis=1).tolist()
    apart = counted([values[:3], values[3:]], [codes[:3], codes[3:]], 7, edges, last=last)
    assert (apart == found).all(), "parts of a column are counted as the whole"


def test_the_largest_groups_are_counted_and_of_equal_ones_the_first_by_name() -> None:
    values = np.array([0.5, 0.5, 1.5, 1.5, 0.5, 9.0, 9.0, 9.0, -1.0])
    codes = np.array([0, 0, 1, 1, 2, 3, 3, 3, 0])
    found = largest([values], [codes], ["b", "a", "c", "d"], [0.0, 1.0, 2.0], 2, last=False)
    assert found.counts == {"a": [0, 2], "b": [2, 0]}
    assert (found.below, found.above, found.groups) == (1, 3, 3)


def test_very_many_groups_are_told_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(3)
    values, codes = chance.normal(0, 2, 5000), chance.integers(0, 400, 5000)
    keys, edges = list(range(400)), [-2.0, -1.0, 0.0, 1.0, 2.0]
    few = largest([values], [codes], keys, edges, 7, last=False)
    monkeypatch.setattr(answers, "CHUNK", 64)
    many = largest([values], [codes], keys, edges, 7, last=False)
    assert many == few
    assert len(few.counts) == 7


@pytest.mark.parametrize("n", [10, 500, 5000])
def test_edges_are_round_and_hold_what_is_no_stray(n: int) -> None:
    values = np.random.default_rng(n).normal(70.0, 0.2, n)
    parts = [float(one) for one in np.quantile(values, [0.001, 0.25, 0.75, 0.999])]
    edges = bin_edges(n, float(values.min()), float(values.max()), parts, 60)
    widths = np.diff(edges)
    assert widths == pytest.approx(widths[0])
    mantissa = float(f"{widths[0]:.6e}".split("e")[0])
    assert mantissa in (1.0, 2.0, 2.5, 5.0)
    assert 3 <= len(widths) <= 62
    inside = (values >= edges[0]) & (values <= edges[-1])
    assert inside.mean() > 0.99
    # Freedman and Diaconis: twice the quartile distance over the cube root of their number.
    wished = 2 * (parts[2] - parts[1]) / n ** (1 / 3)
    assert 0.6 < widths[0] / max(wished, (edges[-1] - edges[0]) / 60) < 1.7


def test_one_far_value_of_many_does_not_stretch_the_bins() -> None:
    parts = [69.4, 69.9, 70.1, 70.6]
    edges = bin_edges(5000, 69.3, 9000.0, parts, 60)
    assert edges[-1] < 75
    few = bin_edges(50, 69.3, 9000.0, parts, 60)
    assert few[-1] >= 9000.0, "of few values none is left out"
    same = bin_edges(5, 3.0, 3.0, [3.0] * 4, 60)
    assert len(same) == 2
    assert same[0] < 3.0 < same[1]
    zero = bin_edges(5, 0.0, 0.0, [0.0] * 4, 60)
    assert zero == [-0.5, 0.5]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=60))
def test_rank_correlation_is_spearmans(pairs: list[tuple[int, int]]) -> None:
    x, y = (np.array(part, float) for part in zip(*pairs, strict=True))
    found = rank_correlation(x, y)
    if len(set(x)) < 2 or len(set(y)) < 2:
        assert found is None
    else:
        assert found == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-9)
    assert rank_correlation(x[:1], y[:1]) is None


def test_ranks_of_the_largest_numbers_there_are() -> None:
    x = np.where(np.arange(MANY) % 10 < 7, -1.7e308, 1.7e308) * (1 + np.arange(MANY) / MANY / 100)
    assert rank_correlation(x, -x) == pytest.approx(-1.0)


SHAPES: dict[str, Callable[[np.random.Generator], Any]] = {
    "ordinary": lambda rng: rng.normal(48.0, 1.5, MANY),
    "with strays": lambda rng: (
        rng.normal(48.0, 1.5, MANY) * np.where(np.arange(MANY) % 1000, 1, 30)
    ),
    "with many strays": lambda rng: rng.normal(size=MANY) * np.where(np.arange(MANY) % 10, 1, 1e6),
    "far and wide": lambda rng: rng.standard_cauchy(MANY),
    "over many decades": lambda rng: rng.lognormal(0.0, 3.0, MANY),
    "counts": lambda rng: rng.poisson(3.0, MANY).astype(float),
    "two places": lambda rng: np.where(rng.random(MANY) < 0.5, 1e6, 0.0) + rng.normal(size=MANY),
    "one of them huge": lambda rng: np.append(rng.normal(size=MANY - 1), 1e300),
    "mostly none": lambda rng: np.where(rng.random(MANY) < 0.9, 0.0, rng.normal(size=MANY)),
    "all the same": lambda _rng: np.ones(MANY),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("noise", [0.0, 0.1, 10.0])
def test_ranks_of_many_values_are_as_good_as_they_say(shape: str, noise: float) -> None:
    """Seeded, so no false alarm: the bound holds always."""
    rng = np.random.default_rng(len(shape))
    x = SHAPES[shape](rng)
    spread = np.subtract(*np.quantile(x, (0.9, 0.1))) or 1.0
    y = -x + noise * spread * rng.normal(size=MANY)
    if shape in ("ordinary", "with strays", "far and wide"):
        assert answers._near_ranks(x) is not None
    if x.min() == x.max():
        assert rank_correlation(x, y) is None
    else:
        wanted = stats.spearmanr(x, y).statistic
        assert rank_correlation(x, y) == pytest.approx(wanted, abs=1e-4)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=2, max_size=60))
def test_a_line_is_that_of_least_squares(pairs: list[tuple[int, int]]) -> None:
    x, y = (np.array(part, float) for part in zip(*pairs, strict=True))
    found = line_of(x, y)
    if len(set(x)) < 2:
        assert (found.pearson, found.slope, found.offset) == (None, None, None)
        return
    slope, offset = np.polyfit(x, y, 1)
    assert (found.slope, found.offset) == (
        pytest.approx(slope, abs=1e-9), pytest.approx(offset, abs=1e-9),
    )  # fmt: skip
    if len(set(y)) < 2:
        assert found.pearson is None
    else:
        assert found.pearson == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-9)


def columns(*rows: tuple[int, int, float]) -> tuple[Columns, Any]:
    device, channel, value = (np.array(part) for part in zip(*rows, strict=True))
    return Columns.of(device, channel, value.astype(float))


def test_values_of_one_channel_become_their_mean() -> None:
    found, first = columns((2, 0, 5.0), (1, 3, 1.0), (2, 0, 7.0), (1, -1, 9.0))
    assert device_and_channel(found.key) == ([1, 1, 2], [-1, 3, 0])
    assert found.value.tolist() == [9.0, 1.0, 6.0]
    assert first.tolist() == [3, 1, 0]
    ordered, as_they_came = columns((1, 0, 5.0), (1, 1, 6.0), (70_000, 15, 7.0))
    assert as_they_came is None
    assert device_and_channel(ordered.key) == ([1, 1, 70_000], [0, 1, 15])
    turned, places = columns((2, 0, 5.0), (1, 0, 6.0))
    assert (turned.value.tolist(), places.tolist()) == ([6.0, 5.0], [1, 0])


def test_two_columns_meet_where_both_have_a_value() -> None:
    one, _first = columns((1, 0, 1.0), (1, 1, 2.0), (3, 0, 3.0))
    other, _first = columns((1, 1, 5.0), (2, 0, 6.0), (3, 0, 7.0), (9, 0, 8.0))
    mine, theirs = one.common(other)
    assert one.value[mine].tolist() == [2.0, 3.0]
    assert other.value[theirs].tolist() == [5.0, 7.0]
    theirs, mine = other.common(one)
    assert other.value[theirs].tolist() == [5.0, 7.0]
    assert one.value[mine].tolist() == [2.0, 3.0]
    same, places = one.common(one)
    assert one.value[same].tolist() == one.value[places].tolist() == [1.0, 2.0, 3.0]
    none = Columns(np.zeros(0, np.int64), np.zeros(0))
    assert one.value[one.common(none)[0]].tolist() == []


def test_the_same_keys_are_drawn_each_time_whatever_stands_beside_them() -> None:
    keys = np.arange(1000, 9000, 7)
    drawn = always_the_same(keys, 100)
    assert len(set(drawn.tolist())) == 100
    assert drawn.tolist() == sorted(drawn.tolist())
    again = always_the_same(keys[::-1].copy(), 100)
    assert set(keys[::-1][again].tolist()) == set(keys[drawn].tolist())
    # They are spread over all: each tenth has its share, within four standard deviations.
    share = np.histogram(drawn, 10, (0, len(keys)))[0]
    assert abs(share - 10).max() < 4 * math.sqrt(10)
    assert always_the_same(keys, len(keys)).tolist() == list(range(len(keys)))

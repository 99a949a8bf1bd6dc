"""Pies, ranked bars and maps of states on paper: as large as their numbers, and named."""

from __future__ import annotations

import math

import pytest

from mppcqa.charts.counted import (
    Ranked,
    Share,
    Shares,
    StateMap,
)
from mppcqa.charts.paper.tones import OUTCOMES, REST
from tests.charts.lines import Path
from tests.charts.test_places import drawn, rgb


def angles(path: Path) -> tuple[float, float]:
    """Degrees from the top, clockwise, at which a slice begins and ends."""
    (x, y), *rest = path.pieces[0]
    ends = rest[0], rest[-2] if rest[-1] == (x, y) else rest[-1]
    first, last = (math.degrees(math.atan2(a - x, b - y)) % 360 for a, b in ends)
    return first, last or 360.0


def test_slices_of_a_pie_are_as_wide_as_their_shares_and_begin_at_the_top() -> None:
    parts = (Share("good", 50, "pass"), Share("bad", 30, "fail"), Share("open", 20, "incomplete"))
    found = drawn(Shares(parts, "Verdicts"))
    at = 0.0
    for part in parts:
        (slice_, _key) = sorted(
            found.areas(rgb(OUTCOMES[part.state].fill)), key=lambda one: one.box[0] - one.box[2]
        )
        first, last = angles(slice_)
        assert (first, last) == pytest.approx((at, at + 3.6 * part.n), abs=0.1)
        at = last
        assert f"{part.name}: {part.n} ({part.n}.0 %)" in [one.text.strip() for one in found.texts]


def test_the_key_of_a_pie_has_each_name_beside_its_tone() -> None:
    parts = (Share("good", 50, "pass"), Share("bad", 30, "fail"), Share("open", 20, "incomplete"))
    found = drawn(Shares(parts, "Verdicts"))
    for part in parts:
        tone = found.areas(rgb(OUTCOMES[part.state].fill))
        swatch = min(tone, key=lambda one: one.box[2] - one.box[0])
        (said,) = (one for one in found.texts if one.text.startswith(f"{part.name}:"))
        assert swatch.box[1] - 2 < said.baseline < swatch.box[3]
        assert 0 < said.start - swatch.box[2] < 8


def test_a_whole_pie_is_a_circle_and_an_empty_one_says_so_by_its_ring() -> None:
    found = drawn(Shares((Share("all", 7, "pass"), Share("none", 0, "fail"))))
    whole = max(found.areas(rgb(OUTCOMES["pass"].fill)), key=lambda one: one.box[2])
    wide = max(one.box[2] - one.box[0] for one in found.areas(rgb(OUTCOMES["pass"].fill)))
    assert wide == pytest.approx(76, abs=0.1)
    assert whole
    assert not found.areas(rgb(OUTCOMES["fail"].fill))
    assert "all: 7 (100 %)" in [one.text.strip() for one in found.texts]
    empty = drawn(Shares((Share("none", 0), Share("unknown", math.nan))))
    assert not [one for one in empty.paths if one.fill]
    (ring,) = (one for one in empty.paths if one.line)
    assert ring.box[2] - ring.box[0] == pytest.approx(76, abs=0.1)


def test_many_parts_are_the_largest_and_the_others_together() -> None:
    parts = tuple(Share(f"p{n}", n) for n in range(1, 11))
    found = drawn(Shares(parts, others="the rest"))
    said = [one.text.strip() for one in found.texts]
    assert "the rest: 10 (18.2 %)" in said
    assert [one.split(":")[0] for one in said if one.startswith("p")] == [
        "p5", "p6", "p7", "p8", "p9", "p10",
    ]  # fmt: skip
    assert len(found.areas(rgb(REST.fill))) == 2


@pytest.mark.parametrize(
    ("n", "whole", "said"),
    [(0, 10, "0 %"), (10, 10, "100 %"), (1, 10_000, "< 0.1 %"), (9999.99, 10_000, "99.9 %"),
     (1, 1000, "0.1 %"), (1, 3, "33.3 %"), (0, 0, "")],
)  # fmt: skip
def test_only_all_is_a_hundred_percent_and_only_nothing_none(
    n: float, whole: float, said: str
) -> None:
    from mppcqa.charts.paper.shares import percent

    assert percent(n, whole) == said


def test_ranked_bars_are_as_long_as_their_numbers() -> None:
    rows = (("lot A", (8.0, 2.0, 0.0)), ("lot B", (3.0, 0.0, 4.0)), ("lot C", (0.0, 5.0, 0.0)))
    kinds = (("pass", "good"), ("fail", "bad"), ("none", "not yet"))
    found = drawn(Ranked(rows, kinds, "Lots", whole=10))
    bars: dict[str, list[tuple[float, float, float]]] = {}
    for state, _name in kinds:
        for one in found.areas(rgb(OUTCOMES[state].fill)):
            if one.box[3] - one.box[1] > 7:
                near = min(
                    (name for name, _ns in rows),
                    key=lambda name: abs(found.text(name).baseline - one.box[1]),
                )
                bars.setdefault(near, []).append((one.box[0], one.box[2], one.box[1]))
    unit = (bars["lot A"][0][1] - bars["lot A"][0][0]) / 8
    start = bars["lot A"][0][0]
    for name, ns in rows:
        told = sorted((left - start, right - start) for left, right, _y in bars[name])
        at, expected = 0.0, []
        for n in ns:
            if n:
                expected.append((at * unit, (at + n) * unit))
            at += n
        assert told == [pytest.approx(pair, abs=0.05) for pair in expected]
    # What nothing is known of is drawn and not counted.
    told_text = [one.text.strip() for one in found.texts]
    assert ["10 (100 %)" in told_text, "3 (30.0 %)" in told_text, "5 (50.0 %)" in told_text] == [
        True, True, True,
    ]  # fmt: skip
    heights = [found.text(name).baseline for name, _ns in rows]
    assert heights == sorted(heights, reverse=True), "the first row stands on top"
    assert {"good", "bad", "not yet"} <= set(told_text)


def test_ranked_numbers_without_a_whole_have_no_share() -> None:
    found = drawn(Ranked((("a", (2.5,)), ("b", (math.nan,))), (("x", "kind"),)))
    told = [one.text.strip() for one in found.texts]
    assert "2.5" in told
    assert "0" in told
    assert "kind" not in told, "one kind needs no key"
    assert not [one for one in told if "%" in one]


def test_a_map_of_states_has_the_first_row_on_top_and_counts_what_it_shows() -> None:
    states = {(0, 0): "pass", (0, 2): "fail", (1, 1): "pass"}
    names = {"pass": "good", "fail": "bad", "warning": "so-so"}
    found = drawn(StateMap(2, 3, states, names, "Tray"))
    cells = [
        (one, state)
        for state in ("pass", "fail")
        for one in found.areas(rgb(OUTCOMES[state].fill))
        if one.box[2] - one.box[0] > 10
    ]
    assert len(cells) == 3
    row = {n: found.text(str(n)) for n in (2,)}
    places = {}
    for one, state in cells:
        x, y = (one.box[0] + one.box[2]) / 2, (one.box[1] + one.box[3]) / 2
        places[x, y] = state
    xs = sorted({round(x, 1) for x, _y in places})
    ys = sorted({round(y, 1) for _x, y in places}, reverse=True)
    read = {
        (ys.index(round(y, 1)), xs.index(round(x, 1))): state for (x, y), state in places.items()
    }
    assert read == states
    assert (row[2].start + row[2].end) / 2 == pytest.approx(xs[2], abs=0.1)
    said = [one.text.strip() for one in found.texts]
    assert "good: 2" in said
    assert "bad: 1" in said
    assert not [one for one in said if "so-so" in one]

"""Charts on paper measured with a ruler: everything lies where the labels of the axes say."""

from __future__ import annotations

import datetime as dt
import math
from itertools import pairwise
from typing import Any

import pytest

from mppcqa import charts
from mppcqa.charts.counted import (
    Box,
    Boxes,
    Cloud,
    Course,
    CourseLine,
    Moment,
    Ranked,
    Share,
    Shares,
    StateMap,
)
from mppcqa.charts.paper import figure
from mppcqa.charts.paper.marks import BACKGROUND, STYLES
from mppcqa.charts.paper.tones import EDGE, PLAIN
from mppcqa.charts.plots import Scale
from tests.charts.lines import Drawing, Path, drawing
from tests.charts.test_paper import WORDS, on_page
from tests.reports.pages import faults

INK, LIMIT = (0x1D, 0x27, 0x33), (0xB3, 0x26, 0x1E)
NEAR = 2e-3
"""Of the width of what is drawn: digits in the file, and signs a hundredth of a point wide."""


def rgb(colour: Any) -> tuple[int, int, int]:
    red, green, blue = (round(255 * one) for one in colour.rgb())
    return red, green, blue


def style(place: int) -> tuple[int, int, int]:
    return rgb(STYLES[place][0])


def drawn(plot: Any, width: float | None = None) -> Drawing:
    return drawing(on_page(figure(plot, width)))


def joined(found: Drawing, colour: tuple[int, int, int]) -> Path:
    """The line of a series: its only path of one piece with more than two corners."""
    (line,) = (
        one
        for one in found.lines(colour)
        if len(one.pieces) == 1 and len(one.pieces[0]) > 2 and one.width < 0.65
    )
    return line


def test_points_lines_and_error_bars_lie_at_their_values() -> None:
    xs = [70.5, 71.0, 71.75, 72.0]
    first = charts.Series("a", xs, [1.0, 2.5, 2.0, 4.0], [0.25, None, 0.5, math.nan])
    second = charts.Series("b", [70.5, 71.5, 72.0], [3.0, 1.5, 0.5], [0.1, 0.1, 0.1])
    found = drawn(charts.against([first, second], **WORDS))
    x_of, y_of = found.x_of(), found.y_of()
    for place, one in enumerate((first, second)):
        line = joined(found, style(place))
        told = [(x_of(x), y_of(y)) for x, y in line.pieces[0]]
        expected = [(x, y) for x, y, _error in one.points()]
        assert told == [pytest.approx(pair, abs=4 * NEAR) for pair in expected]
        (bars,) = (
            path
            for path in found.lines(style(place))
            if path.width == pytest.approx(0.7)
            and all(abs(a[0] - b[0]) < 1e-3 for a, b in path.pieces)
        )
        measured = [(x_of(a[0]), y_of(a[1]), y_of(b[1])) for a, b in bars.pieces]
        known = [(x, y - e, y + e) for x, y, e in one.points() if e]
        assert measured == [pytest.approx(bar, abs=4 * NEAR) for bar in known]


def test_every_series_of_one_panel_has_a_dash_and_a_mark_of_its_own() -> None:
    plain = [
        charts.Series(str(n), [1.0, 2.0, 3.0], [n, n + 0.5, n + 1.0], [0, 0, 0]) for n in range(4)
    ]
    found = drawn(charts.against(plain, **WORDS))
    assert [joined(found, style(n)).dashed for n in range(4)] == [False, True, True, True]
    marks = []
    for n in range(4):
        (mark,) = (
            one
            for one in found.paths
            if (one.line == style(n) or one.fill == style(n))
            and len(one.pieces) == 3
            and one not in found.lines(GRIDLESS)
            and (one.fill is not None or one.width > 1)
        )
        marks.append(len(mark.pieces[0]))
        line = joined(found, style(n)).pieces[0]
        for piece, (x, y) in zip(mark.pieces, line, strict=True):
            middle = sum(a for a, _b in piece) / len(piece), sum(b for _a, b in piece) / len(piece)
            assert middle == pytest.approx((x, y), abs=1.0)
    assert len(set(marks)) > 2, "discs are dots, squares and diamonds have four corners"
    names = {one.text: one.baseline for one in found.texts if one.start > 100}
    ends = [joined(found, style(n)).pieces[0][-1][1] for n in range(4)]
    heights = [names[str(n)] + 0.36 * 7 for n in range(4)]
    assert heights == pytest.approx(ends, abs=0.1), "each name stands at the end of its line"


GRIDLESS = (0, 0, 0)


def test_names_at_the_ends_of_lines_that_meet_stand_apart_and_in_their_order() -> None:
    same = [
        charts.Series(f"n{n}", [1.0, 2.0, 3.0], [4.0 - n, 2.0 + n, 1.0 + n / 1e4], [0] * 3)
        for n in range(4)
    ]
    found = drawn(charts.against(same, **WORDS), 240)
    heights = [found.text(f"n{n}").baseline for n in range(4)]
    assert all(after - before >= 7.0 for before, after in pairwise(heights))
    leads = [one for one in found.lines(rgb(BACKGROUND)) if len(one.points) == 2]
    assert len(leads) >= 2, "a thin line leads from a moved name to its end"


def test_limits_lie_at_their_values_and_those_of_one_place_are_short() -> None:
    series = charts.Series("a", [1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [0, 0, 0])
    bands = [charts.Band(1.25, 2.75), charts.Band(2.25, None, at=2.0)]
    found = drawn(charts.against([series], **WORDS, bands=bands))
    x_of, y_of = found.x_of(), found.y_of()
    level, short = sorted(found.lines(LIMIT), key=lambda one: one.width)
    assert sorted(y_of(a[1]) for a, _b in level.pieces) == pytest.approx([1.25, 2.75], abs=0.01)
    frame = max(x for x, _y in level.points) - min(x for x, _y in level.points)
    assert frame > 50
    assert level.dashed
    ((left, right),) = short.pieces
    assert y_of(left[1]) == pytest.approx(2.25, abs=0.01)
    assert x_of((left[0] + right[0]) / 2) == pytest.approx(2.0, abs=0.01)
    assert right[0] - left[0] == pytest.approx(8, abs=0.01)


def test_a_fitted_line_ends_where_it_meets_zero_and_at_the_last_point() -> None:
    series = charts.Series("a", [2.0, 3.0, 4.0], [1.1, 1.9, 3.0], [0.1] * 3)
    found = drawn(charts.against([series], **WORDS, line=(-1.0, 1.0)))
    x_of, y_of = found.x_of(), found.y_of()
    (fit,) = (one for one in found.lines(LIMIT) if one.dashed)
    ends = [(x_of(x), y_of(y)) for x, y in fit.points]
    assert ends == [pytest.approx((1, 0), abs=0.01), pytest.approx((4, 3), abs=0.01)]


@pytest.mark.parametrize(("bound", "up"), [(1, -1), (-1, 1)])
def test_a_bound_is_an_arrow_to_where_the_value_lies(bound: int, up: int) -> None:
    series = charts.Series("a", [1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [0, 0, 0], bound=(0, bound, 0))
    found = drawn(charts.against([series], **WORDS))
    x_of, y_of = found.x_of(), found.y_of()
    (arrow,) = (one for one in found.lines(style(0)) if len(one.pieces) == 3 and one.width < 0.75)
    bar, shaft, head = arrow.pieces
    assert bar[0][1] == bar[1][1]
    assert (x_of(shaft[0][0]), y_of(shaft[0][1])) == pytest.approx((2, 2), abs=0.01)
    assert (shaft[1][1] - shaft[0][1]) * up == pytest.approx(6, abs=0.01)
    assert head[1] == pytest.approx(shaft[1], abs=0.01)
    assert (head[1][1] - head[0][1]) * up > 0, "its head points away from the bar"
    dots = [one for one in found.lines(style(0)) if one.width == pytest.approx(3)]
    assert [len(one.pieces) for one in dots] == [2], "the bound itself has no mark"


def test_a_logarithmic_axis_has_each_value_at_its_power() -> None:
    from mppcqa.charts.plots import Curves

    ys = [3.0, 200.0, 5e3, 4e5]
    series = charts.Series("a", [1.0, 2.0, 3.0, 4.0], ys, [0] * 4)
    found = drawn(Curves((series,), Scale("x"), Scale("y", log=True)))
    y_of = found.y_of(log=True)
    line = joined(found, style(0))
    assert [y_of(y) for _x, y in line.pieces[0]] == pytest.approx(ys, rel=0.02)


def test_small_panels_are_alike_and_each_has_its_channel() -> None:
    def values(n: int) -> list[float]:
        return [1.0 + n / 50, 2.0, 3.0 - n / 50]

    series = [
        charts.Series(str(n), [1.0, 2.0, 3.0], values(n), [0] * 3, "", str(n)) for n in range(12)
    ]
    found = drawn(charts.against(series, **WORDS))
    own = [one for one in found.lines(style(0)) if len(one.pieces) == 1 and len(one.pieces[0]) == 3]
    assert len(own) == 12
    # The middle point is the same value in each: rows of panels share a height, columns a place.
    middles = [one.pieces[0][1] for one in own]
    columns = sorted({round(x, 1) for x, _y in middles})
    rows = sorted({round(y, 1) for _x, y in middles}, reverse=True)
    assert len(columns) * len(rows) == 12
    places = [(round(x, 1), round(y, 1)) for x, y in middles]
    assert places == [(x, y) for y in rows for x in columns], "read as a text, line by line"
    scale = [(one.pieces[0][0][1] - one.pieces[0][2][1]) for one in own]
    apart = [(values(n)[0] - values(n)[2]) for n in range(12)]
    factor = scale[0] / apart[0]
    assert scale == pytest.approx([one * factor for one in apart], abs=0.02)
    for n, (x, y) in enumerate(middles):
        title = min(
            (one for one in found.texts if one.text.strip() == str(n)),
            key=lambda one: math.hypot(one.start - x, one.baseline - y),
        )
        assert 0 < title.baseline - y < 40
        assert abs(title.start - x) < 60


def test_a_histogram_has_its_bars_between_their_edges() -> None:
    edges, counts = [70.0, 70.5, 71.0, 71.5, 72.5], [4, 0, 10, 6]
    plot = charts.histogram(
        edges, counts, title="H", x_title="V", unit="V", mark=71.2, band=charts.Band(70.25, 72.25)
    )
    found = drawn(plot)
    x_of, y_of = found.x_of(), found.y_of()
    (outline,) = (one for one in found.lines(INK) if len(one.pieces[0]) == 10)
    corners = [(x_of(x), y_of(y)) for x, y in outline.pieces[0]]
    expected = [(edges[0], 0)]
    for low, high, n in zip(edges, edges[1:], counts, strict=False):
        expected += [(low, n), (high, n)]
    expected.append((edges[-1], 0))
    assert corners == [pytest.approx(pair, abs=0.02) for pair in expected]
    (limits,) = found.lines(LIMIT)
    assert [x_of(a[0]) for a, _b in limits.pieces] == pytest.approx([70.25, 72.25], abs=0.01)
    (mark,) = (one for one in found.lines(INK) if one.width == pytest.approx(1.6))
    assert x_of(mark.points[0][0]) == pytest.approx(71.2, abs=0.01)


def test_a_mark_far_outside_does_not_shrink_a_histogram() -> None:
    plot = charts.histogram([0, 1, 2], [4, 5], title="", x_title="x", unit="", mark=1e6)
    found = drawn(plot)
    x_of = found.x_of()
    (outline,) = (one for one in found.lines(INK) if len(one.pieces[0]) == 6)
    assert x_of(outline.box[2]) == pytest.approx(2, abs=0.01)
    assert outline.box[2] - outline.box[0] > 80


def test_a_spectrum_has_counts_on_a_logarithmic_axis_and_none_as_one_half() -> None:
    counts, fit = [0, 3, 40, 1000, 12], [0.2, 4.0, 50.0, 900.0, 10.0]
    edges = [float(n) for n in range(6)]
    found = drawn(charts.spectrum(edges, counts, fit, title="S", x_title="Charge", unit="ADC"))
    x_of, y_of = found.x_of(), found.y_of(log=True)
    (steps,) = (one for one in found.lines(INK) if len(one.pieces[0]) == 12)
    heights = [y_of(y) for _x, y in steps.pieces[0][1:-1:2]]
    assert heights == pytest.approx([0.5, 3, 40, 1000, 12], rel=0.03)
    (curve,) = found.lines(LIMIT)
    told = [(x_of(x), y_of(y)) for x, y in curve.pieces[0]]
    expected = [(n + 0.5, max(one, 0.5)) for n, one in enumerate(fit)]
    assert told == [pytest.approx(pair, rel=0.03) for pair in expected]


def test_boxes_lie_at_their_quantiles() -> None:
    rows = (Box("first", 1.0, 2.0, 2.5, 3.0, 5.0), Box("second", 2.0, 4.0, 4.5, 6.0, 9.0))
    lost = Box("lost", math.nan, 1.0, 1.0, 1.0, 1.0)
    found = drawn(Boxes((*rows, lost), Scale("Gain", "ADC"), "Lots"))
    x_of = found.x_of()
    boxes = sorted(
        (one for one in found.paths if one.fill and one.line == INK), key=lambda o: -o.box[1]
    )
    whiskers = [one for one in found.lines(INK) if one.width == pytest.approx(0.7)]
    medians = [one for one in found.lines(INK) if one.width == pytest.approx(1.6)]
    assert len(boxes) == len(whiskers) == len(medians) == 2
    for one, box, whisker, median in zip(rows, boxes, whiskers, medians, strict=True):
        told = [whisker.box[0], box.box[0], median.box[0], box.box[2], whisker.box[2]]
        known = [one.q05, one.q25, one.median, one.q75, one.q95]
        assert [x_of(x) for x in told] == pytest.approx(known, abs=0.02)
        middle = (box.box[1] + box.box[3]) / 2
        assert whisker.box[1] == pytest.approx(middle, abs=0.01)
        assert abs(found.text(one.name).baseline + 2.5 - middle) < 1
    assert "lost" not in [one.text.strip() for one in found.texts]
    assert "Gain [ADC]" in [one.text.strip() for one in found.texts]


def test_points_of_a_cloud_lie_at_both_values_and_groups_differ_in_mark() -> None:
    first = [(1.0, 10.0), (2.0, 30.0), (math.nan, 5.0)]
    second = [(3.0, 20.0), (2.5, 15.0)]
    found = drawn(Cloud((("one", first), ("two", second)), Scale("x"), Scale("y"), "C"))
    x_of, y_of = found.x_of(), found.y_of()
    (dots,) = (one for one in found.lines(style(0)) if len(one.pieces) == 2)
    told = [(x_of(p[0][0]), y_of(p[0][1])) for p in dots.pieces]
    assert told == [pytest.approx(pair, abs=0.1) for pair in first[:2]]
    (squares,) = (one for one in found.areas(style(1)) if len(one.pieces) == 2)
    centres = [
        (x_of((min(x for x, _y in p) + max(x for x, _y in p)) / 2),
         y_of((min(y for _x, y in p) + max(y for _x, y in p)) / 2))
        for p in squares.pieces
    ]  # fmt: skip
    assert centres == [pytest.approx(pair, abs=0.1) for pair in second]
    assert {"one", "two"} <= {one.text.strip() for one in found.texts}


def test_clouds_beside_each_other_have_the_same_axes() -> None:
    within = ((0.0, 0.0), (10.0, 100.0))
    pair = [
        drawn(Cloud((("", points),), Scale("x"), Scale("y"), "", within))
        for points in ([(1.0, 2.0)], [(9.0, 90.0)])
    ]
    assert pair[0].grid() == pair[1].grid()
    assert pair[0].x_of()(100) == pair[1].x_of()(100)


def test_a_course_has_its_days_levels_and_intervals_where_they_are() -> None:
    monday = dt.date(2026, 3, 2)
    moments = [
        Moment(monday + dt.timedelta(days=7 * n), value, low, high)
        for n, (value, low, high) in enumerate(
            [(0.9, 0.8, 0.95), (0.7, math.nan, math.nan), (0.8, 0.75, 0.9)]
        )
    ]
    lost = Moment(monday, math.nan)
    plot = Course(
        (CourseLine("yield", [*reversed(moments), lost]),),
        Scale("Yield"),
        levels=(("mean", 0.8), ("lowest", 0.65)),
        top=1.0,
    )
    found = drawn(plot)
    x_of, y_of = found.x_of(day=True), found.y_of()
    line = joined(found, style(0))
    told = [(x_of(x), y_of(y)) for x, y in line.pieces[0]]
    expected = [(one.day.toordinal(), one.value) for one in moments]
    for (day, value), (known, right) in zip(told, expected, strict=True):
        assert day == pytest.approx(known, abs=0.1)
        assert value == pytest.approx(right, abs=0.005)
    (bars,) = (
        one
        for one in found.lines(style(0))
        if one.width == pytest.approx(0.7) and len(one.pieces) == 2
    )
    ends = [(y_of(a[1]), y_of(b[1])) for a, b in bars.pieces]
    assert ends == [pytest.approx(pair, abs=0.005) for pair in ((0.8, 0.95), (0.75, 0.9))]
    (levels,) = (one for one in found.lines(LIMIT) if one.dashed)
    assert [y_of(a[1]) for a, _b in levels.pieces] == pytest.approx([0.8, 0.65], abs=0.005)
    for name, height in (("mean", levels.pieces[0][0][1]), ("lowest", levels.pieces[1][0][1])):
        assert found.text(name).baseline + 2.5 == pytest.approx(height, abs=0.2)
    apart = drawn(Course(plot.lines, plot.y, joined=False))
    assert not [one for one in apart.lines(style(0)) if len(one.pieces[0]) > 2]


def test_days_are_labelled_from_mondays_on_and_never_too_many() -> None:
    from mppcqa.charts.paper.course import days

    start = dt.date(2026, 3, 4).toordinal()
    for span, most in ((3, 5), (30, 5), (300, 6), (3000, 6), (20_000, 7)):
        ticks = days(start, start + span, most)
        assert 0 < len(ticks.values) <= most + 1
        assert all(start <= one <= start + span for one in ticks.values)
        assert [dt.date.fromordinal(int(one)).isoformat() for one in ticks.values] == list(
            ticks.labels
        )
        if span >= 30:
            assert {dt.date.fromordinal(int(one)).weekday() for one in ticks.values} == {0}


def test_the_map_of_values_is_darker_where_they_are_higher_and_reads_as_the_array() -> None:
    values = {(row, column): 70.0 + 4 * row + column for row in range(4) for column in range(4)}
    del values[2, 3]
    labels = {(row, column): f"c{4 * row + column}" for row in range(4) for column in range(4)}
    found = drawn(
        charts.channel_map(values, rows=4, columns=4, title="Map", unit="V", labels=labels)
    )
    cells = [one for one in found.paths if one.fill and one.box[2] - one.box[0] > 10]
    assert len(cells) == 15
    xs = sorted({round(one.box[0], 1) for one in cells})
    ys = sorted({round(one.box[1], 1) for one in cells}, reverse=True)
    dark = {
        (ys.index(round(one.box[1], 1)), xs.index(round(one.box[0], 1))): -sum(one.fill or ())
        for one in cells
    }
    assert sorted(dark, key=lambda place: dark[place]) == sorted(values)
    for place, value in values.items():
        (cell,) = (
            one
            for one in cells
            if (ys.index(round(one.box[1], 1)), xs.index(round(one.box[0], 1))) == place
        )
        inside = [
            one.text.strip()
            for one in found.texts
            if cell.box[0] < (one.start + one.end) / 2 < cell.box[2]
            and cell.box[1] < one.baseline < cell.box[3]
        ]
        assert labels[place] in inside
        assert [float(one) for one in inside if not one.startswith("c")] == [
            pytest.approx(value, abs=0.05)
        ]
    assert "c11" in [one.text.strip() for one in found.texts], "an empty cell has its name"


def test_a_large_map_counts_rows_and_columns_and_has_the_ends_of_its_colours() -> None:
    values = {(row, column): row * 20.0 + column for row in range(23) for column in range(20)}
    found = drawn(charts.tray_map(values, rows=23, columns=20, title="Tray", unit="V"))
    cells = [one for one in found.paths if one.fill and one.box[1] > 40]
    top, left = max(one.box[3] for one in cells), min(one.box[0] for one in cells)
    wide = cells[0].box[2] - cells[0].box[0]
    high = cells[0].box[3] - cells[0].box[1]
    assert {"0", "459"} <= {one.text.strip() for one in found.texts}
    rows, bottom = [], top - 23 * high
    for one in found.texts:
        if one.end < left and bottom < one.baseline < top and one.text.strip().isdigit():
            row = (top - one.baseline - 0.36 * one.size) / high - 0.5
            assert row == pytest.approx(int(one.text), abs=0.1)
            rows.append(int(one.text))
    assert rows == list(range(0, 23, 2))
    columns = [one for one in found.texts if one.start > left and -14 < one.baseline - bottom < 0]
    assert columns
    for one in columns:
        place = ((one.start + one.end) / 2 - left) / wide - 0.5
        assert place == pytest.approx(int(one.text), abs=0.1)


def test_tones_of_neighbours_differ_and_edges_are_drawn() -> None:
    parts = tuple(Share(f"p{n}", 1) for n in range(6))
    found = drawn(Shares(parts))
    used = [one.fill for one in found.paths if one.fill]
    assert set(used) == {rgb(tone.fill) for tone in PLAIN}
    assert len(found.lines(rgb(EDGE))) == 12


LONG = "a name that is longer than any that fits in one line of a chart on a third of a page"
KINDS: dict[str, Any] = {
    "pie": Shares(tuple(Share(f"{LONG} {n}", n) for n in range(1, 6)), LONG),
    "ranked": Ranked(
        tuple((f"{n} {LONG}", (n, 2.0, 1.0)) for n in range(1, 5)),
        (("pass", LONG), ("fail", "bad"), ("none", "not yet")), "Lots", whole=10,
    ),
    "states": StateMap(23, 20, {(r, c): "pass" for r in range(23) for c in range(20)},
                       {"pass": LONG, "fail": "bad"}, "Tray"),
    "boxes": Boxes(tuple(Box(f"{n} {LONG}", n, n + 1, n + 2, n + 3, n + 4) for n in range(9)),
                   Scale("Gain", "ADC"), LONG),
    "cloud": Cloud(tuple((f"{n} {LONG}", [(n, 2.0 * n)]) for n in range(5)),
                   Scale(LONG, "V"), Scale(LONG, "A"), "C"),
    "course": Course(
        tuple(CourseLine(f"{n} {LONG}", [Moment(dt.date(2026, 3, 2 + n), 0.5 + n / 10, 0.4, 0.9)])
              for n in range(3)),
        Scale(LONG), levels=(("mean", 0.5), ("near it", 0.501), ("and again", 0.502)),
    ),
    "curves": charts.against(
        [charts.Series(f"{n} {LONG}", [1.0, 2.0], [1.0 + n, 2.0 + n], [0, 0]) for n in range(4)],
        **WORDS, bands=[charts.Band(-1e9, 1e9)],
    ),
    "panels": charts.against(
        [charts.Series(f"{c} {g}", [1.0, 2.0], [1.0, 2.0 + c], [0, 0], g, str(c))
         for c in range(9) for g in (LONG, "other")],
        **WORDS, bands=[charts.Band(-1e9, 1e9)],
    ),
    "crowd": charts.against(
        [charts.Series(str(c), [1.0, 2.0], [1.0, 2.0 + c], [0, 0], "", str(c)) for c in range(99)],
        **WORDS, bands=[charts.Band(-1e9, 1e9)],
    ),
    "map": charts.tray_map({(r, c): r * c for r in range(9) for c in range(30)}, rows=9,
                           columns=30, title=LONG, unit="V"),
    "histogram": charts.histogram([0, 1, 2], [3, 4], title=LONG, x_title=LONG, unit="V"),
    "spectrum": charts.spectrum([0, 1, 2], [3, 400], title=LONG, x_title=LONG, unit="ADC"),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("width", [None, 158.0, 242.0, 492.0])
def test_whatever_the_names_no_text_lies_over_another_or_outside(
    name: str, width: float | None
) -> None:
    made = figure(KINDS[name], width)
    if width is not None:
        assert made.width == width
    data = on_page(made)
    assert faults(data, smallest=7.0) == []
    found = drawing(data)
    for path in found.paths:
        left, bottom, right, top = path.box
        assert left > 12 - 4
        assert right < 12 + made.width + 4
        assert bottom > 12 - 4
        assert top < 12 + made.height + 4

"""Charts of pages: what they are given is what they show, and each mark reads what is there."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

from mppcqa import charts
from mppcqa.charts import campaign, capability, control, explore, spectra
from mppcqa.charts.browser import ARROWS
from mppcqa.charts.plots import Scale
from mppcqa.stages.numbers import ABOVE, BELOW

X, Y = Scale("Day"), Scale("Gain", "ADC")
RUN = {"x_title": "x", "y_title": "y"}


def rows_of(chart: Any, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = charts.to_spec(chart)["datasets"][name]
    return found


def layers(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every mark of a definition, with the data and the channels that it has from above."""
    for one in spec.get("layer", [spec]):
        yield {**one, "data": one.get("data") or spec.get("data")}


def fields(encoding: dict[str, Any]) -> Iterator[str]:
    """The names of columns that channels read."""
    for channel in encoding.values():
        for one in channel if isinstance(channel, list) else [channel]:
            if isinstance(one, dict) and isinstance(one.get("field"), str):
                yield one["field"]
            elif isinstance(one, str):
                yield one


def made() -> dict[str, Any]:
    """Every kind of chart with rows as pages give them."""
    series = charts.Series("a", [1.0, 2.0], [3.0, 4.0], [0.1, 0.2], links=("/a/", "/b/"))
    limited = charts.Series("b", [1.0, 2.0], [3.0, 4.0], [0.1, None], bound=(0, BELOW))
    words = {"title": "T", "x_title": "x", "x_unit": "V", "y_title": "y", "y_unit": ""}
    day = {"g": "a", "day": "2026-03-02", "href": "/x/"}
    return {
        "against": charts.against(
            [series, limited], **words, line=(1.0, 1.0),
            bands=[charts.Band(1.0, 5.0), charts.Band(2.0, None, at=1.0)],
        ),
        "map": charts.channel_map(
            {(0, 0): 1.0, (0, 1): None}, rows=1, columns=2, title="M", unit="V",
            links={(0, 0): "/d/"}, labels={(0, 0): "GX"},
        ),
        "histogram": charts.histogram(
            [0, 1, 2], [3, 4], title="H", x_title="x", unit="V", mark=1.5, band=charts.Band(0.5)
        ),
        "spectrum": charts.spectrum([0, 1], [3], [2.0], title="S", x_title="q", unit="ADC"),
        "overlaid": campaign.overlaid(
            [{**day, "low": 1, "high": 2, "n": 3}], ("a", "b"), Y, X, "/r/?low={low}"
        ),
        "beneath": campaign.overlaid(
            [{**day, "low": 1, "high": 2, "n": 3}], tuple("abcde"), Y, X
        ),
        "boxes": campaign.boxes(
            [{**day, "q05": 1, "q25": 2, "median": 3, "q75": 4, "q95": 5, "n": 9}], ("a",), Y, X
        ),
        "weeks": campaign.weeks([{**day, "median": 3, "low": 1, "high": 4, "n": 9}], ("a",), X, Y),
        "scatter": campaign.scatter([{**day, "x": 1, "y": 2, "what": "GX"}], ("a", "b"), X, Y),
        "spans": campaign.spans([{"n": 1, "low": 2, "high": 3, "href": "/x/"}], X, Y),
        "characteristic": campaign.characteristic(
            [{"g": "a", "x": 1, "y": 2}], [{"what": "AQL", "x": 1, "y": 95}], ("a", "b"), X, Y
        ),
        "capabilities": capability.capabilities(
            [{"what": "PDE, 71 V", "cpk": 1.2, "low": 1.0, "high": 1.4, "kind": "k", "href": "/"}],
            ("PDE, 71 V",), ("k", "l", "m"), X,
        ),
        "plan": capability.plan(
            [{**day, "n": 5}], [{"g": "a", "low": "2026-03-02", "median": "2026-03-03",
                                 "high": "2026-03-04", "n": 9}], ("a", "b", "c"), X, Y,
        ),
        "control": control.control(
            [{**day, "value": 1, "low": 0, "high": 2, "average": 1, "from": 0, "to": 2,
              "kind": "k", "text": "t"}], [{"level": 1, "name": "mean"}], ("k", "l", "m"), X, Y,
        ),
        "agreement": control.agreement(
            [{"x": 1, "y": 2, "xl": 0, "xh": 2, "yl": 1, "yh": 3, "what": "GX", "href": "/"}],
            [{"g": "a", "x": 1, "y": 2}], ("a",), X, Y,
        ),
        "spread": control.spread([{**day, "range": 1, "limit": 2}], X, Y),
        "grid": explore.points_grid(
            ["A"], ["71 V"], {(0, 0): 1.0}, links={}, row_title="r", column_title="c", unit="V"
        ),
        "with_lines": explore.with_lines(
            [series, limited], [explore.StraightLine(1.0, 1.0), None], **RUN, x_unit="", y_unit=""
        ),
        "trace": explore.trace([0.0], [1.0], **RUN, unit="V"),
        "persistence": explore.persistence([[2]], [0, 1], [0, 1], **RUN, unit="V", n_title="n"),
        "iv": explore.iv_curve({"a": ([1.0], [2.0]), "b": ([1.0], [2.0])}, [1.0], **RUN),
        "time": explore.over_time({"a": ([1.0], [2.0])}, **RUN, unit="V"),
        "charges": spectra.charge_spectrum(
            [0.5, 1.5], {"light": ([9, 8], [9.0, 8.0])}, **RUN, unit="ADC", peaks=[(0, 0.5)]
        ),
        "residuals": spectra.residuals([0.5, 1.5], {"light": ([9, 8], [9.0, 8.0])}, **RUN, unit=""),
        "yields": charts.yield_by_week(
            [charts.YieldPoint("2026-03-02", kind, 95.0, 93.0, 97.0, 40) for kind in "ab"],
            kinds=("a", "b"), x_title="w", y_title="y",
        ),
        "pareto": charts.pareto([("g", "fail", "no", 3)], x_title="n", outcomes={"fail": "no"}),
    }  # fmt: skip


MADE = made()


@pytest.mark.parametrize("name", MADE)
def test_each_mark_reads_columns_that_its_rows_have(name: str) -> None:
    spec = charts.to_spec(MADE[name])
    read: set[str] = set()
    for layer in layers(spec):
        there = spec["datasets"][layer["data"]["name"]]
        assert there, layer["data"]
        columns = set().union(*there)
        made_here = {
            one["as"]
            for step in layer.get("transform", ())
            for one in step.get("joinaggregate", ())
        }
        wanted = set(fields(layer["encoding"]))
        assert wanted <= columns | made_here, (name, wanted - columns)
        read |= {layer["data"]["name"]}
    assert read == set(spec["datasets"]), "nothing is sent that no mark shows"


@pytest.mark.parametrize("name", MADE)
def test_no_placeholder_reaches_a_page(name: str) -> None:
    assert "\\u0000" not in charts.in_script(charts.to_spec(MADE[name]))


def test_curves_carry_values_error_bars_and_where_each_point_leads() -> None:
    one = charts.Series(
        "a", [1.0, 2.0, 3.0], [5.0, math.nan, 7.0], [0.5, 0.1, None], links=("/1/", "/2/", "/3/")
    )
    words = {"title": "T", "x_title": "x", "x_unit": "V", "y_title": "y", "y_unit": "ADC"}
    chart = charts.against([one], **words, line=(1.0, 2.0), bands=[charts.Band(4.0, 8.0, at=2.0)])
    assert rows_of(chart, "points") == [
        {"series": "a", "group": "a", "x": 1.0, "y": 5.0, "low": 4.5, "high": 5.5, "href": "/1/"},
        {"series": "a", "group": "a", "x": 3.0, "y": 7.0, "low": 7.0, "high": 7.0, "href": "/3/"},
    ]
    assert rows_of(chart, "line") == [{"x": -0.5, "y": 0.0}, {"x": 3.0, "y": 7.0}]
    assert rows_of(chart, "limits") == []
    assert rows_of(chart, "limits_at") == [{"x": 2.0, "y": 4.0}, {"x": 2.0, "y": 8.0}]
    text = charts.in_script(charts.to_spec(chart))
    assert '"x [V]"' in text
    assert '"y [ADC]"' in text


def test_limits_among_values_are_arrows_to_where_these_lie() -> None:
    one = charts.Series("a", [1.0, 2.0, 3.0], [5.0, 6.0, 7.0], [0, 0, 0], bound=(0, BELOW, ABOVE))
    words = {"title": "", "x_title": "x", "x_unit": "", "y_title": "y", "y_unit": ""}
    marks = [row["mark"] for row in rows_of(charts.against([one], **words), "points")]
    assert marks == ["circle", "triangle-down", "triangle-up"]
    assert set(ARROWS.values()) == set(marks)
    plain = charts.Series("a", [1.0], [5.0], [0])
    assert "mark" not in rows_of(charts.against([plain], **words), "points")[0]
    drawn = explore.with_lines([one], [None], **RUN, x_unit="", y_unit="")
    assert [row["mark"] for row in rows_of(drawn, "points")] == marks


def colours_of(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [one["encoding"]["color"] for one in layers(spec) if "color" in one["encoding"]]


@pytest.mark.parametrize(
    ("number", "legend", "scheme"),
    [(1, False, False), (2, True, False), (6, True, False), (7, True, True), (9, False, True)],
)
def test_a_few_series_are_named_and_many_share_a_scale(
    number: int, legend: bool, scheme: bool
) -> None:
    series = [charts.Series(str(n), [1.0], [float(n)], [0]) for n in range(number)]
    words = {"title": "", "x_title": "x", "x_unit": "", "y_title": "y", "y_unit": ""}
    for colour in colours_of(charts.to_spec(charts.against(series, **words))):
        assert (colour["legend"] is not None) is legend
        assert ("scale" in colour) is scheme
        assert colour["sort"] == [str(n) for n in range(number)]


def test_a_map_has_every_cell_and_numbers_that_tell_them_apart() -> None:
    values = {(0, 0): 70.1, (0, 1): 70.25, (1, 0): math.inf}
    chart = charts.channel_map(
        values, rows=2, columns=2, title="M", unit="V", labels={(0, 1): "ch. 1"},
        links={(0, 1): "/devices/GX/"},
    )  # fmt: skip
    cells = {(one["row"], one["column"]): one for one in rows_of(chart, "cells")}
    assert {place: one["value"] for place, one in cells.items()} == {
        (0, 0): 70.1, (0, 1): 70.25, (1, 0): None, (1, 1): None,
    }  # fmt: skip
    assert (cells[0, 1]["label"], cells[0, 1]["href"]) == ("ch. 1", "/devices/GX/")
    assert (cells[0, 0]["light"], cells[0, 1]["light"]) == (False, True)
    (form,) = (
        one["encoding"]["text"]["format"]
        for one in layers(charts.to_spec(chart))
        if "text" in one["encoding"]
    )
    digits = int(form.strip(".rgs"))
    assert f"{70.1:.{digits}g}" != f"{70.25:.{digits}g}"


@pytest.mark.parametrize(
    ("values", "form"),
    [
        ([0.0, 0.0], ".4g"),
        ([5.0, 5.0], ".4g"),
        ([1.0, 2.0], ".3g"),
        ([70.0, 70.1], ".5g"),
        ([120.0, 120.4], ".5r"),
        ([2e5, 3e5], ".3s"),
        ([1.0, 1.0 + 1e-9], ".6g"),
    ],
)
def test_cells_have_digits_enough_and_no_more(values: list[float], form: str) -> None:
    cells = {(0, n): value for n, value in enumerate(values)}
    chart = charts.channel_map(cells, rows=1, columns=2, title="", unit="")
    (found,) = (
        one["encoding"]["text"]["format"]
        for one in layers(charts.to_spec(chart))
        if "text" in one["encoding"]
    )
    assert found == form


@pytest.mark.parametrize(
    ("rows", "columns", "size"),
    [(4, 4, (208, 208)), (1, 128, (112, 896)), (1, 900, (112, 5400)), (20, 100, (1040, 900))],
)
def test_a_wide_map_stays_within_a_page_and_its_cells_can_be_told_apart(
    rows: int, columns: int, size: tuple[int, int]
) -> None:
    spec = charts.to_spec(
        charts.channel_map({(0, 0): 1.0}, rows=rows, columns=columns, title="", unit="")
    )
    assert (spec["height"], spec["width"]) == size


def test_a_histogram_says_its_bars_limits_and_mark() -> None:
    chart = MADE["histogram"]
    assert rows_of(chart, "bars") == [
        {"low": 0, "high": 1, "n": 3}, {"low": 1, "high": 2, "n": 4},
    ]  # fmt: skip
    assert rows_of(chart, "limits") == [{"x": 0.5}]
    assert rows_of(chart, "mark") == [{"x": 1.5}]
    assert len(charts.to_spec(chart)["layer"]) == 3
    plain = charts.histogram([0, 1], [3], title="H", x_title="x", unit="V")
    assert len(charts.to_spec(plain)["layer"]) == 1


def test_a_spectrum_has_its_counts_in_the_middle_of_bins_and_none_as_one_half() -> None:
    chart = charts.spectrum([0, 1, 3], [0, 8], [0.1, 7.0], title="", x_title="q", unit="")
    assert rows_of(chart, "counts") == [{"x": 0.5, "n": 0.5}, {"x": 2.0, "n": 8}]
    assert rows_of(chart, "fit") == [{"x": 0.5, "n": 0.5}, {"x": 2.0, "n": 7.0}]
    alone = charts.spectrum([0, 1, 3], [0, 8], title="", x_title="q", unit="")
    assert set(charts.to_spec(alone)["datasets"]) == {"counts"}
    y = charts.to_spec(chart)["layer"][0]["encoding"]["y"]
    assert y["scale"]["type"] == "log"


def test_a_chosen_range_leads_on_where_there_is_somewhere_to() -> None:
    assert charts.to_spec(MADE["overlaid"])["usermeta"]["brush"] == "/r/?low={low}"
    assert "brush" not in charts.to_spec(MADE["beneath"]).get("usermeta", {})


def test_few_histograms_lie_over_each_other_and_many_below() -> None:
    row = {"g": "a", "low": 1, "high": 2, "n": 3, "href": "/"}
    for number, beneath in ((1, False), (4, False), (5, True)):
        names = tuple(map(str, range(number)))
        encoding = charts.to_spec(campaign.overlaid([row], names, X, Y))["encoding"]
        assert ("row" in encoding) is beneath
        assert ("color" in encoding) is (1 < number <= 4)
    # Bars of several groups are not stacked: each is read from zero.
    assert encoding["y"]["stack"] is None


def test_capability_has_its_levels_at_one_and_four_thirds_of_each() -> None:
    levels = rows_of(MADE["capabilities"], "levels")
    assert levels == [
        {"what": "PDE, 71 V", "x": 1.0}, {"what": "PDE, 71 V", "x": pytest.approx(4 / 3)},
    ]  # fmt: skip
    assert rows_of(MADE["capabilities"], "rows")[0]["shown"] == "PDE\n71 V"


def test_kinds_of_points_keep_their_colours_in_every_chart() -> None:
    for name, place in (("capabilities", "rows"), ("control", "points")):
        spec = charts.to_spec(MADE[name])
        scales = [
            one["encoding"]["color"]["scale"]
            for one in layers(spec)
            if "scale" in one["encoding"].get("color", {})
        ]
        assert scales, place
        for scale in scales:
            assert scale["domain"] == ["k", "l", "m"]
            assert len(set(scale["range"])) == 3


def test_lines_of_a_run_end_at_their_points_or_at_zero() -> None:
    series = [
        charts.Series("up", [2.0, 3.0], [1.0, 2.0], [0, 0]),
        charts.Series("down", [2.0, 3.0], [2.0, 1.0], [0, 0]),
        charts.Series("none", [], [], []),
    ]
    lines = [
        explore.StraightLine(-1.0, 1.0), explore.StraightLine(4.0, -1.0),
        explore.StraightLine(0.0, 1.0),
    ]  # fmt: skip
    plain = rows_of(explore.with_lines(series, lines, **RUN, x_unit="", y_unit=""), "lines")
    assert [(one["s"], one["x"], one["y"]) for one in plain] == [
        ("up", 2.0, 1.0), ("up", 3.0, 2.0), ("down", 2.0, 2.0), ("down", 3.0, 1.0),
    ]  # fmt: skip
    to_zero = explore.with_lines(series, lines, **RUN, x_unit="", y_unit="", to_zero=True)
    found = [(one["s"], one["x"], one["y"]) for one in rows_of(to_zero, "lines")]
    assert found[:2] == [("up", 1.0, 0.0), ("up", 3.0, 2.0)]
    assert found[2:] == [("down", 2.0, 2.0), ("down", 3.0, 1.0)], "it never falls to zero there"


def test_a_grid_has_every_cell_and_room_for_numbers_where_columns_are_few() -> None:
    chart = explore.points_grid(
        ["A", "B"], ["1", "2"], {(0, 0): 1.0, (1, 1): math.nan}, links={(0, 1): "/x/"},
        row_title="r", column_title="c", unit="V",
    )  # fmt: skip
    assert [(one["r"], one["c"], one["v"], one["href"]) for one in rows_of(chart, "cells")] == [
        ("A", "1", 1.0, ""), ("A", "2", None, "/x/"), ("B", "1", None, ""), ("B", "2", None, ""),
    ]  # fmt: skip
    for number, numbered in ((12, True), (13, False)):
        names = list(map(str, range(number)))
        wide = explore.points_grid(
            ["A"], names, {}, links={}, row_title="", column_title="", unit=""
        )
        assert (len(charts.to_spec(wide)["layer"]) == 3) is numbered


def test_currents_are_drawn_by_size_and_what_has_no_logarithm_not_at_all() -> None:
    chart = explore.iv_curve({"a": ([70, 71, 72, 73], [-1e-9, 0.0, math.nan, 2e-9])}, [70.5], **RUN)
    assert [(one["x"], one["y"]) for one in rows_of(chart, "curves")] == [(70, 1e-9), (73, 2e-9)]
    assert rows_of(chart, "marks") == [{"x": 70.5}]
    spec = charts.to_spec(chart)
    assert spec["layer"][0]["encoding"]["color"]["legend"] is None, "one curve needs no name"
    assert charts.to_spec(MADE["iv"])["layer"][0]["encoding"]["color"]["legend"] is not None


def test_a_density_of_waveforms_has_each_bin_that_holds_any() -> None:
    chart = explore.persistence(
        [[1, 0], [0, 5]], [0, 2, 4], [0.0, 0.1, 0.2], **RUN, unit="V", n_title="n"
    )
    assert [tuple(one.values()) for one in rows_of(chart, "bins")] == [
        (0.0, 2.0, 0.0, 0.1, 1), (2.0, 4.0, 0.1, 0.2, 5),
    ]  # fmt: skip


def test_readings_over_time_leave_out_what_is_no_number() -> None:
    chart = explore.over_time({"a": ([0, 1], [1.0, math.nan]), "b": ([2], [3.0])}, **RUN, unit="V")
    assert [(one["s"], one["x"], one["y"]) for one in rows_of(chart, "readings")] == [
        ("a", 0.0, 1.0), ("b", 2.0, 3.0),
    ]  # fmt: skip


def test_residuals_are_in_standard_deviations_and_only_where_events_are_expected() -> None:
    chart = spectra.residuals(
        [1.0, 2.0, 3.0, 4.0],
        {"light": ([130, 4, 9, 1000], [100.0, 4.9, 9.0, 100.0]), "dark": ([5, 5, 5, 5], None)},
        **RUN,
        unit="",
    )
    assert [(one["s"], one["x"], one["r"]) for one in rows_of(chart, "points")] == [
        ("light", 1.0, 3.0), ("light", 3.0, 0.0), ("light", 4.0, 8.0),
    ]  # fmt: skip
    assert rows_of(chart, "ends") == [{"x": 1.0}, {"x": 4.0}]
    assert rows_of(chart, "zero") == [{"r": 0}]


def test_the_curve_of_a_fit_is_drawn_where_it_expects_something() -> None:
    chart = spectra.charge_spectrum(
        [1.0, 2.0, 3.0, 4.0], {"light": ([0, 2, 3, 1], [0.2, 0.3, None, 1.0])}, **RUN, unit=""
    )
    assert [one["x"] for one in rows_of(chart, "points")] == [2.0, 3.0, 4.0]
    assert [one["x"] for one in rows_of(chart, "curve")] == [2.0, 4.0]


@pytest.mark.parametrize("number", [1, 10, 11, 16])
def test_the_last_peak_says_what_its_number_counts_and_of_many_every_other_is_named(
    number: int,
) -> None:
    peaks = [(k, float(k)) for k in range(number)]
    chart = spectra.charge_spectrum(
        [0.0, 20.0], {"light": ([5, 5], None)}, **RUN, unit="", peaks=peaks
    )
    names = [one["k"] for one in rows_of(chart, "peaks")]
    assert names[-1] == f"{number - 1} p.e."
    if number <= 10:
        assert names[:-1] == [str(k) for k in range(number - 1)]
    else:
        assert [bool(one) for one in names[::-1]] == [n % 2 == 0 for n in range(number)]
    assert [one["x"] for one in rows_of(chart, "peaks")] == [float(k) for k in range(number)]


def test_weeks_of_yields_and_what_devices_fail_by() -> None:
    assert rows_of(MADE["yields"], "weeks")[0] == {
        "week": "2026-03-02", "kind": "a", "percent": 95.0, "low": 93.0, "high": 97.0,
        "devices": 40,
    }  # fmt: skip
    chart = charts.pareto(
        [("gain", "fail", "no", 4), ("gain", "incomplete", "half", 1)],
        x_title="n",
        outcomes={"fail": "no", "incomplete": "half"},
    )
    assert [(one["outcome"], one["order"], one["n"]) for one in rows_of(chart, "quantities")] == [
        ("no", 0, 4), ("half", 1, 1),
    ]  # fmt: skip
    colours = charts.to_spec(chart)["encoding"]["color"]["scale"]
    assert colours["domain"] == ["no", "half"]
    assert len(set(colours["range"])) == 2

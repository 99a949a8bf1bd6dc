"""Charts of a run's raw data: grids of many points, fitted lines, waveforms, currents, time.

These are drawn at every look at a run. Altair checks each part of a chart against its schema while
it is put together, which takes most of the time; here it is not asked to (the tests do it).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec

from mppcqa.charts.browser import ARROWS, HEIGHT, WIDTH, arrows
from mppcqa.charts.plots import Series, axis_title
from mppcqa.charts.shape import Drawn, named, shape
from mppcqa.charts.theme import BLUE, GREY, RED, SEQUENCE, themed
from mppcqa.loading import Later

if TYPE_CHECKING:
    import altair as alt
else:
    alt = Later("mppcqa.charts._quick")

P = ParamSpec("P")
WIDE = 700


def unchecked(function: Callable[P, Any]) -> Callable[P, Any]:
    @functools.wraps(function)
    def quick(*args: P.args, **kwargs: P.kwargs) -> Any:
        from altair.utils import schemapi

        with schemapi.debug_mode(False):
            return function(*args, **kwargs)

    return quick


@dataclass(frozen=True)
class StraightLine:
    """A fitted line of a series, drawn over its points: y = intercept + slope x."""

    intercept: float
    slope: float


NUMBERED = 12
"""Columns of a grid whose cells are wide enough for numbers."""


@shape
@unchecked
def _grid_shape(
    rows: tuple[str, ...],
    columns: tuple[str, ...],
    row_title: str,
    column_title: str,
    unit: str,
) -> Any:
    tooltip = [
        alt.Tooltip("r:N", title=row_title),
        alt.Tooltip("c:N", title=column_title),
        alt.Tooltip("v:Q", title=unit or " ", format=".5g"),
    ]
    base = named("cells").encode(
        x=alt.X(
            "c:O",
            sort=list(columns),
            title=column_title,
            axis=alt.Axis(labelAngle=-60, labelLimit=140, ticks=False, domain=False, grid=False),
        ),
        y=alt.Y(
            "r:O",
            sort=list(rows),
            title=row_title,
            axis=alt.Axis(labelLimit=160, ticks=False, domain=False, grid=False),
        ),
        href="href:N",
        tooltip=tooltip,
    )
    empty = base.transform_filter("datum.v === null").mark_rect(
        fill="transparent", stroke=GREY, strokeWidth=0.5, strokeOpacity=0.5, aria=False
    )
    full = (
        base.transform_filter("datum.v !== null")
        .mark_rect(stroke="white", strokeWidth=0.4, cursor="pointer")
        .encode(
            color=alt.Color(
                "v:Q",
                scale=alt.Scale(scheme=SEQUENCE, zero=False),
                legend=alt.Legend(title=unit or None, orient="right", gradientLength=120),
            )
        )
    )
    layers = [empty, full]
    size = 26 if len(columns) <= 30 else 14
    if len(columns) <= NUMBERED:  # there is room for numbers: white on the dark half of the colours
        size = 64
        numbers = base.transform_filter("datum.v !== null").transform_joinaggregate(
            least="min(v)", most="max(v)"
        )
        dark = "datum.v < 0.4 * datum.least + 0.6 * datum.most"
        ink = alt.condition(dark, alt.value("white"), alt.value("black"))
        text = numbers.mark_text(fontSize=11, cursor="pointer", aria=False)
        layers.append(text.encode(text=alt.Text("v:Q", format=".4g"), color=ink))
    return themed(
        alt.layer(*layers).properties(
            width=size * len(columns), height=max(26 * len(rows), 60), title=""
        )
    )


def points_grid(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Mapping[tuple[int, int], float],
    *,
    links: Mapping[tuple[int, int], str],
    row_title: str,
    column_title: str,
    unit: str,
) -> Any:
    """A grid of values by (row, column); every cell leads to its link, empty ones too."""
    data = [
        {
            "r": row,
            "c": column,
            "v": values.get((i, j)) if math.isfinite(values.get((i, j), math.nan)) else None,
            "href": links.get((i, j), ""),
        }
        for i, row in enumerate(rows)
        for j, column in enumerate(columns)
    ]
    drawn = _grid_shape(tuple(rows), tuple(columns), row_title, column_title, unit)
    return Drawn(drawn, {"cells": data})


def with_lines(
    series: Sequence[Series],
    lines: Sequence[StraightLine | None],
    *,
    x_title: str,
    x_unit: str,
    y_title: str,
    y_unit: str,
    to_zero: bool = False,
) -> Any:
    """Series with error bars, each with its own fitted straight line.

    With `to_zero` a line is drawn down to where it meets zero.
    """
    limited = any(any(one.bound) for one in series)
    rows = [
        {"s": one.name, "x": x, "y": y, "low": y - e, "high": y + e}
        | ({"mark": ARROWS[bound]} if limited else {})
        | link
        for one in series
        for (x, y, e), bound, link in zip(one.points(), one.bounds(), one.led(), strict=True)
    ]
    ends = []
    for one, line in zip(series, lines, strict=True):
        if line is None or not len(one.x):
            continue
        low, high = min(one.x), max(one.x)
        if to_zero and line.slope > 0:
            low = min(low, -line.intercept / line.slope)
        ends += [{"s": one.name, "x": x, "y": line.intercept + line.slope * x} for x in (low, high)]
    names = tuple(one.name for one in series)
    axes = axis_title(x_title, x_unit), axis_title(y_title, y_unit)
    led = any(one.links for one in series)
    return Drawn(_lines_shape(names, *axes, limited, led), {"points": rows, "lines": ends})


@shape
@unchecked
def _lines_shape(
    names: tuple[str, ...], x_title: str, y_title: str, limited: bool, led: bool
) -> Any:
    x = alt.X("x:Q", title=x_title, scale=alt.Scale(zero=False))
    y = alt.Y("y:Q", title=y_title, scale=alt.Scale(zero=False))
    colour = alt.Color(
        "s:N",
        sort=list(names),
        scale=alt.Scale(scheme=SEQUENCE) if len(names) > 7 else alt.Undefined,
        legend=None if len(names) < 2 else alt.Legend(title=None, orient="bottom", columns=3),
    )
    base = named("points")
    tooltip = ["s:N", alt.Tooltip("x:Q", format=".5g"), alt.Tooltip("y:Q", format=".5g")]
    return themed(
        alt.layer(
            named("lines")
            .mark_line(strokeDash=[4, 3], strokeWidth=1.2)
            .encode(x=x, y=y, color=colour),
            base.mark_rule(strokeWidth=1).encode(x=x, y="low:Q", y2="high:Q", color=colour),
            base.mark_point(size=26, filled=True).encode(
                x=x,
                y=y,
                color=colour,
                tooltip=tooltip,
                **({"shape": arrows()} if limited else {}),
                **({"href": "href:N"} if led else {}),
            ),
        ).properties(width=WIDTH, height=HEIGHT, title="")
    )


def trace(
    time_ns: Sequence[float], signal: Sequence[float], *, x_title: str, y_title: str, unit: str
) -> Any:
    """One waveform (samples,)."""
    rows = [{"x": round(float(x), 4), "y": float(y)} for x, y in zip(time_ns, signal, strict=True)]
    return Drawn(
        _trace_shape(axis_title(x_title, "ns"), axis_title(y_title, unit)), {"trace": rows}
    )


@shape
@unchecked
def _trace_shape(x_title: str, y_title: str) -> Any:
    chart = (
        named("trace")
        .mark_line(strokeWidth=1, color=BLUE)
        .encode(
            x=alt.X("x:Q", title=x_title, scale=alt.Scale(nice=False)),
            y=alt.Y("y:Q", title=y_title, scale=alt.Scale(zero=False)),
        )
    )
    return themed(chart.properties(width=WIDE, height=220, title=""))


def persistence(
    counts: Any,
    time_edges_ns: Sequence[float],
    signal_edges: Sequence[float],
    *,
    x_title: str,
    y_title: str,
    unit: str,
    n_title: str,
) -> Any:
    """Many waveforms at once: counts (times, signals) of samples in bins, on a log scale."""
    rows = [
        {
            "a": round(float(time_edges_ns[i]), 4),
            "b": round(float(time_edges_ns[i + 1]), 4),
            "c": float(signal_edges[j]),
            "d": float(signal_edges[j + 1]),
            "n": int(counts[i][j]),
        }
        for i in range(len(time_edges_ns) - 1)
        for j in range(len(signal_edges) - 1)
        if counts[i][j]
    ]
    drawn = _persistence_shape(axis_title(x_title, "ns"), axis_title(y_title, unit), n_title)
    return Drawn(drawn, {"bins": rows})


@shape
@unchecked
def _persistence_shape(x_title: str, y_title: str, n_title: str) -> Any:
    chart = (
        named("bins")
        .mark_rect()
        .encode(
            x=alt.X("a:Q", title=x_title, scale=alt.Scale(nice=False)),
            x2="b:Q",
            y=alt.Y("c:Q", title=y_title, scale=alt.Scale(zero=False)),
            y2="d:Q",
            color=alt.Color(
                "n:Q",
                scale=alt.Scale(type="log", scheme=SEQUENCE),
                legend=alt.Legend(title=n_title, gradientLength=120),
            ),
        )
    )
    return themed(chart.properties(width=WIDE, height=260, title=""))


def iv_curve(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    marks: Sequence[float],
    *,
    x_title: str,
    y_title: str,
    units: tuple[str, str] = ("V", "A"),
) -> Any:
    """Currents [A] by name against bias [V] on a logarithmic axis; `marks` are breakdowns [V].

    Other numbers that span decades, such as rates against thresholds, have other `units`.
    """
    rows = [
        {"s": name, "x": float(x), "y": abs(float(y))}
        for name, (bias_v, current_a) in curves.items()
        for x, y in zip(bias_v, current_a, strict=True)
        if y != 0 and math.isfinite(y)
    ]
    axes = axis_title(x_title, units[0]), axis_title(y_title, units[1])
    drawn = _iv_shape(len(curves) > 1, bool(marks), *axes)
    return Drawn(drawn, {"curves": rows, "marks": [{"x": mark} for mark in marks]})


@shape
@unchecked
def _iv_shape(several: bool, marked: bool, x_title: str, y_title: str) -> Any:
    x = alt.X("x:Q", title=x_title, scale=alt.Scale(zero=False))
    layers = [
        named("curves")
        .mark_line(strokeWidth=1.2, point=alt.OverlayMarkDef(size=10))
        .encode(
            x=x,
            y=alt.Y(
                "y:Q",
                title=y_title,
                scale=alt.Scale(type="log"),
                axis=alt.Axis(format=".0e"),
            ),
            color=alt.Color(
                "s:N",
                sort=None,
                legend=alt.Legend(title=None, orient="top") if several else None,
            ),
        )
    ]
    if marked:
        layers.append(named("marks").mark_rule(color=RED, strokeDash=[3, 3]).encode(x=x))
    return themed(alt.layer(*layers).properties(width=WIDE, height=260, title=""))


def over_time(
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    y_title: str,
    unit: str,
    x_title: str,
) -> Any:
    """Readings by name against seconds since the run began."""
    rows = [
        {"s": name, "x": round(float(x), 3), "y": float(y)}
        for name, (times, values) in series.items()
        for x, y in zip(times, values, strict=True)
        if math.isfinite(y)
    ]
    axes = axis_title(x_title, "s"), axis_title(y_title, unit)
    return Drawn(_time_shape(len(series) > 1, *axes), {"readings": rows})


@shape
@unchecked
def _time_shape(several: bool, x_title: str, y_title: str) -> Any:
    legend = alt.Legend(title=None, orient="bottom") if several else None
    chart = (
        named("readings")
        .mark_line(strokeWidth=1.2, point=alt.OverlayMarkDef(size=8))
        .encode(
            x=alt.X("x:Q", title=x_title),
            y=alt.Y("y:Q", title=y_title, scale=alt.Scale(zero=False)),
            color=alt.Color("s:N", legend=legend),
        )
    )
    return themed(chart.properties(width=WIDE, height=180, title=""))

"""Descriptions of charts as Vega-Lite, made with Altair: the rendering for pages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import singledispatch
from typing import TYPE_CHECKING, Any

from mppcqa.charts.plots import Bars, CellMap, Curves
from mppcqa.charts.shape import Drawn, Rows, named, shape, with_texts
from mppcqa.charts.theme import BLUE, FAINT, GREY, RED, SEQUENCE, themed
from mppcqa.loading import Later

if TYPE_CHECKING:
    import altair as alt
else:
    alt = Later("mppcqa.charts._quick")

WIDTH, HEIGHT = 340, 220
X_TEXT, Y_TEXT, TITLE_TEXT = "\0x", "\0y", "\0title"
"""Stand in a shape for words that are put in later; no title can hold them."""
MOST_WIDTH = 900
"""Of a map, in pixels before a page scales it."""

ARROWS = {1: "triangle-down", 0: "circle", -1: "triangle-up"}
"""Marks of an upper limit, of a value, and of a lower limit."""


def arrows() -> Any:
    """Marks as the data name them."""
    return alt.Shape("mark:N", scale=None, legend=None)


@singledispatch
def drawn(plot: Any) -> Any:
    """The chart that a page shows; what is one already stays."""
    return plot


@drawn.register
def _curves(plot: Curves) -> Drawn:
    """Values with error bars over an axis; many series as thin lines; limits as arrows."""
    limited = any(any(one.bound) for one in plot.series)
    rows: Rows = [
        {
            "series": one.name,
            "group": one.group or one.name,
            "x": x,
            "y": y,
            "low": y - error,
            "high": y + error,
            **({"mark": ARROWS[bound]} if limited else {}),
            **link,
        }
        for one in plot.series
        for (x, y, error), bound, link in zip(one.points(), one.bounds(), one.led(), strict=True)
    ]
    sides = plot.sides()
    data: dict[str, Rows] = {
        "points": rows,
        "limits": [{"y": side} for side, at in sides if at is None],
        "limits_at": [{"x": at, "y": side} for side, at in sides if at is not None],
    }
    if ends := plot.fitted():
        data["line"] = [{"x": x, "y": y} for x, y in ends]
    names = tuple(dict.fromkeys(one.group or one.name for one in plot.series))
    led = any(one.links for one in plot.series)
    flags = ("line" in data, bool(data["limits"]), bool(data["limits_at"]), limited, led)
    return Drawn(_against(plot.title, (plot.x.text, plot.y.text), names, *flags), data)


@shape
def _against(
    title: str,
    axes: tuple[str, str],
    names: tuple[str, ...],
    line: bool,
    limits: bool,
    limits_at: bool,
    limited: bool,
    led: bool,
) -> Any:
    x = alt.X("x:Q", title=axes[0], scale=alt.Scale(zero=False, nice=True))
    y = alt.Y("y:Q", title=axes[1], scale=alt.Scale(zero=False, nice=True))
    colour = alt.Color(
        "group:N",
        sort=list(names),
        scale=alt.Scale(scheme=SEQUENCE) if len(names) > 6 else alt.Undefined,
        legend=None if len(names) in (0, 1) or len(names) > 8 else alt.Legend(title=None),
    )
    tooltip = ["series:N", alt.Tooltip("x:Q", format=".3f"), alt.Tooltip("y:Q", format=".5g")]
    base = named("points")
    layers = [
        base.mark_line(strokeWidth=1, strokeOpacity=0.45, opacity=1).encode(
            x=x, y=y, color=colour, detail="series:N"
        ),
        base.mark_rule(strokeWidth=1).encode(
            x=x, y=alt.Y("low:Q", title=axes[1]), y2="high:Q", color=colour
        ),
        base.mark_point(size=22, filled=True, fillOpacity=0.7, opacity=1).encode(
            x=x,
            y=y,
            color=colour,
            tooltip=tooltip,
            **({"shape": arrows()} if limited else {}),
            **({"href": "href:N"} if led else {}),
        ),
    ]
    if line:
        layers.append(
            named("line")
            .mark_line(color=RED, strokeDash=[4, 3], strokeWidth=1.2)
            .encode(x="x:Q", y="y:Q")
        )
    if limits:
        layers.append(_limit_rule("y"))
    if limits_at:
        tick = named("limits_at").mark_tick(color=RED, thickness=2, size=14)
        layers.append(tick.encode(x="x:Q", y="y:Q"))
    return themed(alt.layer(*layers).properties(title=title, width=WIDTH, height=HEIGHT))


def _limit_rule(axis: str) -> Any:
    rule = named("limits").mark_rule(color=RED, strokeDash=[2, 2], strokeWidth=1.2)
    return rule.encode(**{axis: f"{axis}:Q"})


@drawn.register
def _cells(plot: CellMap) -> Drawn:
    finite = plot.finite()
    # A long strip of channels would shrink to a line: narrow, high cells are still told apart.
    width = min(plot.cell, max(MOST_WIDTH // plot.columns, 6))
    height = plot.cell if width == plot.cell else max(plot.cell, MOST_WIDTH // (8 * plot.rows))
    numbers = bool(finite) and width >= 40
    digits = _short_format(list(finite.values())) if numbers else ""
    middle = (min(finite.values()) + max(finite.values())) / 2 if numbers else 0.0
    data: Rows = []
    for row in range(plot.rows):
        for column in range(plot.columns):
            value = finite.get((row, column))
            one: dict[str, Any] = {"row": row, "column": column, "value": value}
            one["label"] = plot.labels.get((row, column), "")
            one["href"] = plot.links.get((row, column), "")
            if numbers and value is not None:
                one["light"] = value > middle
            data.append(one)
    size = plot.rows * height, plot.columns * width
    made = _channel_map(plot.title, plot.unit, *size, bool(plot.links), digits)
    return Drawn(made, {"cells": data})


@shape
def _channel_map(title: str, unit: str, height: int, width: int, links: bool, digits: str) -> Any:
    encode: dict[str, Any] = {
        "x": alt.X(
            "column:O",
            title=None,
            axis=alt.Axis(labelAngle=0, labelOverlap=True, ticks=False, domain=False),
        ),
        "y": alt.Y("row:O", title=None, axis=alt.Axis(ticks=False, domain=False)),
    }
    if links:
        encode["href"] = "href:N"
    base = named("cells").encode(**encode)
    missing = base.transform_filter("datum.value === null").mark_rect(
        fill="transparent", stroke=FAINT, strokeWidth=0.7, aria=False
    )
    filled = (
        base.transform_filter("datum.value !== null")
        .mark_rect(stroke="white", strokeWidth=0.5, cornerRadius=2)
        .encode(
            color=alt.Color(
                "value:Q",
                scale=alt.Scale(scheme=SEQUENCE, zero=False),
                legend=alt.Legend(title=unit or None, gradientLength=max(60, height * 0.7)),
            ),
            tooltip=["label:N", "row:O", "column:O", alt.Tooltip("value:Q", format=".5g")],
        )
    )
    layers = [missing, filled]
    if digits:
        layers.append(
            base.transform_filter("datum.value !== null")
            .mark_text(fontSize=10)
            .encode(
                text=alt.Text("value:Q", format=digits),
                color=alt.condition("datum.light", alt.value("#1b1b1b"), alt.value("white")),
            )
        )
    return themed(alt.layer(*layers).properties(title=title, width=width, height=height))


def _short_format(values: Sequence[float]) -> str:
    """Digits enough to tell the cells of a map from one another."""
    largest = max(abs(value) for value in values)
    spread = max(values) - min(values)
    if largest == 0 or spread == 0:
        return ".4g"
    digits = min(max(math.ceil(math.log10(largest / spread)) + 2, 3), 6)
    # No power of ten where the number itself is as short: it would not fit into its cell.
    return ".3s" if largest >= 1e5 else f".{digits}r" if largest >= 100 else f".{digits}g"


@drawn.register
def _bars(plot: Bars) -> Drawn:
    if plot.y.log:
        return _steps(plot)
    data: dict[str, Rows] = {
        "bars": [{"low": low, "high": high, "n": n} for low, high, n in plot.bins()],
        "limits": [{"x": side} for side in plot.band.sides],
        "mark": [] if plot.mark is None else [{"x": plot.mark}],
    }
    flags = (bool(data["limits"]), plot.mark is not None)
    # Each series of a campaign has words of its own: one shape for all of them.
    texts = {X_TEXT: plot.x.text, Y_TEXT: plot.y.title, TITLE_TEXT: plot.title}
    return Drawn(with_texts(_histogram(plot.width, *flags), texts), data)


@shape
def _histogram(width: int, limits: bool, mark: bool) -> Any:
    bars = (
        named("bars")
        .mark_bar(color=BLUE, opacity=0.85, stroke="white", strokeWidth=0.3)
        .encode(
            x=alt.X("low:Q", bin="binned", title=X_TEXT, scale=alt.Scale(zero=False)),
            x2="high:Q",
            y=alt.Y("n:Q", title=Y_TEXT),
            tooltip=[
                alt.Tooltip("low:Q", format=".5g"),
                alt.Tooltip("high:Q", format=".5g"),
                "n:Q",
            ],
        )
    )
    layers = [bars]
    if limits:
        layers.append(_limit_rule("x"))
    if mark:
        layers.append(named("mark").mark_rule(color=GREY, strokeWidth=2).encode(x="x:Q"))
    return themed(alt.layer(*layers).properties(title=TITLE_TEXT, width=width, height=HEIGHT))


def _steps(plot: Bars) -> Drawn:
    """A spectrum as steps on a logarithmic axis, with the fitted model drawn over it."""
    middles = [(low + high) / 2 for low, high, _n in plot.bins()]
    data: dict[str, Rows] = {
        name: [{"x": x, "n": max(n, 0.5)} for x, n in zip(middles, counts, strict=True)]
        for name, counts in (("counts", plot.counts), ("fit", plot.fit))
        if counts is not None
    }
    texts = {X_TEXT: plot.x.text, Y_TEXT: plot.y.title, TITLE_TEXT: plot.title}
    return Drawn(with_texts(_steps_shape("fit" in data), texts), data)


@shape
def _steps_shape(fitted: bool) -> Any:
    x = alt.X("x:Q", title=X_TEXT, scale=alt.Scale(zero=False))
    y = alt.Y("n:Q", title=Y_TEXT, scale=alt.Scale(type="log"))
    counts = named("counts").mark_line(interpolate="step", strokeWidth=1, color=BLUE)
    layers = [counts.encode(x=x, y=y)]
    if fitted:
        line = named("fit").mark_line(strokeWidth=1.2, color=RED)
        layers.append(line.encode(x="x:Q", y="n:Q"))
    return themed(alt.layer(*layers).properties(title=TITLE_TEXT, width=WIDTH, height=HEIGHT))

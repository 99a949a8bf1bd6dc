"""Charts from plain numbers. Each returns an Altair chart with the house's look."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from mppcqa.charts.shape import Drawn, named, shape, with_texts
from mppcqa.charts.theme import (
    BLUE,
    FAINT,
    GREY,
    OUTCOME_COLOURS,
    RED,
    SEQUENCE,
    axis_title,
    frame,
    themed,
)

WIDTH, HEIGHT = 340, 220
X_TEXT, Y_TEXT, TITLE_TEXT = "\0x", "\0y", "\0title"
"""Stand in a shape for words that are put in later; no title can hold them."""


@dataclass(frozen=True)
class Series:
    """Points with standard uncertainties: `x`, `y`, `error` of equal length."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    error: Sequence[float | None]
    group: str = ""
    """Series of one group have one colour; without groups each has its own."""


@dataclass(frozen=True)
class Band:
    """Limits to draw: outside [pass_low, pass_high] is not a pass. ``None`` leaves a side open."""

    pass_low: float | None = None
    pass_high: float | None = None


def against_bias(
    series: Sequence[Series],
    *,
    title: str,
    x_title: str,
    y_title: str,
    y_unit: str,
    x_unit: str = "V",
    line: tuple[float, float] | None = None,
    band: Band | None = None,
) -> Any:
    """Values with error bars against bias or overvoltage; many series as thin lines.

    `line` is (intercept, slope) of a fitted straight line, drawn down to where it meets zero.
    """
    rows: list[dict[str, Any]] = [
        {
            "series": one.name,
            "group": one.group or one.name,
            "x": x,
            "y": y,
            "low": y - (e or 0),
            "high": y + (e or 0),
        }
        for one in series
        for x, y, e in zip(one.x, one.y, one.error, strict=True)
        if math.isfinite(y)
    ]
    data = {"points": rows, "limits": _limit_rows(band, "y")}
    if line is not None and line[1] != 0 and rows:
        ends = [-line[0] / line[1], max(row["x"] for row in rows)]
        data["line"] = [{"x": end, "y": line[0] + line[1] * end} for end in ends]
    names = tuple(dict.fromkeys(one.group or one.name for one in series))
    axes = (axis_title(x_title, x_unit), axis_title(y_title, y_unit))
    flags = ("line" in data, bool(data["limits"]))
    return Drawn(_against_bias(title, axes, names, *flags), data)


@shape
def _against_bias(
    title: str, axes: tuple[str, str], names: tuple[str, ...], line: bool, limits: bool
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
            x=x, y=y, color=colour, tooltip=tooltip
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
    return themed(alt.layer(*layers).properties(title=title, width=WIDTH, height=HEIGHT))


def _limit_rows(band: Band | None, axis: str) -> list[dict[str, Any]]:
    values = (band.pass_low, band.pass_high) if band else ()
    return [{axis: value} for value in values if value is not None]


def _limit_rule(axis: str) -> Any:
    rule = named("limits").mark_rule(color=RED, strokeDash=[2, 2], strokeWidth=1.2)
    return rule.encode(**{axis: f"{axis}:Q"})


MOST_WIDTH = 900
"""Of a map, in pixels before a page scales it."""


def channel_map(
    values: Mapping[tuple[int, int], float | None],
    *,
    rows: int,
    columns: int,
    title: str,
    unit: str,
    labels: Mapping[tuple[int, int], str] | None = None,
    links: Mapping[tuple[int, int], str] | None = None,
    cell: int = 52,
) -> Any:
    """A map of values by (row, column) from the top left; missing cells are hatched grey.

    `labels` are what the cells say (channel or serial); `links` make a cell lead to a page.
    """
    finite = {
        place: value
        for place, value in values.items()
        if value is not None and math.isfinite(value)
    }
    # A long strip of channels would shrink to a line: narrow, high cells are still told apart.
    width = min(cell, max(MOST_WIDTH // columns, 6))
    height = cell if width == cell else max(cell, MOST_WIDTH // (8 * rows))
    numbers = bool(finite) and width >= 40
    digits = _short_format(list(finite.values())) if numbers else ""
    middle = (min(finite.values()) + max(finite.values())) / 2 if numbers else 0.0
    data: list[dict[str, Any]] = []
    for row in range(rows):
        for column in range(columns):
            value = finite.get((row, column))
            one: dict[str, Any] = {"row": row, "column": column, "value": value}
            one["label"] = (labels or {}).get((row, column), "")
            one["href"] = (links or {}).get((row, column), "")
            if numbers and value is not None:
                one["light"] = value > middle
            data.append(one)
    return Drawn(
        _channel_map(title, unit, rows * height, columns * width, bool(links), digits),
        {"cells": data},
    )


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
    digits = math.ceil(math.log10(largest / spread)) + 2
    return f".{min(max(digits, 3), 6)}g" if largest < 1e5 else ".3s"


def tray_map(
    values: Mapping[tuple[int, int], float | None],
    *,
    rows: int,
    columns: int,
    title: str,
    unit: str,
    labels: Mapping[tuple[int, int], str] | None = None,
    links: Mapping[tuple[int, int], str] | None = None,
) -> Any:
    """A map of the devices of a tray; like `channel_map` with small cells and no numbers."""
    return channel_map(
        values,
        rows=rows,
        columns=columns,
        title=title,
        unit=unit,
        labels=labels,
        links=links,
        cell=22,
    )


def histogram(
    edges: Sequence[float],
    counts: Sequence[float],
    *,
    title: str,
    x_title: str,
    unit: str,
    y_title: str = "devices",
    band: Band | None = None,
    mark: float | None = None,
    width: int = WIDTH,
) -> Any:
    """A histogram from its edges (n + 1) and counts (n); `mark` draws one value in it."""
    rows: list[dict[str, Any]] = [
        {"low": low, "high": high, "n": n}
        for low, high, n in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    data = {"bars": rows, "limits": _limit_rows(band, "x")}
    data["mark"] = [] if mark is None else [{"x": mark}]
    flags = (bool(data["limits"]), mark is not None)
    # Each series of a campaign has words of its own: one shape for all of them.
    texts = {X_TEXT: axis_title(x_title, unit), Y_TEXT: y_title, TITLE_TEXT: title}
    return Drawn(with_texts(_histogram(width, *flags), texts), data)


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


def pie(parts: Mapping[str, float], *, title: str, colours: Mapping[str, str] | None = None) -> Any:
    """A pie with the number of each part in its legend; empty parts are left out.

    Parts named as outcomes (pass, warning, fail, incomplete) keep their colours.
    """
    known = {**OUTCOME_COLOURS, **(colours or {})}
    names = [name for name, n in parts.items() if n > 0]
    rows: list[dict[str, Any]] = [
        {"part": f"{name}: {parts[name]:g}", "n": parts[name]} for name in names
    ]
    domain = [row["part"] for row in rows]
    if all(name in known for name in names):
        scale: Any = alt.Scale(domain=domain, range=[known[name] for name in names])
    else:
        scale = alt.Scale(domain=domain)
    chart = (
        alt.Chart(frame(rows))
        .mark_arc(innerRadius=45, stroke="white", strokeWidth=1)
        .encode(
            theta="n:Q",
            color=alt.Color("part:N", scale=scale, sort=domain, legend=alt.Legend(title=None)),
            tooltip=["part:N"],
        )
    )
    return themed(chart.properties(title=title, width=180, height=180))


def spectrum(
    edges: Sequence[float],
    counts: Sequence[float],
    fit: Sequence[float] | None = None,
    *,
    title: str,
    x_title: str,
    unit: str,
) -> Any:
    """A charge spectrum as steps on a logarithmic axis, with the fitted model drawn over it."""
    rows: list[dict[str, Any]] = [
        {"x": (low + high) / 2, "n": max(n, 0.5)}
        for low, high, n in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    x = alt.X("x:Q", title=axis_title(x_title, unit), scale=alt.Scale(zero=False))
    y = alt.Y("n:Q", title="events", scale=alt.Scale(type="log"))
    layers = [
        alt.Chart(frame(rows))
        .mark_line(interpolate="step", strokeWidth=1, color=BLUE)
        .encode(x=x, y=y)
    ]
    if fit is not None:
        curve = [
            {"x": (low + high) / 2, "n": max(n, 0.5)}
            for low, high, n in zip(edges[:-1], edges[1:], fit, strict=True)
        ]
        layers.append(
            alt.Chart(frame(curve)).mark_line(strokeWidth=1.2, color=RED).encode(x="x:Q", y="n:Q")
        )
    return themed(alt.layer(*layers).properties(title=title, width=WIDTH, height=HEIGHT))

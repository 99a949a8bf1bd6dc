"""Charts from plain numbers. Each returns an Altair chart with the house's look."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

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


@dataclass(frozen=True)
class Series:
    """Points with standard uncertainties: `x`, `y`, `error` of equal length."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    error: Sequence[float | None]


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
            "x": x,
            "y": y,
            "low": y - (e or 0),
            "high": y + (e or 0),
        }
        for one in series
        for x, y, e in zip(one.x, one.y, one.error, strict=True)
        if math.isfinite(y)
    ]
    x = alt.X("x:Q", title=axis_title(x_title, x_unit), scale=alt.Scale(zero=False, nice=True))
    y = alt.Y("y:Q", title=axis_title(y_title, y_unit), scale=alt.Scale(zero=False, nice=True))
    names = [one.name for one in series]
    colour = alt.Color(
        "series:N",
        sort=names,
        scale=alt.Scale(scheme=SEQUENCE) if len(names) > 6 else alt.Undefined,
        legend=None if len(names) in (0, 1) or len(names) > 8 else alt.Legend(title=None),
    )
    tooltip = ["series:N", alt.Tooltip("x:Q", format=".3f"), alt.Tooltip("y:Q", format=".5g")]
    base = alt.Chart(frame(rows))
    layers = [
        base.mark_line(strokeWidth=1, opacity=0.45).encode(x=x, y=y, color=colour),
        base.mark_rule(strokeWidth=1).encode(
            x=x, y=alt.Y("low:Q", title=axis_title(y_title, y_unit)), y2="high:Q", color=colour
        ),
        base.mark_point(size=22, filled=True).encode(x=x, y=y, color=colour, tooltip=tooltip),
    ]
    if line is not None and line[1] != 0:
        ends = [-line[0] / line[1], max(row["x"] for row in rows)] if rows else []
        points = [{"x": end, "y": line[0] + line[1] * end} for end in ends]
        layers.append(
            alt.Chart(frame(points))
            .mark_line(color=RED, strokeDash=[4, 3], strokeWidth=1.2)
            .encode(x="x:Q", y="y:Q")
        )
    layers += _limit_rules(band, "y")
    return themed(alt.layer(*layers).properties(title=title, width=WIDTH, height=HEIGHT))


def _limit_rules(band: Band | None, axis: str) -> list[Any]:
    if band is None:
        return []
    values = [value for value in (band.pass_low, band.pass_high) if value is not None]
    if not values:
        return []
    rule = alt.Chart(frame([{axis: value} for value in values])).mark_rule(
        color=RED, strokeDash=[2, 2], strokeWidth=1.2
    )
    return [rule.encode(**{axis: f"{axis}:Q"})]


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
    data: list[dict[str, Any]] = []
    for row in range(rows):
        for column in range(columns):
            value = values.get((row, column))
            good = value is not None and math.isfinite(value)
            data.append(
                {
                    "row": row,
                    "column": column,
                    "value": value if good else None,
                    "label": (labels or {}).get((row, column), ""),
                    "href": (links or {}).get((row, column), ""),
                }
            )
    encode: dict[str, Any] = {
        "x": alt.X("column:O", title=None, axis=alt.Axis(labelAngle=0, ticks=False, domain=False)),
        "y": alt.Y("row:O", title=None, axis=alt.Axis(ticks=False, domain=False)),
    }
    if links:
        encode["href"] = "href:N"
    present = [d["value"] for d in data if d["value"] is not None]
    base = alt.Chart(frame(data)).encode(**encode)
    missing = base.transform_filter("datum.value === null").mark_rect(
        fill="transparent", stroke=FAINT, strokeWidth=0.7
    )
    filled = (
        base.transform_filter("datum.value !== null")
        .mark_rect(stroke="white", strokeWidth=0.5, cornerRadius=2)
        .encode(
            color=alt.Color(
                "value:Q",
                scale=alt.Scale(scheme=SEQUENCE, zero=False),
                legend=alt.Legend(title=unit or None, gradientLength=max(60, rows * cell * 0.7)),
            ),
            tooltip=["label:N", "row:O", "column:O", alt.Tooltip("value:Q", format=".5g")],
        )
    )
    layers = [missing, filled]
    if cell >= 40 and present:
        middle = (min(present) + max(present)) / 2
        layers.append(
            base.transform_filter("datum.value !== null")
            .mark_text(fontSize=10)
            .encode(
                text=alt.Text("value:Q", format=_short_format(present)),
                color=alt.condition(
                    f"datum.value > {middle!r}", alt.value("#1b1b1b"), alt.value("white")
                ),
            )
        )
    return themed(
        alt.layer(*layers).properties(title=title, width=columns * cell, height=rows * cell)
    )


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
    bars = (
        alt.Chart(frame(rows))
        .mark_bar(color=BLUE, opacity=0.85, stroke="white", strokeWidth=0.3)
        .encode(
            x=alt.X(
                "low:Q",
                bin="binned",
                title=axis_title(x_title, unit),
                scale=alt.Scale(zero=False),
            ),
            x2="high:Q",
            y=alt.Y("n:Q", title=y_title),
            tooltip=[
                alt.Tooltip("low:Q", format=".5g"),
                alt.Tooltip("high:Q", format=".5g"),
                "n:Q",
            ],
        )
    )
    layers = [bars, *_limit_rules(band, "x")]
    if mark is not None:
        layers.append(
            alt.Chart(frame([{"x": mark}])).mark_rule(color=GREY, strokeWidth=2).encode(x="x:Q")
        )
    return themed(alt.layer(*layers).properties(title=title, width=width, height=HEIGHT))


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

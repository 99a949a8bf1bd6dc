"""Capability indices with their intervals, and a plan against what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mppcqa.charts.browser import X_TEXT, Y_TEXT
from mppcqa.charts.plots import Scale
from mppcqa.charts.shape import Drawn, Rows, named, shape, with_texts
from mppcqa.charts.theme import BLUE, GREEN, GREY, ORANGE, RED, themed
from mppcqa.loading import Later

if TYPE_CHECKING:
    import altair as alt
else:
    alt = Later("mppcqa.charts._quick")


def capabilities(
    rows: Rows, names: tuple[str, ...], kinds: tuple[str, str, str], x: Scale
) -> Drawn:
    """Rows of ``what``, ``cpk``, ``low``, ``high`` (its interval), ``kind`` and ``href``."""
    return Drawn(
        with_texts(_capabilities(names, kinds), {X_TEXT: x.text}),
        {"rows": rows, "levels": [{"x": 1.0}, {"x": 4 / 3}]},
    )


@shape
def _capabilities(names: tuple[str, ...], kinds: tuple[str, str, str]) -> Any:
    y = alt.Y("what:N", sort=list(names), title=None, axis=alt.Axis(labelLimit=260))
    x: dict[str, Any] = {"title": X_TEXT, "scale": alt.Scale(zero=True)}
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=list(kinds), range=[GREEN, ORANGE, RED]),
        legend=alt.Legend(title=None, orient="top"),
    )
    tooltip = ["what:N", *(alt.Tooltip(f"{one}:Q", format=".2f") for one in ("cpk", "low", "high"))]
    base = named("rows").encode(y=y, color=colour, href="href:N", tooltip=tooltip)
    layers = [
        named("levels").mark_rule(color=GREY, strokeDash=[5, 4]).encode(x=alt.X("x:Q", **x)),
        base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", **x), x2="high:Q"),
        base.mark_point(size=60, filled=True).encode(x=alt.X("cpk:Q", **x)),
    ]
    return themed(alt.layer(*layers).properties(width=700, height=alt.Step(24)))


def plan(lines: Rows, ends: Rows, names: tuple[str, ...], x: Scale, y: Scale) -> Drawn:
    """Devices done by day: lines of ``g``, ``day`` and ``n``; ends are a row with ``low``,
    ``median``, ``high`` (days) and ``n`` (the devices planned), or none."""
    texts = {X_TEXT: x.text, Y_TEXT: y.text}
    return Drawn(with_texts(_plan(names), texts), {"lines": lines, "ends": ends})


@shape
def _plan(names: tuple[str, ...]) -> Any:
    x: dict[str, Any] = {"title": X_TEXT, "axis": alt.Axis(format="%Y-%m-%d", labelAngle=-30)}
    y: dict[str, Any] = {"title": Y_TEXT}
    lines = named("lines").mark_line(strokeWidth=2).encode(
        x=alt.X("day:T", **x), y=alt.Y("n:Q", **y),
        color=alt.Color("g:N", sort=list(names), scale=alt.Scale(
            domain=list(names), range=[BLUE, GREY, ORANGE][: len(names)]),
            legend=alt.Legend(title=None, orient="top")),
        strokeDash=alt.StrokeDash("g:N", sort=list(names), legend=None),
        tooltip=["g:N", alt.Tooltip("day:T", format="%Y-%m-%d"), "n:Q"],
    )  # fmt: skip
    tooltip = [alt.Tooltip(f"{one}:T", format="%Y-%m-%d") for one in ("low", "median", "high")]
    base = named("ends").encode(y=alt.Y("n:Q", **y), tooltip=tooltip)
    span = base.mark_rule(strokeWidth=4, color=ORANGE, opacity=0.6).encode(
        x=alt.X("low:T", **x), x2="high:T"
    )
    end = base.mark_point(size=80, filled=True, color=ORANGE).encode(x=alt.X("median:T", **x))
    return themed(alt.layer(lines, span, end).properties(width=700, height=260))

"""Capability indices with their intervals, and a plan against what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mppcqa.charts.browser import X_TEXT, Y_TEXT
from mppcqa.charts.days import day_axis, day_tooltip
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
    # Quantity and condition on a line each, as a phone is no wider.
    shown = [{**row, "shown": row["what"].replace(", ", "\n", 1)} for row in rows]
    return Drawn(
        with_texts(_capabilities(names, kinds), {X_TEXT: x.text}),
        {
            "rows": shown,
            "levels": [{"what": row["what"], "x": x} for row in rows for x in (1.0, 4 / 3)],
        },
    )


@shape
def _capabilities(names: tuple[str, ...], kinds: tuple[str, str, str]) -> Any:
    # Names stand above their lines: beside them they would leave a phone no room for the chart.
    axis = alt.Axis(labels=False, ticks=False, domain=False)
    y = alt.Y("what:N", sort=list(names), title=None, axis=axis)
    x: dict[str, Any] = {"title": X_TEXT, "scale": alt.Scale(zero=True)}
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=list(kinds), range=[GREEN, ORANGE, RED]),
        legend=alt.Legend(title=None, orient="top"),
    )
    tooltip = ["what:N", *(alt.Tooltip(f"{one}:Q", format=".2f") for one in ("cpk", "low", "high"))]
    base = named("rows").encode(y=y, color=colour, href="href:N", tooltip=tooltip)
    layers = [
        # At each line alone: a rule from top to bottom would strike the names out.
        named("levels")
        .mark_tick(color=GREY, thickness=1.5, size=16)
        .encode(y=y, x=alt.X("x:Q", **x)),
        base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", **x), x2="high:Q"),
        base.mark_point(size=60, filled=True).encode(x=alt.X("cpk:Q", **x)),
        named("rows")
        .mark_text(
            align="left", baseline="line-top", dy=-32, fontSize=11, lineHeight=13, lineBreak="\n"
        )
        .encode(y=y, x=alt.value(0), text="shown:N", href="href:N", tooltip=tooltip),
    ]
    return themed(alt.layer(*layers).properties(width=700, height=alt.Step(52)))


def plan(lines: Rows, ends: Rows, names: tuple[str, ...], x: Scale, y: Scale) -> Drawn:
    """Devices done by day: lines of ``g``, ``day`` and ``n``; ends are a row with ``g``, ``low``,
    ``median``, ``high`` (days) and ``n`` (the devices planned), or none."""
    texts = {X_TEXT: x.text, Y_TEXT: y.text}
    return Drawn(with_texts(_plan(names), texts), {"lines": lines, "ends": ends})


@shape
def _plan(names: tuple[str, ...]) -> Any:
    y: dict[str, Any] = {"title": Y_TEXT}
    colour = alt.Color(
        "g:N",
        scale=alt.Scale(domain=list(names), range=[BLUE, GREY, ORANGE]),
        legend=alt.Legend(title=None, orient="top"),
    )
    dashes = alt.Scale(domain=list(names), range=[[1, 0], [4, 3], [1, 0]])
    lines = named("lines").mark_line(strokeWidth=2).encode(
        x=day_axis("day", X_TEXT), y=alt.Y("n:Q", **y), color=colour,
        strokeDash=alt.StrokeDash("g:N", scale=dashes, legend=None),
        tooltip=["g:N", day_tooltip("day"), "n:Q"],
    )  # fmt: skip
    tooltip = ["g:N", *(day_tooltip(one) for one in ("low", "median", "high"))]
    base = named("ends").encode(y=alt.Y("n:Q", **y), color=colour, tooltip=tooltip)
    span = base.mark_rule(strokeWidth=4, opacity=0.6).encode(x=day_axis("low", X_TEXT), x2="high:T")
    end = base.mark_point(size=80, filled=True).encode(x=day_axis("median", X_TEXT))
    return themed(alt.layer(lines, span, end).properties(width=700, height=260))

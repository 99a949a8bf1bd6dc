"""Charts of what a station measures again and again, and of two ways that measured the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mppcqa.charts.browser import X_TEXT, Y_TEXT
from mppcqa.charts.days import day_axis, day_tooltip
from mppcqa.charts.plots import Scale
from mppcqa.charts.shape import Drawn, Rows, named, shape, with_texts
from mppcqa.charts.theme import BLUE, GREY, ORANGE, RED, themed
from mppcqa.loading import Later

if TYPE_CHECKING:
    import altair as alt
else:
    alt = Later("mppcqa.charts._quick")

WIDTH, HEIGHT = 900, 260


def control(points: Rows, levels: Rows, kinds: tuple[str, str, str], x: Scale, y: Scale) -> Drawn:
    """A control chart by day. Points have ``day``, ``value``, ``low``, ``high`` (an uncertainty),
    ``average``, ``from``, ``to`` (the average's limits, or None), ``kind`` and ``text``.

    levels
        Rows of ``level`` and ``name``.
    kinds
        The three kinds of points: as expected, with a sign, outside.
    """
    texts = {X_TEXT: x.text, Y_TEXT: y.text}
    return Drawn(with_texts(_control(kinds), texts), {"points": points, "levels": levels})


@shape
def _control(kinds: tuple[str, str, str]) -> Any:
    x = day_axis("day", X_TEXT)
    y: dict[str, Any] = {"title": Y_TEXT, "scale": alt.Scale(zero=False)}
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=list(kinds), range=[BLUE, ORANGE, RED]),
        legend=alt.Legend(title=None, orient="top"),
    )
    form = alt.Shape(
        "kind:N",
        scale=alt.Scale(domain=list(kinds), range=["circle", "triangle-up", "square"]),
        legend=None,
    )
    tooltip = [
        day_tooltip("day"),
        alt.Tooltip("value:Q", format=".6g"),
        alt.Tooltip("average:Q", format=".6g"),
        "text:N",
    ]
    base = named("points").encode(x=x)
    levels = named("levels")
    layers = [
        base.mark_area(color=BLUE, opacity=0.13).encode(y=alt.Y("from:Q", **y), y2="to:Q"),
        levels.mark_rule(color=GREY, strokeDash=[5, 4]).encode(y=alt.Y("level:Q", **y)),
        levels.mark_text(align="left", x=2, dy=-5, color=GREY, fontSize=10).encode(
            y=alt.Y("level:Q", **y), text="name:N"
        ),
        base.mark_rule(opacity=0.4, color=BLUE).encode(y=alt.Y("low:Q", **y), y2="high:Q"),
        base.mark_line(color=BLUE, strokeWidth=2).encode(y=alt.Y("average:Q", **y)),
        base.mark_point(size=42, filled=True).encode(
            y=alt.Y("value:Q", **y), color=colour, shape=form, href="href:N", tooltip=tooltip
        ),
    ]
    return themed(alt.layer(*layers).properties(width=WIDTH, height=HEIGHT))


def agreement(points: Rows, lines: Rows, names: tuple[str, ...], x: Scale, y: Scale) -> Drawn:
    """Points with uncertainties and straight lines over them: points have ``x``, ``y``, ``xl``,
    ``xh``, ``yl``, ``yh``, ``what`` and ``href``; lines ``g``, ``x`` and ``y``.

    names
        Of the lines, in their order.
    """
    texts = {X_TEXT: x.text, Y_TEXT: y.text}
    return Drawn(with_texts(_agreement(names), texts), {"points": points, "lines": lines})


@shape
def _agreement(names: tuple[str, ...]) -> Any:
    x: dict[str, Any] = {"title": X_TEXT, "scale": alt.Scale(zero=False)}
    y: dict[str, Any] = {"title": Y_TEXT, "scale": alt.Scale(zero=False)}
    tooltip = ["what:N", *(alt.Tooltip(f"{one}:Q", format=".6g") for one in "xy")]
    base = named("points")
    layers = [
        named("lines").mark_line(strokeWidth=1.6).encode(
            x=alt.X("x:Q", **x), y=alt.Y("y:Q", **y),
            color=alt.Color("g:N", sort=list(names), legend=alt.Legend(
                title=None, orient="top", columns=2, labelLimit=260)),
            strokeDash=alt.StrokeDash("g:N", sort=list(names), legend=None),
        ),
        base.mark_rule(opacity=0.35).encode(
            x=alt.X("xl:Q", **x), x2="xh:Q", y=alt.Y("y:Q", **y)),
        base.mark_rule(opacity=0.35).encode(
            x=alt.X("x:Q", **x), y=alt.Y("yl:Q", **y), y2="yh:Q"),
        base.mark_point(size=36, filled=True, color=BLUE).encode(
            x=alt.X("x:Q", **x), y=alt.Y("y:Q", **y), href="href:N", tooltip=tooltip),
    ]  # fmt: skip
    return themed(alt.layer(*layers).properties(width=480, height=320))


def spread(points: Rows, x: Scale, y: Scale) -> Drawn:
    """Ranges of days with their limits: rows of ``day``, ``range`` and ``limit``."""
    texts = {X_TEXT: x.text, Y_TEXT: y.text}
    return Drawn(with_texts(_spread(), texts), {"points": points})


@shape
def _spread() -> Any:
    x = day_axis("day", X_TEXT)
    base = named("points").encode(x=x)
    layers = [
        base.mark_line(color=GREY, strokeDash=[5, 4]).encode(y=alt.Y("limit:Q", title=Y_TEXT)),
        base.mark_line(color=BLUE, strokeWidth=1).encode(y=alt.Y("range:Q", title=Y_TEXT)),
        base.mark_point(size=36, filled=True, color=BLUE).encode(
            y=alt.Y("range:Q", title=Y_TEXT),
            tooltip=[
                day_tooltip("day"),
                alt.Tooltip("range:Q", format=".4g"),
                alt.Tooltip("limit:Q", format=".4g"),
            ],
        ),
    ]
    return themed(alt.layer(*layers).properties(width=WIDTH, height=120))

"""Charts of answers over the whole campaign, of few or many groups: pages alone have them.

Every mark leads somewhere: rows have an address ``href``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mppcqa.charts.browser import X_TEXT, Y_TEXT
from mppcqa.charts.days import day_axis, day_tooltip
from mppcqa.charts.plots import Scale
from mppcqa.charts.shape import Drawn, Rows, named, shape, with_texts
from mppcqa.charts.theme import BLUE, RED, SEQUENCE, themed
from mppcqa.loading import Later

if TYPE_CHECKING:
    import altair as alt
else:
    alt = Later("mppcqa.charts._quick")

WIDTH, HEIGHT = 900, 340
OVERLAID = 4
"""Histograms that are told apart where they lie over each other."""
OWN_COLOURS = 7
"""Groups that have a colour of their own; more share a scale."""


def _placed(shape: Any, x: Scale, y: Scale, **data: Rows) -> Drawn:
    return Drawn(with_texts(shape, {X_TEXT: x.text, Y_TEXT: y.text}), data)


def _colour(names: tuple[str, ...]) -> Any:
    return alt.Color(
        "g:N",
        sort=list(names),
        scale=alt.Scale(scheme=SEQUENCE) if len(names) > OWN_COLOURS else alt.Undefined,
        legend=None
        if len(names) < 2
        else alt.Legend(title=None, orient="top", columns=4, labelLimit=180),
    )


def overlaid(rows: Rows, names: tuple[str, ...], x: Scale, y: Scale, range_link: str = "") -> Drawn:
    """Histograms over each other: rows of ``g``, ``low``, ``high`` and ``n``.

    A range that is dragged over them leads to `range_link`, with its ends for ``{low}`` and
    ``{high}``.
    """
    shape = _beneath(names) if len(names) > OVERLAID else _overlaid(names)
    return _brushed(_placed(shape, x, y, bins=rows), range_link)


def _brushed(made: Drawn, address: str) -> Drawn:
    """What is dragged over the chart leads to `address`, with its ends along the axis of x for
    ``{low}`` and ``{high}`` and along that of y for ``{low2}`` and ``{high2}``, if these are in it.
    """
    return made.properties(usermeta={"brush": address}) if address else made


@shape
def _beneath(names: tuple[str, ...]) -> Any:
    """One below the other, each with a height of its own: so many would hide each other."""
    head = alt.Header(title=None, labelOrient="top", labelAnchor="start", labelPadding=2)
    bars = _bars().mark_bar(color=BLUE, opacity=0.85)
    row = alt.Row("g:N", sort=list(names), header=head, spacing=6)
    made = bars.encode(row=row).properties(width=WIDTH, height=64)
    return themed(made.resolve_scale(y="independent"))


@shape
def _overlaid(names: tuple[str, ...]) -> Any:
    base = _bars()
    if len(names) < 2:
        bars = base.mark_bar(color=BLUE, opacity=0.85, stroke="white", strokeWidth=0.3)
        return themed(bars.properties(width=WIDTH, height=HEIGHT))
    bars = base.mark_bar(opacity=0.4).encode(color=_colour(names))
    return themed(bars.properties(width=WIDTH, height=HEIGHT))


def _bars() -> Any:
    tooltip = [
        "g:N",
        alt.Tooltip("low:Q", format=".5g"),
        alt.Tooltip("high:Q", format=".5g"),
        "n:Q",
    ]
    return named("bins").encode(
        x=alt.X("low:Q", bin="binned", title=X_TEXT, scale=alt.Scale(zero=False)),
        x2="high:Q",
        y=alt.Y("n:Q", title=Y_TEXT, stack=None),
        href="href:N",
        tooltip=tooltip,
    )


def boxes(rows: Rows, names: tuple[str, ...], x: Scale, y: Scale, range_link: str = "") -> Drawn:
    """Boxes below each other: rows of ``g``, ``q05`` to ``q95``, ``median`` and ``n``."""
    return _brushed(_placed(_boxes(names), x, y, boxes=rows), range_link)


@shape
def _boxes(names: tuple[str, ...]) -> Any:
    row = alt.Y("g:N", sort=list(names), title=None, axis=alt.Axis(labelLimit=200))
    tooltip = ["g:N", "n:Q", *(alt.Tooltip(f"{one}:Q", format=".5g") for one in (
        "q05", "q25", "median", "q75", "q95"))]  # fmt: skip
    base = named("boxes").encode(y=row, href="href:N", tooltip=tooltip)
    x: dict[str, Any] = {"title": X_TEXT, "scale": alt.Scale(zero=False)}
    layers = [
        base.mark_rule(color=BLUE).encode(x=alt.X("q05:Q", **x), x2="q95:Q"),
        base.mark_bar(color=BLUE, opacity=0.5, size=14).encode(x=alt.X("q25:Q", **x), x2="q75:Q"),
        base.mark_tick(color=BLUE, thickness=2.5, size=18).encode(x=alt.X("median:Q", **x)),
    ]
    return themed(alt.layer(*layers).properties(width=WIDTH, height=alt.Step(26)))


def weeks(rows: Rows, names: tuple[str, ...], x: Scale, y: Scale, days_link: str = "") -> Drawn:
    """Medians with quartiles by week: rows of ``g``, ``day``, ``median``, ``low``, ``high``."""
    return _brushed(_placed(_weeks(names), x, y, weeks=rows), days_link)


@shape
def _weeks(names: tuple[str, ...]) -> Any:
    x = day_axis("day", X_TEXT, weeks=True)
    y: dict[str, Any] = {"title": Y_TEXT, "scale": alt.Scale(zero=False)}
    colour = _colour(names) if len(names) > 1 else alt.value(BLUE)
    tooltip = ["g:N", day_tooltip("day"), "n:Q", *(
        alt.Tooltip(f"{one}:Q", format=".5g") for one in ("low", "median", "high"))]  # fmt: skip
    base = named("weeks").encode(x=x, color=colour, tooltip=tooltip)
    layers = [
        base.mark_rule(opacity=0.5).encode(y=alt.Y("low:Q", **y), y2="high:Q"),
        base.mark_line(strokeWidth=1.4, opacity=0.7).encode(y=alt.Y("median:Q", **y)),
        base.mark_point(size=32, filled=True).encode(y=alt.Y("median:Q", **y), href="href:N"),
    ]
    return themed(alt.layer(*layers).properties(width=WIDTH, height=HEIGHT))


def scatter(rows: Rows, names: tuple[str, ...], x: Scale, y: Scale, area_link: str = "") -> Drawn:
    """Points: rows of ``g``, ``x``, ``y`` and ``what``."""
    return _brushed(_placed(_scatter(names), x, y, points=rows), area_link)


@shape
def _scatter(names: tuple[str, ...]) -> Any:
    tooltip = ["what:N", "g:N", *(alt.Tooltip(f"{one}:Q", format=".5g") for one in "xy")]
    chart = (
        named("points")
        .mark_point(size=18, filled=True, opacity=0.5)
        .encode(
            x=alt.X("x:Q", title=X_TEXT, scale=alt.Scale(zero=False)),
            y=alt.Y("y:Q", title=Y_TEXT, scale=alt.Scale(zero=False)),
            color=_colour(names) if len(names) > 1 else alt.value(BLUE),
            href="href:N",
            tooltip=tooltip,
        )
    )
    return themed(chart.properties(width=WIDTH, height=HEIGHT + 60))


def spans(rows: Rows, x: Scale, y: Scale) -> Drawn:
    """A bar from least to greatest of each: rows of ``n`` (its number), ``low`` and ``high``."""
    return _placed(_spans(), x, y, spans=rows)


@shape
def _spans() -> Any:
    y: dict[str, Any] = {"title": Y_TEXT, "scale": alt.Scale(zero=False)}
    tooltip = ["n:Q", *(alt.Tooltip(f"{one}:Q", format=".6g") for one in ("low", "high"))]
    base = named("spans").encode(
        x=alt.X("n:Q", title=X_TEXT, axis=alt.Axis(tickMinStep=1), scale=alt.Scale(nice=False)),
        href="href:N",
        tooltip=tooltip,
    )
    layers = [
        base.mark_rule(color=BLUE, strokeWidth=2).encode(y=alt.Y("low:Q", **y), y2="high:Q"),
        base.mark_tick(color=BLUE, thickness=1, size=4).encode(y=alt.Y("low:Q", **y)),
        base.mark_tick(color=BLUE, thickness=1, size=4).encode(y=alt.Y("high:Q", **y)),
    ]
    return themed(alt.layer(*layers).properties(width=WIDTH, height=HEIGHT))


def characteristic(rows: Rows, marks: Rows, names: tuple[str, ...], x: Scale, y: Scale) -> Drawn:
    """Smooth lines by name with some points marked: rows of ``g``, ``x``, ``y``; marks of ``what``,
    ``x``, ``y``."""
    return _placed(_characteristic(names), x, y, lines=rows, marks=marks)


@shape
def _characteristic(names: tuple[str, ...]) -> Any:
    x = alt.X("x:Q", title=X_TEXT, scale=alt.Scale(nice=False))
    y = alt.Y("y:Q", title=Y_TEXT, scale=alt.Scale(domain=[0, 100]))
    tooltip = [alt.Tooltip("x:Q", format=".3g"), alt.Tooltip("y:Q", format=".3g")]
    lines = (
        named("lines")
        .mark_line(strokeWidth=2)
        .encode(
            x=x,
            y=y,
            color=_colour(names) if len(names) > 1 else alt.value(BLUE),
            strokeDash=alt.StrokeDash("g:N", sort=list(names), legend=None),
            tooltip=["g:N", *tooltip],
        )
    )
    points = named("marks").mark_point(size=90, filled=True, color=RED)
    points = points.encode(x=x, y=y, tooltip=["what:N", *tooltip])
    words = named("marks").mark_text(align="left", dx=9, dy=-6).encode(x=x, y=y, text="what:N")
    return themed(alt.layer(lines, points, words).properties(width=WIDTH, height=HEIGHT))

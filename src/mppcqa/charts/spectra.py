"""Charge spectra of a channel with the curve of their fit, and what is left of it below."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mppcqa.charts.explore import WIDE, unchecked
from mppcqa.charts.plots import axis_title
from mppcqa.charts.shape import Drawn, named, shape
from mppcqa.charts.theme import BLUE, GREY, RED, themed
from mppcqa.loading import Later

if TYPE_CHECKING:
    import altair as alt
else:
    alt = Later("mppcqa.charts._quick")

Spectra = Mapping[str, tuple[Sequence[float], Sequence[float | None] | None]]
"""Name -> counts (bins,), and what the fit expects (bins,), None in bins that it had not."""
AXIS_PX = 56
"""Room for the numbers of a vertical axis, the same in both charts, so that one lies under the
other."""
LEAST_EXPECTED = 5.0
"""Events in a bin, fewer of which say nothing by their distance in standard deviations."""
MOST_NAMED = 10
"""Peaks that are each named."""
MOST_SIGMAS = 8.0
"""Beyond which a residual is drawn at the edge."""


def charge_spectrum(
    centres: Sequence[float],
    spectra: Spectra,
    *,
    x_title: str,
    unit: str,
    y_title: str,
    peaks: Sequence[tuple[int, float]] = (),
) -> Any:
    """Spectra of one channel by name; `peaks` are photoelectrons and charge, each named above."""
    rows, curve = [], []
    for name, (counts, fit) in spectra.items():
        rows += [
            {"s": name, "x": round(x, 3), "n": float(n)}
            for x, n in zip(centres, counts, strict=True)
            if n > 0
        ]
        curve += [
            {"s": name, "x": round(x, 3), "n": round(float(n), 3)}
            for x, n in zip(centres, fit if fit is not None else (), strict=fit is not None)
            if n is not None and n >= 0.3
        ]
    # Every other one of many is named: a phone has no room for more.
    last, step = len(peaks) - 1, 1 if len(peaks) <= MOST_NAMED else 2
    named_peaks = [
        {
            "x": round(at, 3),
            "k": f"{k} p.e." if i == last else "" if (last - i) % step else str(k),
        }
        for i, (k, at) in enumerate(peaks)
    ]
    drawn = _spectrum_shape(
        tuple(spectra),
        bool(curve),
        bool(peaks),
        axis_title(x_title, unit),
        y_title,
    )
    return Drawn(
        drawn, {"points": rows, "curve": curve, "peaks": named_peaks, "ends": _ends(centres)}
    )


def residuals(
    centres: Sequence[float], spectra: Spectra, *, x_title: str, unit: str, y_title: str
) -> Any:
    """Events less those that the fit expects, in standard deviations, bin by bin."""
    rows = [
        {"s": name, "x": round(x, 3), "r": round(r, 3)}
        for name, parts in spectra.items()
        for x, r in _off(centres, *parts)
    ]
    drawn = _residual_shape(tuple(spectra), axis_title(x_title, unit), y_title)
    return Drawn(drawn, {"points": rows, "ends": _ends(centres), "zero": [{"r": 0}]})


def _off(
    centres: Sequence[float], counts: Sequence[float], fit: Sequence[float | None] | None
) -> Iterator[tuple[float, float]]:
    for x, n, expected in zip(centres, counts, fit or (), strict=bool(fit)):
        if expected is not None and expected >= LEAST_EXPECTED:
            off = (n - expected) / math.sqrt(expected)
            yield x, min(max(off, -MOST_SIGMAS), MOST_SIGMAS)


def _ends(centres: Sequence[float]) -> list[dict[str, float]]:
    """Invisible points that give both charts the same axis."""
    return [{"x": round(float(x), 3)} for x in (centres[0], centres[-1])]


def _x(title: str | None) -> Any:
    return alt.X("x:Q", title=title, scale=alt.Scale(zero=False, nice=False))


def _colour(names: tuple[str, ...], *, legend: bool) -> Any:
    return alt.Color(
        "s:N",
        scale=alt.Scale(domain=list(names), range=[BLUE, GREY]),
        legend=alt.Legend(title=None, orient="top") if legend and len(names) > 1 else None,
    )


def _frame(x_title: str | None) -> Any:
    return named("ends").mark_point(opacity=0, aria=False).encode(x=_x(x_title))


@shape
@unchecked
def _spectrum_shape(
    names: tuple[str, ...], fitted: bool, peaks: bool, x_title: str, y_title: str
) -> Any:
    x = _x(x_title)
    axis = alt.Axis(minExtent=AXIS_PX, maxExtent=AXIS_PX)
    y = alt.Y("n:Q", title=y_title, scale=alt.Scale(type="log"), axis=axis)
    layers = []
    if peaks:
        layers += [
            named("peaks")
            .mark_rule(color=GREY, strokeDash=[2, 3], strokeOpacity=0.6, aria=False)
            .encode(x=x),
            named("peaks")
            .mark_text(align="left", dx=3, baseline="top", fontSize=11)
            .encode(x=x, y=alt.value(0), text="k:N"),
        ]
    layers.append(
        named("points")
        .mark_point(size=9, filled=True, opacity=0.7)
        .encode(
            x=x,
            y=y,
            color=_colour(names, legend=True),
            tooltip=[alt.Tooltip("x:Q", format=".5g"), "n:Q"],
        )
    )
    if fitted:
        line = named("curve").mark_line(strokeWidth=1.4, color=RED)
        layers.append(line.encode(x=x, y=y, detail="s:N"))
    layers.append(_frame(x_title))
    return themed(alt.layer(*layers).properties(width=WIDE, height=300, title=""))


@shape
@unchecked
def _residual_shape(names: tuple[str, ...], x_title: str, y_title: str) -> Any:
    axis = alt.Axis(minExtent=AXIS_PX, maxExtent=AXIS_PX, tickCount=5)
    points = (
        named("points")
        .mark_point(size=9, filled=True, opacity=0.7)
        .encode(
            x=_x(x_title),
            y=alt.Y("r:Q", title=y_title, axis=axis),
            color=_colour(names, legend=False),
            tooltip=[alt.Tooltip("x:Q", format=".5g"), alt.Tooltip("r:Q", format=".2f")],
        )
    )
    none = named("zero").mark_rule(color=RED, strokeWidth=1.2).encode(y="r:Q")
    return themed(
        alt.layer(none, points, _frame(x_title)).properties(width=WIDE, height=120, title="")
    )

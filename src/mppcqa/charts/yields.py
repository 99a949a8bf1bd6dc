"""Charts of a campaign's yields: by week, and what devices fail by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mppcqa.charts.days import day_axis, day_tooltip
from mppcqa.charts.shape import Drawn, named, shape
from mppcqa.charts.theme import BLUE, GREEN, OUTCOME_COLOURS, themed
from mppcqa.loading import Later

if TYPE_CHECKING:
    import altair as alt
else:
    alt = Later("mppcqa.charts._quick")

WIDTH, HEIGHT = 700, 240


@dataclass(frozen=True)
class YieldPoint:
    """One week's yield with its interval, all in percent."""

    week: str
    """The Monday, as ``2026-11-23``."""
    kind: str
    """Name of the line that it belongs to."""
    percent: float
    low: float
    high: float
    devices: int


def yield_by_week(
    points: Sequence[YieldPoint], *, kinds: tuple[str, str], x_title: str, y_title: str
) -> Any:
    """Two lines of yields [%] with their intervals, by week."""
    return Drawn(_yield_by_week(kinds, x_title, y_title), {"weeks": [vars(one) for one in points]})


@shape
def _yield_by_week(kinds: tuple[str, str], x_title: str, y_title: str) -> Any:
    x = day_axis("week", x_title, weeks=True)
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=list(kinds), range=[BLUE, GREEN]),
        legend=alt.Legend(title=None, orient="top"),
    )
    top = alt.Scale(domainMax=100, zero=False, nice=True)
    base = named("weeks").encode(x=x, color=colour)
    tooltip = [
        day_tooltip("week"),
        "kind:N",
        alt.Tooltip("percent:Q", format=".1f"),
        "devices:Q",
    ]
    layers = [
        base.mark_rule(strokeWidth=1, opacity=0.5).encode(
            y=alt.Y("low:Q", title=y_title, scale=top), y2="high:Q"
        ),
        base.mark_line(strokeWidth=1.4, opacity=0.7).encode(y=alt.Y("percent:Q", title=y_title)),
        # Where both are the same, the ring of the first shows around the point of the other.
        base.transform_filter(alt.datum.kind == kinds[0])
        .mark_point(size=90, strokeWidth=1.6)
        .encode(y=alt.Y("percent:Q", title=y_title), tooltip=tooltip),
        base.transform_filter(alt.datum.kind == kinds[1])
        .mark_point(size=28, filled=True)
        .encode(y=alt.Y("percent:Q", title=y_title), tooltip=tooltip),
    ]
    return themed(alt.layer(*layers).properties(width=WIDTH, height=HEIGHT))


def pareto(
    counts: Sequence[tuple[str, str, str, int]], *, x_title: str, outcomes: dict[str, str]
) -> Any:
    """Bars of devices by (quantity, outcome key, outcome's name, devices), the longest first.

    `outcomes` are the names by key, in the order in which a bar is stacked.
    """
    rows = [
        {"quantity": quantity, "outcome": name, "order": list(outcomes).index(key), "n": n}
        for quantity, key, name, n in counts
    ]
    return Drawn(_pareto(x_title, tuple(outcomes.items())), {"quantities": rows})


@shape
def _pareto(x_title: str, outcomes: tuple[tuple[str, str], ...]) -> Any:
    colours = [OUTCOME_COLOURS[key] for key, _name in outcomes]
    chart = (
        named("quantities")
        .mark_bar()
        .encode(
            y=alt.Y("quantity:N", title=None, sort="-x", axis=alt.Axis(labelLimit=280)),
            x=alt.X("sum(n):Q", title=x_title, axis=alt.Axis(tickMinStep=1)),
            color=alt.Color(
                "outcome:N",
                scale=alt.Scale(domain=[name for _key, name in outcomes], range=colours),
                legend=alt.Legend(title=None, orient="top"),
            ),
            order="order:Q",
            tooltip=["quantity:N", "outcome:N", "n:Q"],
        )
    )
    return themed(chart.properties(width=480, height=alt.Step(26)))

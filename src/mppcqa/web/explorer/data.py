"""What the explorer's pages show of a run: charts and links from the data of `views`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from mppcqa.charts import Series, explore
from mppcqa.results.conditions import condition_text, setting, values_there
from mppcqa.results.models import ConditionPoint
from mppcqa.stages import Axis
from mppcqa.views.explore import Grid, One, RunView, mean_of
from mppcqa.views.shown import ShownQuantity
from mppcqa.views.trends import Trend, axes_of, trends
from mppcqa.web.charting import place_chart
from mppcqa.web.evidence import cell_address, evidence

MOST_CHARTS = 24
"""Charts of trends beside each other, unless one quantity is asked for."""
SIGNS = {"degC": "°C", "Ohm": "Ω", "ohm": "Ω", "uA": "µA", "us": "µs"}
"""Units as files write them, and as people do."""


def grid_chart(view: RunView, table: Grid, quantity: ShownQuantity, here: str) -> dict[str, Any]:
    """Grid whose cells lead to a device's channels, or to a channel's spectrum."""
    links = {}
    for (row, column), one in table.values.items():
        slot, channel = table.row_keys[row]
        if channel is None and view.devices[slot].device_type.channels > 1:
            links[row, column] = f"{here}&slot={slot}"
        else:
            at = setting(table.columns[column].at)
            links[row, column] = cell_address(view.run.pk, slot, one.channel, at, view.other)
    drawn = explore.points_grid(
        table.row_names,
        _column_names(table.columns),
        {place: one.value for place, one in table.values.items()},
        links=links,
        row_title=_("Device") if any(c is None for _s, c in table.row_keys) else _("Channel"),
        column_title=_("Point"),
        unit=quantity.unit,
    )
    return place_chart("grid", quantity.head, drawn)


def _column_names(columns: Sequence[ConditionPoint]) -> list[str]:
    """What tells the points apart, as short as can be."""
    settings = [setting(column.at) for column in columns]
    there = values_there(settings)
    lacking = {key for key in there if any(key not in at for at in settings)}
    alike = [key for key, values in there.items() if len(values) == 1 and key not in lacking]
    names = [condition_text(at.without(*alike)) for at in settings]
    return [name or condition_text(at) or "–" for name, at in zip(names, settings, strict=True)]


@dataclass(frozen=True)
class Trends:
    """Every quantity of a run's values: as a chart, or as a number where nothing was changed."""

    quantities: dict[str, ShownQuantity]
    charts: list[dict[str, Any]]
    fixed: list[tuple[ShownQuantity, One]]
    """Means of what has no condition to be drawn against."""
    left: int
    """Quantities that have a chart of their own, but not here."""


def run_trends(view: RunView, slot: int | None, channel: int | None, asked: str | None) -> Trends:
    """Charts of all quantities that have values against all that was changed, or of one asked for.

    Of all, as many as a page bears, what the stage declares a headline first.
    """
    there = view.read_all(None if slot is None else [slot])
    quantities = {key: view.known[key] for key in there}
    headlines = view.headlines
    chosen = [asked] if asked in there else sorted(there, key=lambda key: key not in headlines)
    charts: list[dict[str, Any]] = []
    fixed, left = [], 0
    for key in chosen:
        axes = axes_of([view.conditions[pk] for pk in there[key]])
        if not axes:
            found = view.values(key, None if slot is None else [slot])
            mine = [one for one in found if channel is None or one.channel in (channel, -1)]
            if mine and (mean := mean_of(mine)) is not None:
                fixed.append((quantities[key], mean))
        elif len(charts) >= MOST_CHARTS:
            left += 1
        else:
            led = partial(_led, view, key, slot, channel)
            drawn = ((axis, trends(view, key, axis, slot, channel)) for axis in axes)
            charts += [
                trend_chart(quantities[key], axis, rows, led) for axis, rows in drawn if rows
            ]
    return Trends(quantities, charts, fixed, left)


def _led(view: RunView, key: str, slot: int | None, channel: int | None, one: One) -> str:
    """Where a point of a run's trend leads: to its channel, or to the values it is the mean of."""
    if slot is None:
        about = view.about_all(key)
    else:
        about = view.about(key, one._replace(channel=channel or 0), mean=channel is None)
    return "" if about is None else evidence(about)


def trend_chart(
    shown: ShownQuantity,
    axis: Axis,
    rows: Sequence[Trend],
    led: Callable[[One], str],
    *,
    fitted: bool = True,
) -> dict[str, Any]:
    """A quantity along an axis, with straight lines where these mean something.

    `led` says where a point leads.
    """
    title = _("%(quantity)s against %(axis)s") % {
        "quantity": shown.title,
        "axis": _(axis.title).lower(),
    }
    drawn = explore.with_lines(
        [
            Series(one.name, one.x, one.y, one.error, bound=one.bound, links=[*map(led, one.means)])
            for one in rows
        ],
        [
            explore.StraightLine(one.line.intercept, one.line.slope)
            if one.line and fitted
            else None
            for one in rows
        ],
        x_title=_(axis.title),
        x_unit=axis.unit,
        y_title=shown.title,
        y_unit=shown.unit,
        to_zero=shown.crossing == axis.key,
    )
    chart = place_chart(f"{shown.key}-{axis.key}", title, drawn)
    chart["quantity"] = shown.key
    chart["lines"] = [_words(shown, axis, one) for one in rows if one.line and fitted]
    return chart


def _words(shown: ShownQuantity, axis: Axis, one: Trend) -> dict[str, Any]:
    """A line's slope, and where it meets zero if that means something."""
    per = f"/{axis.unit}" if axis.unit else ""
    scale, slope_unit = 1.0, f"{shown.unit or 1}{per}" if shown.unit or per else ""
    if slope_unit == "V/°C":
        scale, slope_unit = 1e3, "mV/°C"
    found = {
        "name": one.name,
        "slope": one.line.slope * scale,
        "error": float(one.line.covariance[1, 1]) ** 0.5 * scale,
        "unit": slope_unit,
    }
    if shown.crossing == axis.key and one.line.slope > 0:
        found["crossing"], found["crossing_error"] = one.line.crossing()
    return found


def monitor_charts(sensors: Sequence[Any]) -> list[dict[str, Any]]:
    """A chart for each unit, with the sensors that have it."""
    by_unit: dict[str, dict[str, Any]] = {}
    for sensor in sensors:
        by_unit.setdefault(sensor.unit, {})[sensor.name] = (sensor.time_s, sensor.value)
    return [
        place_chart(
            f"monitor-{number}",
            ", ".join(series),
            explore.over_time(
                series, y_title=_("Reading"), unit=SIGNS.get(unit, unit), x_title=_("Time")
            ),
        )
        for number, (unit, series) in enumerate(by_unit.items())
    ]

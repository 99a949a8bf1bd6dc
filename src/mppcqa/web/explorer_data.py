"""What the explorer's pages show of a run: charts and links from the data of `testing`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mppcqa.charts import Series, explore
from mppcqa.testing.device_values import ShownQuantity
from mppcqa.testing.explore import Grid, RunView, Trend, trends
from mppcqa.testing.models import ConditionPoint
from mppcqa.web.charting import place_chart

AGAINST_BIAS = (
    "gain_adc",
    "pde",
    "dark_rate_hz",
    "crosstalk_probability",
    "afterpulse_probability",
)
AGAINST_TEMPERATURE = ("breakdown_voltage_v", "breakdown_iv_v", "dark_rate_hz", "quenching_ohm")
SIGNS = {"degC": "°C", "Ohm": "Ω", "ohm": "Ω", "uA": "µA", "us": "µs"}
"""Units as files write them, and as people do."""
CELL_KEYS = {"bias_v": "b", "temperature_c": "t", "light": "l"}


def cell_address(run: int, slot: int, channel: int, condition: ConditionPoint) -> str:
    """The page of a channel at a condition."""
    asked: dict[str, Any] = {"slot": slot, "channel": max(channel, 0)}
    for name, key in CELL_KEYS.items():
        if (value := getattr(condition, name)) is not None:
            asked[key] = f"{value:.7g}"
    return f"{reverse('run_cell', args=[run])}?{urlencode(asked)}"


def grid_chart(view: RunView, table: Grid, quantity: ShownQuantity, here: str) -> dict[str, Any]:
    """Grid whose cells lead to a device's channels, or to a channel's spectrum."""
    links = {}
    for (row, column), one in table.values.items():
        slot, channel = table.row_keys[row]
        if channel is None and view.devices[slot].device_type.channels > 1:
            links[row, column] = f"{here}&slot={slot}"
        else:
            at = table.columns[column]
            links[row, column] = cell_address(view.run.pk, slot, one.channel, at)
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
    names = []
    differ = {
        name
        for name in CELL_KEYS
        if len({getattr(column, name) for column in columns}) > 1 or name == "bias_v"
    }
    texts = {"bias_v": "{:g} V", "temperature_c": "{:g} °C", "light": _("light {:g}")}
    for column in columns:
        parts = [
            texts[name].format(getattr(column, name))
            for name in CELL_KEYS
            if name in differ and getattr(column, name) is not None
        ]
        names.append(", ".join(parts) or str(column) or "–")
    return names


def trend_charts(view: RunView, slot: int | None, channel: int | None) -> list[dict[str, Any]]:
    """Charts against bias and temperature with fitted lines, and what the lines say in words."""
    found = []
    for axis, keys in (("bias_v", AGAINST_BIAS), ("temperature_c", AGAINST_TEMPERATURE)):
        for key in keys:
            shown = view.quantities.get(key)
            if shown is None:
                continue
            rows = [one for one in trends(view, key, axis, slot, channel) if len(one.x)]
            if axis == "temperature_c":
                rows = [one for one in rows if len(one.x) > 1]
            if not rows:
                continue
            found.append(_trend_chart(shown, axis, rows))
    return found


def _trend_chart(shown: ShownQuantity, axis: str, rows: Sequence[Trend]) -> dict[str, Any]:
    on_bias = axis == "bias_v"
    title = shown.title + " · " + (_("against bias") if on_bias else _("against temperature"))
    drawn = explore.with_lines(
        [Series(one.name, one.x, one.y, one.error) for one in rows],
        [
            explore.StraightLine(one.line.intercept, one.line.slope) if one.line else None
            for one in rows
        ],
        x_title=_("Bias") if on_bias else _("Temperature"),
        x_unit="V" if on_bias else "°C",
        y_title=shown.title,
        y_unit=shown.unit,
        to_zero=on_bias and shown.key == "gain_adc",
    )
    chart = place_chart(f"{shown.key}-{axis}", title, drawn)
    chart["lines"] = [_words(shown, axis, one) for one in rows if one.line]
    return chart


def _words(shown: ShownQuantity, axis: str, one: Trend) -> dict[str, Any]:
    """A line's slope, and for the gain where it meets zero: the breakdown voltage."""
    unit = "V" if axis == "bias_v" else "°C"
    scale, slope_unit = 1.0, f"{shown.unit}/{unit}" if shown.unit else f"1/{unit}"
    if slope_unit == "V/°C":
        scale, slope_unit = 1e3, "mV/°C"
    found = {
        "name": one.name,
        "slope": one.line.slope * scale,
        "error": float(one.line.covariance[1, 1]) ** 0.5 * scale,
        "unit": slope_unit,
    }
    if shown.key == "gain_adc" and axis == "bias_v" and one.line.slope > 0:
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


PARAMETER_TITLES = {
    "pedestal": (gettext_lazy("Pedestal"), "ADC"),
    "gain": (gettext_lazy("Gain"), "ADC/p.e."),
    "pedestal_width": (gettext_lazy("Width of the pedestal"), "ADC"),
    "pe_width": (gettext_lazy("Width of a photoelectron"), "ADC"),
    "mean_light_pe": (gettext_lazy("Mean light"), "p.e."),
    "crosstalk_children": (gettext_lazy("Crosstalk children an avalanche"), ""),
    "dark_counts_per_gate": (gettext_lazy("Dark counts a gate"), ""),
    "afterpulses": (gettext_lazy("Afterpulses an avalanche"), ""),
}


def spectrum_chart(found: Any) -> dict[str, Any]:
    """Spectrum of a channel, with light and in the dark, and the fit's curve."""
    names = {"light": _("with light"), "dark": _("in the dark")}
    drawn = explore.charge_spectrum(
        found.centres,
        {names[name]: (counts, found.expected.get(name)) for name, counts in found.counts.items()},
        x_title=_("Charge"),
        unit="ADC",
        y_title=_("events"),
    )
    return place_chart("spectrum", _("Charge spectrum with its fit"), drawn)


def fit_lines(found: Any) -> list[tuple[str, float, float, str]]:
    """Fitted parameters in words: title, value, uncertainty, unit."""
    return [
        (*PARAMETER_TITLES.get(name, (name, ""))[:1], value, error,
         PARAMETER_TITLES.get(name, (name, ""))[1])
        for name, value, error in found.values
        if error > 0
    ]  # fmt: skip


def number(text: str | None) -> float | None:
    """A number of an address; None where it is none."""
    try:
        return float(text) if text not in (None, "") else None
    except ValueError:
        return None


def whole(asked: Mapping[str, str], key: str) -> int | None:
    """A whole number of an address; None where it is none."""
    text = asked.get(key, "")
    return int(text) if text.lstrip("-").isdigit() and len(text) < 10 else None

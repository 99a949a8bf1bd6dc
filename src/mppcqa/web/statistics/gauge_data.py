"""Gauge R&R and agreement of two ways to measure, as the stations' page shows them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils.translation import gettext as _

from mppcqa import charts
from mppcqa.charts import control as draw
from mppcqa.inventory.models import Device
from mppcqa.physics.stations import LEAST_DEVICES, StationComparison, compare_stations
from mppcqa.results.conditions import condition_text
from mppcqa.results.models import QuantityRow, Standing
from mppcqa.runs.models import Station
from mppcqa.statistics.gauge import components
from mppcqa.statistics.models import DeviceSummary, Series
from mppcqa.statistics.repeats import Repeats, for_gauge, paired, shared_of_difference
from mppcqa.tables.maker_words import WORDS
from mppcqa.views.makers import SCALES
from mppcqa.views.makers_campaign import devices_of, makers_quantity
from mppcqa.views.shown import ShownQuantity
from mppcqa.web.charting import place_chart
from mppcqa.web.series import series_label

DEVICES = 500
MAKER = "maker"
NAMED = 2


@dataclass
class Compared:
    """Devices that both ways have a value of, in the unit shown."""

    first: str
    second: str
    unit: str
    rows: list[tuple[int, float, float, float, float]] = field(default_factory=list)
    """Device, value and uncertainty of the first, of the second."""
    equal: bool = False
    """Whether uncertainties are not known and taken as equal."""
    shared: float = 0.0
    """Uncertainty of the mean difference for calibrations that not both have."""


def gauge(found: Repeats, shown: ShownQuantity) -> dict[str, Any]:
    """Standard deviations of what differs, with intervals and parts of the whole variance."""
    rows = for_gauge(found.rows)
    made: dict[str, Any] = {"n": len(rows), "devices": len({one.device for one in rows})}
    made["at"] = condition_text(found.at)
    if not rows:
        return made
    factors = {
        "device": [one.device for one in rows],
        "station": [one.station for one in rows],
        "operator": [one.operator for one in rows],
    }
    try:
        got = components([one.value for one in rows], factors)
    except ValueError:
        return made
    names = {"device": _("devices"), "station": _("stations"), "operator": _("operators")}
    of = [(names[key], one) for key, one in got.of.items()]
    of.append((_("repeats"), got.repeat))
    whole = sum(one.sigma**2 for _name, one in of)
    scale = abs(shown.scale)
    made["lines"] = [
        {
            "name": name,
            "sigma": one.sigma * scale,
            "low": one.low * scale,
            "high": one.high * scale if math.isfinite(one.high) else None,
            "part": 100 * one.sigma**2 / whole if whole > 0 else None,
        }
        for name, one in of
    ]
    gauge_ = sum(one.sigma**2 for key, one in got.of.items() if key != "device")
    gauge_ = math.sqrt(gauge_ + got.repeat.sigma**2)
    made["gauge"] = gauge_ * scale
    if "device" in got.of and gauge_ > 0:
        made["categories"] = math.floor(math.sqrt(2) * got.of["device"].sigma / gauge_)
    made["same"] = [(names[one], names[other]) for one, other in got.same_as.items()]
    made["alone"] = [names[key] for key in factors if key not in got.of and key not in got.same_as]
    made["people"] = get_user_model().objects.filter(
        pk__in=set(factors["operator"]) - {0}
    ).count()  # fmt: skip
    return made


def ways(station: Station, row: QuantityRow, found: Repeats) -> list[tuple[str, str]]:
    """What a station's values may be compared with: keys and titles."""
    there = {one.station for one in found.rows} - {station.pk}
    names = dict(Station.objects.filter(pk__in=there).values_list("pk", "name"))
    choices = [(f"s{pk}", name) for pk, name in sorted(names.items(), key=lambda pair: pair[1])]
    mine = _series_of(row)
    if mine is not None:
        others = Series.objects.filter(
            quantity__stage=row.stage, quantity__unit=row.unit, at=mine.at, n__gt=0
        ).exclude(pk=mine.pk)
        same = [one for one in others.select_related("quantity")[:50] if row.unit]
        choices += [(f"q{one.pk}", series_label(one)) for one in same]
        if makers_quantity(mine):
            choices.append((MAKER, _("the maker's values")))
    return choices


def _series_of(row: QuantityRow) -> Series | None:
    """The series of a quantity of most values."""
    rows = Series.objects.filter(quantity=row, n__gt=0).select_related("quantity")
    return rows.order_by("-n", "pk").first()


def compared(
    station: Station, row: QuantityRow, shown: ShownQuantity, found: Repeats, key: str
) -> Compared | None:
    """What is asked for, in the unit shown; None of what can't be compared."""
    if key.startswith("s") and key[1:].isdecimal():
        other = Station.objects.filter(pk=int(key[1:])).first()
        if other is None:
            return None
        made = Compared(station.name, other.name, shown.unit)
        for device, *numbers in paired(found.rows, station.pk, other.pk):
            x, ex, y, ey = (one * shown.scale for one in numbers)
            made.rows.append((device, x, abs(ex), y, abs(ey)))
        common = shared_of_difference(found.rows, station.pk, other.pk)
        made.shared = common * abs(shown.scale)
        return _known(made)
    mine = _series_of(row)
    if mine is None:
        return None
    if key == MAKER and makers_quantity(mine):
        scale, unit = SCALES[WORDS[makers_quantity(mine)][0]]
        made = Compared(_("the maker"), _("ours"), unit, equal=True)
        said = devices_of(mine)
        ids = dict(
            Device.objects.visible_to(None)
            .filter(serial__in=[one.serial for one in said])
            .values_list("serial", "pk")
        )
        made.rows = [
            (ids[one.serial], one.maker * scale, 1.0, one.ours * scale, 1.0) for one in said
        ]
        return made
    if key.startswith("q") and key[1:].isdecimal():
        other_ = Series.objects.filter(pk=int(key[1:])).select_related("quantity").first()
        if other_ is not None and other_.quantity.unit == row.unit:
            return _known(_by_summaries(mine, other_, shown))
    return None


def _by_summaries(mine: Series, other: Series, shown: ShownQuantity) -> Compared:
    made = Compared(series_label(mine), series_label(other), shown.unit)
    stage = mine.quantity.stage
    devices = (
        Standing.objects.visible_to(None)
        .filter(stage=stage)
        .order_by("-device")
        .values_list("device")
    )
    ids = [pk for (pk,) in devices[:DEVICES]]
    cells: dict[int, dict[int, tuple[float, float]]] = {}
    rows = DeviceSummary.objects.visible_to(None).filter(
        device__in=ids, series__in=[mine.pk, other.pk]
    )
    for device, series, mean, error in rows.values_list(
        "device_id", "series_id", "mean", "uncertainty"
    ):
        known = math.nan if error is None else error
        cells.setdefault(device, {})[series] = mean * shown.scale, known * abs(shown.scale)
    made.rows = [
        (device, *both[mine.pk], *both[other.pk])
        for device, both in sorted(cells.items())
        if len(both) == NAMED
    ]
    return made


def _known(made: Compared) -> Compared:
    """Uncertainties that are not there for all are taken as equal."""
    if not all(ex > 0 and ey > 0 for _device, _x, ex, _y, ey in made.rows):
        made.equal = True
        made.rows = [(device, x, 1.0, y, 1.0) for device, x, _ex, y, _ey in made.rows]
    return made


def agreement(made: Compared) -> dict[str, Any]:
    """Facts and charts (York's line, Bland and Altman's) of two ways to measure."""
    context: dict[str, Any] = {"n": len(made.rows), "least": LEAST_DEVICES, "equal": made.equal}
    if len(made.rows) < LEAST_DEVICES:
        return context
    columns = list(zip(*made.rows, strict=True))
    devices, x, ex, y, ey = (list(one) for one in columns)
    if min(x) == max(x) or min(y) == max(y):
        context["alike"] = True
        return context
    found = compare_stations(x, ex, y, ey)
    unit = made.unit
    context["facts"] = [
        (_("Mean difference"), found.offset, found.offset_error, unit),
        *_of_calibrations(made.shared, unit),
        (_("Scatter of the differences"), found.scatter, found.scatter_error, unit),
        (_("Limits of agreement, lower"), found.limits[0], found.limits_error, unit),
        (_("Limits of agreement, upper"), found.limits[1], found.limits_error, unit),
        (_("Slope"), found.slope, found.slope_error, ""),
        (_("Intercept"), found.intercept, found.intercept_error, unit),
    ]
    if not made.equal:
        context["facts"].append(
            (
                _("Scatter that uncertainties do not explain"),
                found.unexplained,
                found.unexplained_error,
                unit,
            )
        )
    context["far"] = abs(found.offset) > 2 * math.hypot(found.offset_error, made.shared)
    serials = dict(
        Device.objects.visible_to(None).filter(pk__in=devices).values_list("pk", "serial")
    )
    names = [serials.get(int(pk), "") for pk in devices]
    context["york"] = _york(made, found, names)
    context["bland"] = _bland(made, found, names)
    return context


def _of_calibrations(shared: float, unit: str) -> list[tuple[str, float, float | None, str]]:
    """How far calibrations that the two do not share may move the mean difference."""
    return [(_("Uncertain by calibrations"), shared, None, unit)] if shared else []


def _marks(names: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"what": name, "href": reverse("device", args=[name]) if name else ""} for name in names
    ]


def _york(made: Compared, found: StationComparison, names: Sequence[str]) -> dict[str, Any]:
    points = []
    for mark, (_device, x, ex, y, ey) in zip(_marks(names), made.rows, strict=True):
        ex, ey = (0.0, 0.0) if made.equal else (ex, ey)
        points.append(
            mark | {"x": x, "y": y, "xl": x - ex, "xh": x + ex, "yl": y - ey, "yh": y + ey}
        )
    ends = [min(one["x"] for one in points), max(one["x"] for one in points)]
    line, same = _("line with uncertainties in both"), _("equal")
    lines = [{"g": line, "x": x, "y": found.intercept + found.slope * x} for x in ends]
    lines += [{"g": same, "x": x, "y": x} for x in ends]
    axes = charts.Scale(made.first, made.unit), charts.Scale(made.second, made.unit)
    drawn = draw.agreement(points, lines, (line, same), *axes)
    return place_chart("york", _("One against the other"), drawn)


def _bland(made: Compared, found: StationComparison, names: Sequence[str]) -> dict[str, Any]:
    points = []
    for mark, (_device, x, ex, y, ey) in zip(_marks(names), made.rows, strict=True):
        error = 0.0 if made.equal else math.hypot(ex, ey)
        at, value = (x + y) / 2, y - x
        ends = {"xl": at, "xh": at, "yl": value - error, "yh": value + error}
        points.append(mark | {"x": at, "y": value, **ends})
    ends_ = [min(one["x"] for one in points), max(one["x"] for one in points)]
    mean, limits = _("mean difference"), _("limits of agreement")
    lines = [{"g": mean, "x": x, "y": found.offset} for x in ends_]
    # A line of its own for each end, or one would lead from the upper to the lower.
    lines += [{"g": limits, "x": x, "y": found.limits[1]} for x in ends_]
    lower = limits + " "
    lines += [{"g": lower, "x": x, "y": found.limits[0]} for x in ends_]
    axes = charts.Scale(_("mean of both"), made.unit), charts.Scale(_("difference"), made.unit)
    drawn = draw.agreement(points, lines, (mean, limits, lower), *axes)
    return place_chart("bland", _("Difference against the mean"), drawn)

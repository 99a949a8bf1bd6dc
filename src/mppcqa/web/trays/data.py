"""What a tray's page shows: every position with its device, coloured by one quantity."""

from __future__ import annotations

import math
from typing import Any

from django.utils.translation import gettext as _

from mppcqa.inventory.models import Device, Tray
from mppcqa.results.models import Outcome, Standing
from mppcqa.statistics.models import DeviceSummary, Series
from mppcqa.web.addresses import address
from mppcqa.web.charting import histogram, tray_chart
from mppcqa.web.series import series_label, series_scale, series_unit

BINS = 40
RANK: dict[str, int] = {Outcome.FAIL: 3, Outcome.INCOMPLETE: 2, Outcome.WARNING: 1, Outcome.PASS: 0}


def tray_picture(tray: Tray, asked: str, viewer: Any) -> dict[str, Any]:
    """Devices by position, the choice of quantities, and the chart of the chosen one.

    The number of queries does not depend on the number of devices.
    """
    rows = Device.objects.visible_to(viewer).filter(tray=tray)
    devices = list(rows.values_list("pk", "serial", "tray_row", "tray_column"))
    outcomes = _worst_outcomes(tray, viewer)
    choices = _series_of([pk for pk, *_place in devices])
    chosen = next((one for one in choices if str(one.pk) == asked), None)
    values = _values(tray, chosen, viewer) if chosen else {}
    unit = series_unit(chosen) if chosen else ""
    grid: list[list[dict[str, Any] | None]] = [[None] * tray.columns for _row in range(tray.rows)]
    loose = []
    for pk, serial, row, column in devices:
        place = {"serial": serial, "outcome": outcomes.get(pk, ""), "value": values.get(pk)}
        if row is None or column is None or row >= tray.rows or column >= tray.columns:
            loose.append(place)
        else:
            grid[row][column] = place
    counted = [outcomes.get(pk, "") for pk, *_place in devices]
    picture = None
    if chosen and values:
        placed = {
            (row, column): place
            for row, line in enumerate(grid)
            for column, place in enumerate(line)
            if place is not None
        }
        picture = tray_chart(
            tray.rows,
            tray.columns,
            {at: place["value"] for at, place in placed.items() if place["value"] is not None},
            {at: place["serial"] for at, place in placed.items()},
            {at: address("device", place["serial"]) for at, place in placed.items()},
            series_label(chosen),
            unit,
        )
    return {
        "grid": grid,
        "loose": loose,
        "choices": [(one.pk, series_label(one)) for one in choices],
        "chosen": chosen,
        "label": series_label(chosen) if chosen else _("Verdict"),
        "unit": unit,
        "count": len(devices),
        "counts": [(key, label, counted.count(key)) for key, label in Outcome.choices],
        "untested": counted.count(""),
        "columns": range(tray.columns),
        "chart": picture,
        "histogram": _histogram(values, chosen, unit),
    }


def _worst_outcomes(tray: Tray, viewer: Any) -> dict[int, str]:
    """Device -> its worst outcome over the stages."""
    worst: dict[int, str] = {}
    rows = Standing.objects.visible_to(viewer).filter(device__tray=tray)
    for device, outcome in rows.values_list("device_id", "outcome"):
        if outcome and RANK.get(outcome, 0) >= RANK.get(worst.get(device, ""), -1):
            worst[device] = outcome
    return worst


def _series_of(devices: list[int]) -> list[Series]:
    """Series of which some device of the tray has a value; devices of a tray are tested alike."""
    some = devices[:: max(1, len(devices) // 10)]
    # A list of numbers: with a subquery MariaDB goes through the summaries series by series.
    keys = list(
        DeviceSummary.objects.filter(device__in=some).values_list("series", flat=True).distinct()
    )
    return list(Series.objects.filter(pk__in=keys).select_related("quantity").order_by("pk"))


def _values(tray: Tray, series: Series, viewer: Any) -> dict[int, float]:
    scale = series_scale(series)
    mine = DeviceSummary.objects.visible_to(viewer)
    rows = mine.filter(device__tray=tray, series=series)
    return {device: mean * scale for device, mean in rows.values_list("device_id", "mean")}


def _histogram(values: dict[int, float], series: Series | None, unit: str) -> Any:
    if series is None or len(values) < 3:
        return None
    import numpy as np

    counts, edges = np.histogram(
        [value for value in values.values() if math.isfinite(value)], bins=BINS
    )
    return histogram("tray-histogram", series_label(series), unit, edges.tolist(), counts.tolist())

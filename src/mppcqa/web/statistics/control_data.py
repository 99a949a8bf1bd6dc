"""The control charts of a station as its page shows them."""

from __future__ import annotations

import math
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from mppcqa import charts
from mppcqa.charts import control as draw
from mppcqa.results.conditions import condition_text
from mppcqa.runs.models import Station
from mppcqa.statistics.control import (
    LEAST_BASELINE,
    individuals,
    means_and_ranges,
    western_electric,
)
from mppcqa.statistics.references import Looked, looked
from mppcqa.views.shown import ShownQuantity, shown_quantities
from mppcqa.web.charting import place_chart
from mppcqa.web.stages import find_stage

RULES = (
    gettext_noop("one beyond three sigma"),
    gettext_noop("two of three beyond two sigma on one side"),
    gettext_noop("four of five beyond one sigma on one side"),
    gettext_noop("eight in a row on one side"),
)
"""As `mppcqa.statistics.control.RULES` numbers them."""


def control_charts(station: Station) -> list[dict[str, Any]]:
    """A chart with its facts and table for each watched quantity of the reference device."""
    return [_one(place, one) for place, one in enumerate(looked(station))]


def _one(place: int, found: Looked) -> dict[str, Any]:
    watched, drift = found.watched, found.drift
    row = watched.quantity
    shown = shown_quantities(find_stage(row.stage), {row.key: row})[row.key]
    title = ", ".join(filter(None, [shown.title, condition_text(watched.at)]))
    values = (watched.values * shown.scale).tolist()
    made: dict[str, Any] = {
        "key": row.key,
        "title": title,
        "unit": shown.unit,
        "n": len(values),
        "chart": None,
    }
    made["needed"] = max(0, LEAST_BASELINE + 1 - len(values))
    sigma, centre = drift.sigma * abs(shown.scale), drift.centre * shown.scale
    signs: list[tuple[int, ...]] = [()] * len(values)
    if drift.baseline and sigma > 0:
        signs = western_electric(values, centre, sigma)
    rows = _points(found, shown, values, signs)
    levels = []
    if drift.baseline:
        levels = [{"level": centre, "name": ""}]
        if sigma > 0:
            levels += [
                {"level": centre + 3 * sigma, "name": "+3σ"},
                {"level": centre - 3 * sigma, "name": "−3σ"},
            ]
    axis = charts.Scale(shown.title, shown.unit)
    kinds = (_("as before"), _("has a sign"), _("the average is outside"))
    drawn = draw.control(rows, levels, kinds, charts.Scale(_("Day")), axis)
    made["chart"] = place_chart(f"control-{place}", title, drawn)
    made["rows"] = rows
    made["facts"] = _facts(found, shown, centre, sigma, values)
    made["off"] = drift.off if math.isfinite(drift.off) else None
    made["outside"] = drift.first is not None
    if ranges := _ranges(found, shown):
        drawn = draw.spread(ranges, charts.Scale(_("Day")), charts.Scale(_("range"), shown.unit))
        made["ranges"] = place_chart(f"range-{place}", _("Range within a day"), drawn)
    return made


def _points(
    found: Looked, shown: ShownQuantity, values: list[float], signs: list[tuple[int, ...]]
) -> list[dict[str, Any]]:
    watched, drift = found.watched, found.drift
    kinds = (_("as before"), _("has a sign"), _("the average is outside"))
    rows = []
    for n, (day, value, broken) in enumerate(zip(watched.days, values, signs, strict=True)):
        error = watched.errors[n] * abs(shown.scale)
        error = error if math.isfinite(error) else 0.0
        judged = n - drift.begin if drift.baseline and n >= drift.begin else None
        low = high = average = None
        outside = False
        if judged is not None:
            average = float(drift.average[judged]) * shown.scale
            low, high = sorted(float(one[judged]) * shown.scale for one in (drift.low, drift.high))
            outside = not low <= average <= high
        text = "; ".join(f"{one}: {_(RULES[one - 1])}" for one in broken)
        rows.append({
            "day": day.isoformat(), "value": value, "low": value - error, "high": value + error,
            "average": average, "from": low, "to": high, "text": text,
            "kind": kinds[2 if outside else 1 if broken else 0],
            "n": len(watched.groups[n]), "href": reverse("run", args=[watched.runs[n]]),
        })  # fmt: skip
    return rows


def _facts(
    found: Looked, shown: ShownQuantity, centre: float, sigma: float, values: list[float]
) -> list[tuple[str, float | str, float | None, str]]:
    """Title, value, uncertainty and unit."""
    drift = found.drift
    facts: list[tuple[str, float | str, float | None, str]] = []
    if drift.baseline:
        error = sigma / math.sqrt(drift.baseline) or None
        facts.append((_("Centre"), centre, error, shown.unit))
        error = sigma / math.sqrt(2 * (drift.baseline - 1)) or None
        facts.append((_("Sigma from day to day"), sigma, error, shown.unit))
        facts.append((_("Days of the baseline"), str(drift.baseline), None, ""))
    if len(values) > 1:
        moving = individuals(values).sigma
        facts.append((_("Sigma by moving ranges"), moving, None, shown.unit))
    several = [one for one in found.watched.groups if len(one) > 1]
    if len(several) > 1:
        within = means_and_ranges(several)[1][0].sigma / _d3(len(several[0]))
        facts.append((_("Sigma within a day"), within * abs(shown.scale), None, shown.unit))
    return facts


def _d3(n: int) -> float:
    from mppcqa.statistics.control import range_constants

    return range_constants(n)[1]


def _ranges(found: Looked, shown: ShownQuantity) -> list[dict[str, Any]]:
    """Ranges of days with more than one measurement, and their upper limits."""
    days = zip(found.watched.days, found.watched.groups, strict=True)
    there = [(day, one) for day, one in days if len(one) > 1]
    if len(there) < 2:
        return []
    limits = means_and_ranges([one for _day, one in there])[1]
    scale = abs(shown.scale)
    return [
        {"day": day.isoformat(), "range": (max(one) - min(one)) * scale, "limit": top.high * scale}
        for (day, one), top in zip(there, limits, strict=True)
    ]

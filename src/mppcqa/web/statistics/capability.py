"""Capability: how much room the limits in use leave, worst first."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from mppcqa import charts
from mppcqa.charts import capability as draw
from mppcqa.limits.models import LimitSet
from mppcqa.statistics.capable import Capable, capabilities
from mppcqa.web.charting import place_chart
from mppcqa.web.series import series_label, series_scale, series_unit
from mppcqa.web.stages import stage_titles

DRAWN = 25
GOOD, POOR = 4 / 3, 1.0


@require_GET
def capability(request: HttpRequest) -> HttpResponse:
    """``?stage=KEY`` chooses the stage."""
    titles = stage_titles()
    there = LimitSet.objects.filter(active=True).order_by().values_list("stage", flat=True)
    choices = [(key, title) for key, title in titles.items() if key in set(there)]
    wanted = request.GET.get("stage", "")
    chosen = wanted if wanted in dict(choices) else next((key for key, _title in choices), "")
    context: dict[str, Any] = {"choices": choices, "chosen": chosen}
    if chosen:
        rows = [_row(one) for one in capabilities(chosen)]
        context["rows"] = rows
        if rows:
            names = tuple(row["title"] for row in rows[:DRAWN])
            marks = [
                {
                    "what": row["title"], "cpk": row["cpk"], "low": row["low"],
                    "high": row["high"], "kind": row["word"], "href": row["href"],
                }
                for row in rows[:DRAWN]
            ]  # fmt: skip
            kinds = (_("capable"), _("just"), _("not capable"))
            drawn = draw.capabilities(marks, names, kinds, charts.Scale("Cpk"))
            context["chart"] = place_chart("capability", "Cpk", drawn)
    return render(request, "web/statistics/capability.html", context)


def _row(one: Capable) -> dict[str, Any]:
    scale, series, found = series_scale(one.series), one.series, one.found
    kind = "pass" if found.cpk >= GOOD else "warning" if found.cpk >= POOR else "fail"
    words = {"pass": _("capable"), "warning": _("just"), "fail": _("not capable")}
    return {
        "title": series_label(series).partition(": ")[2],
        "href": f"{reverse('distribution')}?series={series.pk}",
        "unit": series_unit(series),
        "kind": kind,
        "word": words[kind],
        "cp": found.cp,
        "cpk": found.cpk,
        "low": found.cpk_interval[0],
        "high": found.cpk_interval[1],
        "robust": one.robust,
        "mean": one.mean * scale,
        "sigma": one.sigma * abs(scale),
        "pass_low": None if one.limit.pass_low is None else one.limit.pass_low * scale,
        "pass_high": None if one.limit.pass_high is None else one.limit.pass_high * scale,
        "n": one.n,
        "expected": 100 * found.outside,
        "outside": 100 * (one.below + one.above) / one.n,
        "set": one.limit_set,
    }

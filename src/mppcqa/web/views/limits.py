"""Limit sets: what values are judged against, and why."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from mppcqa.testing.models import LimitSet
from mppcqa.web.stages import quantities_of, stage_titles


@require_GET
def limit_sets(request: HttpRequest) -> HttpResponse:
    """All versions, those in use first."""
    titles = stage_titles()
    rows = list(
        LimitSet.objects.select_related("device_type", "made_by").order_by(
            "-active", "stage", "-version"
        )[:200]
    )
    for row in rows:
        row.stage_title = titles.get(row.stage, row.stage)
    return render(request, "web/limit_sets.html", {"rows": rows})


@require_GET
def limit_set(request: HttpRequest, pk: int) -> HttpResponse:
    """One version with its bands, in the units that people prefer."""
    found = get_object_or_404(LimitSet.objects.select_related("device_type", "made_by"), pk=pk)
    known = quantities_of(found.stage)
    lines = []
    for limit in found.limits.select_related("quantity"):
        quantity = known.get(limit.quantity.key)
        scale = quantity.display_scale if quantity and quantity.display_unit else 1.0
        unit = (quantity.display_unit or quantity.unit) if quantity else limit.quantity.unit
        bands = {
            name: None if (value := getattr(limit, name)) is None else value * scale
            for name in ("pass_low", "pass_high", "warn_low", "warn_high")
        }
        title = _(quantity.title) if quantity else limit.quantity.title
        lines.append({"limit": limit, "title": title, "unit": unit, **bands})
    titles = stage_titles()
    context = {
        "set": found,
        "lines": lines,
        "stage_title": titles.get(found.stage, found.stage),
    }
    return render(request, "web/limit_set.html", context)

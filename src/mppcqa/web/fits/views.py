"""Fits by their quality, and all fits of a device's analysis."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from mppcqa.results.models import FitRecords
from mppcqa.typed import number
from mppcqa.views.fits import FitLine, fit_lines
from mppcqa.web.fits.listing import FITS, P_VALUES
from mppcqa.web.listing.views import show_list
from mppcqa.web.stages import stage_titles


@require_GET
def fit_list(request: HttpRequest) -> HttpResponseBase:
    """Analyses of devices with their fits, those of a low p-value where it is asked for."""
    return show_list(request, FITS, "web/fits/list.html")


@require_GET
def fits(request: HttpRequest, pk: int) -> HttpResponse:
    """Every fit of a device's analysis, those that gave no value too."""
    rows = FitRecords.objects.visible_to(request.user)
    row = get_object_or_404(rows.select_related("device", "analysis__run_file__run"), pk=pk)
    below = number(request.GET.get("p_below"))
    lines = fit_lines(row)
    shown = [one for one in lines if _wanted(one, below)]
    context: dict[str, Any] = {
        "row": row,
        "device": row.device,
        "run": row.analysis.run_file.run,
        "stage_title": stage_titles().get(row.analysis.stage, row.analysis.stage),
        "lines": shown,
        "left": len(lines) - len(shown),
        "below": request.GET.get("p_below", ""),
        "p_values": P_VALUES,
    }
    return render(request, "web/fits/fits.html", context)


def _wanted(one: FitLine, below: float | None) -> bool:
    return below is None or bool(one.fault) or (one.p_value is not None and one.p_value < below)

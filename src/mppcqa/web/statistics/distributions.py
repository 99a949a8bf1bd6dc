"""Distributions of measured values over the campaign, from the summaries."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from mppcqa.web.statistics.distribution_data import distribution_picture


@require_GET
def distribution(request: HttpRequest) -> HttpResponse:
    """``?series=ID`` chooses a quantity at a condition."""
    return render(request, "web/statistics/distribution.html", distribution_picture(request.GET))

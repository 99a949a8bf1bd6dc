"""Yields of a stage by week, and what devices fail by."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from mppcqa.web.statistics.yield_data import yield_picture


@require_GET
def yields(request: HttpRequest) -> HttpResponse:
    """``?stage=KEY`` chooses the stage."""
    return render(request, "web/statistics/yields.html", yield_picture(request.GET))

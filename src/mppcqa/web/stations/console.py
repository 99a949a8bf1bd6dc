"""A station's console, for a screen at three metres and gloves, and the board of all stations."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from mppcqa.runs.models import Station
from mppcqa.web.stages import stage_titles
from mppcqa.web.stations.bench import bench_of, benches, fixture
from mppcqa.web.stations.listing import listed
from mppcqa.web.stations.watched import watched


@require_GET
def console(request: HttpRequest, name: str) -> HttpResponse:
    """How one station stands; with ``?now`` only the part that changes."""
    found = get_object_or_404(Station, name=name)
    bench = bench_of(found, request.user)
    told = watched(bench.task)
    context = {
        "station": found,
        "stage_title": stage_titles().get(found.stage, found.stage),
        "bench": bench,
        "slots": fixture(found, bench.run, request.user, told.contacts),
        "told": told,
        "asks": bool(told.bad_contacts)
        and bench.kind == "bad"
        and found.bad_contact != Station.BadContact.BLOCK,
    }
    part = "now" in request.GET
    return render(request, f"web/stations/console{'_now' if part else ''}.html", context)


@require_GET
def board(request: HttpRequest) -> HttpResponse:
    """All stations for a screen on the wall; with ``?now`` only the part that changes."""
    context = {
        "benches": benches(listed(Station.objects.order_by("name")), request.user),
        "titles": stage_titles(),
    }
    part = "now" in request.GET
    return render(request, f"web/stations/board{'_now' if part else ''}.html", context)

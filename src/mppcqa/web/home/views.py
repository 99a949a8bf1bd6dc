"""The home page: where the campaign stands, and what needs a person."""

from __future__ import annotations

import math
from typing import Any

from django.contrib import messages
from django.core.cache import caches
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from mppcqa.database.counting import count_to
from mppcqa.inventory.models import Device
from mppcqa.inventory.scope import scope_of
from mppcqa.queue.models import OPEN_STATES, State
from mppcqa.results.models import Outcome, Standing
from mppcqa.runs.instruments import ending_soon
from mppcqa.runs.models import Run
from mppcqa.statistics.models import OutcomeCount
from mppcqa.web.bound import seen_tasks
from mppcqa.web.home.waiting import first_steps, what_waits
from mppcqa.web.runs.listing import COLUMNS, described, listed
from mppcqa.web.stages import stage_titles
from mppcqa.web.stations.listing import stations_now
from mppcqa.web.workbench.board import tiles_of

MANY = 100_000
FEW = 5_000
"""Devices that are counted within a millisecond or two."""
TILES = 4
"""Of one's dashboard, that are here as well."""
COUNT_KEY = "home.devices"


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """What waits for a person, outcomes by stage, stations, the latest runs and failures."""
    titles = stage_titles()
    failures = (State.FAILED, State.LOST, State.TIMED_OUT, State.EXPIRED)
    tasks = seen_tasks(request.user).only("name", "state", "error_text")
    devices = _number_of_devices(request.user)
    context = {
        "devices": f"> {MANY}" if devices > MANY else devices,
        "stages": _stages(titles, request.user),
        "stations": stations_now(request.user),
        "runs": described(listed(Run.objects.visible_to(request.user))[:8]),
        "run_columns": COLUMNS,
        "failures": tasks.filter(state__in=failures).order_by("-id")[:5],
        "instruments": ending_soon(),
        "tiles": tiles_of(request.user)[:TILES],
        "open": tasks.filter(state__in=OPEN_STATES).order_by("id")[:8],
        "waiting": what_waits(request.user),
    }
    if not context["runs"]:
        context["steps"] = first_steps(request.user)
    return render(request, "web/home/home.html", context)


def _number_of_devices(viewer: Any) -> int:
    """A bounded count: a long list is told as such, not counted to its end.

    In a large campaign it may be a minute old.
    """
    cache, scope = caches["process"], scope_of(viewer)
    key = f"{COUNT_KEY} {scope.owner} {scope.campaign}".replace(" ", ".")
    known: int | None = cache.get(key)
    if known is None:
        known = count_to(Device.objects.visible_to(viewer), MANY + 1)
        if known > FEW:
            cache.set(key, known, 60)
    return known


def _stages(titles: dict[str, str], viewer: Any) -> list[dict[str, Any]]:
    """Number of devices by outcome at each stage, from the summaries.

    Those count all devices; of a bound person's they are counted now.
    """
    found: dict[str, dict[str, int]] = {}
    if scope_of(viewer).bound:
        standings = Standing.objects.visible_to(viewer).values_list("stage", "outcome")
        rows: Any = standings.annotate(total=Count("pk"))
    else:
        rows = OutcomeCount.objects.values_list("stage", "outcome").annotate(total=Sum("n"))
    for stage, outcome, total in rows.order_by():
        found.setdefault(stage, {})[outcome] = total
    stages = []
    for key in [*titles, *(key for key in found if key not in titles)]:
        counts = found.get(key, {})
        total = sum(counts.values())
        parts = [
            {
                "key": outcome.value,
                "label": outcome.label,
                "n": counts.get(outcome.value, 0),
                "percent": 100 * counts.get(outcome.value, 0) / total if total else 0,
            }
            for outcome in Outcome
        ]
        passed = counts.get(Outcome.PASS, 0) + counts.get(Outcome.WARNING, 0)
        stages.append(
            {
                "key": key,
                "title": titles.get(key, key),
                "total": total,
                "parts": parts,
                # Rounded down: 100 % is said of no campaign in which a device failed.
                "yield": math.floor(1000 * passed / total) / 10 if total else None,
            }
        )
    return stages


@require_GET
def password_changed(request: HttpRequest) -> HttpResponse:
    """Back home with a word that it worked."""
    messages.success(request, _("Your password is changed."))
    return redirect("home")

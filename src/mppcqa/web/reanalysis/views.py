"""Re-analysis: choose run files, analyse them anew, compare, and make the new count."""

from __future__ import annotations

import math
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from mppcqa.limits.reanalysis import ask_compare, ask_count, compare
from mppcqa.queue.models import State
from mppcqa.refused import Refused
from mppcqa.results.models import Analysis
from mppcqa.results.reanalysis import chosen_files, reanalyses, start_reanalysis
from mppcqa.results.selection import DEVICE_FILTERS, kept_filters
from mppcqa.runs.models import Station
from mppcqa.web.access import allowed, person
from mppcqa.web.charting import histogram
from mppcqa.web.faults import tell
from mppcqa.web.listing.views import is_for_list, show_list
from mppcqa.web.reading import line
from mppcqa.web.reanalysis.listing import REANALYSES
from mppcqa.web.results import move_table, result_of
from mppcqa.web.runs.form import SettingsForm
from mppcqa.web.signing.asking import pen, signs, told_or_waits
from mppcqa.web.stages import find_stage, quantities_of, stage_titles

FILTERS = (*DEVICE_FILTERS, "station", "runs")
COUNTED = 5001
INLINE_ANALYSES = 20


@require_http_methods(["GET", "POST"])
@allowed("results.add_analysis")
def reanalysis_list(request: HttpRequest) -> HttpResponseBase:
    """Choose what is analysed anew; the groups of late."""
    if is_for_list(request):
        return show_list(request, REANALYSES)
    asked = request.GET if request.method == "GET" else request.POST
    filters = kept_filters(asked, FILTERS)
    stage = find_stage(filters.get("stage", ""))
    posted = request.POST if request.method == "POST" else None
    form = _form(stage, request) if stage else None
    if posted is not None and form is not None and form.is_valid():
        try:
            group = start_reanalysis(
                filters, form.cleaned_data, title=line(posted, "title", 150), by=person(request)
            )
        except Refused as error:
            tell(request, error)
        else:
            return redirect("reanalysis", group.pk)
    files = None
    if stage:
        files = len(chosen_files(filters, request.user).order_by("pk").values("pk")[:COUNTED])
    return show_list(
        request,
        REANALYSES,
        "web/reanalysis/list.html",
        filters=filters,
        form=form,
        stages=stage_titles(),
        stations=Station.objects.all(),
        files=files,
    )


def _form(stage: Any, request: HttpRequest) -> SettingsForm:
    """The settings that were sent, or, to begin with, those of the address."""
    if request.method == "POST":
        return SettingsForm(stage, request.POST)
    if any(name.startswith("p-") for name in request.GET):
        given = SettingsForm(stage, request.GET)
        if given.is_valid():
            return SettingsForm(stage, initial=given.cleaned_data)
    return SettingsForm(stage)


@require_http_methods(["GET", "POST"])
@allowed("results.add_analysis")
@signs
def reanalysis(request: HttpRequest, pk: int) -> HttpResponse:
    """One group: its tasks, old against new, and the button that makes the new count."""
    group = get_object_or_404(reanalyses().select_related("requested_by"), pk=pk)
    if request.method == "POST":
        try:
            if request.POST.get("action") == "compare":
                ask_compare(group, by=person(request))
            elif request.POST.get("action") == "count":
                task = ask_count(group, by=pen(request))
                told_or_waits(request, task, _("The new analyses are made to count."))
        except Refused as error:
            tell(request, error)
        return redirect("reanalysis", pk)
    states = list(group.tasks.values_list("state", flat=True))
    context: dict[str, Any] = {
        "group": group,
        "state": group.state,
        "done": states.count(State.SUCCEEDED),
        "total": len(states),
        "first_bad": group.tasks.exclude(state=State.SUCCEEDED).order_by("-state", "pk").first(),
        "counting": result_of("limits.make_count", group)[1],
        "counted": result_of("limits.make_count", group)[0],
    }
    if group.state == State.SUCCEEDED:
        context |= _comparison(group, len(states), context["counted"] or {})
    return render(request, "web/reanalysis/reanalysis.html", context)


def _comparison(group: Any, size: int, counted: dict[str, Any]) -> dict[str, Any]:
    result, task = result_of("limits.compare", group)
    if "comparison" in counted:
        result, task = counted["comparison"], None
    if result is None and task is None and size <= INLINE_ANALYSES:
        result = compare(group)
    if result is None:
        return {"compare_task": task}
    stage = (
        Analysis.objects.filter(pk__in=result["analyses"][:1]).values_list("stage", flat=True)
    ).first()
    known = quantities_of(stage or "")
    lines = []
    for one in result["quantities"]:
        quantity = known.get(one["key"])
        if not one["n"] or quantity is None:
            continue
        shown = bool(quantity.display_unit)
        scale = quantity.display_scale if shown else 1.0
        unit = quantity.display_unit if shown else quantity.unit
        edges = [edge * scale for edge in one["edges"]]
        lines.append(
            {
                **one,
                "title": _(quantity.title),
                "unit": unit,
                **{name: one[name] * scale for name in ("offset", "scatter", "largest")},
                "offset_error": one["scatter"] * scale / math.sqrt(one["n"]) or None,
                "chart": histogram(f"d-{one['key']}", _("new − old"), unit, edges, one["counts"])
                if one["largest"] > 0
                else None,
            }
        )
    return {"comparison": result, "lines": lines, "moves": move_table(result["moves"])}

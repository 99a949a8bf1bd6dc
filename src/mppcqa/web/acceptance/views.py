"""A sampled lot: how far its sample is, what it says, and the decision."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mppcqa.inventory.models import Device
from mppcqa.limits.acceptance import Acceptance
from mppcqa.refused import Refused
from mppcqa.statistics.accepting import decide, lift, plan_of, progress
from mppcqa.statistics.models import Series
from mppcqa.web.acceptance.listing import ACCEPTANCES
from mppcqa.web.acceptance.shown import KINDS, curve, plan_text, risk_rows
from mppcqa.web.access import allowed, person
from mppcqa.web.faults import tell
from mppcqa.web.listing.views import show_list
from mppcqa.web.reading import line
from mppcqa.web.series import series_label, series_scale, series_unit
from mppcqa.web.stages import stage_titles


@require_http_methods(["GET", "POST"])
def acceptance_list(request: HttpRequest) -> HttpResponseBase:
    """All lots that were sampled, the newest first."""
    return show_list(request, ACCEPTANCES, "web/acceptance/list.html")


def _find(pk: int) -> Acceptance:
    people = ("drawn_by", "decided_by", "lifted_by")
    return get_object_or_404(Acceptance.objects.select_related("lot__maker", *people), pk=pk)


@require_GET
def acceptance(request: HttpRequest, pk: int) -> HttpResponse:
    """One sampled lot."""
    found = _find(pk)
    plan, said = plan_of(found), progress(found) if found.is_open else None
    told = found.plan
    sample = Device.objects.visible_to(request.user).filter(sampled_in=found).order_by("serial")
    serials = dict(sample.values_list("pk", "serial"))
    context = {
        "acceptance": found,
        "stage": stage_titles().get(found.stage, found.stage),
        "kind": KINDS.get(told["kind"], ""),
        "plan": plan_text(plan, found.lot_size),
        "risks": risk_rows(plan, told["good"], told.get("bad")),
        "chart": curve(plan, told, found.lot_size),
        "value": _value(told),
        "said": said,
        "will": dict(Acceptance.Outcome.choices).get(said.outcome, "") if said else "",
        "found": said.found if said else found.found,
        "serials": serials,
        "bad": [serials[pk] for pk in said.nonconforming if pk in serials] if said else [],
        "open": [serials[pk] for pk in said.open if pk in serials] if said else [],
    }
    return render(request, "web/acceptance/acceptance.html", context)


def _value(told: dict[str, Any]) -> list[tuple[str, str]]:
    """What a plan by a value looks at, and its limits in the unit that people read."""
    if "series" not in told:
        return []
    series = Series.objects.select_related("quantity").filter(pk=told["series"]).first()
    if series is None:
        return []
    scale, unit = series_scale(series), series_unit(series)
    rows = [(_("Measured value"), series_label(series))]
    for name, key in ((_("Conforms from"), "low"), (_("Conforms to"), "high")):
        if told.get(key) is not None:
            rows.append((name, f"{told[key] * scale:g} {unit}"))
    return rows


@require_POST
@allowed("limits.change_acceptance")
def acceptance_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept or reject the lot, as the sample says."""
    try:
        done = decide(_find(pk), by=person(request))
    except Refused as error:
        tell(request, error)
    else:
        words = {"lot": done.lot, "what": done.get_outcome_display()}
        messages.success(request, _("Lot %(lot)s is %(what)s.") % words)
    return redirect("acceptance", pk)


@require_POST
@allowed("limits.change_acceptance")
def acceptance_lift(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a rejection back, for a reason."""
    found = _find(pk)
    try:
        lift(found, line(request.POST, "why", 300), by=person(request))
    except Refused as error:
        tell(request, error)
    else:
        messages.success(request, _("The rejection of lot %s is lifted.") % found.lot)
    return redirect("acceptance", pk)

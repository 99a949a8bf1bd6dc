"""Production: what waits where, the plan and when it ends, yields, and what devices fail by."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from mppcqa import typed
from mppcqa.refused import Refused
from mppcqa.statistics.planning import set_plan
from mppcqa.web.access import allowed
from mppcqa.web.faults import tell
from mppcqa.web.reading import whole
from mppcqa.web.stages import find_stage
from mppcqa.web.statistics.production_data import funnel, groupings, plan_picture, yields_by
from mppcqa.web.statistics.yield_data import yield_picture


@require_GET
def yields(request: HttpRequest) -> HttpResponse:
    """``?stage=KEY&by=lot`` chooses the stage, and what its yields are grouped by."""
    context = yield_picture(request.GET)
    context["funnel"] = funnel(request.user)
    if stage := context["chosen"]:
        by = request.GET.get("by", "")
        by = by if by in dict(groupings()) else "lot"
        context |= {
            "by": by,
            "groupings": groupings(),
            "groups": yields_by(stage, by, request.user),
        }
        context |= plan_picture(stage)
    return render(request, "web/statistics/yields.html", context)


@require_POST
@allowed("inventory.change_campaign")
def plan_set(request: HttpRequest, stage: str) -> HttpResponse:
    """Say how many devices shall pass a stage, and by when."""
    sent = request.POST
    try:
        if find_stage(stage) is not None:
            since, until = typed.day(sent.get("since")), typed.day(sent.get("until"))
            set_plan(stage, whole(sent, "devices"), since, until)
    except Refused as error:
        tell(request, error)
    return redirect(f"{reverse('yields')}?stage={stage}")

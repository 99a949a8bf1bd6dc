"""What people decide about a station: reservation, maintenance."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mppcqa import typed
from mppcqa.queue import lanes
from mppcqa.refused import Refused
from mppcqa.runs.lane import station_lane
from mppcqa.runs.models import Station
from mppcqa.web import edits
from mppcqa.web.access import allowed, person
from mppcqa.web.faults import tell
from mppcqa.web.reading import line


def maintenance_parts(why: str) -> list[edits.Part]:
    """Why a station is out of service."""
    return [edits.part("service", _("Out of service because"), why, only_seen=True)]


@require_POST
@allowed("runs.add_run")
def reserve(request: HttpRequest, name: str) -> HttpResponse:
    """Keep a station for oneself for some hours, or release it with none."""
    found = get_object_or_404(Station, name=name)
    lane = station_lane(found)
    hours = typed.number(request.POST.get("hours"))
    try:
        if "release" in request.POST:
            if lane.reserved_by_id != request.user.pk and not request.user.has_perm(
                "runs.change_station"
            ):
                raise lanes.LaneRefused(_("Only %s can release it.") % lane.reserved_by)
            lanes.release(lane)
            messages.success(request, _("The reservation has ended."))
        else:
            if hours is None:
                raise lanes.LaneRefused(_("Give the hours as a number."))
            lanes.reserve(lane, person(request), hours)
            messages.success(request, _("%s is reserved for you.") % found)
    except Refused as error:
        tell(request, error)
    return redirect(found)


@require_POST
@allowed("runs.change_station")
def maintenance(request: HttpRequest, name: str) -> HttpResponse:
    """Take a station out of service with a reason, or back into it."""
    why = line(request.POST, "why", 200)
    with transaction.atomic():
        found = edits.locked(Station, name=name)
        lane = station_lane(found)
        edit = edits.begin(
            request, found, maintenance_parts(lane.maintenance), found.get_absolute_url()
        )
        if edit.conflict:
            return edit.both()
        if "end" not in request.POST and not why:
            messages.error(request, _("Say why it is out of service; whoever waits will read it."))
            return redirect(found)
        why = "" if "end" in request.POST else why
        lanes.set_maintenance(lane, why)
        edit.saved(found, maintenance_parts(why))
    messages.success(
        request,
        _("%s is in service.") % found
        if "end" in request.POST
        else _("%s is out of service; nothing new starts.") % found,
    )
    return redirect(found)

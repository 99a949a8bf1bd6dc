"""What people decide about a station: reservation, maintenance, calibration."""

from __future__ import annotations

import datetime as dt

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mppcqa.queue import lanes
from mppcqa.testing.actions import set_calibration, station_lane
from mppcqa.testing.models import Station
from mppcqa.web.access import allowed


@require_POST
@allowed("testing.add_run")
def reserve(request: HttpRequest, name: str) -> HttpResponse:
    """Keep a station for oneself for some hours, or release it with none."""
    found = get_object_or_404(Station, name=name)
    lane = station_lane(found)
    text = request.POST.get("hours", "").replace(",", ".")
    try:
        if "release" in request.POST:
            if lane.reserved_by_id != request.user.pk and not request.user.has_perm(
                "testing.change_station"
            ):
                raise lanes.LaneRefused(_("Only %s can release it.") % lane.reserved_by)
            lanes.release(lane)
            messages.success(request, _("The reservation has ended."))
        else:
            lanes.reserve(lane, request.user, float(text))
            messages.success(request, _("%s is reserved for you.") % found)
    except lanes.LaneRefused as error:
        messages.error(request, str(error))
    except ValueError:
        messages.error(request, _("Give the hours as a number."))
    return redirect(found)


@require_POST
@allowed("testing.change_station")
def maintenance(request: HttpRequest, name: str) -> HttpResponse:
    """Take a station out of service with a reason, or back into it."""
    found = get_object_or_404(Station, name=name)
    why = request.POST.get("why", "").strip()
    if "end" not in request.POST and not why:
        messages.error(request, _("Say why it is out of service; whoever waits will read it."))
        return redirect(found)
    lanes.set_maintenance(station_lane(found), "" if "end" in request.POST else why)
    messages.success(
        request,
        _("%s is in service.") % found
        if "end" in request.POST
        else _("%s is out of service; nothing new starts.") % found,
    )
    return redirect(found)


@require_POST
@allowed("testing.change_station")
def calibration(request: HttpRequest, name: str) -> HttpResponse:
    """Set the last day of the calibration; empty where it does not matter."""
    found = get_object_or_404(Station, name=name)
    text = request.POST.get("until", "").strip()
    try:
        until = dt.date.fromisoformat(text) if text else None
    except ValueError:
        messages.error(request, _("“%s” is no date.") % text)
        return redirect(found)
    set_calibration(found, until)
    messages.success(request, _("The calibration's date is kept."))
    return redirect(found)

"""The computer of a station that has an address and a token: contact, programs, tokens."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from mppcqa import typed
from mppcqa.refused import Refused
from mppcqa.runs.contact import CLOCK_MATTERS_S, is_reached
from mppcqa.runs.models import Station, StationContact, StationOrder, StationToken
from mppcqa.runs.remote import give_up
from mppcqa.runs.station_tokens import make_token, take_back
from mppcqa.web.access import allowed, person
from mppcqa.web.faults import tell
from mppcqa.web.reading import line

SHOWN = 50


def standing(contact: StationContact | None) -> tuple[str, str]:
    """State and words of a station's contact."""
    if contact is None:
        return "calm", _("never connected")
    if not is_reached(contact):
        return "error", _("not reached")
    return (
        ("warning", _("connected, with a problem")) if contact.problem else ("ok", _("connected"))
    )


def contacts(names: list[str]) -> dict[str, StationContact]:
    """By the station's name, how the computers of some stations stand."""
    rows = StationContact.objects.filter(station__name__in=names).select_related("station")
    return {row.station.name: row for row in rows}


def _context(station: Station, **more: Any) -> dict[str, Any]:
    contact = StationContact.objects.filter(station=station).first()
    orders = StationOrder.objects.filter(station=station, ended_at=None)
    rows = StationToken.objects.filter(station=station).select_related("made_by", "revoked_by")
    recent = timezone.now() - dt.timedelta(days=1)
    return {
        "station": station,
        "contact": contact,
        "standing": standing(contact),
        "reached": contact is not None and is_reached(contact),
        "clock_matters": contact is not None and abs(contact.clock_ahead_s) > CLOCK_MATTERS_S,
        "refused": contact is not None and contact.refused_at and contact.refused_at > recent,
        "orders": list(orders.select_related("task", "folder")[:SHOWN]),
        "tokens": list(rows[:SHOWN]),
        "address": settings.MPPCQA_URL or settings.MPPCQA_SERVED,
        "lease_h": settings.MPPCQA_STATION_LEASE_S / 3600,
        **more,
    }


@require_GET
def computer(request: HttpRequest, name: str) -> HttpResponse:
    """What the computer of a station last said, and which tokens open the server for it."""
    station = get_object_or_404(Station, name=name)
    return render(request, "web/stations/computer.html", _context(station))


@require_POST
@allowed("runs.change_station")
def token_make(request: HttpRequest, name: str) -> HttpResponse:
    """Make a token; its page shows it this once."""
    station = get_object_or_404(Station, name=name)
    days = typed.number(request.POST.get("days"))
    try:
        row, token = make_token(
            station, days or 0.0, by=person(request), note=line(request.POST, "note", 100)
        )
    except Refused as error:
        tell(request, error)
        return redirect("station_computer", name)
    shown = render(request, "web/stations/computer.html", _context(station, new=token, made=row))
    # No copy of the token stays in a browser's cache or on the way back to this page.
    shown.headers["Cache-Control"] = "no-store"
    return shown


@require_POST
@allowed("runs.change_station")
def token_revoke(request: HttpRequest, name: str) -> HttpResponse:
    """Take a token back: it opens nothing more."""
    station = get_object_or_404(Station, name=name)
    number = typed.whole(request.POST.get("token"))
    row = get_object_or_404(StationToken, station=station, pk=number or 0)
    if take_back(row, by=person(request)):
        messages.success(request, _("The token %s… is taken back.") % row.begins)
    else:
        messages.info(request, _("The token %s… was taken back before.") % row.begins)
    return redirect("station_computer", name)


@require_POST
@allowed("runs.change_station")
def forget(request: HttpRequest, name: str) -> HttpResponse:
    """A computer that does not come back: what it had is lost, another may take its place."""
    station = get_object_or_404(Station, name=name)
    contact = StationContact.objects.filter(station=station).first()
    if contact is not None and is_reached(contact):
        messages.error(request, _("Its computer answers: stop the run instead."))
        return redirect("station_computer", name)
    count = give_up(station)
    messages.success(request, _("Its computer is given up; attempts that are lost: %d.") % count)
    return redirect("station_computer", name)

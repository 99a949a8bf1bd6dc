"""Screens of the bench: browsers at which a badge alone logs people in.

Which browsers these are is said by who looks after stations, with the browser itself: it keeps a
signed cookie. Whoever may more than work at the bench logs in with a password there too.
"""

from __future__ import annotations

import logging

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mppcqa.codes import CodeRefused, Kind, read
from mppcqa.people.badges import find_badge, may_open
from mppcqa.refused import Refused
from mppcqa.runs.models import Station
from mppcqa.web.access import allowed
from mppcqa.web.scan.answers import Answer, Tone

log = logging.getLogger("mppcqa.login")

COOKIE = "mppcqa-screen"
SALT = "mppcqa.screen"
KEPT_S = 400 * 86400
SESSION_S = 8 * 3600
"""How long who came by a badge stays, a shift."""
BACKEND = "mppcqa.web.accounts.backend.Backend"
LONGEST = 200


def screen_of(request: HttpRequest) -> str:
    """The station whose screen this browser is; empty for any other."""
    try:
        found = request.get_signed_cookie(COOKIE, default="", salt=SALT, max_age=KEPT_S)
    except BadSignature:
        return ""
    return str(found)


@require_POST
@allowed("runs.change_station")
def bench_screen(request: HttpRequest, name: str) -> HttpResponse:
    """Let badges log people in at this browser from now on, or no more."""
    station = get_object_or_404(Station, name=name)
    response = redirect(station)
    if request.POST.get("screen") == "no":
        response.delete_cookie(COOKIE)
        messages.success(request, _("No badge logs anybody in at this browser any more."))
        return response
    response.set_signed_cookie(
        COOKIE,
        station.name,
        salt=SALT,
        max_age=KEPT_S,
        httponly=True,
        samesite="Strict",
        secure=request.is_secure(),
    )
    log.warning("this browser is a screen of %s now, by %s", station, request.user)
    messages.success(
        request,
        _("A badge logs people in at this browser now: log out, and scan one."),
    )
    return response


@require_POST
@login_not_required
def badge_login(request: HttpRequest) -> JsonResponse:
    """Log in who shows a badge, at a screen of the bench."""
    screen = screen_of(request)
    try:
        go = _open(request, screen)
    except Refused as error:
        told = Answer(Tone.BAD, _("Not logged in"), [str(fault) for fault in error.faults])
    else:
        told = Answer(Tone.GOOD, request.user.get_username(), go=go)
    return JsonResponse(told.as_json(""))


def _open(request: HttpRequest, screen: str) -> str:
    station = Station.objects.filter(name=screen).first() if screen else None
    if station is None:
        raise CodeRefused(_("Badges log nobody in at this browser: give name and password."))
    code = read(request.POST.get("code", "")[:LONGEST])
    if code.kind != Kind.BADGE:
        raise CodeRefused(_("Scan a badge first, or give name and password."))
    badge = find_badge(code.name, request.META.get("REMOTE_ADDR", ""))
    if badge is None:
        raise CodeRefused(
            _("This badge counts no more: it was taken back, has ended, or is not of this server.")
        )
    if not may_open(badge.user):
        raise CodeRefused(
            _("%s may more than work at the bench, and logs in with a password.") % badge.user
        )
    login(request, badge.user, backend=BACKEND)
    request.session.set_expiry(SESSION_S)
    log.warning("%s logged in by badge %s… at %s", badge.user, badge.begins, station)
    return f"{station.get_absolute_url()}console/"

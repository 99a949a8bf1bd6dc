"""Badges of people: made as a card to print, this once, and taken back."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mppcqa import typed
from mppcqa.codes import Kind, write
from mppcqa.people.badges import make_badge, take_back
from mppcqa.people.models import Badge
from mppcqa.refused import Refused
from mppcqa.reports.labels.fitting import Label, fit
from mppcqa.reports.labels.sheets import tape
from mppcqa.web.access import allowed, person
from mppcqa.web.faults import tell
from mppcqa.web.reading import line

CARD_MM = (85.6, 54.0)
"""A card of ISO/IEC 7810, as printers of badges and holders for them have it."""
SHOWN = 20


def badges_of(user: User) -> list[Badge]:
    """The newest badges of a person, with who made and took them back."""
    return list(user.badges.select_related("made_by", "revoked_by")[:SHOWN])


@require_POST
def own_badge(request: HttpRequest) -> HttpResponse:
    """A badge of one's own, as a card to print."""
    return _make(request, person(request), redirect("own_tokens"))


@require_POST
def own_badge_revoke(request: HttpRequest) -> HttpResponse:
    """Take one's own badge back."""
    _take_back(request, person(request))
    return redirect("own_tokens")


@require_POST
@allowed("auth.change_user")
def person_badge(request: HttpRequest, pk: int) -> HttpResponse:
    """A badge for somebody, as a card to print."""
    return _make(request, get_object_or_404(User, pk=pk), redirect("person_edit", pk))


@require_POST
@allowed("auth.change_user")
def person_badge_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a badge of somebody else back."""
    _take_back(request, get_object_or_404(User, pk=pk))
    return redirect("person_edit", pk)


def _make(request: HttpRequest, user: User, back: HttpResponse) -> HttpResponse:
    days = typed.number(request.POST.get("days")) or 0.0
    note = line(request.POST, "note", 100)
    try:
        row, code = make_badge(user, days, by=person(request), note=note)
    except Refused as error:
        tell(request, error)
        return back
    name = user.get_full_name() or user.get_username()
    label = Label(write(Kind.BADGE, code), name, f"mppcqa {row.begins}")
    card = tape([fit(label, *CARD_MM)], *CARD_MM)
    response = HttpResponse(card, content_type="application/pdf")
    response.headers["Content-Disposition"] = "inline; filename=badge.pdf"
    # The code is in this file alone: no copy stays in a browser's cache.
    response.headers["Cache-Control"] = "no-store"
    return response


def _take_back(request: HttpRequest, user: User) -> None:
    number = typed.whole(request.POST.get("token"))
    row = get_object_or_404(Badge, user=user, pk=number or 0)
    if take_back(row, by=person(request)):
        messages.success(request, _("The badge %s… is taken back.") % row.begins)
    else:
        messages.info(request, _("The badge %s… was taken back before.") % row.begins)

"""Tokens of a person's own programs: made and taken back by the person, or by an administrator."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from mppcqa import typed
from mppcqa.people.models import PersonToken
from mppcqa.people.person_tokens import make_token, take_back
from mppcqa.refused import Refused
from mppcqa.web.access import allowed, person
from mppcqa.web.faults import tell
from mppcqa.web.people.badges import badges_of
from mppcqa.web.reading import line

SHOWN = 50


def tokens_of(user: User) -> list[PersonToken]:
    """The newest tokens of a person, with who made and took them back."""
    rows = PersonToken.objects.filter(user=user).select_related("made_by", "revoked_by")
    return list(rows[:SHOWN])


@require_http_methods(["GET", "POST"])
def own_tokens(request: HttpRequest) -> HttpResponse:
    """One's own tokens; a new one is shown this once."""
    user = person(request)
    context: dict[str, Any] = {}
    if request.method == "POST":
        days = typed.number(request.POST.get("days"))
        try:
            _row, new = make_token(
                user,
                days or 0.0,
                writes="writes" in request.POST,
                by=user,
                note=line(request.POST, "note", 100),
            )
        except Refused as error:
            tell(request, error)
            return redirect("own_tokens")
        address = settings.MPPCQA_URL or f"{request.scheme}://{request.get_host()}"
        context = {"new": new, "address": address}
    context |= {"tokens": tokens_of(user), "badges": badges_of(user)}
    shown = render(request, "web/people/tokens.html", context)
    # No copy of the token stays in a browser's cache or on the way back to this page.
    shown.headers["Cache-Control"] = "no-store"
    return shown


@require_POST
def own_token_revoke(request: HttpRequest) -> HttpResponse:
    """Take one's own token back: it opens nothing more."""
    _take_back(request, person(request))
    return redirect("own_tokens")


@require_POST
@allowed("auth.change_user")
def person_token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a token of somebody else back."""
    _take_back(request, get_object_or_404(User, pk=pk))
    return redirect("person_edit", pk)


def _take_back(request: HttpRequest, user: User) -> None:
    number = typed.whole(request.POST.get("token"))
    row = get_object_or_404(PersonToken, user=user, pk=number or 0)
    if take_back(row, by=person(request)):
        messages.success(request, _("The token %s… is taken back.") % row.begins)
    else:
        messages.info(request, _("The token %s… was taken back before.") % row.begins)

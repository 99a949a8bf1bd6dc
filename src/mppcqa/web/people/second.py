"""One's own second factor: made with the phone, shown once as codes for paper, taken away."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from mppcqa.people import second
from mppcqa.people.models import SecondFactor
from mppcqa.refused import Refused
from mppcqa.reports import qr_svg
from mppcqa.web.access import allowed, person
from mppcqa.web.accounts.confirming import confirm
from mppcqa.web.accounts.second import CODE
from mppcqa.web.faults import tell

SECRET = "second_secret"  # noqa: S105
"""In the session, until a phone has shown that it knows it."""
PASSWORD = "password"  # noqa: S105


@require_http_methods(["GET", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """What there is, how to make one, and after that the codes for paper, this once."""
    user, codes = person(request), []
    if request.method == "POST":
        try:
            codes = _done(request, user)
        except Refused as error:
            tell(request, error)
        if not codes:
            return redirect("second_factor")
    row = SecondFactor.objects.filter(user=user).first()
    context: dict[str, Any] = {
        "row": row,
        "codes": codes,
        "code_field": CODE,
        "demanded": second.is_demanded_of(user),
        **({} if row else _for_phone(request, user)),
    }
    shown = render(request, "web/people/second.html", context)
    # Neither the secret nor the codes stay in a browser's cache.
    shown.headers["Cache-Control"] = "no-store"
    return shown


@require_POST
@allowed("auth.change_user")
def person_second_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take somebody's second factor away, whose phone and paper are lost."""
    user = get_object_or_404(User, pk=pk)
    if user.pk == person(request).pk:
        return redirect("second_factor")  # one's own asks for the password
    if second.take_away(user, by=person(request)):
        messages.success(request, _("The second factor of %s is taken away.") % user)
    else:
        messages.info(request, _("%s has no second factor.") % user)
    return redirect("person_edit", pk)


def _done(request: HttpRequest, user: User) -> list[str]:
    """What the form asks for: codes for paper, or none where there is nothing to be shown."""
    asked, code = request.POST.get("action", ""), request.POST.get(CODE, "")
    pen = confirm(request, request.POST.get(PASSWORD, ""), code)
    if pen.fault:
        raise second.NoSecondFactor(pen.fault)
    if asked == "make":
        codes = second.begin(user, _secret(request), code)
        del request.session[SECRET]
        return codes
    if asked == "codes":
        return second.new_paper_codes(user)
    if asked == "remove":
        if second.is_demanded_of(user):
            raise second.NoSecondFactor(
                _("This server demands a second factor of you: an administrator takes it away.")
            )
        second.take_away(user, by=user)
        messages.success(request, _("From now on your password alone counts."))
    return []


def _for_phone(request: HttpRequest, user: User) -> dict[str, str]:
    secret = _secret(request)
    host = settings.MPPCQA_URL.partition("://")[2] or request.get_host()
    address = second.address_of(user, secret, f"mppcqa {host}".replace(":", " "))
    groups = [secret[at : at + 4] for at in range(0, len(secret), 4)]
    # segno's own markup: squares alone, and nothing of what they say.
    return {"qr": qr_svg(address), "secret": " ".join(groups)}


def _secret(request: HttpRequest) -> str:
    if SECRET not in request.session:
        request.session[SECRET] = second.new_secret()
    return str(request.session[SECRET])

"""Answers to who is not logged in any more, or whose form has a token that counts no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from mppcqa.web.accounts.kept import Kept, from_signed, is_from_here, keep, remember_person
from mppcqa.web.problems import problem

LOGGED_OUT = "mppcqa:logged-out"
"""Event by which a page whose live parts stop learns why."""


class LoginRequired(LoginRequiredMiddleware):
    """Pages are for people who are logged in; a form that comes too late is kept meanwhile."""

    def handle_no_permission(  # type: ignore[override]  # Django takes any answer
        self, request: HttpRequest, view_func: Callable[..., Any]
    ) -> HttpResponse:
        if request.headers.get("HX-Request"):
            return _live_part_ends()
        if request.method == "POST":
            return log_in_and_go_on(request, keep(request))
        answer: HttpResponse = super().handle_no_permission(request, view_func)
        return answer

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        remember_person(request, response)
        return response


def _live_part_ends() -> HttpResponse:
    """Never the log-in's page inside of another, and what is typed there stays."""
    return HttpResponse(status=403, headers={"HX-Trigger": LOGGED_OUT, "HX-Reswap": "none"})


def log_in_and_go_on(request: HttpRequest, kept: Kept) -> HttpResponse:
    """The log-in, with what was typed."""
    signed = kept.signed()
    context = {
        "kept": signed,
        "to_copy": [] if signed else kept.shown,
        "faults": [
            _("You are not logged in any more. Log in: what you typed is kept.")
            if signed
            else _("You are not logged in any more, and the text is too long to be kept: copy it.")
        ],
    }
    return render(request, "web/accounts/login.html", context, status=403)


def send_again(request: HttpRequest, kept: Kept, status: int = 200) -> HttpResponse:
    """What was typed and not saved, to be sent by a click; never by itself."""
    return render(request, "web/accounts/send_again.html", {"kept": kept}, status=status)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form with a token that does not count: of another site, or older than a log-in."""
    if request.headers.get("HX-Request"):
        return _live_part_ends()
    if not is_from_here(request):
        return problem(
            request,
            403,
            _("Not accepted"),
            _(
                "This did not come from a page of this site, or your browser blocks cookies. "
                "Nothing was changed. Open the page here and try again."
            ),
        )
    kept = keep(request)
    if request.path in (reverse("account_login"), reverse("login_code")):
        # The log-in itself was older than another one; what it carried goes on.
        carried = from_signed(request.POST.get("kept", ""))
        if carried is not None:
            kept = carried
        else:
            kept = Kept(reverse("home"), [], [], None)
            text = _("This page was too old. Log in here.")
            return render(request, "web/accounts/login.html", {"faults": [text]}, status=403)
    if request.user.is_authenticated and kept.is_for(request.user):
        return send_again(request, kept, 403)
    return log_in_and_go_on(request, kept)

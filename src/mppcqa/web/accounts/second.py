"""The second factor on pages: asked for at the log-in, and of whom it is demanded, made first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import allauth.account.forms  # noqa: F401  its modules import each other; this one comes first
from allauth.account.stages import LoginStage, LoginStageController
from allauth.core import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from mppcqa.people.second import is_demanded_of, is_right, second_factor_of
from mppcqa.web.accounts.adapter import log_failure
from mppcqa.web.accounts.kept import from_signed, keep
from mppcqa.web.accounts.lost import send_again
from mppcqa.web.accounts.provider import factor_is_theirs

CODE = "password_code"
"""Field of forms; what has "password" in its name is never carried on to another page."""
LONGEST = 40
WITHOUT = {"second_factor", "account_logout", "set_language", "documentation_page"}
"""Pages for who must make a second factor first."""


class CodeStage(LoginStage):  # type: ignore[misc]  # allauth has no types
    """Between the right password and being logged in."""

    key = "mppcqa-code"
    urlname = "login_code"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        """The way to the page that asks, where there is something to ask for."""
        user = self.login.user
        if second_factor_of(user) is None or factor_is_theirs(self.request, user):
            return None, True
        return redirect("login_code"), True


def fault_of_code(request: HttpRequest, user: Any, code: str) -> str:
    """Empty where it is the person's code. Wrong ones slow down as wrong passwords do."""
    key = f"code-{user.pk}"
    if not ratelimit.consume(request, action="login_failed", key=key):
        log_failure(request, user.get_username(), "right, code not tried, too many were wrong")
        return _("Too many wrong codes. Wait five minutes and try again.")
    if is_right(user, code[:LONGEST]):
        ratelimit.clear(request, action="login_failed", key=key)
        return ""
    log_failure(request, user.get_username(), "right, code wrong")
    return _("The code is wrong, or was used already: wait for the next one.")


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def login_code(request: HttpRequest) -> HttpResponse:
    """The code of the phone, for who gave the right password just now."""
    stage = LoginStageController.enter(request, CodeStage.key)
    if request.user.is_authenticated or stage is None:
        return redirect("home" if request.user.is_authenticated else "account_login")
    if request.method != "POST":
        return ask_code(request)
    fault = fault_of_code(request, stage.login.user, request.POST.get(CODE, ""))
    if fault:
        return ask_code(request, fault)
    answer: HttpResponse = stage.exit()
    kept = from_signed(request.POST.get("kept", ""))
    if kept is not None and kept.is_for(request.user):
        return send_again(request, kept)
    return answer


def ask_code(request: HttpRequest, fault: str = "") -> HttpResponse:
    """The page that asks, with what was typed before the log-in."""
    context = {"fault": fault, "kept": request.POST.get("kept", ""), "field": CODE}
    return render(request, "web/accounts/code.html", context)


class Demanded:
    """Who must have a second factor and has none sees the page that makes one, and no other."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: Any, _arguments: Any, _named: Any
    ) -> HttpResponse | None:
        """The way there, or None where nothing is missing."""
        user = request.user
        if settings.MPPCQA_SECOND_FACTOR == "offered" or not user.is_authenticated:
            return None
        match = request.resolver_match
        if match is not None and match.url_name in WITHOUT:
            return None
        if second_factor_of(user) is not None or not is_demanded_of(user):
            return None
        if factor_is_theirs(request, user):
            return None
        if request.headers.get("HX-Request"):
            return HttpResponse(status=403, headers={"HX-Reswap": "none"})
        if request.method == "POST":
            text = _("Make your second factor first, on its page; then send this again.")
            messages.warning(request, text)
            return send_again(request, keep(request), 403)
        return redirect("second_factor")

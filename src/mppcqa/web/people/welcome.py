"""Coming in: a password behind a link, and the first administrator of an installation."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from mppcqa.people import actions
from mppcqa.people.first import forget_first_code, is_first_code
from mppcqa.people.second import second_factor_of
from mppcqa.refused import Refused
from mppcqa.web.faults import tell_form
from mppcqa.web.people.forms import FirstForm, PasswordForm
from mppcqa.web.problems import problem
from mppcqa.web.reading import sent


@login_not_required
@require_http_methods(["GET", "POST"])
def come(request: HttpRequest, account: str, token: str) -> HttpResponse:
    """Choose a password behind the link that an administrator handed over."""
    user = actions.who_comes(account, token)
    if user is None:
        text = _("This link was used, is too old or was cut off. Ask for another one.")
        return problem(request, 404, _("This link opens nothing"), text)
    form = PasswordForm(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            user = actions.come_in(account, token, form.cleaned_data["password"])
        except Refused as error:
            tell_form(form, error)
        else:
            return _logged_in(request, user)
    return _asked(request, form, user)


@login_not_required
@require_http_methods(["GET", "POST"])
def first(request: HttpRequest) -> HttpResponse:
    """Make the first administrator, for who can read what `mppcqa run` prints."""
    if not is_first_code(request.GET.get("code", "")):
        text = _(
            "There is an administrator already, or the address is not the one that mppcqa printed "
            "when it was started. Log in, or ask an administrator for an account."
        )
        return problem(request, 404, _("This link opens nothing"), text)
    form = FirstForm(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            user = actions.make_first_administrator(
                form.cleaned_data["username"], form.cleaned_data["password"]
            )
        except Refused as error:
            tell_form(form, error)
        else:
            forget_first_code()
            return _logged_in(request, user)
    return _asked(request, form, None)


def _asked(request: HttpRequest, form: PasswordForm, user: User | None) -> HttpResponse:
    context = {"form": form, "row": user}
    status = 422 if request.method == "POST" else 200
    shown = render(request, "web/people/welcome.html", context, status=status)
    shown.headers["Cache-Control"] = "no-store"
    return shown


def _logged_in(request: HttpRequest, user: User) -> HttpResponse:
    if second_factor_of(user) is not None:
        # The link stands for the password, and not for the phone.
        messages.success(request, _("Your password is kept. Log in with it."))
        return redirect("account_login")
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    messages.success(request, _("Welcome, %s.") % user)
    return redirect("home")

"""Accounts: the list, inviting, changing, keeping out, and a new link for who lost the password."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from mppcqa.people import actions
from mppcqa.people.roles import ROLES
from mppcqa.refused import Refused
from mppcqa.web import edits
from mppcqa.web.access import allowed, person
from mppcqa.web.faults import tell, tell_form
from mppcqa.web.listing.views import show_list
from mppcqa.web.people.badges import badges_of
from mppcqa.web.people.forms import PersonForm
from mppcqa.web.people.listing import PEOPLE, role_title, standing
from mppcqa.web.people.tokens import tokens_of
from mppcqa.web.reading import sent


@require_http_methods(["GET", "POST"])
@allowed("auth.view_user")
def person_list(request: HttpRequest) -> HttpResponseBase:
    """Accounts with their roles."""
    return show_list(request, PEOPLE, "web/people/list.html")


@require_http_methods(["GET", "POST"])
@allowed("auth.add_user")
def person_invite(request: HttpRequest) -> HttpResponse:
    """Make an account; the next page has the link for the person, this once."""
    form = PersonForm(sent(request))
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            made = actions.invite(
                told["username"],
                form.chosen or ROLES["viewer"],
                email=told["email"],
                institute=told["institute"],
                campaign=told["campaign"],
                by=person(request),
            )
        except Refused as error:
            tell_form(form, error)
        else:
            return _show_link(request, made)
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "roles": ROLES.values()}
    return render(request, "web/people/person.html", context, status=status)


@require_http_methods(["GET", "POST"])
@allowed("auth.change_user")
def person_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change what a person may do and sees."""
    with edits.changing(request):
        user = _user(pk)
        row = edits.locked(User, pk=pk)
        edit = edits.begin(
            request, row, edits.parts_of(PersonForm(user=user)), reverse("person_list")
        )
        if edit.conflict:
            return edit.both()
        form = PersonForm(edit.data, user=user)
        if request.method == "POST" and form.is_valid():
            told = form.cleaned_data
            try:
                actions.change(
                    user,
                    form.chosen,
                    institute=told["institute"],
                    campaign=told["campaign"],
                    email=told["email"],
                    by=person(request),
                )
            except Refused as error:
                tell_form(form, error)
            else:
                edit.saved(row, edits.parts_of(PersonForm(user=_user(pk))))
                messages.success(request, _("%s is saved.") % user)
                return redirect("person_list")
    context = {
        "form": form,
        "edit": edit,
        "row": user,
        "standing": standing(user),
        "role_title": role_title(user),
        "elsewhere": actions.logs_in_elsewhere(user),
        "waits": actions.waits_for_password(user),
        "own": user.pk == person(request).pk,
        "roles": ROLES.values(),
        "tokens": tokens_of(user),
        "badges": badges_of(user),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "web/people/person.html", context, status=status)


@require_POST
@allowed("auth.change_user")
def person_link(request: HttpRequest, pk: int) -> HttpResponse:
    """A new link for a person, whose password of before counts no more."""
    user = get_object_or_404(User, pk=pk)
    try:
        actions.take_password(user, by=person(request))
    except Refused as error:
        tell(request, error)
        return redirect("person_edit", pk)
    return _show_link(request, _user(pk))


@require_POST
@allowed("auth.change_user")
def person_access(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep a person out, or let the person in again."""
    user = get_object_or_404(User, pk=pk)
    out = request.POST.get("access") == "out"
    try:
        (actions.keep_out if out else actions.let_in)(user, by=person(request))
    except Refused as error:
        tell(request, error)
        return redirect("person_edit", pk)
    text = _("%s is kept out from now on.") if out else _("%s may log in again.")
    messages.success(request, text % user)
    return redirect("person_list")


def _user(pk: int) -> Any:
    rows = User.objects.select_related(
        *("person__institute", "person__campaign"), "second_factor", "outside"
    )
    return get_object_or_404(rows.prefetch_related("groups"), pk=pk)


def _show_link(request: HttpRequest, user: User) -> HttpResponse:
    address = settings.MPPCQA_URL or f"{request.scheme}://{request.get_host()}"
    link = f"{address}{reverse('person_comes', args=actions.way_in(user))}"
    mailed = bool(user.email) and _mail(user, link)
    context = {"row": user, "link": link, "mailed": mailed}
    shown = render(request, "web/people/link.html", context)
    # No copy of the link stays in a browser's cache or on the way back to this page.
    shown.headers["Cache-Control"] = "no-store"
    return shown


def _mail(user: User, link: str) -> bool:
    """Whether the link went out by e-mail; without a server for that, nobody tries."""
    if settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        return False
    text = _(
        "You have an account of mppcqa, the quality assurance of MPPCs, with the user name "
        "%(name)s. Choose a password here; the link counts once, for a week:\n\n%(link)s\n"
    ) % {"name": user.get_username(), "link": link}
    try:
        return bool(send_mail(_("Your account of mppcqa"), text, None, [user.email]))
    except OSError:
        return False

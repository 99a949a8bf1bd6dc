"""Cases: opened on the page of a device, handed over, decided; the list of them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mppcqa.inventory import deciding
from mppcqa.inventory.cases import Case
from mppcqa.inventory.models import Device
from mppcqa.inventory.serials import normal_serial
from mppcqa.refused import Refused
from mppcqa.views.verdict import standing_states
from mppcqa.web.access import allowed, person
from mppcqa.web.cases.listing import CASES
from mppcqa.web.faults import tell, tell_form
from mppcqa.web.listing.views import show_list
from mppcqa.web.reading import sent, whole
from mppcqa.web.stages import stage_titles


def _people() -> Any:
    return User.objects.filter(is_active=True).order_by("username")


class OpenForm(forms.Form):
    """What is not right, and who sees to it."""

    reason = forms.CharField(label=gettext_lazy("What is not right"), max_length=300)
    in_charge = forms.ModelChoiceField(
        label=gettext_lazy("In charge"), queryset=User.objects.none(), required=False
    )

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        field = self.fields["in_charge"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101
        field.queryset = _people()


class DecideForm(forms.Form):
    """What becomes of the device, and why."""

    disposition = forms.ChoiceField(
        label=gettext_lazy("What becomes of it"),
        choices=[one for one in Case.Disposition.choices if one[0]],
        widget=forms.RadioSelect,
    )
    why = forms.CharField(label=gettext_lazy("Why"), max_length=300)


@require_http_methods(["GET", "POST"])
def case_list(request: HttpRequest) -> HttpResponseBase:
    """All cases, the newest first."""
    return show_list(request, CASES, "web/cases/list.html")


def _find(request: HttpRequest, pk: int) -> Case:
    rows = Case.objects.visible_to(request.user)
    people = ("in_charge", "opened_by", "decided_by")
    rows = rows.select_related("device__device_type", "device__lot", *people)
    return get_object_or_404(rows, pk=pk)


@require_GET
def case(request: HttpRequest, pk: int) -> HttpResponse:
    """One case: what, who, what was decided, and the claim to the maker."""
    return _page(request, _find(request, pk))


def _page(request: HttpRequest, found: Case, form: DecideForm | None = None) -> HttpResponse:
    titles = stage_titles()
    states = standing_states([found.device_id]).get(found.device_id, {})
    context = {
        "case": found,
        "device": found.device,
        "form": form or DecideForm(),
        "people": [(one.pk, one.get_username()) for one in _people()],
        "verdicts": [(titles.get(key, key), *state) for key, state in states.items()],
    }
    refused = form is not None
    return render(request, "web/cases/case.html", context, status=422 if refused else 200)


@require_http_methods(["GET", "POST"])
@allowed("inventory.add_case")
def open_case(request: HttpRequest, serial: str) -> HttpResponse:
    """Say what is not right with a device; it is held from then on."""
    seen = Device.objects.visible_to(request.user)
    device = get_object_or_404(seen, serial=normal_serial(serial))
    known = device.cases.filter(decided_at=None).first()
    if known is not None and request.method == "GET":
        return redirect(known)
    me = person(request)
    form = OpenForm(sent(request), initial={"in_charge": me.pk})
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            made = deciding.open_case(
                device, values["reason"], in_charge=values["in_charge"], by=me
            )
        except Refused as error:
            tell_form(form, error)
        else:
            messages.success(request, _("%s is on hold until it is decided.") % device.serial)
            return redirect(made)
    context = {"form": form, "device": device}
    return render(request, "web/cases/open.html", context, status=422 if form.errors else 200)


@require_POST
@allowed("inventory.change_case")
def hand_over(request: HttpRequest, pk: int) -> HttpResponse:
    """Name somebody else who sees to it."""
    found = _find(request, pk)
    wanted = whole(request.POST, "in_charge")
    somebody = _people().filter(pk=wanted).first() if wanted is not None else None
    try:
        deciding.hand_over(found, somebody)
    except Refused as error:
        tell(request, error)
    else:
        messages.success(request, _("In charge: %s.") % (somebody or "—"))
    return redirect(found)


@require_POST
@allowed("inventory.change_case")
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Decide what becomes of the device, and do it."""
    found = _find(request, pk)
    form = DecideForm(request.POST)
    if form.is_valid():
        values = form.cleaned_data
        try:
            deciding.decide(found, values["disposition"], values["why"], by=person(request))
        except Refused as error:
            tell_form(form, error)
        else:
            messages.success(request, _("It is decided."))
            return redirect(found)
    return _page(request, found, form)

"""Partners: their keys, ours, and what they measured of a device beside what we did."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mppcqa.bundles.keys import (
    card,
    ours,
    public_of_ours,
    register_key,
    rename_ours,
    revoke_key,
)
from mppcqa.bundles.models import Installation, Key
from mppcqa.bundles.side_by_side import side_by_side
from mppcqa.inventory.models import Device
from mppcqa.inventory.serials import normal_serial
from mppcqa.keyfile import fingerprint
from mppcqa.refused import Refused
from mppcqa.web.access import allowed, person
from mppcqa.web.faults import tell, tell_form
from mppcqa.web.reading import line


class KeyForm(forms.Form):
    """A partner's key, with what the partner says of it by telephone."""

    line = forms.CharField(
        label=gettext_lazy("The partner's line"),
        max_length=400,
        help_text=gettext_lazy("It begins with mppcqa-key, and may come by e-mail."),
    )
    told = forms.CharField(
        label=gettext_lazy("Fingerprint, as the partner read it to you"),
        max_length=100,
        help_text=gettext_lazy(
            "Ten groups of four digits and letters. Let the partner read them by telephone: what "
            "came with the line proves nothing."
        ),
    )
    name = forms.CharField(
        label=gettext_lazy("Name, if not the one in the line"), max_length=100, required=False
    )


@require_http_methods(["GET", "POST"])
@allowed("bundles.view_key")
def partner_list(request: HttpRequest) -> HttpResponse:
    """Partners with their keys, our own, and a new one."""
    form = KeyForm(request.POST if "line" in request.POST else None)
    if request.method == "POST":
        answer: HttpResponse | None
        answer = _rename(request) if "our_name" in request.POST else _register(request, form)
        if answer is not None:
            return answer
    context: dict[str, Any] = {"form": form, "ours": ours(), "partners": _partners()}
    try:
        context |= {"card": card(), "fingerprint": fingerprint(public_of_ours())}
    except Refused as error:
        context["faults"] = error.faults
    status = 422 if request.method == "POST" else 200
    return render(request, "web/bundles/partners.html", context, status=status)


def _partners() -> list[tuple[Installation, list[tuple[Key, str]]]]:
    rows = Installation.objects.filter(is_ours=False).prefetch_related("keys__registered_by")
    return [(one, [(key, fingerprint(key.public)) for key in one.keys.all()]) for one in rows]


@allowed("bundles.add_key")
def _register(request: HttpRequest, form: KeyForm) -> HttpResponse | None:
    if not form.is_valid():
        return None
    values = form.cleaned_data
    try:
        made = register_key(values["line"], values["told"], name=values["name"], by=person(request))
    except Refused as error:
        tell_form(form, error)
        return None
    messages.success(request, _("Bundles of %s are taken from now on.") % made.installation)
    return redirect("partner_list")


@allowed("bundles.change_installation")
def _rename(request: HttpRequest) -> HttpResponse | None:
    try:
        rename_ours(line(request.POST, "our_name", 100))
    except Refused as error:
        tell(request, error)
    return redirect("partner_list")


@require_POST
@allowed("bundles.change_key")
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Take nothing more that a key signs."""
    key = get_object_or_404(Key, pk=pk, installation__is_ours=False)
    try:
        revoke_key(key, line(request.POST, "why", 300), by=person(request))
    except Refused as error:
        tell(request, error)
    else:
        messages.success(request, _("The key is revoked; what came in before stays."))
    return redirect("partner_list")


@require_GET
def partner_results(request: HttpRequest, serial: str) -> HttpResponse:
    """What partners measured of a device, beside what was measured here."""
    rows = Device.objects.visible_to(request.user)
    found = get_object_or_404(rows, serial=normal_serial(serial))
    return render(request, "web/bundles/results.html", {"view": side_by_side(found)})

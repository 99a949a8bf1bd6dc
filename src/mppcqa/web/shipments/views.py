"""Shipments between institutes: sent by scanning, received by scanning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from mppcqa.codes import scanned_serial
from mppcqa.inventory.models import Institute, Shipment
from mppcqa.inventory.receiving import Arrival, arrival, receive
from mppcqa.inventory.scope import scope_of
from mppcqa.inventory.shipping import (
    Look,
    look,
    pack,
    pack_more,
    send,
    send_packed,
    unpack,
)
from mppcqa.refused import Refused
from mppcqa.web.access import allowed, person
from mppcqa.web.listing.views import show_list
from mppcqa.web.reading import sent
from mppcqa.web.shipments.listing import SHIPMENTS
from mppcqa.web.signing.asking import pen, signs, told_or_waits

SHOWN = 2000


class ShipmentForm(forms.Form):
    """What goes where."""

    origin = forms.ModelChoiceField(Institute.objects.all(), label=gettext_lazy("From"))
    destination = forms.ModelChoiceField(Institute.objects.all(), label=gettext_lazy("To"))
    reference = forms.CharField(
        label=gettext_lazy("Tracking number"), max_length=100, required=False
    )
    note = forms.CharField(label=gettext_lazy("Note"), required=False)
    exempt = forms.ChoiceField(
        choices=Shipment.Exempt.choices,
        label=gettext_lazy("Devices that fail or are on hold"),
        required=False,
    )
    exempt_why = forms.CharField(
        label=gettext_lazy("Reason why they may go"), max_length=300, required=False
    )
    serials = forms.CharField(
        label=gettext_lazy("Devices"),
        widget=forms.Textarea(
            attrs={"class": "paste", "rows": 8, "spellcheck": "false", "data-takes-scans": True}
        ),
        help_text=gettext_lazy(
            "Scan one after the other; each on a line of its own. The name of a tray stands for "
            "all that is in it."
        ),
    )


def _scanned(text: str) -> list[str]:
    return [scanned_serial(word) for word in text.replace(",", "\n").replace(";", "\n").split()]


def _damaged(text: str) -> dict[str, str]:
    """Lines of a serial number and what is wrong with it."""
    lines = (one.split(maxsplit=1) for one in text.splitlines() if one.strip())
    return {scanned_serial(words[0]): (words[1:] or [""])[0].strip()[:250] for words in lines}


@require_http_methods(["GET", "POST"])
def shipment_list(request: HttpRequest) -> HttpResponseBase:
    """Shipments, the newest first."""
    return show_list(request, SHIPMENTS, "web/shipments/list.html")


@require_http_methods(["GET", "POST"])
@allowed("inventory.add_shipment")
@signs
def shipment_new(request: HttpRequest) -> HttpResponse:
    """Send devices, after a look at what may go."""
    form = ShipmentForm(sent(request))
    faults: Sequence[str] = []
    if request.method == "POST" and ("look" in request.POST or "keep" in request.POST):
        return _look(request)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            what: dict[str, Any] = {
                name: values[name] for name in ("reference", "note", "exempt", "exempt_why")
            }
            where = values["origin"], values["destination"], _scanned(values["serials"])
            if only_packed := "pack" in request.POST:
                made = pack(*where, **what, by=person(request))
            else:
                made = send(*where, **what, by=pen(request))
        except Refused as error:
            faults = error.faults
        else:
            text = _("The shipment is on its way.") if made.sent_at else _("The box is packed.")
            told_or_waits(request, only_packed or made.sent_at, text)
            return redirect("shipment", made.pk)
    context = {"form": form, "faults": faults}
    status = 422 if request.method == "POST" else 200
    return render(request, "web/shipments/new.html", context, status=status)


def _look(request: HttpRequest) -> HttpResponse:
    """The form as it was typed, with what may go and what may not; nothing is changed."""
    typed = request.POST.copy()
    shown: Look | None = None
    origin = ShipmentForm(typed)
    origin.is_valid()
    place = origin.cleaned_data.get("origin")
    if place is not None:
        scanned, excused = _scanned(typed.get("serials", "")), bool(typed.get("exempt"))
        shown = look(place, scanned, excused=excused, viewer=request.user)
        if "keep" in typed:
            typed["serials"] = "\n".join(shown.may_go)
            shown = Look(shown.may_go, [])
    form = ShipmentForm(initial=typed.dict()) if place is not None else origin
    context = {"form": form, "faults": [], "look": shown}
    return render(request, "web/shipments/new.html", context)


@require_http_methods(["GET", "POST"])
@signs
def shipment(request: HttpRequest, pk: int) -> HttpResponse:
    """One shipment, and its arrival."""
    found = get_object_or_404(
        Shipment.objects.visible_to(request.user).select_related(
            "origin", "destination", "packed_by", "sent_by", "received_by"
        ),
        pk=pk,
    )
    faults: Sequence[str] = []
    typed = request.POST.get("serials", "")
    shown: Arrival | None = None
    if request.method == "POST" and "look" in request.POST and found.sent_at:
        shown = arrival(found, _scanned(typed), _damaged(request.POST.get("damaged", "")))
    elif request.method == "POST":
        faults = (_receive if found.sent_at else _box)(request, found, typed)
        if not faults:
            return redirect("shipment", pk) if found.pk else redirect("shipment_list")
    inside = found.devices.visible_to(request.user).order_by("serial")
    missing = found.missing.visible_to(request.user).order_by("serial")
    context: dict[str, Any] = {
        "shipment": found,
        "devices": inside.select_related("location")[:SHOWN],
        "missing": missing[:SHOWN] if found.received_at else [],
        "faults": faults,
        "typed": typed,
        "typed_damaged": request.POST.get("damaged", ""),
        "arrival": shown,
        "differences": list(found.differences.select_related("noted_by")[:SHOWN]),
        "whole": not scope_of(request.user).bound,
    }
    return render(request, "web/shipments/shipment.html", context, status=422 if faults else 200)


@allowed("inventory.change_shipment")
def _receive(request: HttpRequest, found: Shipment, typed: str) -> Any:
    try:
        n = receive(
            found,
            _scanned(typed),
            damaged=_damaged(request.POST.get("damaged", "")),
            missing_is_known="missing_is_known" in request.POST,
            others_are_known="others_are_known" in request.POST,
            by=person(request),
        )
    except Refused as error:
        return error.faults
    messages.success(request, _("%d devices are received.") % n)
    return []


@allowed("inventory.change_shipment")
def _box(request: HttpRequest, found: Shipment, typed: str) -> Any:
    """A box that is packed leaves, or gets more, or devices (some, or all) come out again."""
    try:
        if "send" in request.POST:
            told_or_waits(
                request, send_packed(found, by=pen(request)), _("The shipment is on its way.")
            )
            return []
        if "more" in request.POST:
            n = pack_more(found, _scanned(typed), by=person(request))
            messages.success(request, _("%d devices are packed.") % n)
            return []
        serials = None if "all" in request.POST else _scanned(typed)
        n = unpack(found, serials, by=person(request))
    except Refused as error:
        return error.faults
    messages.success(request, _("%d devices are unpacked.") % n)
    return []

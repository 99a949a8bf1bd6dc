"""Shipments between institutes: sent by scanning, received by scanning."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from mppcqa.inventory.models import Institute, Shipment
from mppcqa.inventory.shipping import ShipmentRefused, receive, send
from mppcqa.web.access import allowed
from mppcqa.web.paging import keyset_page
from mppcqa.web.views.find import scanned_serial

SHOWN = 2000


class ShipmentForm(forms.Form):
    """What goes where."""

    origin = forms.ModelChoiceField(Institute.objects.all(), label=gettext_lazy("From"))
    destination = forms.ModelChoiceField(Institute.objects.all(), label=gettext_lazy("To"))
    reference = forms.CharField(
        label=gettext_lazy("Tracking number"), max_length=100, required=False
    )
    note = forms.CharField(label=gettext_lazy("Note"), required=False)
    serials = forms.CharField(
        label=gettext_lazy("Devices"),
        widget=forms.Textarea(attrs={"class": "paste", "rows": 8, "spellcheck": "false"}),
        help_text=gettext_lazy("Scan one after the other; each on a line of its own."),
    )


def _scanned(text: str) -> list[str]:
    return [scanned_serial(word) for word in text.replace(",", "\n").replace(";", "\n").split()]


@require_GET
def shipment_list(request: HttpRequest) -> HttpResponse:
    """Shipments, the newest first."""
    page = keyset_page(
        Shipment.objects.all(),
        request.GET,
        key="id",
        descending=True,
        show=lambda rows: rows.select_related("origin", "destination"),
    )
    counts = dict(
        Shipment.objects.filter(pk__in=[row.pk for row in page.rows])
        .annotate(n=Count("devices"))
        .values_list("pk", "n")
    )
    for row in page.rows:
        row.n_devices = counts.get(row.pk, 0)
    return render(request, "web/shipment_list.html", {"page": page})


@require_http_methods(["GET", "POST"])
@allowed("inventory.add_shipment")
def shipment_new(request: HttpRequest) -> HttpResponse:
    """Send devices."""
    form = ShipmentForm(request.POST or None)
    faults: list[str] = []
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            made = send(
                values["origin"],
                values["destination"],
                _scanned(values["serials"]),
                reference=values["reference"],
                note=values["note"],
                by=request.user,
            )
        except ShipmentRefused as error:
            faults = error.faults
        else:
            messages.success(request, _("The shipment is on its way."))
            return redirect("shipment", made.pk)
    context = {"form": form, "faults": faults}
    status = 422 if request.method == "POST" else 200
    return render(request, "web/shipment_new.html", context, status=status)


@require_http_methods(["GET", "POST"])
def shipment(request: HttpRequest, pk: int) -> HttpResponse:
    """One shipment, and its arrival."""
    found = get_object_or_404(
        Shipment.objects.select_related("origin", "destination", "sent_by", "received_by"), pk=pk
    )
    faults: list[str] = []
    typed = request.POST.get("serials", "")
    if request.method == "POST":
        faults = _receive(request, found, typed)
        if not faults:
            return redirect("shipment", pk)
    context: dict[str, Any] = {
        "shipment": found,
        "devices": found.devices.order_by("serial").select_related("location")[:SHOWN],
        "missing": list(found.missing.order_by("serial")[:SHOWN]) if found.received_at else [],
        "faults": faults,
        "typed": typed,
    }
    return render(request, "web/shipment.html", context, status=422 if faults else 200)


@allowed("inventory.change_shipment")
def _receive(request: HttpRequest, found: Shipment, typed: str) -> Any:
    try:
        n = receive(
            found,
            _scanned(typed),
            missing_is_known="missing_is_known" in request.POST,
            others_are_known="others_are_known" in request.POST,
            by=request.user,
        )
    except ShipmentRefused as error:
        return error.faults
    messages.success(request, _("%d devices are received.") % n)
    return []

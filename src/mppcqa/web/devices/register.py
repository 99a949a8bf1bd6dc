"""Registering one device by a form; tables of them come by `views.imports`."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from mppcqa.codes import scanned_serial
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import DeviceType, Institute
from mppcqa.refused import Refused
from mppcqa.web.access import allowed, person
from mppcqa.web.faults import tell_form


class DeviceForm(forms.Form):
    """One device. Rules about it live in the inventory's action; here are only the boxes."""

    serial = forms.CharField(
        label=gettext_lazy("Serial number"),
        max_length=500,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "spellcheck": "false",
                "class": "serial",
                "autofocus": True,
                "data-takes-scans": True,
            }
        ),
        help_text=gettext_lazy("Scan or type it."),
    )
    device_type = forms.ModelChoiceField(DeviceType.objects.all(), label=gettext_lazy("Type"))
    lot = forms.CharField(label=gettext_lazy("Lot"), max_length=100, required=False)
    location = forms.ModelChoiceField(
        Institute.objects.all(), label=gettext_lazy("Where it is"), required=False
    )

    def row(self) -> dict[str, Any]:
        """The device as a row of a table, which is what the action takes."""
        values = self.cleaned_data
        row = {
            "serial": scanned_serial(values["serial"]),
            "device_type": values["device_type"].name,
            "lot": values["lot"],
            "location": values["location"].name if values["location"] else "",
        }
        return {key: value for key, value in row.items() if value}


@require_http_methods(["GET", "POST"])
@allowed("inventory.add_device")
def register(request: HttpRequest) -> HttpResponse:
    """One device; after it the form is ready for the next of the same type and place."""
    if request.method == "GET":
        # One type is no choice.
        kept = request.session.get("register", {})
        form = DeviceForm(initial=kept or _only_one())
        return render(request, "web/devices/register.html", {"form": form})
    form = DeviceForm(request.POST)
    if form.is_valid():
        try:
            register_devices([form.row()], by=person(request))
        except Refused as error:
            tell_form(form, error)
        else:
            return _registered(request, form)
    return render(request, "web/devices/register.html", {"form": form}, status=422)


def _only_one() -> dict[str, Any]:
    types = list(DeviceType.objects.values_list("pk", flat=True)[:2])
    return {"device_type": types[0]} if len(types) == 1 else {}


def _registered(request: HttpRequest, form: DeviceForm) -> HttpResponse:
    serial = form.row()["serial"]
    messages.success(request, _("%s is registered.") % serial)
    values = form.cleaned_data
    kept = {
        "device_type": values["device_type"].pk,
        "lot": values["lot"],
        "location": values["location"].pk if values["location"] else None,
    }
    # The next of the same type and place: a session is written only where it changes.
    if request.session.get("register") != kept:
        request.session["register"] = kept
    if "next" in request.POST:
        return redirect("device_register")
    return redirect("device", serial)

"""Registering devices: one by a form, many by a pasted or uploaded table."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Device, DeviceType, Institute
from mppcqa.web.access import allowed
from mppcqa.web.faults import ACTION_FAULTS, Located, located_faults
from mppcqa.web.table import HEADS, MAX_BYTES, decode, read_table
from mppcqa.web.views.find import scanned_serial

PREVIEW = 200


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


class TableForm(forms.Form):
    """A table, and what fills cells that it leaves empty."""

    text = forms.CharField(
        label=gettext_lazy("Table"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"class": "paste", "rows": 12, "spellcheck": "false"}),
    )
    file = forms.FileField(label=gettext_lazy("or a file (CSV)"), required=False)
    device_type = forms.ModelChoiceField(
        DeviceType.objects.all(),
        label=gettext_lazy("Type where the table has none"),
        required=False,
    )
    location = forms.ModelChoiceField(
        Institute.objects.all(),
        label=gettext_lazy("Place where the table has none"),
        required=False,
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file is not None and file.size > MAX_BYTES:
            raise forms.ValidationError(
                _("The file has %(size)d MB; at most %(most)d MB are read. Split it.")
                % {"size": file.size >> 20, "most": MAX_BYTES >> 20}
            )
        return file

    def defaults(self) -> dict[str, str]:
        chosen = {key: self.cleaned_data.get(key) for key in ("device_type", "location")}
        return {key: value.name for key, value in chosen.items() if value}


@require_http_methods(["GET", "POST"])
@allowed("inventory.add_device")
def register(request: HttpRequest) -> HttpResponse:
    """One device; after it the form is ready for the next of the same type and place."""
    if request.method == "GET":
        # One type is no choice.
        kept = request.session.get("register", {})
        form = DeviceForm(initial=kept or _only_one())
        return render(request, "web/device_register.html", {"form": form})
    form = DeviceForm(request.POST)
    if form.is_valid():
        try:
            register_devices([form.row()], by=request.user)
        except ACTION_FAULTS as error:
            for fault in located_faults(error):
                form.add_error(fault.column if fault.column in form.fields else None, fault.text)
        else:
            return _registered(request, form)
    return render(request, "web/device_register.html", {"form": form}, status=422)


def _only_one() -> dict[str, Any]:
    types = list(DeviceType.objects.values_list("pk", flat=True)[:2])
    return {"device_type": types[0]} if len(types) == 1 else {}


def _registered(request: HttpRequest, form: DeviceForm) -> HttpResponse:
    serial = form.row()["serial"]
    messages.success(request, _("%s is registered.") % serial)
    values = form.cleaned_data
    request.session["register"] = {
        "device_type": values["device_type"].pk,
        "lot": values["lot"],
        "location": values["location"].pk if values["location"] else None,
    }
    if "next" in request.POST:
        return redirect("device_register")
    return redirect("device", serial)


@require_http_methods(["GET", "POST"])
@allowed("inventory.add_device")
def import_table(request: HttpRequest) -> HttpResponse:
    """A table of devices: all of it, or none and every fault at once."""
    if request.method == "GET":
        form = TableForm(initial=_only_one())
        return render(request, "web/device_import.html", _import_context(form))
    form = TableForm(request.POST, request.FILES)
    if not form.is_valid():
        return render(request, "web/device_import.html", _import_context(form), status=422)
    file = form.cleaned_data["file"]
    text = decode(file.read()) if file else form.cleaned_data["text"]
    if file:
        # The text of the file is put into the box, so that it can be mended right there.
        data = request.POST.copy()
        data["text"] = text
        form = TableForm(data)
        form.is_valid()
    table = read_table(text, form.defaults())
    faults = [Located(None, "", line) for line in table.faults]
    if table.rows and not faults:
        try:
            register_devices(table.rows, by=request.user)
        except ACTION_FAULTS as error:
            faults = located_faults(error)
        else:
            count = len(table.rows)
            done = ngettext("%d device is registered.", "%d devices are registered.", count) % count
            messages.success(request, done)
            return redirect("device_list")
    context = _import_context(form) | _preview(table, faults)
    return render(request, "web/device_import.html", context, status=422)


def _import_context(form: TableForm) -> dict[str, Any]:
    return {"form": form, "types": DeviceType.objects.all(), "has_devices": Device.objects.exists()}


def _preview(table: Any, faults: list[Located]) -> dict[str, Any]:
    """The table as it was read, with the faulty cells marked."""
    columns = [head for head in HEADS if any(head in row for row in table.rows)]
    by_row: dict[int, list[Located]] = {}
    for fault in faults:
        if fault.row is not None:
            by_row.setdefault(fault.row, []).append(fault)
    rows = []
    # Lines with faults first come to mind; of the rest, as many as a person may want to see.
    for number, row in enumerate(table.rows):
        found = by_row.get(number, [])
        if not found and len(rows) >= PREVIEW:
            continue
        cells = [
            {"text": row.get(column, ""), "fault": any(f.column == column for f in found)}
            for column in columns
        ]
        rows.append({"line": table.lines[number], "cells": cells, "faults": found})
    return {
        "faults": [fault.text for fault in faults if fault.row is None],
        "fault_count": len(faults),
        "rows": rows,
        "columns": columns,
    }

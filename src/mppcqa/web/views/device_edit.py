"""Changing a device: where it belongs, its name, its attachments; and generated serials."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.attachments import AttachmentRefused, attach
from mppcqa.inventory.models import Attachment, Device, DeviceType, Institute, Lot, Tag, Tray
from mppcqa.inventory.naming import NamingRefused, next_serials, rename_device
from mppcqa.inventory.serials import normal_serial
from mppcqa.web.access import allowed
from mppcqa.web.faults import ACTION_FAULTS, fault_lines


class DeviceEditForm(forms.ModelForm):
    """What a device belongs to; lots, trays and parents by name, as there are many."""

    lot_name = forms.CharField(label=gettext_lazy("Lot"), required=False)
    tray_name = forms.CharField(label=gettext_lazy("Tray"), required=False)
    parent_serial = forms.CharField(label=gettext_lazy("Part of (serial)"), required=False)

    class Meta:
        model = Device
        fields = ("location", "tray_row", "tray_column", "tags")
        widgets = {"tags": forms.CheckboxSelectMultiple}

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        device = self.instance
        self.fields["tags"].queryset = Tag.objects.all()
        for name in ("lot", "tray", "parent"):
            value = getattr(device, name)
            key = "parent_serial" if name == "parent" else f"{name}_name"
            self.fields[key].initial = str(value) if value else ""

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        device = self.instance
        device.lot = self._named("lot_name", Lot, name=values.get("lot_name", "").strip())
        device.tray = self._named("tray_name", Tray, name=values.get("tray_name", "").strip())
        serial = normal_serial(values.get("parent_serial"))
        device.parent = self._named("parent_serial", Device, serial=serial)
        above, seen = device.parent, {device.pk}
        while above is not None:
            if above.pk in seen:
                self.add_error("parent_serial", _("A device can't be part of itself."))
                break
            seen.add(above.pk)
            above = above.parent
        row, column = values.get("tray_row"), values.get("tray_column")
        if device.tray is None:
            values["tray_row"] = values["tray_column"] = None
        elif (row is None) != (column is None):
            self.add_error("tray_row", _("A position needs a row and a column."))
        elif row is not None and column is not None:
            if row >= device.tray.rows or column >= device.tray.columns:
                self.add_error("tray_row", _("The tray has no such position."))
            others = Device.objects.filter(tray=device.tray, tray_row=row, tray_column=column)
            if other := others.exclude(pk=device.pk).first():
                self.add_error("tray_row", _("%s lies there already.") % other)
        return values

    def _named(self, field: str, model: Any, **key: str) -> Any:
        if not any(key.values()):
            return None
        found = model.objects.filter(**key).first()
        if found is None:
            self.add_error(field, _("There is none of that name."))
        return found


class GenerateForm(forms.Form):
    """Devices that have no serial number yet."""

    device_type = forms.ModelChoiceField(
        DeviceType.objects.exclude(serial_next=""), label=gettext_lazy("Type")
    )
    count = forms.IntegerField(label=gettext_lazy("How many"), min_value=1, initial=1)
    lot = forms.CharField(label=gettext_lazy("Lot"), max_length=100, required=False)
    location = forms.ModelChoiceField(
        Institute.objects.all(), label=gettext_lazy("Where they are"), required=False
    )


def _device(serial: str) -> Device:
    rows = Device.objects.select_related("device_type", "lot", "tray", "parent")
    return get_object_or_404(rows, serial=normal_serial(serial))


@require_http_methods(["GET", "POST"])
@allowed("inventory.change_device")
def edit(request: HttpRequest, serial: str) -> HttpResponse:
    """Where a device belongs."""
    device = _device(serial)
    form = DeviceEditForm(request.POST or None, instance=device)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("%s is saved.") % device)
        return redirect(device)
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "device": _device(serial)}
    return render(request, "web/device_edit.html", context, status=status)


@require_POST
@allowed("inventory.change_device")
def rename(request: HttpRequest, serial: str) -> HttpResponse:
    """Another serial number; the old one keeps leading here."""
    device = _device(serial)
    try:
        new, reason = request.POST.get("serial", ""), request.POST.get("reason", "")
        rename_device(device, new, reason=reason, by=request.user)
    except NamingRefused as error:
        for fault in error.faults:
            messages.error(request, fault)
        return redirect("device_edit", serial)
    messages.success(request, _("The device is called %s now.") % device.serial)
    return redirect(device)


@require_http_methods(["GET", "POST"])
@allowed("inventory.add_device")
def generate(request: HttpRequest) -> HttpResponse:
    """Register devices under the next serials of their type."""
    form = GenerateForm(request.POST or None)
    made: list[Device] = []
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            serials = next_serials(values["device_type"], values["count"])
            row = {
                "device_type": values["device_type"].name,
                "lot": values["lot"],
                "location": values["location"].name if values["location"] else "",
            }
            made = register_devices([{**row, "serial": one} for one in serials], by=request.user)
        except (NamingRefused, *ACTION_FAULTS) as error:
            for line in fault_lines(error)[0]:
                form.add_error(None, line)
    context = {"form": form, "made": made}
    status = 422 if request.method == "POST" and not made else 200
    return render(request, "web/device_generate.html", context, status=status)


@require_POST
@allowed("inventory.add_attachment")
def add_attachment(request: HttpRequest, serial: str) -> HttpResponse:
    """Attach a file."""
    device = _device(serial)
    file = request.FILES.get("file")
    try:
        if file is None:
            raise AttachmentRefused(_("Choose a file."))
        attach(device, file, by=request.user)
    except (AttachmentRefused, ValidationError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The file is attached."))
    return redirect(device)


@require_GET
def attachment(request: HttpRequest, pk: int) -> HttpResponse:
    """An attachment, always as a download: a browser must not run what somebody uploaded."""
    found = get_object_or_404(Attachment, pk=pk)
    try:
        opened = found.file.open("rb")
    except OSError:
        messages.error(request, _("The file %s is not in the store.") % found.original_name)
        return redirect(found.device)
    return FileResponse(  # type: ignore[return-value]
        opened,
        as_attachment=True,
        filename=found.original_name,
        content_type="application/octet-stream",
    )


@require_POST
@allowed("inventory.delete_attachment")
def remove_attachment(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove an attachment with its file."""
    found = get_object_or_404(Attachment.objects.select_related("device"), pk=pk)
    device = found.device
    found.file.delete(save=False)
    found.delete()
    messages.success(request, _("The attachment is removed."))
    return redirect(device)

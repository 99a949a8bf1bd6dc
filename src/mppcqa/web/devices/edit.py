"""Changing a device: where it belongs, its name, its attachments; and generated serials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.attachments import AttachmentRefused, attach, choose_photograph
from mppcqa.inventory.attachments import remove_attachment as remove_from_store
from mppcqa.inventory.device_fields import DEVICE_FIELDS, REFERENCES
from mppcqa.inventory.models import Attachment, Device, DeviceType, Institute, Lot, Tag, Tray
from mppcqa.inventory.naming import next_serials, rename_device
from mppcqa.inventory.placing import save_device
from mppcqa.inventory.scope import Viewer, scope_of
from mppcqa.inventory.serials import normal_serial
from mppcqa.limits.changes import has_campaign_limits
from mppcqa.refused import Refused
from mppcqa.store.reading import FileFault
from mppcqa.web import edits
from mppcqa.web.access import allowed, person
from mppcqa.web.downloads import stored_file
from mppcqa.web.faults import tell, tell_form
from mppcqa.web.reading import line, model_field, sent

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    _ModelForm = forms.ModelForm[Device]
else:
    _ModelForm = forms.ModelForm


class DeviceEditForm(_ModelForm):
    """What a device belongs to; lots, trays and parents by name, as there are many."""

    lot_name = forms.CharField(label=gettext_lazy("Lot"), required=False)
    tray_name = forms.CharField(label=gettext_lazy("Tray"), required=False)
    parent_serial = forms.CharField(label=gettext_lazy("Part of (serial)"), required=False)

    class Meta:
        model = Device
        fields = (
            *("location", "tray_row", "tray_column"),
            *(one.key for one in DEVICE_FIELDS),
            "tags",
        )
        widgets = {"tags": forms.CheckboxSelectMultiple}
        formfield_callback = model_field

    def __init__(self, *arguments: Any, viewer: Viewer, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.viewer = viewer
        device = self.instance
        cast(Any, self.fields["tags"]).queryset = Tag.objects.all()
        for one in DEVICE_FIELDS:
            self.fields[one.key].label = _(one.title)
            # What all devices have has a choice from the start; a form that leaves it out keeps it.
            self.fields[one.key].required = False
        for name in ("lot", "tray", "parent"):
            value = getattr(device, name)
            if name == "parent" and value and not scope_of(viewer).has(value):
                value = None
            key = "parent_serial" if name == "parent" else f"{name}_name"
            self.fields[key].initial = str(value) if value else ""

    @property
    def written(self) -> list[forms.BoundField]:
        """Fields of plain facts, as they are declared."""
        return [self[one.key] for one in DEVICE_FIELDS]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        device = self.instance
        for one in REFERENCES:
            if one.always:
                values[one.key] = values.get(one.key) or getattr(device, one.key)
        lots, trays = Lot.objects.all(), Tray.objects.visible_to(self.viewer)
        device.lot = self._named("lot_name", lots, name=values.get("lot_name", "").strip())
        device.tray = self._named("tray_name", trays, name=values.get("tray_name", "").strip())
        serial, former = normal_serial(values.get("parent_serial")), device.parent
        # What the person does not see of it stays where nothing was typed.
        if serial or former is None or scope_of(self.viewer).has(former):
            seen_ones = Device.objects.visible_to(self.viewer)
            device.parent = self._named("parent_serial", seen_ones, serial=serial)
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
                named = other if scope_of(self.viewer).has(other) else _("A device")
                self.add_error("tray_row", _("%s lies there already.") % named)
        return values

    def store(self, *, by: AbstractBaseUser | None) -> None:
        """Save what a valid form says; `Refused` where the device can't be moved there."""
        self.save(commit=False)
        save_device(self.instance, by=by)
        self.save_m2m()

    def _named(self, field: str, rows: Any, **key: str) -> Any:
        if not any(key.values()):
            return None
        found = rows.filter(**key).first()
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


def _device(request: HttpRequest, serial: str) -> Device:
    """By its serial, or by one that it had: another person may just have renamed it."""
    seen = Device.objects.visible_to(request.user)
    rows = seen.select_related("device_type", "lot", "tray", "parent")
    named = normal_serial(serial)
    found = rows.filter(serial=named).first()
    return found or get_object_or_404(rows, aliases__serial=named)


def _held(request: HttpRequest, serial: str) -> Device:
    # Seen a moment ago, and held from now on.
    return edits.locked(Device, pk=_device(request, serial).pk)


def _name_part(device: Device) -> edits.Part:
    return edits.part("present", _("Serial number"), device.serial, only_seen=True)


def _naming(request: HttpRequest, device: Device) -> edits.Edit:
    return edits.begin(request, device, [_name_part(device)], device.get_absolute_url())


@require_http_methods(["GET", "POST"])
@allowed("inventory.change_device")
def edit(request: HttpRequest, serial: str) -> HttpResponse:
    """Where a device belongs."""
    with edits.changing(request):
        device = _held(request, serial) if request.method == "POST" else _device(request, serial)
        former = device.campaign_id
        form = DeviceEditForm(instance=device, viewer=request.user)
        edit = edits.begin(request, device, edits.parts_of(form), device.get_absolute_url())
        if edit.conflict:
            return edit.both()
        if edit.data is not None:
            form = DeviceEditForm(edit.data, instance=device, viewer=request.user)
        if request.method == "POST" and form.is_valid():
            try:
                form.store(by=person(request))
            except Refused as error:
                tell_form(form, error)
            else:
                kept = DeviceEditForm(instance=device, viewer=request.user)
                edit.saved(device, edits.parts_of(kept))
                messages.success(request, _("%s is saved.") % device)
                if device.campaign_id != former and has_campaign_limits():
                    messages.info(request, _("It is being judged by the limits of its campaign."))
                return redirect(device)
    status = 422 if request.method == "POST" else 200
    device = _device(request, serial)
    context = {"form": form, "device": device, "edit": edit, "name_edit": _naming(request, device)}
    return render(request, "web/devices/edit.html", context, status=status)


@require_POST
@allowed("inventory.change_device")
def rename(request: HttpRequest, serial: str) -> HttpResponse:
    """Another serial number; the old one keeps leading here."""
    reason = line(request.POST, "reason", 200)
    try:
        with transaction.atomic():
            device = _held(request, serial)
            edit = _naming(request, device)
            if edit.conflict:
                return edit.both()
            rename_device(device, request.POST.get("serial", ""), reason=reason, by=person(request))
            edit.saved(device, [_name_part(device)])
    except Refused as error:
        tell(request, error)
        return redirect("device_edit", serial)
    messages.success(request, _("The device is called %s now.") % device.serial)
    return redirect(device)


@require_http_methods(["GET", "POST"])
@allowed("inventory.add_device")
def generate(request: HttpRequest) -> HttpResponse:
    """Register devices under the next serials of their type."""
    form = GenerateForm(sent(request))
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
            made = register_devices([{**row, "serial": one} for one in serials], by=person(request))
        except Refused as error:
            tell_form(form, error)
    context = {"form": form, "made": made}
    status = 422 if request.method == "POST" and not made else 200
    return render(request, "web/devices/generate.html", context, status=status)


@require_POST
@allowed("inventory.add_attachment")
def add_attachment(request: HttpRequest, serial: str) -> HttpResponse:
    """Attach a file."""
    device = _device(request, serial)
    file = request.FILES.get("file")
    try:
        if file is None:
            raise AttachmentRefused(_("Choose a file."))
        attach(device, file, by=person(request))
    except Refused as error:
        tell(request, error)
    else:
        messages.success(request, _("The file is attached."))
    return redirect(device)


@require_GET
def attachment(request: HttpRequest, pk: int) -> HttpResponseBase:
    """An attachment, always as a download: a browser must not run what somebody uploaded."""
    found = get_object_or_404(Attachment.objects.visible_to(request.user), pk=pk)
    try:
        return stored_file(found, found.original_name)
    except FileFault as fault:
        messages.error(request, str(fault))
        return redirect(found.device)


@require_POST
@allowed("inventory.add_attachment")
def photograph(request: HttpRequest, pk: int) -> HttpResponse:
    """Make an attached picture the photograph of its device."""
    found = get_object_or_404(
        Attachment.objects.visible_to(request.user).select_related("device"), pk=pk
    )
    try:
        choose_photograph(found)
    except Refused as error:
        tell(request, error)
    else:
        messages.success(request, _("The certificate shows this picture from now on."))
    return redirect(found.device)


@require_POST
@allowed("inventory.delete_attachment")
def remove_attachment(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove an attachment with its file."""
    found = get_object_or_404(
        Attachment.objects.visible_to(request.user).select_related("device"), pk=pk
    )
    device = found.device
    remove_from_store(found)
    messages.success(request, _("The attachment is removed."))
    return redirect(device)

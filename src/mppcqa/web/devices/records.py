"""What was done to devices: recorded for one or many, corrected, withdrawn; before and after."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mppcqa.inventory.models import Device
from mppcqa.inventory.records import DeviceRecord, kind_title
from mppcqa.inventory.serials import normal_serial
from mppcqa.limits.records import NewRecord, RecordRefused, add_records, effect, withdraw
from mppcqa.refused import Refused
from mppcqa.results.sums import changes_told
from mppcqa.stages.records import RecordField, RecordKind, record_kinds
from mppcqa.typed import moment, number, whole
from mppcqa.views.course import device_course
from mppcqa.views.explore import One
from mppcqa.web.access import allowed, person
from mppcqa.web.addresses import address
from mppcqa.web.explorer.data import MOST_CHARTS, trend_chart
from mppcqa.web.faults import tell, tell_form
from mppcqa.web.reading import line, sent
from mppcqa.web.stages import stage_titles

MOST_AT_ONCE = 500
SHOWN = 50


class _Moment(forms.CharField):
    """A day, or a day with a time, in UTC."""

    def clean(self, value: Any) -> Any:
        found = moment(super().clean(value))
        if found is None:
            text = _("“%s” is no date; write it like 2027-03-31 14:30 (UTC).")
            raise forms.ValidationError(text % str(value)[:30])
        return found


class _Number(forms.CharField):
    """A number, with a decimal point or comma; empty where none is known."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        found = number(text)
        if found is None:
            raise forms.ValidationError(_("“%s” is no number.") % text[:30])
        return found


def _field(one: RecordField) -> forms.Field:
    label = _(one.title) + (f" [{one.unit}]" if one.unit else "")
    kind = forms.CharField if one.is_text else _Number
    return kind(label=label, required=one.needed, max_length=100)


class RecordForm(forms.Form):
    """What was done, when; the fields of its kind come first."""

    done_at = _Moment(
        label=gettext_lazy("When"),
        max_length=40,
        help_text=gettext_lazy(
            "UTC, as 2027-03-31 14:30. What was measured from then on was measured after it; "
            "a day alone is its beginning."
        ),
    )
    uncertainty = _Number(
        label=gettext_lazy("Uncertainty of the amounts [%]"), required=False, max_length=40
    )
    remark = forms.CharField(label=gettext_lazy("Remark"), required=False, max_length=300)

    def __init__(self, kind: RecordKind, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.kind = kind
        self.facts = [one.key for one in kind.fields]
        for one in kind.fields:
            self.fields[one.key] = _field(one)
        self.order_fields([*self.facts, "done_at", "uncertainty", "remark"])

    def record(self, devices: list[int]) -> NewRecord:
        """What the form says of devices (ids)."""
        values = self.cleaned_data
        error = values["uncertainty"]
        return NewRecord(
            self.kind.key,
            values["done_at"],
            {key: values[key] for key in self.facts if values[key] not in (None, "")},
            None if error is None else error / 100,
            values["remark"],
            devices,
        )


def _initial(record: DeviceRecord | None) -> dict[str, Any]:
    """A form as a record has it that is to be corrected."""
    if record is None:
        return {}
    facts = {
        key: value if isinstance(value, str) else f"{value:.12g}"
        for key, value in record.facts.items()
    }
    error = "" if record.uncertainty is None else f"{100 * record.uncertainty:g}"
    done_at = record.done_at.astimezone(dt.UTC)
    return facts | {
        "done_at": f"{done_at:%Y-%m-%d %H:%M:%S}",
        "uncertainty": error,
        "remark": record.remark,
    }


def _chosen(request: HttpRequest) -> list[Device]:
    """The devices of the address, by their numbers; those that the person sees."""
    sent = (request.GET.get("devices") or "").split(",")[: MOST_AT_ONCE + 1]
    numbers = [key for key in map(whole, sent) if key is not None]
    return list(Device.objects.visible_to(request.user).filter(pk__in=numbers).order_by("serial"))


@require_http_methods(["GET", "POST"])
@allowed("inventory.add_devicerecord")
def add(request: HttpRequest) -> HttpResponse:
    """Record what was done to devices; what runs would say otherwise is shown first."""
    devices = _chosen(request)
    seen = DeviceRecord.objects.visible_to(request.user).filter(withdrawn_at=None)
    replaces = None
    if (former := whole(request.GET.get("replaces"))) is not None:
        replaces = get_object_or_404(seen.select_related("device"), pk=former)
        devices = [replaces.device]
    kinds = record_kinds()
    wanted = replaces.kind if replaces else request.GET.get("kind", "")
    kind = kinds.get(wanted) or next(iter(kinds.values()))
    form = RecordForm(kind, sent(request), initial=_initial(replaces))
    context: dict[str, Any] = {
        "form": form,
        "devices": devices,
        "kind": kind,
        "kinds": [(key, kind_title(key)) for key in kinds],
        "replaces": replaces,
        "asked": request.GET,
        "back": devices[0].get_absolute_url() if len(devices) == 1 else None,
    }
    status = 200
    if request.method == "POST":
        status = 422
        taken = form.is_valid()
        if not devices:
            form.add_error(None, _("Choose devices first."))
        elif taken:
            answer = _recorded(request, form, devices, replaces, context)
            if answer is not None:
                return answer
            status = 422 if form.errors else 200
    return render(request, "web/devices/record.html", context, status=status)


def _recorded(
    request: HttpRequest,
    form: RecordForm,
    devices: list[Device],
    replaces: DeviceRecord | None,
    context: dict[str, Any],
) -> HttpResponse | None:
    """Keep the record, once what it changes was seen; None where it is to be looked at first."""
    record = form.record([one.pk for one in devices])
    try:
        if faults := record.faults():
            raise RecordRefused(faults)
        changes = effect(list(record.devices), [record], without=replaces)
        if changes and "confirmed" not in request.POST:
            titles = stage_titles()
            told = changes_told(changes[:SHOWN])
            context["changes"] = [{**one, "stage": titles.get(one["stage"])} for one in told]
            context["more"] = len(changes) - len(told)
            return None
        add_records([record], by=person(request), replaces=replaces)
    except Refused as error:
        tell_form(form, error)
        return None
    messages.success(request, _("It is recorded."))
    if changes:
        messages.info(request, _("Runs are being brought in line with it, in the background."))
    return redirect(devices[0] if len(devices) == 1 else "device_list")


@require_POST
@allowed("inventory.delete_devicerecord")
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """A record was wrong; it stays readable in the history."""
    seen = DeviceRecord.objects.visible_to(request.user).select_related("device")
    record = get_object_or_404(seen, pk=pk)
    try:
        withdraw(record, line(request.POST, "why", 300), by=person(request))
    except Refused as error:
        tell(request, error)
    else:
        messages.success(request, _("The record is withdrawn."))
    return redirect(record.device)


@require_GET
def course(request: HttpRequest, serial: str) -> HttpResponse:
    """What a device's runs measured before and after what was done to it."""
    seen = Device.objects.visible_to(request.user)
    device = get_object_or_404(seen, serial=normal_serial(serial))
    found = device_course(device, request.GET.get("stage", ""))
    wanted = request.GET.get("quantity", "")
    keys = sorted(found.quantities, key=lambda key: key not in found.headlines)
    keys = [wanted] if wanted in found.quantities else keys
    charts: list[dict[str, Any]] = []

    def led(one: One) -> str:
        run = found.run_of[one.slot]
        return "" if run is None else address("run_explore", run)

    for axis in found.axes:
        for key in keys:
            rows = found.trends(key, axis) if len(charts) < MOST_CHARTS else []
            if rows:
                charts.append(trend_chart(found.quantities[key], axis, rows, led, fitted=False))
    context = {"device": device, "course": found, "charts": charts, "quantity": wanted}
    return render(request, "web/devices/course.html", context)

"""What becomes part of what, and what is taken out: one device, many, or a table."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from mppcqa.exchange.assembly import take_assembly
from mppcqa.inventory.assembly import Done, Mount, mount, take_out
from mppcqa.inventory.models import Device
from mppcqa.inventory.scope import Viewer
from mppcqa.inventory.serials import normal_serial
from mppcqa.refused import Refused
from mppcqa.tables import TableError
from mppcqa.typed import day, whole
from mppcqa.web.access import allowed, person
from mppcqa.web.faults import tell, tell_form
from mppcqa.web.reading import sent

MOST_AT_ONCE = 500
MOST_BYTES = 20_000_000
LINE = re.compile(r"\s*[\t;,]\s*")


class DayField(forms.CharField):
    """A day; None where none is given."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def __init__(self, **named: Any) -> None:
        super().__init__(required=False, max_length=40, **named)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        found = day(text) if text else None
        if text and found is None:
            said = _("“%s” is no date: write it as 2027-03-31")
            raise forms.ValidationError(said % str(text)[:40])
        return found


class MountForm(forms.Form):
    """Parts, a line each, and what they become part of."""

    parts = forms.CharField(
        label=gettext_lazy("Parts"),
        widget=forms.Textarea(attrs={"rows": 8, "class": "serial", "spellcheck": "false"}),
        max_length=60_000,
        help_text=gettext_lazy(
            "A line each: serial number; position; bias channel. The last two may be missing."
        ),
    )
    whole = forms.CharField(label=gettext_lazy("Part of (serial)"), required=False, max_length=200)
    module = forms.CharField(
        label=gettext_lazy("Module, where it has no serial number here"),
        required=False,
        max_length=60,
    )
    since = DayField(label=gettext_lazy("From"), help_text=gettext_lazy("Empty: from today on."))
    until = DayField(
        label=gettext_lazy("To"), help_text=gettext_lazy("Empty where it is there now.")
    )
    why = forms.CharField(label=gettext_lazy("Reason"), required=False, max_length=300)
    replace = forms.BooleanField(
        label=gettext_lazy("Take out what sits at these places already"), required=False
    )

    def __init__(self, viewer: Viewer, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._viewer = viewer

    def _device(self, field: str, text: str) -> int | None:
        seen = Device.objects.visible_to(self._viewer)
        named = normal_serial(text)
        found = seen.filter(serial=named).first() or seen.filter(aliases__serial=named).first()
        if found is None:
            said = _("no device is called “%s”: register it first") % text[:80]
            self.add_error(field, said)
        return found.pk if found else None

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        lines = [line for line in values.get("parts", "").splitlines() if line.strip()]
        if len(lines) > MOST_AT_ONCE:
            said = _("At most %d lines at once: use a table.") % MOST_AT_ONCE
            self.add_error("parts", said)
            return values
        rows = [[*map(str.strip, LINE.split(line.strip())), "", ""][:3] for line in lines]
        values["rows"] = [
            (pk, position[:60], bias[:60])
            for serial, position, bias in rows
            if (pk := self._device("parts", serial)) is not None
        ]
        text = values.get("whole", "").strip()
        values["whole_id"] = self._device("whole", text) if text else None
        return values

    def mounts(self) -> list[Mount]:
        """What the form says, for the action."""
        values = self.cleaned_data
        return [
            Mount(
                *(pk, values["whole_id"]),
                {
                    key: text
                    for key, text in (
                        *(("module", values["module"].strip()), ("pos", position)),
                        ("bias_channel", bias),
                    )
                    if text
                },
                *(values["since"], values["until"], values["why"].strip()),
                row=number,
            )
            for number, (pk, position, bias) in enumerate(values["rows"])
        ]


def _initial(request: HttpRequest) -> dict[str, str]:
    """The devices of the address (``?devices=1,2``), those that the person sees."""
    sent = (request.GET.get("devices") or "").split(",")[: MOST_AT_ONCE + 1]
    numbers = [key for key in map(whole, sent) if key is not None]
    seen = Device.objects.visible_to(request.user).filter(pk__in=numbers).order_by("serial")
    serials = seen.values_list("serial", flat=True)
    return {"parts": "\n".join(serials), "whole": request.GET.get("whole", "")[:200]}


@require_http_methods(["GET", "POST"])
@allowed("inventory.change_device")
def mount_devices(request: HttpRequest) -> HttpResponse:
    """Make devices parts of another, or take them out."""
    form = MountForm(request.user, sent(request), initial=_initial(request))
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            if "take_out" in request.POST:
                parts = {pk for pk, *_place in values["rows"]}
                done = take_out(
                    parts, until=values["until"], why=values["why"].strip(), by=person(request)
                )
            else:
                done = mount(form.mounts(), by=person(request), replace=values["replace"])
        except Refused as error:
            tell_form(form, error)
        else:
            messages.success(request, _told(done))
            first = values["whole_id"] or values["rows"][0][0]
            return redirect(Device.objects.visible_to(request.user).get(pk=first))
    status = 422 if request.method == "POST" else 200
    return render(request, "web/devices/mount.html", {"form": form}, status=status)


@require_POST
@allowed("inventory.change_device")
def from_table(request: HttpRequest) -> HttpResponse:
    """Take in a table that says what is part of what: all of it, or nothing."""
    file = request.FILES.get("file")
    try:
        if file is None or not file.name:
            raise TableError(_("Choose a file."))
        if (file.size or 0) > MOST_BYTES:
            raise TableError(_("The file has more than %d MB. Split it.") % (MOST_BYTES // 10**6))
        with TemporaryDirectory(prefix="mppcqa-assembly-") as folder:
            path = Path(folder) / "table"
            with path.open("wb") as target:
                target.writelines(file.chunks())
            done, notes = take_assembly(
                path,
                viewer=request.user,
                by=person(request),
                replace="replace" in request.POST,
            )
    except Refused as error:
        tell(request, error)
    except TableError as error:
        messages.error(request, str(error))
    else:
        for note in notes:
            messages.info(request, note)
        messages.success(request, _told(done))
    return redirect("device_mount")


def _told(done: Done) -> str:
    parts = [
        ngettext("%d part is mounted.", "%d parts are mounted.", done.new) % done.new,
        ngettext("%d was taken out.", "%d were taken out.", done.ended) % done.ended,
        ngettext("%d was known already.", "%d were known already.", done.unchanged)
        % done.unchanged,
    ]
    numbers = (done.new, done.ended, done.unchanged)
    return " ".join(text for text, n in zip(parts, numbers, strict=True) if n) or parts[0]

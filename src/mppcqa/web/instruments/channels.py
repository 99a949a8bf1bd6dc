"""The channel map of a station: its versions, and a form that makes the next one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from mppcqa.refused import Refused
from mppcqa.runs.calibrating import MOST_LINES, map_channels
from mppcqa.runs.instruments import ChannelLine, ChannelMap, Instrument
from mppcqa.runs.models import Station
from mppcqa.typed import whole
from mppcqa.web import edits
from mppcqa.web.access import person
from mppcqa.web.reading import line

EMPTY = 4
"""Lines for more than are there; where there are none yet, one for each slot besides."""
MOST_CHANNEL = 4095


class LineForm(forms.Form):
    """Channels of the device in a slot, and what they are wired to; empty is no line."""

    slot = forms.IntegerField(label=gettext_lazy("Slot"), min_value=1, max_value=1000)
    first = forms.IntegerField(
        label=gettext_lazy("First channel"), min_value=0, max_value=MOST_CHANNEL
    )
    last = forms.IntegerField(
        label=gettext_lazy("Last channel"), min_value=0, max_value=MOST_CHANNEL
    )
    instrument = forms.ModelChoiceField(
        label=gettext_lazy("Instrument"), queryset=Instrument.objects.none()
    )
    to_first = forms.IntegerField(
        label=gettext_lazy("Its first channel"), min_value=0, max_value=MOST_CHANNEL
    )

    def __init__(self, here: Any, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        field = self.fields["instrument"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101
        field.queryset = here

    def says_something(self) -> bool:
        """Whether more was typed than a slot, which stands there before."""
        return any(name != "slot" for name in self.changed_data)

    def line(self) -> ChannelLine:
        """The line that it says."""
        return ChannelLine(**self.cleaned_data)


@require_http_methods(["GET", "POST"])
def channel_map(request: HttpRequest, name: str) -> HttpResponse:
    """A version of a station's channel map (``?version=``), and the form for the next."""
    if request.method == "POST" and not request.user.has_perm("runs.change_station"):
        raise PermissionDenied
    with edits.changing(request):
        station = edits.locked(Station, name=name)
        versions = list(station.channel_maps.select_related("made_by"))
        now = versions[0] if versions else None
        parts = [edits.part("version", _("Version"), now.version if now else "", only_seen=True)]
        edit = edits.begin(request, station, parts, request.path)
        if edit.conflict:
            return edit.both()
        here = station.instruments.order_by("name")
        faults: list[str] = []
        if edit.data is None:
            forms_ = _of_map(station, now, here)
        else:
            forms_ = _sent(edit.data, here)
            wanted = [one for one in forms_ if one.says_something()]
            wrong = [one for one in wanted if not one.is_valid()]  # each tells its faults
            if not wrong:
                try:
                    made = map_channels(
                        station,
                        [one.line() for one in wanted],
                        note=line(request.POST, "note", 300),
                        by=person(request),
                    )
                except Refused as error:
                    faults = [_said(one) for one in error.faults]
                else:
                    messages.success(request, _("Version %d is in use.") % made.version)
                    return redirect("channel_map", station.name)
    asked = whole(request.GET.get("version"))
    chosen = next((one for one in versions if one.version == asked), now)
    context = {
        "station": station,
        "versions": versions,
        "chosen": chosen,
        "lines": chosen.lines.select_related("instrument") if chosen else (),
        "forms": forms_,
        "heads": [one.label for one in LineForm(here).fields.values()],
        "faults": faults,
        "mark": edit.mark,
        "note": request.POST.get("note", ""),
        "instruments": here,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "web/instruments/channels.html", context, status=status)


def _said(fault: Any) -> str:
    if fault.row is None:
        return str(fault)
    return _("Line %(line)d: %(fault)s") % {"line": fault.row, "fault": fault}


def _of_map(station: Station, now: ChannelMap | None, here: Any) -> list[LineForm]:
    names = ("slot", "first", "last", "instrument_id", "to_first")
    rows = () if now is None else now.lines.values(*names)
    filled = [{name.removesuffix("_id"): value for name, value in row.items()} for row in rows] or [
        {"slot": slot} for slot in range(1, station.slots + 1)
    ]
    filled += [{}] * EMPTY
    return [
        LineForm(here, prefix=str(at), initial=row) for at, row in enumerate(filled[:MOST_LINES])
    ]


def _sent(data: Any, here: Any) -> list[LineForm]:
    """The lines of a form; without `initial`, so that what is typed counts, changed or not."""
    number = 0
    while f"{number}-slot" in data and number < MOST_LINES:
        number += 1
    return [LineForm(here, data, prefix=str(at)) for at in range(number)]

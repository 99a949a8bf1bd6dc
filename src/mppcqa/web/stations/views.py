"""Stations: the board of all, one with its slots, loading and unloading."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mppcqa.codes import scanned_serial
from mppcqa.inventory.scope import Viewer, scope_of
from mppcqa.queue.models import Lane, State, Task
from mppcqa.refused import Refused
from mppcqa.results.selection import whole_number
from mppcqa.runs.actions import SlotFaults, load_station, unload_station
from mppcqa.runs.instruments import Standing, standing_of
from mppcqa.runs.models import LoadedDevice, Run, Station
from mppcqa.web.access import allowed, person
from mppcqa.web.edits import Part, begin, locked, mark_of, part
from mppcqa.web.faults import tell
from mppcqa.web.listing.views import show_list
from mppcqa.web.runs.form import RunForm
from mppcqa.web.runs.listing import AT_A_STATION, described, listed
from mppcqa.web.stages import find_stage
from mppcqa.web.stations.computer import contacts
from mppcqa.web.stations.computer import standing as contact_standing
from mppcqa.web.stations.lane import maintenance_parts
from mppcqa.web.stations.listing import STATIONS, heartbeats, lane_standing


@require_http_methods(["GET", "POST"])
def station_list(request: HttpRequest) -> HttpResponseBase:
    """All stations with what they do and hold."""
    return show_list(request, STATIONS, "web/stations/list.html")


def station_context(found: Station, viewer: Any, **more: Any) -> dict[str, Any]:
    """What the station's page shows; `more` replaces entries, as a refused form does."""
    lane = (
        Lane.objects.filter(name=found.lane).select_related("holder__group", "reserved_by").first()
    )
    seen = found.loaded.visible_to(viewer)
    loaded = {row.slot: row for row in seen.select_related("device__device_type", "loaded_by")}
    typed: dict[int, str] = more.pop("typed", {})
    faults: dict[int, list[str]] = more.pop("slot_faults", {})
    stage = find_stage(found.stage)
    context: dict[str, Any] = {
        "station": found,
        "stage": stage,
        "stage_title": _(stage.title) if stage else found.stage,
        "lane": lane,
        "standing": lane_standing(lane),
        "slots": [
            {
                "number": number,
                "loaded": loaded.get(number),
                "typed": typed.get(number, ""),
                "faults": faults.get(number, ()),
            }
            for number in range(1, found.slots + 1)
        ],
        "loaded": len(loaded),
        "worker": heartbeats([lane or Lane(name=found.lane, exclusive=True)]).get(found.lane),
        "contact": contacts([found.name]).get(found.name) if found.remote else None,
        "waiting": Task.objects.filter(lane=found.lane, state=State.WAITING)
        .select_related("requested_by", "group")
        .order_by("priority", "id")[:20],
        "form": RunForm(stage) if stage else None,
        "runs": described(listed(Run.objects.visible_to(viewer).filter(station=found))[:10]),
        "run_columns": AT_A_STATION,
        "instruments": found.instruments.all(),
        "expired": standing_of(found.calibrated_until) == Standing.EXPIRED,
        "channel_map": found.channel_maps.first(),
    }
    context["blocked"] = context["expired"] and found.expiry == Station.Expiry.BLOCK
    context["contact_standing"] = contact_standing(context["contact"])
    context["marks"] = {
        "service": mark_of(maintenance_parts(lane.maintenance if lane else "")),
        "loaded": mark_of(loaded_parts(loaded.values(), viewer)),
    }
    for slot in context["slots"]:
        if slot["loaded"]:
            slot["mark"] = mark_of(loaded_parts([slot["loaded"]], viewer))
    context.update(more)
    return context


def loaded_parts(loaded: Iterable[LoadedDevice], viewer: Viewer) -> list[Part]:
    """What sits in some slots: who takes it out, or measures it, means this.

    A device that the viewer does not see is told of, and not named.
    """
    scope = scope_of(viewer)
    return [
        part(
            f"in-{row.slot}",
            _("Slot %d") % row.slot,
            row.device.serial if scope.has(row.device) else _("another institute's device"),
            only_seen=True,
        )
        for row in sorted(loaded, key=lambda row: row.slot)
    ]


@require_GET
def station(request: HttpRequest, name: str) -> HttpResponse:
    """One station: slots to scan into, and the form that starts a run."""
    found = get_object_or_404(Station.objects.select_related("institute", "device_type"), name=name)
    return render(request, "web/stations/station.html", station_context(found, request.user))


@require_POST
@allowed("runs.add_loadeddevice")
def load(request: HttpRequest, name: str) -> HttpResponse:
    """Put scanned devices into slots: all of them, or none and every fault beside its slot."""
    found = get_object_or_404(Station, name=name)
    typed = {
        slot: text.strip()
        for slot in range(1, found.slots + 1)
        if (text := request.POST.get(f"slot-{slot}", "")).strip()
    }
    if not typed:
        messages.error(request, _("Nothing was scanned: put the cursor into a slot first."))
        return redirect(found)
    serials = {slot: scanned_serial(text) for slot, text in typed.items()}
    try:
        load_station(found, serials, by=person(request))
    except SlotFaults as error:
        by_slot = {fault.row: [fault] for fault in error.faults}
        context = station_context(found, request.user, typed=typed, slot_faults=by_slot)
        return render(request, "web/stations/station.html", context, status=422)
    except Refused as error:
        context = station_context(found, request.user, typed=typed, faults=error.faults)
        return render(request, "web/stations/station.html", context, status=422)
    messages.success(
        request,
        _("%(count)d devices are loaded into %(station)s.")
        % {"count": len(serials), "station": found},
    )
    return redirect(found)


@require_POST
@allowed("runs.delete_loadeddevice")
def unload(request: HttpRequest, name: str) -> HttpResponse:
    """Take devices out: the slot that was named, or all."""
    slots = None
    if slot := request.POST.get("slot"):
        number = whole_number(slot)
        if number is None:
            raise Http404(f"no slot {slot!r}")
        slots = [number]
    try:
        with transaction.atomic():
            found = locked(Station, name=name)
            rows = found.loaded.select_related("device")
            rows = rows if slots is None else rows.filter(slot__in=slots)
            edit = begin(request, found, loaded_parts(rows, request.user), found.get_absolute_url())
            if edit.conflict:
                return edit.both()
            unload_station(found, slots, by=person(request))
    except Refused as error:
        tell(request, error)
    else:
        messages.success(
            request, _("The station is unloaded.") if slots is None else _("The slot is empty.")
        )
    return redirect(found)

"""Stations: the board of all, one with its slots, loading and unloading."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.db.models import Count, F
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from mppcqa.queue.models import Lane, State, Task, Worker
from mppcqa.testing.actions import load_station, unload_station
from mppcqa.testing.models import LoadedDevice, Run, Station
from mppcqa.testing.selection import whole_number
from mppcqa.web.access import allowed
from mppcqa.web.faults import ACTION_FAULTS, fault_lines
from mppcqa.web.run_form import RunForm
from mppcqa.web.run_lists import described, listed
from mppcqa.web.stages import find_stage, stage_titles
from mppcqa.web.views.find import scanned_serial

LANE_SHOWN = (
    *("name", "exclusive", "dedicated", "maintenance", "reserved_until", "reserved_by__username"),
    *("holder__name", "holder__state", "holder__progress_done", "holder__progress_total"),
    *("holder__progress_text", "holder__requested_by__username"),
)


def lane_standing(lane: Lane | None) -> tuple[str, str]:
    """State and words of a station's lane."""
    if lane is None:
        return "calm", _("free")
    if lane.maintenance:
        return "maintenance", _("out of service")
    if lane.holder_id:
        return "busy", _("running")
    if lane.is_reserved:
        return "calm", _("reserved for %s") % lane.reserved_by
    return "ok", _("free")


def heartbeats(lanes: Iterable[Lane]) -> dict[str, Worker]:
    """By lane, the worker that serves it and was heard of last."""
    found: dict[str, Worker] = {}
    workers = list(Worker.objects.order_by("heartbeat_at"))
    for lane in lanes:
        for worker in workers:
            if lane.broker_queue in worker.lanes:
                found[lane.name] = worker
    return found


@require_GET
def station_list(request: HttpRequest) -> HttpResponse:
    """All stations with what they do and hold."""
    stations = stations_now()
    heard = heartbeats(row.lane_row or Lane(name=row.lane, exclusive=True) for row in stations)
    today = timezone.now().date()
    for row in stations:
        row.worker = heard.get(row.lane)
        row.expired = row.calibrated_until is not None and row.calibrated_until < today
    return render(request, "web/station_list.html", {"stations": stations})


def stations_now() -> list[Station]:
    """All stations, each with its stage's title, its lane, what that does, and what is loaded."""
    lanes = {
        lane.name: lane
        for lane in Lane.objects.filter(exclusive=True)
        .select_related("holder__requested_by", "reserved_by")
        .only(*LANE_SHOWN)
    }
    loaded = dict(LoadedDevice.objects.order_by().values_list("station").annotate(n=Count("pk")))
    titles = stage_titles()
    shown = Station.objects.only("name", "stage", "slots", "calibrated_until")
    stations = list(shown.annotate(institute_name=F("institute__name")))
    for row in stations:
        row.lane_row = lanes.get(row.lane)
        row.standing = lane_standing(row.lane_row)
        row.stage_title = titles.get(row.stage, row.stage)
        row.n_loaded = loaded.get(row.pk, 0)
    return stations


def station_context(found: Station, **more: Any) -> dict[str, Any]:
    """What the station's page shows; `more` replaces entries, as a refused form does."""
    lane = (
        Lane.objects.filter(name=found.lane).select_related("holder__group", "reserved_by").first()
    )
    loaded = {
        row.slot: row for row in found.loaded.select_related("device__device_type", "loaded_by")
    }
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
        "waiting": Task.objects.filter(lane=found.lane, state=State.WAITING)
        .select_related("requested_by", "group")
        .order_by("priority", "id")[:20],
        "form": RunForm(stage) if stage else None,
        "runs": described(listed(Run.objects.filter(station=found))[:10]),
        "expired": found.calibrated_until is not None
        and found.calibrated_until < timezone.now().date(),
    }
    context.update(more)
    return context


@require_GET
def station(request: HttpRequest, name: str) -> HttpResponse:
    """One station: slots to scan into, and the form that starts a run."""
    found = get_object_or_404(Station.objects.select_related("institute", "device_type"), name=name)
    return render(request, "web/station.html", station_context(found))


@require_POST
@allowed("testing.add_loadeddevice")
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
        load_station(found, serials, by=request.user)
    except ACTION_FAULTS as error:
        lines, by_slot = fault_lines(error)
        context = station_context(found, typed=typed, slot_faults=by_slot, faults=lines)
        return render(request, "web/station.html", context, status=422)
    messages.success(
        request,
        _("%(count)d devices are loaded into %(station)s.")
        % {"count": len(serials), "station": found},
    )
    return redirect(found)


@require_POST
@allowed("testing.delete_loadeddevice")
def unload(request: HttpRequest, name: str) -> HttpResponse:
    """Take devices out: the slot that was named, or all."""
    found = get_object_or_404(Station, name=name)
    slots = None
    if slot := request.POST.get("slot"):
        number = whole_number(slot)
        if number is None:
            raise Http404(f"no slot {slot!r}")
        slots = [number]
    try:
        unload_station(found, slots)
    except ACTION_FAULTS as error:
        lines, _by_slot = fault_lines(error)
        for line in lines:
            messages.error(request, line)
    else:
        messages.success(
            request, _("The station is unloaded.") if slots is None else _("The slot is empty.")
        )
    return redirect(found)

"""The list of devices, and the page of one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from mppcqa.inventory.models import Comment, Device, DeviceType, Institute, SerialAlias
from mppcqa.inventory.serials import normal_serial
from mppcqa.testing.models import LoadedDevice, Outcome, RunSlot, Standing, Verdict
from mppcqa.web.access import allowed
from mppcqa.web.device_data import identity, stage_sections
from mppcqa.web.paging import keyset_page
from mppcqa.web.stages import stage_titles

HISTORY = 30


@require_GET
def device_list(request: HttpRequest) -> HttpResponse:
    """Devices by serial, with filters; one page by key."""
    stages = stage_titles()
    rows = _filtered(request.GET, stages).select_related("device_type", "tray", "location")
    standings = Prefetch("standings", queryset=Standing.objects.order_by("stage"))
    page = keyset_page(rows.prefetch_related(standings), request.GET, key="serial")
    for row in page.rows:
        row.by_stage = {standing.stage: standing for standing in row.standings.all()}
    context = {
        "page": page,
        "stages": stages,
        "types": DeviceType.objects.all(),
        "places": Institute.objects.all(),
        "outcomes": Outcome.choices,
        "asked": request.GET,
        "filtered": any(request.GET.get(name) for name in FILTERS),
    }
    return render(request, "web/device_list.html", context)


FILTERS = ("q", "type", "place", "stage", "outcome", "tray", "lot")


def _filtered(asked: QueryDict, stages: dict[str, str]) -> QuerySet[Device]:
    rows = Device.objects.all()
    if serial := normal_serial(asked.get("q", "")):
        # A range uses the index on every database; LIKE does not on all.
        begins = Q(serial__gte=serial, serial__lt=serial + "\uffff")
        former = SerialAlias.objects.filter(serial=serial).values("device")
        rows = rows.filter(begins | Q(pk__in=former))
    if (kind := asked.get("type", "")).isdecimal():
        rows = rows.filter(device_type=int(kind))
    if (place := asked.get("place", "")).isdecimal():
        rows = rows.filter(location=int(place))
    if tray := asked.get("tray"):
        rows = rows.filter(tray__name=tray)
    if lot := asked.get("lot"):
        rows = rows.filter(lot__name=lot)
    stage, outcome = asked.get("stage", ""), asked.get("outcome", "")
    if stage in stages and outcome == "none":
        rows = rows.exclude(standings__stage=stage)
    elif stage in stages or outcome in Outcome.values:
        wanted = {}
        if stage in stages:
            wanted["stage"] = stage
        if outcome in Outcome.values:
            wanted["outcome"] = outcome
        rows = rows.filter(pk__in=Standing.objects.filter(**wanted).values("device"))
    return rows


@require_GET
def device(request: HttpRequest, serial: str) -> HttpResponse:
    """Everything about one device; a former serial leads to the present one."""
    rows = Device.objects.select_related(
        "device_type__maker", "lot", "tray", "location", "parent", "registered_by"
    )
    found = rows.filter(serial=normal_serial(serial)).first()
    if found is None:
        alias = get_object_or_404(
            SerialAlias.objects.select_related("device"), serial=normal_serial(serial)
        )
        return redirect("device", alias.device.serial)
    context: dict[str, Any] = {
        "device": found,
        "identity": identity(found),
        "sections": stage_sections(found, request.GET),
        "history": _history(found),
        "comments": found.comments.select_related("author"),
        "loaded": LoadedDevice.objects.select_related("station").filter(device=found).first(),
        "children": found.children.order_by("serial")[:100],
        "attachments": found.attachments.all(),
    }
    return render(request, "web/device.html", context)


def _history(device: Device) -> list[dict[str, Any]]:
    """What happened to a device, the latest first; bounded."""
    events: list[dict[str, Any]] = [
        {
            "at": device.registered_at,
            "icon": "circle-plus",
            "text": _("Registered"),
            "who": device.registered_by,
        }
    ]
    slots = RunSlot.objects.filter(device=device).select_related("run__station", "run__operator")
    titles = stage_titles()
    events += [
        {
            "at": row.run.created_at,
            "icon": "player-play",
            "text": f"{_('Run')} {row.run.pk}: {titles.get(row.run.stage, row.run.stage)}",
            "more": f"{row.run.station}, {_('slot')} {row.slot}" if row.run.station else "",
            "who": row.run.operator,
            "url": row.run.get_absolute_url(),
        }
        for row in slots.order_by("-run_id")[:HISTORY]
    ]
    verdicts = Verdict.objects.filter(device=device).select_related("limit_set")
    events += [
        {
            "at": row.judged_at,
            "icon": "gavel",
            "text": f"{titles.get(row.stage, row.stage)}: {row.get_outcome_display()}",
            "more": str(row.limit_set),
        }
        for row in verdicts[:HISTORY]
    ]
    shipments = device.shipments.select_related("origin", "destination", "sent_by")
    events += [
        {"at": row.sent_at, "icon": "truck", "text": str(row), "who": row.sent_by}
        for row in shipments[:HISTORY]
    ]
    events += [
        {
            "at": row.changed_at,
            "icon": "edit",
            "text": _("Renamed; before: %s") % row.serial,
            "more": row.reason,
        }
        for row in device.aliases.all()[:HISTORY]
    ]
    return sorted(events, key=lambda event: event["at"], reverse=True)[:HISTORY]


@require_POST
@allowed("inventory.add_comment")
def comment(request: HttpRequest, serial: str) -> HttpResponse:
    """Add a comment to a device."""
    found = get_object_or_404(Device, serial=normal_serial(serial))
    row = Comment(device=found, text=request.POST.get("text", "").strip(), author=request.user)
    try:
        row.full_clean()
    except ValidationError:
        messages.error(request, _("The comment is empty: write something first."))
    else:
        row.save()
        messages.success(request, _("The comment is saved."))
    return redirect(found)

"""The list of devices, and the page of one."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from mppcqa.inventory.models import (
    Comment,
    Device,
    DeviceType,
    Institute,
    SerialAlias,
)
from mppcqa.inventory.serials import normal_serial
from mppcqa.testing.models import LimitSet, LoadedDevice, Outcome, RunSlot, Standing, Verdict
from mppcqa.testing.selection import DEVICE_FILTERS, identified_devices, with_verdict
from mppcqa.web.access import allowed
from mppcqa.web.device_data import identity, stage_sections
from mppcqa.web.paging import keyset_page
from mppcqa.web.related import kinds_there
from mppcqa.web.rows import address
from mppcqa.web.stages import stage_titles

HISTORY = 30
# What the page shows of it, and no more: tables that are joined have many columns.
SHOWN = (
    *("serial", "tray_row", "tray_column", "maker_values", "registered_at"),
    *("device_type__name", "device_type__rows", "device_type__columns"),
    "device_type__channel_order",
)
NAMES = {
    "maker_name": F("device_type__maker__name"),
    "lot_name": F("lot__name"),
    "tray_name": F("tray__name"),
    "place_name": F("location__name"),
    "parent_serial": F("parent__serial"),
    "registrar": F("registered_by__username"),
}
LISTED = (
    *("pk", "serial", "tray_row", "tray_column"),
    *("device_type__name", "tray__name", "location__name"),
)


@require_GET
def device_list(request: HttpRequest) -> HttpResponse:
    """Devices by serial, with filters; one page by key."""
    stages = stage_titles()
    # Verdicts lie elsewhere, in no order of serials.
    among = identified_devices(request.GET)
    chosen = with_verdict(among, request.GET)
    page = keyset_page(
        chosen,
        request.GET,
        key="serial",
        show=lambda rows: rows.values_list(*LISTED, named=True),
        among=None if chosen is among else among,
    )
    outcomes: dict[int, dict[str, str]] = defaultdict(dict)
    standings = Standing.objects.filter(device__in=[row.pk for row in page.rows])
    for device_id, stage, outcome in standings.values_list("device", "stage", "outcome"):
        outcomes[device_id][stage] = outcome
    context = {
        "page": page,
        "verdicts": outcomes,
        "stages": stages,
        "types": _choices(DeviceType.objects.all()),
        "places": _choices(Institute.objects.all()),
        "outcomes": Outcome.choices,
        "asked": request.GET,
        "filtered": any(request.GET.get(name) for name in DEVICE_FILTERS),
    }
    return render(request, "web/device_list.html", context)


def _choices(rows: QuerySet[Any]) -> list[tuple[str, str]]:
    """Keys as the address has them, and names."""
    return [(str(key), name) for key, name in rows.values_list("pk", "name")]


@require_GET
def device(request: HttpRequest, serial: str) -> HttpResponse:
    """Everything about one device; a former serial leads to the present one."""
    rows = Device.objects.select_related("device_type").only(*SHOWN).annotate(**NAMES)
    found = rows.filter(serial=normal_serial(serial)).first()
    if found is None:
        alias = get_object_or_404(
            SerialAlias.objects.select_related("device"), serial=normal_serial(serial)
        )
        return redirect("device", alias.device.serial)
    parts = _parts(found)
    sections = stage_sections(found, request.GET)
    now = {section.key: section.standing.outcome for section in sections}
    for one in parts["sign_offs"]:
        one.outdated = one.outcomes != now
    context: dict[str, Any] = {
        **parts,
        "device": found,
        "identity": identity(found),
        "sections": sections,
        "history": _history(found, parts),
        "loaded": next(iter(parts["loaded_in"]), None),
        "under_way": next((one for one in parts["shipments"] if one.received_at is None), None),
    }
    return render(request, "web/device.html", context)


def _parts(device: Device) -> dict[str, list[Any]]:
    """What belongs to a device. Most have none of most kinds, and those are not asked for."""
    moves = device.shipments.select_related("origin", "destination", "sent_by").only(
        "sent_at", "received_at", "origin__name", "destination__name", "sent_by__username"
    )
    loaded = LoadedDevice.objects.filter(device=device).select_related("station")
    comments = device.comments.select_related("author")
    signed = device.sign_offs.select_related("signed_by")
    rows: dict[str, QuerySet[Any]] = {
        "shipments": moves[:HISTORY],
        "aliases": device.aliases.all()[:HISTORY],
        "comments": comments.only("device", "text", "written_at", "author__username"),
        "loaded_in": loaded.only("slot", "station__name"),
        "children": device.children.order_by("serial").only("serial", "parent")[:100],
        "attachments": device.attachments.all(),
        "tags": device.tags.all(),
        "sign_offs": signed.only("device", "signed_at", "note", "outcomes", "signed_by__username")[
            :3
        ],
    }
    there = kinds_there(device, tuple(rows))
    return {name: list(some) if name in there else [] for name, some in rows.items()}


def _history(device: Any, parts: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """What happened to a device, the latest first; bounded."""
    events: list[dict[str, Any]] = [
        {
            "at": device.registered_at,
            "icon": "circle-plus",
            "text": _("Registered"),
            "who": device.registrar,
        }
    ]
    titles = stage_titles()
    slots = (
        RunSlot.objects.filter(device=device)
        .order_by("-run_id")
        .values_list(
            *("run_id", "slot", "run__stage", "run__created_at"),
            *("run__station__name", "run__operator__username"),
        )
    )
    events += [
        {
            "at": created_at,
            "icon": "player-play",
            "text": f"{_('Run')} {run}: {titles.get(stage, stage)}",
            "more": f"{station}, {_('slot')} {slot}" if station else "",
            "who": operator,
            "url": address("run", run),
        }
        for run, slot, stage, created_at, station, operator in slots[:HISTORY]
    ]
    verdicts = Verdict.objects.filter(device=device).values_list(
        "judged_at", "stage", "outcome", "limit_set__title", "limit_set__version"
    )
    events += [
        {
            "at": judged_at,
            "icon": "gavel",
            "text": f"{titles.get(stage, stage)}: {Outcome(outcome).label}",
            "more": str(LimitSet(title=title, version=version)),
        }
        for judged_at, stage, outcome, title, version in verdicts[:HISTORY]
    ]
    missing = set(device.missing_in.values_list("pk", flat=True)) if parts["shipments"] else set()
    events += [
        {
            "at": row.sent_at,
            "icon": "truck",
            "text": str(row),
            "more": _("missing on arrival") if row.pk in missing else "",
            "who": row.sent_by,
            "url": reverse("shipment", args=[row.pk]),
        }
        for row in parts["shipments"]
    ]
    events += [
        {
            "at": row.changed_at,
            "icon": "edit",
            "text": _("Renamed; before: %s") % row.serial,
            "more": row.reason,
        }
        for row in parts["aliases"]
    ]
    return sorted(events, key=lambda event: event["at"], reverse=True)[:HISTORY]


@require_POST
@allowed("inventory.add_comment")
def comment(request: HttpRequest, serial: str) -> HttpResponse:
    """Add a comment to a device."""
    found = get_object_or_404(Device, serial=normal_serial(serial))
    row = Comment(device=found, text=request.POST.get("text", "").strip(), author=request.user)
    try:
        # Device and author are there: only the text is somebody's.
        row.full_clean(exclude=["device", "author"])
    except ValidationError:
        messages.error(request, _("The comment is empty: write something first."))
    else:
        row.save()
        messages.success(request, _("The comment is saved."))
    return redirect(found)

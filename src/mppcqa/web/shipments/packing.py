"""Devices packed by scan: into the places of a tray, into a box, or into trays in a box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from mppcqa.inventory.models import Device, Shipment, Tray
from mppcqa.inventory.placing import free_places
from mppcqa.inventory.shipping import pack_more
from mppcqa.refused import Refused
from mppcqa.web.access import allowed, person
from mppcqa.web.scan.doing import Bench, need
from mppcqa.web.scan.hand import hand_of, keep
from mppcqa.web.scan.packing import Packing, packing_of

LONGEST = 1000
"""Characters of a scan that are looked at."""


@dataclass(frozen=True)
class Cell:
    """A place of a tray."""

    row: int
    column: int
    serial: str = ""
    boxed: bool = False
    next: bool = False
    choose: str = ""
    """Address that chooses it for the next device, where it is free."""


@require_http_methods(["GET", "POST"])
@allowed("inventory.change_device")
def packing(request: HttpRequest) -> HttpResponse:
    """Scan one after the other: each goes into the next free place, or the one that is chosen."""
    found = packing_of(request.GET, request.user)
    if not found:
        raise Http404
    if found.box is not None and found.box.sent_at is not None:
        return redirect("shipment", found.box.pk)
    faults: Sequence[str] = []
    if request.method == "POST":
        try:
            return redirect(_done(request, found))
        except Refused as error:
            faults = error.faults
    context = {"packing": found, "faults": faults, "typed": request.POST.get("code", "")[:LONGEST]}
    context |= _standing(found, request.user)
    return render(request, "web/shipments/packing.html", context, status=422 if faults else 200)


def _done(request: HttpRequest, found: Packing) -> str:
    """What was typed, as if it had been scanned; where to go on."""
    by = person(request)
    if "all" in request.POST and found.box is not None and found.tray is not None:
        need(by, "inventory.change_shipment")
        n = pack_more(found.box, [found.tray.name], by=by)
        messages.success(request, _("%d devices are packed.") % n)
        return found.go()
    hand = hand_of(request)
    bench = Bench(by=by, account=by, hand=hand, packing=found)
    answer = bench.take(request.POST.get("code", "")[:LONGEST])
    keep(request, hand)
    messages.success(request, "; ".join([answer.title, *answer.lines]))
    return answer.go or found.go()


def _standing(found: Packing, viewer: Any) -> dict[str, Any]:
    """How full tray and box are."""
    told: dict[str, Any] = {}
    if found.box is not None:
        inside = found.box.devices.visible_to(viewer)
        trays = inside.order_by().values("tray", "tray__name").annotate(n=Count("pk"))
        told["trays"] = sorted(
            ((row["tray"], row["tray__name"], row["n"]) for row in trays),
            key=lambda row: (row[1] is None, row[1]),
        )
        told["number"] = sum(n for _pk, _name, n in told["trays"])
    if found.tray is not None:
        told |= _tray(found, found.tray, viewer)
    return told


def _tray(found: Packing, tray: Tray, viewer: Any) -> dict[str, Any]:
    lying = {
        (row, column): (pk, serial)
        for pk, serial, row, column in Device.objects.visible_to(viewer)
        .filter(tray=tray)
        .values_list("pk", "serial", "tray_row", "tray_column")
    }
    boxed = _boxed(found.box, [pk for pk, _serial in lying.values()])
    free = set(free_places(tray))
    first = min(free, default=None)
    place = found.at if found.at in free else first
    grid = []
    for row in range(tray.rows):
        cells = []
        for column in range(tray.columns):
            at = row, column
            pk, serial = lying.get(at, (0, ""))
            choose = found.go(at=f"{row}-{column}") if at in free else ""
            cells.append(Cell(row, column, serial, pk in boxed, at == place, choose))
        grid.append(cells)
    return {
        "grid": grid,
        "columns": range(tray.columns),
        "place": place,
        "lying": len(lying),
        "waiting": len(lying) - len(boxed) if found.box is not None else 0,
    }


def _boxed(box: Shipment | None, devices: list[int]) -> set[int]:
    if box is None:
        return set()
    return set(box.devices.filter(pk__in=devices).values_list("pk", flat=True))

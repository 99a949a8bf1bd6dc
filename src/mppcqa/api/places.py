"""Trays and shipments."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema
from pydantic import ConfigDict, Field

from mppcqa.api.asking import one_of, who
from mppcqa.api.lists import MOST, ListQuery, Page, Text, page_of
from mppcqa.api.runs import Number
from mppcqa.inventory.models import Device, Shipment, Tray
from mppcqa.web.shipments.listing import SHIPMENTS
from mppcqa.web.trays.listing import TRAYS

trays, shipments = (Router(tags=["places"]) for _one in range(2))


class TrayRow(Schema):
    """A tray."""

    name: str
    rows: int | None = None
    columns: int | None = None
    lot: str | None = None
    location: str | None = None


class Trays(Page):
    """A page of trays."""

    items: list[TrayRow]


class Placed(Schema):
    """A device in a tray, at a row and a column from 0."""

    serial: str
    row: int | None
    column: int | None


class TrayWhole(TrayRow):
    """A tray with what of it is seen."""

    devices: list[Placed]


class TrayQuery(ListQuery):
    """Filters of trays."""

    q: Text = Field("", description="How the name begins.")


def _tray(row: Tray) -> dict[str, Any]:
    return {
        "name": row.name,
        "rows": row.rows,
        "columns": row.columns,
        "lot": row.lot.name if row.lot else None,
        "location": row.location.name if row.location else None,
    }


@trays.get("", response=Trays, summary="List trays", exclude_unset=True)
def tray_list(request: HttpRequest, asked: Query[TrayQuery]) -> Any:
    """Trays by name."""
    return page_of(request, Trays, TRAYS, asked, lambda rows: [_tray(row) for row in rows])


@trays.get("/{name}", response=TrayWhole, summary="One tray")
def tray(request: HttpRequest, name: str) -> Any:
    """A tray with its devices."""
    user = who(request)
    rows = Tray.objects.visible_to(user).select_related("lot", "location")
    row = one_of(rows, "tray", name=name)
    devices = Device.objects.visible_to(user).filter(tray=row)
    places = devices.order_by("tray_row", "tray_column", "serial")
    names = ("serial", "tray_row", "tray_column")
    return {
        **_tray(row),
        "devices": [
            dict(zip(("serial", "row", "column"), one, strict=True))
            for one in places.values_list(*names)
        ],
    }


class ShipmentRow(Schema):
    """A shipment."""

    id: int
    origin: str | None = None
    destination: str | None = None
    devices: int | None = Field(None, description="How many of them are seen.")
    reference: str | None = None
    packed_at: dt.datetime | None = None
    sent_at: dt.datetime | None = None
    received_at: dt.datetime | None = None


class Shipments(Page):
    """A page of shipments."""

    items: list[ShipmentRow]


class ShipmentWhole(ShipmentRow):
    """A shipment with what of it is seen."""

    note: str
    serials: list[str]
    missing: list[str] = Field(description="Serials that were not in the box.")


class ShipmentQuery(ListQuery):
    """Filters of shipments."""

    model_config = ConfigDict(populate_by_name=True)
    origin: Text = Field("", alias="from", description="Institute.")
    to: Text = Field("", description="Institute.")
    state: Text = Field("", description="packed, under_way or received.")


def _shipments(rows: list[Any]) -> list[dict[str, Any]]:
    SHIPMENTS.describe(rows)
    times = ("packed_at", "sent_at", "received_at")
    return [
        {
            "id": row.pk,
            "origin": row.origin.name,
            "destination": row.destination.name,
            "devices": row.n_devices,
            "reference": row.reference,
            **{name: getattr(row, name) for name in times},
        }
        for row in rows
    ]


@shipments.get("", response=Shipments, summary="List shipments", exclude_unset=True)
def shipment_list(request: HttpRequest, asked: Query[ShipmentQuery]) -> Any:
    """Shipments, the newest first."""
    return page_of(request, Shipments, SHIPMENTS, asked, _shipments)


@shipments.get("/{number}", response=ShipmentWhole, summary="One shipment")
def shipment(request: HttpRequest, number: Path[Number]) -> Any:
    """A shipment with its devices."""
    user = who(request)
    rows = Shipment.objects.visible_to(user).select_related("origin", "destination")
    row = one_of(rows, "shipment", pk=number)
    seen = Device.objects.visible_to(user).order_by("serial")
    serials = list(seen.filter(shipments=row).values_list("serial", flat=True))
    return {
        **_shipments([row])[0],
        "devices": len(serials),
        "note": row.note,
        "serials": serials[: 100 * MOST],
        "missing": list(seen.filter(missing_in=row).values_list("serial", flat=True)),
    }

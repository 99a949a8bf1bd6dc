"""Devices, and what belongs to them, as the documents of a bundle: the same for the same content.

Whatever stands in these documents has no number of our database and no time of the writing.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar
from uuid import UUID

from django.db import models
from django.db.models import QuerySet

from mppcqa.bundles.keys import ours
from mppcqa.bundles.models import CameFrom, KnownAs, PartnerVerdict
from mppcqa.inventory.differences import ShipmentDifference
from mppcqa.inventory.models import (
    Device,
    DeviceType,
    Institute,
    Lot,
    SerialAlias,
    Shipment,
    Tray,
)
from mppcqa.limits.models import Limit, LimitSet, Verdict
from mppcqa.results.models import Standing

BATCH = 500
Document = dict[str, Any]
Row = TypeVar("Row", bound=models.Model)
Id = TypeVar("Id")


def batches(ids: Sequence[Id]) -> Iterator[Sequence[Id]]:
    """Ids in pieces that one statement bears."""
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def moment(when: dt.datetime | None) -> Any:
    """A moment in UTC, as text."""
    return None if when is None else when.astimezone(dt.UTC).isoformat()


class Origins:
    """Where things are from; what is from nowhere else is ours."""

    def __init__(self) -> None:
        mine = ours()
        self.ours = str(mine.uuid)
        self.names = {self.ours: mine.name}

    def of(self, kind: str, numbers: Sequence[int]) -> dict[int, tuple[str, Document]]:
        """UUID of the installation and what was told, by number; ours are not among them."""
        found: dict[int, tuple[str, Document]] = {}
        for part in batches(numbers):
            rows = CameFrom.objects.filter(kind=kind, number__in=part)
            for row in rows.select_related("installation"):
                uuid = str(row.installation.uuid)
                self.names[uuid] = row.installation.name
                found[row.number] = (uuid, row.facts)
        return found


class Things:
    """The devices of a bundle, sorted by serial number, and all that is told of them."""

    def __init__(self, devices: Iterable[int], origins: Origins) -> None:
        ids = sorted(set(devices))
        rows: list[Device] = []
        for part in batches(ids):
            related = ("device_type__maker", "lot__maker", "tray__lot__maker", "tray__location")
            places = ("location", "owner", "parent")
            rows += Device.objects.filter(pk__in=part).select_related(*related, *places)
        self.devices = sorted(rows, key=lambda one: one.serial)
        self.ids = [one.pk for one in self.devices]
        self.uuids = {one.pk: str(one.uuid) for one in self.devices}
        self.origins = origins

    def inventory(self) -> Document:
        """``inventory.json``."""
        lots = _unique(
            [*(d.lot for d in self.devices), *(d.tray.lot for d in self.devices if d.tray)]
        )
        trays = _unique([d.tray for d in self.devices])
        types = _unique([d.device_type for d in self.devices])
        shipments = self._shipments()
        institutes = {
            one.pk: one
            for d in self.devices
            for one in (d.location, d.owner, d.tray.location if d.tray else None)
            if one is not None
        }
        for one in shipments:
            institutes |= {one.origin.pk: one.origin, one.destination.pk: one.destination}
        makers = {one.maker.name for one in types if one.maker}
        makers |= {one.maker.name for one in lots if one.maker}
        return {
            "institutes": [
                {"name": one.name, "address": one.address}
                for one in sorted(institutes.values(), key=lambda one: one.name)
            ],
            "makers": sorted(makers),
            "types": [_type(one) for one in types],
            "lots": [
                {
                    "name": one.name,
                    "maker": one.maker.name if one.maker else None,
                    "maker_values": one.maker_values,
                }
                for one in lots
            ],
            "trays": [
                {
                    "name": one.name,
                    "rows": one.rows,
                    "columns": one.columns,
                    "lot": lots.index(one.lot) if one.lot else None,
                    "location": _name(one.location),
                }
                for one in trays
            ],
            "devices": self._devices(lots, trays),
            "shipments": self._told_shipments(shipments),
        }

    def _devices(self, lots: list[Lot], trays: list[Tray]) -> list[Document]:
        origin = self.origins.of(CameFrom.Kind.DEVICE, self.ids)
        former, names, tags = defaultdict(list), defaultdict(list), defaultdict(list)
        for part in batches(self.ids):
            for alias in SerialAlias.objects.filter(device__in=part).order_by("serial"):
                former[alias.device_id].append(
                    {
                        "serial": alias.serial,
                        "reason": alias.reason,
                        "changed_at": moment(alias.changed_at),
                    }
                )
            for known in KnownAs.objects.filter(device__in=part).order_by("uuid"):
                names[known.device_id].append(str(known.uuid))
            through = Device.tags.through.objects.filter(device__in=part)
            for device, tag in through.order_by("tag__name").values_list("device", "tag__name"):
                tags[device].append(tag)
        lot_at = {one.pk: place for place, one in enumerate(lots)}
        tray_at = {one.pk: place for place, one in enumerate(trays)}
        return [
            {
                "uuid": str(one.uuid),
                "known_as": names[one.pk],
                "origin": origin.get(one.pk, (self.origins.ours, {}))[0],
                "serial": one.serial,
                "former": former[one.pk],
                "type": one.device_type.name,
                "lot": None if one.lot_id is None else lot_at[one.lot_id],
                "tray": None if one.tray_id is None else tray_at[one.tray_id],
                "tray_row": one.tray_row,
                "tray_column": one.tray_column,
                "location": _name(one.location),
                "owner": _name(one.owner),
                "parent": str(one.parent.uuid) if one.parent else None,
                "maker_serial": one.maker_serial,
                "maker_values": one.maker_values,
                "installed": one.installed,
                "tags": tags[one.pk],
                "registered_at": moment(one.registered_at),
            }
            for one in self.devices
        ]

    def _shipments(self) -> list[Shipment]:
        """Every shipment that any of the devices was in, in the order of their packing."""
        found: dict[int, Shipment] = {}
        for part in batches(self.ids):
            for field in ("devices", "missing"):
                rows: QuerySet[Shipment] = Shipment.objects.filter(**{f"{field}__in": part})
                rows = rows.select_related("origin", "destination").distinct()
                found |= {one.pk: one for one in rows}
        return sorted(found.values(), key=lambda one: (one.packed_at, str(one.uuid)))

    def shipments(self) -> dict[int, str]:
        """UUID by id of the shipments that any of the devices was in."""
        return {one.pk: str(one.uuid) for one in self._shipments()}

    def _told_shipments(self, shipments: list[Shipment]) -> list[Document]:
        origin = self.origins.of(CameFrom.Kind.SHIPMENT, [one.pk for one in shipments])
        differences = defaultdict(list)
        for part in batches([one.pk for one in shipments]):
            rows = ShipmentDifference.objects.filter(shipment__in=part)
            for row in rows.order_by("serial", "what"):
                differences[row.shipment_id].append(
                    {
                        "what": row.what,
                        "serial": row.serial,
                        "note": row.note,
                        "noted_at": moment(row.noted_at),
                        "settled_at": moment(row.settled_at),
                    }
                )
        return [
            {
                "uuid": str(one.uuid),
                "origin_installation": origin.get(one.pk, (self.origins.ours, {}))[0],
                "origin": one.origin.name,
                "destination": one.destination.name,
                "reference": one.reference,
                "note": one.note,
                "packed_at": moment(one.packed_at),
                "sent_at": moment(one.sent_at),
                "received_at": moment(one.received_at),
                "devices": _uuids(one.devices),
                "missing": _uuids(one.missing),
                "differences": differences[one.pk],
            }
            for one in shipments
        ]

    def verdicts(self, analyses: dict[int, str]) -> Document:
        """``verdicts.json``: ours and what others said, on the analyses (UUID by id) given."""
        limits: list[Document] = []
        places: dict[str, int] = {}
        told = [*self._ours(analyses), *self._partners(analyses)]
        for verdict in sorted(told, key=lambda one: one["uuid"]):
            key = str(sorted(verdict["limits"].items()))
            if key not in places:
                places[key] = len(limits)
                limits.append(verdict["limits"])
            verdict["limits"] = places[key]
        return {"limits": limits, "verdicts": sorted(told, key=lambda one: one["uuid"])}

    def _ours(self, analyses: dict[int, str]) -> Iterator[Document]:
        bands: dict[int, Document] = {}
        for part in batches(self.ids):
            standing = set(
                Standing.objects.filter(device__in=part)
                .exclude(verdict=None)
                .values_list("verdict", flat=True)
            )
            rows = Verdict.objects.filter(device__in=part).select_related(
                *("limit_set", "waiver__granted_by", "waiver__signed")
            )
            for row in rows.order_by("pk"):
                if row.analysis_id not in analyses:
                    continue
                if row.limit_set_id not in bands:
                    bands[row.limit_set_id] = _limit_set(row.limit_set)
                waiver = row.waiver
                yield self._verdict(row, self.origins.ours, analyses) | {
                    "limits": bands[row.limit_set_id],
                    "stands": row.pk in standing,
                    "waiver": {} if waiver is None else _waiver(waiver),
                }

    def _partners(self, analyses: dict[int, str]) -> Iterator[Document]:
        for part in batches(self.ids):
            rows = PartnerVerdict.objects.filter(device__in=part).select_related("installation")
            for row in rows:
                if row.analysis_id not in analyses:
                    continue
                uuid = str(row.installation.uuid)
                self.origins.names[uuid] = row.installation.name
                facts = {"limits": row.limits, "stands": row.stands, "waiver": row.waiver}
                yield self._verdict(row, uuid, analyses) | facts

    def _verdict(self, row: Any, origin: str, analyses: dict[int, str]) -> Document:
        return {
            "uuid": str(row.uuid),
            "origin": origin,
            "device": self.uuids[row.device_id],
            "stage": row.stage,
            "analysis": analyses[row.analysis_id],
            "outcome": row.outcome,
            "details": row.details,
            "judged_at": moment(row.judged_at),
        }


def _unique(rows: Iterable[Row | None]) -> list[Row]:
    """Rows, each once, by name and then by key."""
    found: dict[Any, Any] = {one.pk: one for one in rows if one is not None}
    return sorted(found.values(), key=lambda one: (one.name, str(getattr(one, "maker", ""))))


def _name(one: Institute | None) -> str | None:
    return None if one is None else one.name


def _uuids(devices: Any) -> list[str]:
    found: list[UUID] = list(devices.values_list("uuid", flat=True))
    return sorted(map(str, found))


def _type(one: DeviceType) -> Document:
    names = (
        *("name", "rows", "columns", "channel_order", "nominal_breakdown_v"),
        *("serial_pattern", "serial_check", "serial_next", "description"),
    )
    return {name: getattr(one, name) for name in names} | {
        "maker": one.maker.name if one.maker else None
    }


def _limit_set(one: LimitSet) -> Document:
    rows = Limit.objects.filter(limit_set=one).select_related("quantity").order_by("quantity__key")
    return {
        "stage": one.stage,
        "title": one.title,
        "version": one.version,
        "reason": one.reason,
        "bands": [
            {
                "quantity": row.quantity.key,
                "pass_low": row.pass_low,
                "pass_high": row.pass_high,
                "warn_low": row.warn_low,
                "warn_high": row.warn_high,
                "at": row.at.text,
                "reason": row.reason,
            }
            for row in rows
        ],
    }


def _waiver(waiver: Any) -> Document:
    return {
        "reason": waiver.reason,
        "by": waiver.granted_by.get_username() if waiver.granted_by else "",
        "at": moment(waiver.granted_at),
        "until": None if waiver.expires_on is None else waiver.expires_on.isoformat(),
    } | ({} if waiver.signed is None else {"signed": waiver.signed.document()})

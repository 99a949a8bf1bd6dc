"""Shipments of a bundle into the database, and what they mean for the devices here.

Whoever has a device says where it is: a shipment that was made there moves devices here only as far
as the states permit, and an arrival that was noted there ends the shipment here. What does not fit
(the receiver has sent a device on already) stays as it is here and is told.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from uuid import UUID

from django.utils.translation import gettext as _

from mppcqa.bundles.merge import Merge
from mppcqa.bundles.models import CameFrom
from mppcqa.bundles.things import Document, batches
from mppcqa.inventory.differences import ShipmentDifference
from mppcqa.inventory.models import Device, Institute, Shipment
from mppcqa.inventory.moving import Held
from mppcqa.inventory.states import Move

MOMENTS = ("packed_at", "sent_at", "received_at")


class Shipments:
    """The shipments of one bundle, in the order in which they were packed."""

    def __init__(self, merge: Merge) -> None:
        self.merge, self.said = merge, merge.said
        self.known = dict(merge.devices)
        self.ours: set[int] = set()

    def take(self) -> None:
        told = self.merge.inventory["shipments"]
        names = {uuid for one in told for uuid in (*one["devices"], *one["missing"])}
        missing = sorted(UUID(one) for one in names - self.known.keys())
        for part in batches(missing):
            rows = Device.objects.filter(uuid__in=part)
            self.known |= {str(uuid): pk for uuid, pk in rows.values_list("uuid", "pk")}
            others = Device.objects.filter(known_as__uuid__in=part)
            named = others.values_list("known_as__uuid", "pk")
            self.known |= {str(uuid): pk for uuid, pk in named}
        self.serials: dict[int, str] = {}
        for some in batches(sorted(set(self.known.values()))):
            here = Device.objects.filter(pk__in=some)
            self.serials |= dict(here.values_list("pk", "serial"))
        for one in sorted(told, key=lambda one: (one["packed_at"], one["uuid"])):
            self._take(one)

    def _take(self, told: Document) -> None:
        row = Shipment.objects.select_for_update().filter(uuid=UUID(told["uuid"])).first()
        text = _("shipment %(from)s → %(to)s of %(day)s")
        values = {"from": told["origin"], "to": told["destination"]}
        name = text % {**values, "day": told["packed_at"][:10]}
        if row is None:
            row = self._make(told)
            self.said.tell("shipments", "new", name)
            theirs = True
            closed = told["received_at"] is not None
            if closed:  # it has ended there; where its devices are now, later shipments say
                row.devices.set(self._ids(told["devices"]))
                row.missing.set(self._ids(told["missing"]))
                row.sent_at, row.received_at = _at(told["sent_at"]), _at(told["received_at"])
                row.save(update_fields=["sent_at", "received_at"])
                self._place(row)
        else:
            origin = CameFrom.objects.filter(kind=CameFrom.Kind.SHIPMENT, number=row.pk).first()
            theirs = origin is not None and not origin.installation.is_ours
            self.said.count("shipments", "same")
        if theirs and row.sent_at is None and not self.merge.late:
            self._fill(row, told)
        if told["received_at"] is not None:
            self._end(row, told)
        self._differences(row, told)

    def _make(self, told: Document) -> Shipment:
        places = {
            name: Institute.objects.get_or_create(name=told[name])[0]
            for name in ("origin", "destination")
        }
        row = Shipment.objects.create(
            uuid=UUID(told["uuid"]),
            reference=told["reference"],
            note=told["note"],
            packed_at=_at(told["packed_at"]),
            **places,
        )
        if told["origin_installation"] != self.merge.ours:
            self.merge.came(CameFrom.Kind.SHIPMENT, row.pk, told["origin_installation"], {}).save()
        return row

    def _ids(self, uuids: Iterable[str]) -> list[int]:
        return [self.known[one] for one in uuids if one in self.known]

    def _place(self, row: Shipment) -> None:
        """Where devices of a shipment that has ended there are: where it went."""
        here = set(row.devices.values_list("pk", flat=True))
        here -= set(row.missing.values_list("pk", flat=True))
        held = Held(here)
        may = [pk for pk in here if pk not in held.faults(Move.RECEIVE)]
        fresh = [pk for pk in may if self._is_fresh(pk)]
        held.move(Move.RECEIVE, fresh, by=self.merge.by, why=str(row))
        for part in batches(sorted(fresh)):
            Device.objects.filter(pk__in=part).update(location=row.destination)

    def _is_fresh(self, pk: int) -> bool:
        """Whether a device was made by this bundle: nobody here has moved it."""
        origin = CameFrom.objects.filter(kind=CameFrom.Kind.DEVICE, number=pk).first()
        return origin is not None and origin.bundle_id == self.merge.bundle.pk

    def _fill(self, row: Shipment, told: Document) -> None:
        """A box that is packed there, or on its way here."""
        wanted = set(self._ids(told["devices"]))
        there = set(row.devices.values_list("pk", flat=True))
        out = Held(there - wanted)
        gone = [pk for pk in out.found if pk not in out.faults(Move.UNPACK)]
        out.move(Move.UNPACK, gone, by=self.merge.by, why=str(row))
        row.devices.remove(*(there - wanted))
        held = Held(wanted - there)
        # What is wrong with them was decided where they were packed.
        faults = held.faults(Move.PACK, excused=True)
        for pk, why in faults.items():
            text = _("%(serial)s is not taken into the shipment: %(why)s")
            self.said.line("left_out", text % {"serial": self.serials[pk], "why": why})
        new = [pk for pk in held.found if pk not in faults]
        held.move(Move.PACK, new, by=self.merge.by, why=str(row), excused=True)
        row.devices.add(*new)
        if told["sent_at"] is not None:
            sent = Held(row.devices.values_list("pk", flat=True))
            sent.move(Move.SHIP, by=self.merge.by, why=str(row), excused=True)
            row.sent_at = _at(told["sent_at"])
            row.reference, row.note = told["reference"], told["note"]
            row.save(update_fields=["sent_at", "reference", "note"])

    def _end(self, row: Shipment, told: Document) -> None:
        """The arrival as it was noted there; what was received here stays as it is."""
        if row.received_at is None and row.sent_at is not None:
            missing = set(self._ids(told["missing"]))
            inside = set(row.devices.values_list("pk", flat=True))
            self._receive(row, inside - missing)
            held = Held(missing)
            gone = [pk for pk in held.found if pk not in held.faults(Move.MISS)]
            held.move(Move.MISS, gone, by=self.merge.by, why=str(row))
            row.received_at, row.note = _at(told["received_at"]), told["note"]
            row.save(update_fields=["received_at", "note"])
            row.missing.set(missing)
            return
        still = set(row.missing.values_list("pk", flat=True))
        came = still - set(self._ids(told["missing"]))
        if came:
            self._receive(row, came)
            row.missing.remove(*came)
            if len(told["note"]) > len(row.note):
                row.note = told["note"]
                row.save(update_fields=["note"])

    def _receive(self, row: Shipment, devices: set[int]) -> None:
        held = Held(devices)
        faults = held.faults(Move.RECEIVE)
        for pk, why in faults.items():
            text = _("%(serial)s arrived there, but: %(why)s")
            self.said.line("left_out", text % {"serial": self.serials.get(pk, pk), "why": why})
        may = sorted(pk for pk in held.found if pk not in faults)
        held.move(Move.RECEIVE, may, by=self.merge.by, why=str(row))
        for part in batches(may):
            Device.objects.filter(pk__in=part).update(location=row.destination)

    def _differences(self, row: Shipment, told: Document) -> None:
        for one in told["differences"]:
            found, _made = ShipmentDifference.objects.get_or_create(
                shipment=row,
                what=one["what"],
                serial=one["serial"],
                defaults={"note": one["note"], "noted_at": _at(one["noted_at"])},
            )
            if found.settled_at is None and one["settled_at"] is not None:
                found.settled_at = _at(one["settled_at"])
                found.save(update_fields=["settled_at"])


def _at(text: str | None) -> dt.datetime:
    return dt.datetime.fromisoformat(text) if text else None  # type: ignore[return-value]

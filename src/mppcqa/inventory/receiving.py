"""A shipment on its arrival: what was in the box is held against what was sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.inventory.differences import ShipmentDifference
from mppcqa.inventory.models import Device, Shipment
from mppcqa.inventory.moving import Held
from mppcqa.inventory.serials import SERIAL_LENGTH, normal_serial
from mppcqa.inventory.shipping import BATCH, Found, ShipmentRefused, find_devices, hold_shipment
from mppcqa.inventory.signals import shipment_arrived
from mppcqa.inventory.states import DeviceState, Move, why_not

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

What = ShipmentDifference.What


@dataclass
class Arrival:
    """What was scanned, held against what a shipment has: serial numbers, and ids of devices."""

    late: bool
    """It was received before, and only missing ones are expected still."""
    found: Found
    expected: dict[int, str]
    missing: dict[int, str] = field(default_factory=dict)
    unexpected: dict[int, str] = field(default_factory=dict)
    damaged: dict[int, str] = field(default_factory=dict)
    """What is wrong with it, by device."""
    faults: list[str] = field(default_factory=list)
    """What stands against receiving them, whatever is known of differences."""

    @property
    def damaged_serials(self) -> list[str]:
        return [self.found.devices[pk].serial for pk in self.damaged]

    @property
    def here(self) -> list[str]:
        """Expected, and scanned."""
        return [one for pk, one in self.expected.items() if pk in self.found.devices]


def arrival(
    shipment: Shipment, serials: Sequence[str], damaged: Mapping[str, str] | None = None
) -> Arrival:
    """What receiving would find; nothing is changed. `damaged` is what is wrong, by serial."""
    return _arrival(shipment, serials, damaged or {}, lock=False)[0]


def _arrival(
    shipment: Shipment, serials: Sequence[str], damaged: Mapping[str, str], *, lock: bool
) -> tuple[Arrival, Held]:
    late = shipment.received_at is not None
    outstanding = shipment.missing if late else shipment.devices
    expected = {device.pk: device.serial for device in outstanding.order_by("serial")}
    found = find_devices([*serials, *damaged])
    held = Held({*found.devices, *expected}, lock=lock)
    told = Arrival(late, found, expected)
    told.missing = {pk: serial for pk, serial in expected.items() if pk not in found.devices}
    told.unexpected = {
        pk: device.serial for pk, device in found.devices.items() if pk not in expected
    }
    by_serial = {normal_serial(one): note for one, note in damaged.items()}
    marked = find_devices(list(by_serial))
    for pk, device in marked.devices.items():
        names = {device.serial, *device.aliases.values_list("serial", flat=True)}
        told.damaged[pk] = next((by_serial[one] for one in names if one in by_serial), "")
    told.faults += held.faults(Move.RECEIVE, found.devices).values()
    told.faults += _under_way(held, told.unexpected)
    return told, held


@transaction.atomic
def receive(
    shipment: Shipment,
    serials: Sequence[str],
    *,
    damaged: Mapping[str, str] | None = None,
    missing_is_known: bool = False,
    others_are_known: bool = False,
    by: AbstractBaseUser | None = None,
) -> int:
    """Receive what was scanned; devices are at the destination from now on. Returns how many.

    Refused where devices are missing, or some were in the box that the shipment has not, unless
    that is known. The missing ones count as lost and may be received later by another call; the
    others are at the destination as well, but for those that are registered nowhere. What is
    `damaged` (serial number -> what is wrong) is received and put on hold. Each difference is kept
    with the shipment, and its note names them.
    """
    hold_shipment(shipment)
    if shipment.sent_at is None:
        raise ShipmentRefused([_("the shipment was not sent yet; say that it is on its way first")])
    told, held = _arrival(shipment, serials, damaged or {}, lock=True)
    if told.late and not told.expected:
        raise ShipmentRefused([_("the shipment was received already; look at its page")])
    if faults := _faults(told, missing_is_known, others_are_known):
        raise ShipmentRefused(faults)
    ids = sorted(told.found.devices)
    for start in range(0, len(ids), BATCH):
        part = Device.objects.filter(pk__in=ids[start : start + BATCH])
        part.update(location=shipment.destination)
    held.move(Move.RECEIVE, ids, by=by, why=str(shipment))
    hold = [pk for pk in told.damaged if not held.faults(Move.HOLD, [pk])]
    text = _("damaged on arrival (shipment %(number)d): %(what)s")
    why = {pk: text % {"number": shipment.pk, "what": told.damaged[pk] or "?"} for pk in hold}
    held.move(Move.HOLD, hold, by=by, why=why)
    if not told.late:
        # Whatever else is known of a missing one: it is not said to be lost where it is not.
        gone = [pk for pk in told.missing if not held.faults(Move.MISS, [pk])]
        held.move(Move.MISS, gone, by=by, why=str(shipment))
    shipment.missing.set(told.missing)
    if not told.late:
        shipment.received_at = timezone.now()
        shipment.received_by_id = None if by is None else by.pk
    shipment.note = "\n".join(filter(None, [shipment.note, *_lines(told)]))
    shipment.save()
    if not told.late:
        shipment_arrived.send(Shipment, shipment=shipment)
    _keep_differences(shipment, told, by)
    return len(ids)


def _faults(told: Arrival, missing_is_known: bool, others_are_known: bool) -> list[str]:
    known = others_are_known and not told.late
    text = _("%s is not registered: register it, or leave it out")
    faults = [] if known else [text % serial for serial in told.found.unknown]
    faults += [
        _("%s is no serial number") % one[:SERIAL_LENGTH]
        for one in told.found.unknown
        if known and len(one) > SERIAL_LENGTH
    ]
    if not known:
        text = _("%s does not belong to this shipment; leave it out")
        faults += [text % serial for serial in told.unexpected.values()]
    faults += told.faults
    if not told.found.devices and not told.found.unknown:
        faults.append(_("nothing was scanned; scan the devices"))
    elif told.missing and not told.late and not missing_is_known:
        text = _("not scanned: %s; scan them too, or note that what was not scanned is missing")
        faults.append(text % ", ".join(list(told.missing.values())[:50]))
    return faults


def _lines(told: Arrival) -> list[str]:
    """What the shipment's note says of it."""
    serials = {pk: device.serial for pk, device in told.found.devices.items()}
    lines = [
        (_("arrived later: %s"), told.here if told.late else []),
        (_("missing on arrival: %s"), [] if told.late else list(told.missing.values())),
        (_("came along: %s"), [*told.unexpected.values(), *told.found.unknown]),
        (_("damaged on arrival: %s"), [serials[pk] for pk in told.damaged]),
    ]
    return [line % ", ".join(names) for line, names in lines if names]


def _keep_differences(shipment: Shipment, told: Arrival, by: AbstractBaseUser | None) -> None:
    serials = {pk: device.serial for pk, device in told.found.devices.items()}
    found = [(What.DAMAGED, serials[pk], note) for pk, note in told.damaged.items()]
    found += [(What.UNEXPECTED, serial, "") for serial in told.unexpected.values()]
    found += [(What.UNEXPECTED, serial, _("not registered")) for serial in told.found.unknown]
    if told.late:
        late = ShipmentDifference.objects.filter(shipment=shipment, what=What.MISSING)
        late.filter(serial__in=told.here).update(settled_at=timezone.now())
    else:
        found += [(What.MISSING, serial, "") for serial in told.missing.values()]
    ShipmentDifference.objects.bulk_create(
        [
            ShipmentDifference(
                shipment=shipment,
                what=what,
                serial=serial,
                note=note[:300],
                noted_by_id=None if by is None else by.pk,
            )
            for what, serial, note in found
        ],
        batch_size=BATCH,
        ignore_conflicts=True,
    )


def _under_way(held: Held, others: Iterable[int]) -> list[str]:
    """A fault for each device that came along and is in another shipment, not yet received."""
    return [
        why_not(Move.LOAD, DeviceState.SHIPPED, one.serial, one.where)
        for one in map(held.found.__getitem__, others)
        if one.under_way and one.seat is None
    ]

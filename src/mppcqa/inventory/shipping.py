"""Devices on their way between institutes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.inventory.models import Device, Institute, SerialAlias, Shipment
from mppcqa.inventory.moving import Held, MoveRefused
from mppcqa.inventory.serials import normal_serial
from mppcqa.inventory.states import DeviceState, Move, why_not
from mppcqa.refused import Refused

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

BATCH = 500


class ShipmentRefused(Refused):
    """Nothing was changed; `faults` says everything that is wrong."""


@dataclass(frozen=True)
class Found:
    """Devices of scanned serials, former ones too, and what was scanned that is none."""

    devices: dict[int, Device]
    unknown: list[str]


def find_devices(serials: Sequence[str]) -> Found:
    """Look many serials up at once; what comes twice counts once."""
    wanted = list(dict.fromkeys(normal_serial(one) for one in serials if normal_serial(one)))
    by_serial: dict[str, Device] = {}
    for start in range(0, len(wanted), BATCH):
        part = wanted[start : start + BATCH]
        rows = Device.objects.filter(serial__in=part).select_related("location")
        by_serial.update({device.serial: device for device in rows})
        rest = [one for one in part if one not in by_serial]
        aliases = SerialAlias.objects.filter(serial__in=rest).select_related("device__location")
        by_serial.update({alias.serial: alias.device for alias in aliases})
    return Found(
        {by_serial[one].pk: by_serial[one] for one in wanted if one in by_serial},
        [one for one in wanted if one not in by_serial],
    )


@transaction.atomic
def pack(
    origin: Institute,
    destination: Institute,
    serials: Sequence[str],
    *,
    reference: str = "",
    note: str = "",
    exempt: str = Shipment.Exempt.NONE,
    exempt_why: str = "",
    by: AbstractBaseUser | None = None,
) -> Shipment:
    """Put devices into a box that is not sent yet.

    Devices that fail, or are on hold, go only with `exempt`: returned to the maker, or allowed by
    the person for the reason `exempt_why`. Raises `ShipmentRefused` with every fault.
    """
    found = find_devices(serials)
    # Two people who scan one device into two boxes: the second is told.
    held = Held(found.devices)
    faults = [
        _("%s is not registered; register it, or leave it out") % serial for serial in found.unknown
    ]
    if origin == destination:
        faults.append(_("the shipment goes to where it comes from; choose another place"))
    if not found.devices and not found.unknown:
        faults.append(_("the shipment is empty: scan its devices"))
    if exempt == Shipment.Exempt.ALLOWED and not exempt_why.strip():
        faults.append(_("give the reason why devices that fail, or are on hold, may go"))
    faults += _elsewhere(held, origin)
    excused = exempt != Shipment.Exempt.NONE
    faults += held.faults(Move.PACK, excused=excused).values()
    if faults:
        raise ShipmentRefused(faults)
    shipment = Shipment.objects.create(
        origin=origin,
        destination=destination,
        reference=reference.strip()[:100],
        note=note.strip(),
        exempt=exempt,
        exempt_why=exempt_why.strip()[:300] if excused else "",
        packed_by_id=None if by is None else by.pk,
    )
    shipment.devices.add(*held.found)
    why = _("shipment %(number)d to %(place)s")
    held.move(
        Move.PACK,
        by=by,
        why=why % {"number": shipment.pk, "place": destination},
        excused=excused,
    )
    return shipment


def _elsewhere(held: Held, origin: Institute) -> list[str]:
    """A fault for each device that is not at the origin."""
    away = [one for one in held.found.values() if one.location not in (None, origin.pk)]
    places = Institute.objects.in_bulk({one.location for one in away}) if away else {}
    text = _(
        "%(serial)s is at %(place)s; send it from there, or change on its page where it is, first"
    )
    return [text % {"serial": one.serial, "place": places[one.location]} for one in away]


@transaction.atomic
def send_packed(shipment: Shipment, *, by: AbstractBaseUser | None = None) -> None:
    """The box leaves; its devices stay located at their origin until they are received."""
    _held_shipment(shipment)
    if shipment.sent_at is not None:
        raise ShipmentRefused([_("the shipment was sent already; look at its page")])
    held = Held(shipment.devices.values_list("pk", flat=True))
    try:
        held.move(Move.SHIP, by=by, why=str(shipment), excused=shipment.exempt != "")
    except MoveRefused as error:
        raise ShipmentRefused(error.faults) from error
    shipment.sent_at = timezone.now()
    shipment.sent_by_id = None if by is None else by.pk
    shipment.save(update_fields=["sent_at", "sent_by"])


@transaction.atomic
def unpack(
    shipment: Shipment, serials: Sequence[str] | None = None, *, by: AbstractBaseUser | None = None
) -> int:
    """Take devices (or all) out of a box that was not sent; an empty box is no shipment.

    Returns how many came out.
    """
    _held_shipment(shipment)
    if shipment.sent_at is not None:
        raise ShipmentRefused([_("the shipment was sent already; receive it instead")])
    inside = dict(shipment.devices.values_list("pk", "serial"))
    taken, faults = list(inside), []
    if serials is not None:
        found = find_devices(serials)
        taken = [pk for pk in found.devices if pk in inside]
        others = [one.serial for pk, one in found.devices.items() if pk not in inside]
        text = _("%s is not in this box; leave it out")
        faults = [text % serial for serial in (*found.unknown, *others)]
        if not taken and not faults:
            faults.append(_("nothing was scanned; scan the devices"))
    held = Held(taken)
    faults += held.faults(Move.UNPACK).values()
    if faults:
        raise ShipmentRefused(faults)
    held.move(Move.UNPACK, by=by, why=_("shipment %d") % shipment.pk)
    shipment.devices.remove(*taken)
    if not shipment.devices.exists():
        shipment.delete()
    return len(taken)


@transaction.atomic
def send(
    origin: Institute,
    destination: Institute,
    serials: Sequence[str],
    *,
    reference: str = "",
    note: str = "",
    exempt: str = Shipment.Exempt.NONE,
    exempt_why: str = "",
    by: AbstractBaseUser | None = None,
) -> Shipment:
    """Pack devices and send them at once."""
    shipment = pack(
        origin,
        destination,
        serials,
        reference=reference,
        note=note,
        exempt=exempt,
        exempt_why=exempt_why,
        by=by,
    )
    send_packed(shipment, by=by)
    return shipment


def _held_shipment(shipment: Shipment) -> None:
    """Two people at one box: the second goes on from what the first has noted."""
    rows = Shipment.objects.select_for_update()
    try:
        shipment.refresh_from_db(from_queryset=rows)
    except Shipment.DoesNotExist:
        raise ShipmentRefused([_("somebody has unpacked this box just now")]) from None


@transaction.atomic
def receive(
    shipment: Shipment,
    serials: Sequence[str],
    *,
    missing_is_known: bool = False,
    others_are_known: bool = False,
    by: AbstractBaseUser | None = None,
) -> int:
    """Receive what was scanned; devices are at the destination from now on. Returns how many.

    Refused where devices are missing, or some were in the box that the shipment has not, unless
    that is known. The missing ones count as lost and may be received later by another call; the
    others are at the destination as well. The shipment's note names both.
    """
    _held_shipment(shipment)
    if shipment.sent_at is None:
        raise ShipmentRefused([_("the shipment was not sent yet; say that it is on its way first")])
    late = shipment.received_at is not None
    outstanding = shipment.missing if late else shipment.devices
    expected = {device.pk: device.serial for device in outstanding.order_by("serial")}
    if late and not expected:
        raise ShipmentRefused([_("the shipment was received already; look at its page")])
    found = find_devices(serials)
    held = Held({*found.devices, *expected})
    faults = [
        _("%s is not registered: register it, or leave it out") % serial for serial in found.unknown
    ]
    others = {pk: device for pk, device in found.devices.items() if pk not in expected}
    if late or not others_are_known:
        text = _("%s does not belong to this shipment; leave it out")
        faults += [text % one.serial for one in others.values()]
    faults += held.faults(Move.RECEIVE, found.devices).values()
    faults += _under_way(held, others)
    missing = {pk: serial for pk, serial in expected.items() if pk not in found.devices}
    if not found.devices and not found.unknown:
        faults.append(_("nothing was scanned; scan the devices"))
    elif missing and not late and not missing_is_known:
        text = _("not scanned: %s; scan them too, or note that what was not scanned is missing")
        faults.append(text % ", ".join(list(missing.values())[:50]))
    if faults:
        raise ShipmentRefused(faults)
    here = [device.serial for pk, device in found.devices.items() if pk in expected]
    lines = [
        (_("arrived later: %s"), here if late else []),
        (_("missing on arrival: %s"), [] if late else list(missing.values())),
        (_("came along: %s"), [device.serial for device in others.values()]),
    ]
    told = [line % ", ".join(names) for line, names in lines if names]
    ids = sorted(found.devices)
    for start in range(0, len(ids), BATCH):
        part = Device.objects.filter(pk__in=ids[start : start + BATCH])
        part.update(location=shipment.destination)
    held.move(Move.RECEIVE, ids, by=by, why=str(shipment))
    if not late:
        # Whatever else is known of a missing one: it is not said to be lost where it is not.
        gone = [pk for pk in missing if not held.faults(Move.MISS, [pk])]
        held.move(Move.MISS, gone, by=by, why=str(shipment))
    shipment.missing.set(missing)
    if not late:
        shipment.received_at = timezone.now()
        shipment.received_by_id = None if by is None else by.pk
    shipment.note = "\n".join(filter(None, [shipment.note, *told]))
    shipment.save()
    return len(ids)


def _under_way(held: Held, others: Iterable[int]) -> list[str]:
    """A fault for each device that came along and is in another shipment, not yet received."""
    return [
        why_not(Move.LOAD, DeviceState.SHIPPED, one.serial, one.where)
        for one in map(held.found.__getitem__, others)
        if one.under_way and one.seat is None
    ]

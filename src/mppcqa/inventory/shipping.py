"""Devices on their way between institutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.inventory.campaign import signatures_needed
from mppcqa.inventory.models import Device, Institute, SerialAlias, Shipment
from mppcqa.inventory.moving import Held, MoveRefused
from mppcqa.inventory.placing import campaigns_of
from mppcqa.inventory.scope import Viewer
from mppcqa.inventory.serials import normal_serial
from mppcqa.inventory.signals import shipment_sent
from mppcqa.inventory.states import Move
from mppcqa.refused import Refused
from mppcqa.signing.models import Act
from mppcqa.signing.pen import Pen, is_waiting, sign

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


def with_trays(words: Sequence[str], viewer: Viewer = None) -> list[str]:
    """Scanned words, in place of the name of a tray the serial numbers of what is in it.

    Of what `viewer` sees.
    """
    names = [word.strip() for word in words]
    trays: dict[str, list[str]] = {}
    for start in range(0, len(names), BATCH):
        part = names[start : start + BATCH]
        inside = Device.objects.visible_to(viewer).filter(tray__name__in=part)
        for tray, serial in inside.order_by("tray_row", "tray_column", "serial").values_list(
            "tray__name", "serial"
        ):
            trays.setdefault(tray, []).append(serial)
    return [serial for name in names for serial in trays.get(name, [name])]


def find_devices(serials: Sequence[str], viewer: Viewer = None) -> Found:
    """Look many serials up at once; what comes twice counts once. Of what `viewer` sees."""
    wanted = list(dict.fromkeys(normal_serial(one) for one in serials if normal_serial(one)))
    by_serial: dict[str, Device] = {}
    for start in range(0, len(wanted), BATCH):
        part = wanted[start : start + BATCH]
        seen = Device.objects.visible_to(viewer)
        rows = seen.filter(serial__in=part).select_related("location")
        by_serial.update({device.serial: device for device in rows})
        rest = [one for one in part if one not in by_serial]
        former = SerialAlias.objects.visible_to(viewer)
        aliases = former.filter(serial__in=rest).select_related("device__location")
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
    found = find_devices(with_trays(serials, by), by)
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


@transaction.atomic
def pack_more(
    shipment: Shipment, serials: Sequence[str], *, by: AbstractBaseUser | None = None
) -> int:
    """Put further devices (or all in a tray) into a box that was not sent. Returns how many.

    What is in this box already is no fault: whoever packs by scanning scans some twice.
    """
    hold_shipment(shipment)
    if shipment.sent_at is not None:
        raise ShipmentRefused([_("the shipment was sent already; pack another box")])
    found = find_devices(with_trays(serials, by), by)
    inside = set(shipment.devices.values_list("pk", flat=True))
    new = [pk for pk in found.devices if pk not in inside]
    faults = [
        _("%s is not registered; register it, or leave it out") % serial for serial in found.unknown
    ]
    if not found.devices and not found.unknown:
        faults.append(_("nothing was scanned; scan the devices"))
    put_in(shipment, new, faults, by=by)
    return len(new)


def put_in(
    shipment: Shipment,
    devices: Sequence[int],
    faults: Sequence[str] = (),
    *,
    by: AbstractBaseUser | None = None,
) -> None:
    """Devices (ids) go into a box that the caller holds; with faults, or with `faults`, none."""
    held = Held(devices)
    excused = shipment.exempt != Shipment.Exempt.NONE
    found = [*faults, *_elsewhere(held, shipment.origin)]
    found += held.faults(Move.PACK, excused=excused).values()
    if found:
        raise ShipmentRefused(found)
    why = _("shipment %(number)d to %(place)s")
    values = {"number": shipment.pk, "place": shipment.destination}
    held.move(Move.PACK, by=by, why=why % values, excused=excused)
    shipment.devices.add(*devices)


@dataclass(frozen=True)
class Look:
    """What would become of scanned devices, if they were packed."""

    may_go: list[str]
    """Serial numbers, in the order of the scan."""
    refused: list[tuple[str, str]]
    """Serial number and why, with what to do."""


def look(
    origin: Institute, serials: Sequence[str], *, excused: bool = False, viewer: Viewer = None
) -> Look:
    """The same checks as `pack` makes, for each device; nothing is held and nothing changed."""
    found = find_devices(with_trays(serials, viewer), viewer)
    held = Held(found.devices, lock=False)
    why = held.faults(Move.PACK, excused=excused)
    away = _elsewhere_by_device(held, origin)
    refused = [(one, _("not registered")) for one in found.unknown]
    for pk, device in found.devices.items():
        if fault := why.get(pk) or away.get(pk):
            refused.append((device.serial, fault))
    barred = {serial for serial, _why in refused}
    return Look([d.serial for d in found.devices.values() if d.serial not in barred], refused)


def _elsewhere(held: Held, origin: Institute) -> list[str]:
    """A fault for each device that is not at the origin."""
    return list(_elsewhere_by_device(held, origin).values())


def _elsewhere_by_device(held: Held, origin: Institute) -> dict[int, str]:
    away = [one for one in held.found.values() if one.location not in (None, origin.pk)]
    places = Institute.objects.in_bulk({one.location for one in away}) if away else {}
    text = _(
        "%(serial)s is at %(place)s; send it from there, or change on its page where it is, first"
    )
    return {one.pk: text % {"serial": one.serial, "place": places[one.location]} for one in away}


@transaction.atomic
def send_packed(shipment: Shipment, *, by: Pen | None = None) -> bool:
    """The box leaves; its devices stay located at their origin until they are received.

    False where another person must sign as well: it stays until then. `by` is None for the program.
    """
    hold_shipment(shipment)
    if shipment.sent_at is not None:
        raise ShipmentRefused([_("the shipment was sent already; look at its page")])
    inside = dict(shipment.devices.order_by("pk").values_list("pk", "uuid"))
    held = Held(inside)
    person = None if by is None else by.person
    excused = shipment.exempt != ""
    if faults := held.faults(Move.SHIP, excused=excused):
        raise ShipmentRefused(faults.values())

    def meaning() -> str:
        text = _("I release shipment %(number)d from %(origin)s to %(place)s with %(n)d devices")
        values = {"number": shipment.pk, "n": len(inside)}
        return text % {**values, "origin": shipment.origin, "place": shipment.destination}

    signed = sign(
        by,
        Act.SHIPMENT,
        shipment,
        named=str(shipment),
        meaning=meaning,
        told={"devices": [str(one) for one in inside.values()], "to": shipment.destination.name},
        needed=signatures_needed(Act.SHIPMENT, campaigns_of(shipment.devices.all())),
    )
    if is_waiting(signed):
        return False
    try:
        held.move(Move.SHIP, by=person, why=str(shipment), excused=excused)
    except MoveRefused as error:
        raise ShipmentRefused(error.faults) from error
    shipment.sent_at = timezone.now()
    shipment.sent_by_id = None if by is None else by.pk
    shipment.save(update_fields=["sent_at", "sent_by"])
    shipment_sent.send(Shipment, shipment=shipment)
    return True


@transaction.atomic
def unpack(
    shipment: Shipment, serials: Sequence[str] | None = None, *, by: AbstractBaseUser | None = None
) -> int:
    """Take devices (or all) out of a box that was not sent; an empty box is no shipment.

    Returns how many came out.
    """
    hold_shipment(shipment)
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
    by: Pen | None = None,
) -> Shipment:
    """Pack devices and send them at once; they stay packed where another must sign as well."""
    shipment = pack(
        origin,
        destination,
        serials,
        reference=reference,
        note=note,
        exempt=exempt,
        exempt_why=exempt_why,
        by=None if by is None else by.person,
    )
    send_packed(shipment, by=by)
    return shipment


def hold_shipment(shipment: Shipment) -> None:
    """Two people at one box: the second goes on from what the first has noted."""
    rows = Shipment.objects.select_for_update()
    try:
        shipment.refresh_from_db(from_queryset=rows)
    except Shipment.DoesNotExist:
        raise ShipmentRefused([_("somebody has unpacked this box just now")]) from None

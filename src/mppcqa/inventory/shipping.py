"""Devices on their way between institutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.inventory.locks import lock_devices
from mppcqa.inventory.models import Device, Institute, SerialAlias, Shipment
from mppcqa.inventory.serials import normal_serial

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

BATCH = 500


class ShipmentRefused(ValueError):
    """Nothing was changed; `faults` says everything that is wrong."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


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
def send(
    origin: Institute,
    destination: Institute,
    serials: Sequence[str],
    *,
    reference: str = "",
    note: str = "",
    by: AbstractBaseUser | None = None,
) -> Shipment:
    """Send devices; they stay located at their origin until they are received."""
    found = find_devices(serials)
    # Two people who scan one device into two boxes: the second is told.
    lock_devices(sorted(found.devices))
    faults = [_("%s is not registered") % serial for serial in found.unknown]
    if origin == destination:
        faults.append(_("the shipment goes to where it comes from"))
    if not found.devices and not found.unknown:
        faults.append(_("the shipment is empty: scan its devices"))
    for device in found.devices.values():
        if device.location_id not in (None, origin.pk):
            values = {"serial": device.serial, "place": device.location}
            faults.append(_("%(serial)s is at %(place)s") % values)
    ids = list(found.devices)
    faults += _under_way(ids)
    if faults:
        raise ShipmentRefused(faults)
    shipment = Shipment.objects.create(
        origin=origin,
        destination=destination,
        reference=reference.strip()[:100],
        note=note.strip(),
        sent_by_id=None if by is None else by.pk,
    )
    shipment.devices.add(*ids)
    return shipment


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
    that is known. The missing ones stay where they were and may be received later by another call;
    the others are at the destination as well. The shipment's note names both.
    """
    # Two people at one box: the second goes on from what the first has noted.
    shipment.refresh_from_db(from_queryset=Shipment.objects.select_for_update())
    late = shipment.received_at is not None
    outstanding = shipment.missing if late else shipment.devices
    expected = {device.pk: device.serial for device in outstanding.order_by("serial")}
    if late and not expected:
        raise ShipmentRefused([_("the shipment was received already")])
    found = find_devices(serials)
    lock_devices(sorted(found.devices))
    faults = [
        _("%s is not registered: register it, or leave it out") % serial for serial in found.unknown
    ]
    others = {pk: device for pk, device in found.devices.items() if pk not in expected}
    if late or not others_are_known:
        faults += [_("%s does not belong to this shipment") % one.serial for one in others.values()]
    faults += _under_way(list(others), besides=shipment)
    missing = {pk: serial for pk, serial in expected.items() if pk not in found.devices}
    if not found.devices and not found.unknown:
        faults.append(_("nothing was scanned"))
    elif missing and not late and not missing_is_known:
        faults.append(_("not scanned: %s") % ", ".join(list(missing.values())[:50]))
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
    shipment.missing.set(missing)
    if not late:
        shipment.received_at = timezone.now()
        shipment.received_by_id = None if by is None else by.pk
    shipment.note = "\n".join(filter(None, [shipment.note, *told]))
    shipment.save()
    return len(ids)


def _under_way(ids: Sequence[int], *, besides: Shipment | None = None) -> list[str]:
    """A fault for each device that is in a shipment which was not received."""
    faults: list[str] = []
    for start in range(0, len(ids), BATCH):
        part = Device.objects.filter(pk__in=ids[start : start + BATCH])
        going = part.filter(shipments__in=_open_shipments(besides)).distinct()
        faults += [_("%s is on its way already") % one.serial for one in going]
    return faults


def _open_shipments(besides: Shipment | None) -> QuerySet[Shipment]:
    return Shipment.objects.filter(received_at=None).exclude(
        pk=None if besides is None else besides.pk
    )

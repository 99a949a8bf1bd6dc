"""Devices on their way between institutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

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
    for start in range(0, len(ids), BATCH):
        under_way = Device.objects.filter(
            pk__in=ids[start : start + BATCH], shipments__received_at=None
        )
        under_way = under_way.filter(shipments__isnull=False)
        faults += [_("%s is on its way already") % one.serial for one in under_way.distinct()]
    if faults:
        raise ShipmentRefused(faults)
    with transaction.atomic():
        shipment = Shipment.objects.create(
            origin=origin,
            destination=destination,
            reference=reference.strip()[:100],
            note=note.strip(),
            sent_by_id=None if by is None else by.pk,
        )
        shipment.devices.add(*ids)
    return shipment


def receive(
    shipment: Shipment,
    serials: Sequence[str],
    *,
    missing_is_known: bool = False,
    by: AbstractBaseUser | None = None,
) -> int:
    """Receive what was scanned; devices are at the destination from now on. Returns how many.

    Refused where something was scanned that is not in the shipment, and where devices are missing
    unless that is known; those are then named in the shipment's note and stay where they were.
    """
    if shipment.received_at is not None:
        raise ShipmentRefused([_("the shipment was received already")])
    expected = {device.pk: device.serial for device in shipment.devices.order_by("serial")}
    found = find_devices(serials)
    faults = [_("%s is not registered") % serial for serial in found.unknown]
    faults += [
        _("%s does not belong to this shipment") % device.serial
        for pk, device in found.devices.items()
        if pk not in expected
    ]
    missing = [serial for pk, serial in expected.items() if pk not in found.devices]
    if missing and not missing_is_known:
        faults.append(_("not scanned: %s") % ", ".join(missing[:50]))
    if faults:
        raise ShipmentRefused(faults)
    with transaction.atomic():
        ids = list(found.devices)
        for start in range(0, len(ids), BATCH):
            part = Device.objects.filter(pk__in=ids[start : start + BATCH])
            part.update(location=shipment.destination)
        shipment.received_at = timezone.now()
        shipment.received_by_id = None if by is None else by.pk
        if missing:
            line = _("missing on arrival: %s") % ", ".join(missing)
            shipment.note = f"{shipment.note}\n{line}".strip()
        shipment.save()
    return len(ids)

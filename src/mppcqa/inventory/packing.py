"""Devices packed one by one as they are scanned: each into a place of a tray, and into a box."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from mppcqa.inventory.models import Device, Shipment, Tray
from mppcqa.inventory.moving import Held, open_shipments
from mppcqa.inventory.placing import put_back, put_into_tray
from mppcqa.inventory.shipping import ShipmentRefused, hold_shipment, put_in, unpack
from mppcqa.inventory.states import Move

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

Place = list[int | None]
"""Tray (id), row and column, from 0; all None where a device lies in no tray."""


@dataclass(frozen=True)
class Packed:
    """What became of a device, and what `take_back` needs."""

    device: Device
    """As it lies now."""
    former: Place | None
    """Where it lay before; None where it stayed there."""
    boxed: bool
    """Whether it went into the box by this, and was not in it before."""


@transaction.atomic
def pack_one(
    device: Device,
    *,
    shipment: Shipment | None = None,
    tray: Tray | None = None,
    at: tuple[int, int] | None = None,
    by: AbstractBaseUser | None = None,
) -> Packed:
    """Put a device into a tray, into a box that was not sent, or into that in the box.

    at
        Row and column of the tray, from 0; without it the next free place, row by row.

    Raises `ShipmentRefused` or `MoveRefused`, and nothing is changed: where the box was sent, the
    device can't be packed or is elsewhere, the place is taken, or what lies in the tray does not
    travel with this box.
    """
    if shipment is not None:
        _hold_open(shipment)
    device = Device.objects.select_related("tray").get(pk=device.pk)
    inside = shipment is not None and shipment.devices.filter(pk=device.pk).exists()
    stays = tray is None or (device.tray_id == tray.pk and device.tray_row is not None and not at)
    if stays and (inside or shipment is None):
        raise ShipmentRefused([_already(device, in_box=inside)])
    faults = [] if tray is None else _tray_faults(tray, shipment, device)
    if faults:
        raise ShipmentRefused(faults)
    former = None
    if tray is not None and not stays:
        former = _lie(device, shipment if inside else None, tray, at, by)
    if shipment is not None and not inside:
        put_in(shipment, [device.pk], by=by)
    device.refresh_from_db()
    return Packed(device, former, boxed=shipment is not None and not inside)


@transaction.atomic
def take_back(
    device: Device,
    *,
    shipment: Shipment | None,
    boxed: bool,
    former: Place | None,
    by: AbstractBaseUser | None = None,
) -> None:
    """Undo what `pack_one` did; refused where the box was sent, or the former place is taken."""
    if shipment is not None:
        _hold_open(shipment)
        if not shipment.devices.filter(pk=device.pk).exists():
            raise ShipmentRefused([_("%s is not in this box; leave it out") % device.serial])
        if boxed:
            if shipment.devices.count() == 1:
                text = _("%s is all that is in the box: unpack it on the page of the shipment")
                raise ShipmentRefused([text % device.serial])
            unpack(shipment, [device.serial], by=by)
    if former is not None:
        within = None if shipment is None or boxed else shipment
        _out_and_in(device, within, lambda: put_back({str(device.pk): former}, by=by), by)


def _hold_open(shipment: Shipment) -> None:
    hold_shipment(shipment)
    if shipment.sent_at is not None:
        raise ShipmentRefused([_("the shipment was sent already; pack another box")])


def _already(device: Device, *, in_box: bool) -> str:
    words = {
        "serial": device.serial,
        "tray": device.tray,
        "row": device.tray_row,
        "column": device.tray_column,
    }
    if device.tray_row is None:
        return _("%(serial)s is in this box already") % words
    if in_box:
        text = _("%(serial)s is in this box already: %(tray)s, row %(row)d, column %(column)d")
        return text % words
    return _("%(serial)s lies there already: %(tray)s, row %(row)d, column %(column)d") % words


def _tray_faults(tray: Tray, shipment: Shipment | None, device: Device) -> list[str]:
    """What lies in a tray goes where the tray goes: it must not be promised to another box."""
    lying = dict(tray.devices.exclude(pk=device.pk).values_list("pk", "serial"))
    away = {
        pk: (number, sent)
        for pk, (number, sent) in open_shipments(list(lying)).items()
        if sent or shipment is None or number != shipment.pk
    }
    for pk, (number, _sent) in away.items():
        text = _("%(tray)s holds %(serial)s, which is in shipment %(number)d; take another tray")
        return [text % {"tray": tray, "serial": lying[pk], "number": number}]
    return []


def _lie(
    device: Device,
    shipment: Shipment | None,
    tray: Tray,
    at: tuple[int, int] | None,
    by: AbstractBaseUser | None,
) -> Place:
    told: list[Place] = []

    def place() -> None:
        told.extend(put_into_tray([device.pk], tray, at=at, by=by).values())

    _out_and_in(device, shipment, place, by)
    return told[0]


def _out_and_in(
    device: Device,
    shipment: Shipment | None,
    place: Callable[[], object],
    by: AbstractBaseUser | None,
) -> None:
    """What is packed can't be moved: it is taken out of the box for it, and put in again."""
    if shipment is None:
        place()
        return
    why, excused = str(shipment), shipment.exempt != Shipment.Exempt.NONE
    Held([device.pk]).move(Move.UNPACK, by=by, why=why)
    place()
    Held([device.pk]).move(Move.PACK, by=by, why=why, excused=excused)

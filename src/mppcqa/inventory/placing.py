"""Where devices belong: a change of place, campaign or owner as moves, and that change itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.inventory.assembly import remember
from mppcqa.inventory.campaign import FIRST, campaign_terms
from mppcqa.inventory.models import Device, Tray
from mppcqa.inventory.moving import Held, MoveRefused
from mppcqa.inventory.states import DeviceState, Move

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


class Place(NamedTuple):
    """Where a device is and where it belongs, by ids."""

    location: int | None
    tray: int | None
    row: int | None
    column: int | None
    campaign: int
    owner: int | None


def place_of(device: Device) -> Place:
    return Place(
        *(device.location_id, device.tray_id, device.tray_row, device.tray_column),
        campaign_of(device),
        device.owner_id,
    )


def campaign_of(device: Device) -> int:
    """The campaign that a device is in: every one is in one, by itself in the first."""
    return int(device.campaign_id or FIRST)


def campaigns_of(devices: QuerySet[Device]) -> set[int]:
    """The campaigns (ids) that some devices are in."""
    rows = devices.order_by().values_list("campaign", flat=True).distinct()
    return {int(one or FIRST) for one in rows}


def state_of_new(device: Device) -> DeviceState:
    """The state that a device begins with."""
    return DeviceState.REGISTERED if device.tray_id is None else DeviceState.IN_TRAY


def moves_between(former: Place, device: Device) -> dict[Move, str]:
    """The moves that a change of place is, each with where it leads."""
    moves = {}
    now = place_of(device)
    if now.location != former.location:
        moves[Move.RELOCATE] = str(device.location or "–")
    if now.campaign != former.campaign:
        moves[Move.JOIN] = str(device.campaign)
    if now.owner != former.owner:
        moves[Move.OWN] = str(device.owner or "–")
    if (now.tray, now.row, now.column) != (former.tray, former.row, former.column):
        move = Move.TAKE_OUT if device.tray_id is None else Move.PLACE
        at = "" if device.tray_row is None else f": {device.tray_row}, {device.tray_column}"
        moves[move] = f"{device.tray}{at}" if device.tray_id is not None else ""
    return moves


def save_device(device: Device, *, by: AbstractBaseUser | None = None) -> None:
    """Save what was changed of a device; `MoveRefused` where it can't be moved there."""
    with transaction.atomic():
        held = Held([device.pk])
        former = place_of(Device.objects.get(pk=device.pk))
        campaign = campaign_of(device)
        if (campaign, device.owner_id) != (former.campaign, former.owner):
            terms = campaign_terms([campaign])[campaign]
            if faults := terms.faults(device.device_type, device.owner_id):
                raise MoveRefused({device.pk: "; ".join(faults)})
        for move, why in moves_between(former, device).items():
            held.move(move, by=by, why=why)
        device.save()
        remember([device.pk], since=timezone.now().date(), by=by)


def put_into_tray(
    devices: Iterable[int],
    tray: Tray,
    *,
    at: tuple[int, int] | None = None,
    by: AbstractBaseUser | None = None,
) -> dict[str, list[int | None]]:
    """Put devices (ids) into the next free positions of a tray, row by row: all, or `MoveRefused`.

    Returns where each was before, for `put_back`. Those that lie in it already stay where they are.
    `at` (row and column, from 0) is where the first one goes, wherever it lies.
    """
    former: dict[str, list[int | None]] = {}
    with transaction.atomic():
        Tray.objects.select_for_update().only("pk").get(pk=tray.pk)
        free = free_places(tray)
        wanted = list(devices)
        rows = {one.pk: one for one in Device.objects.filter(pk__in=wanted)}
        for pk in wanted:
            device = rows[pk]
            if at is None and device.tray_id == tray.pk and device.tray_row is not None:
                continue
            if at is not None and at not in free:
                raise MoveRefused({pk: _why_not_there(tray, *at)})
            if not free:
                text = _("%(tray)s is full: %(serial)s has no place in it, and nothing was moved")
                words = {"tray": tray, "serial": device.serial}
                raise MoveRefused({pk: text % words})
            former[str(pk)] = [device.tray_id, device.tray_row, device.tray_column]
            device.tray = tray
            device.tray_row, device.tray_column = place = at or free[0]
            free.remove(place)
            at = None
            save_device(device, by=by)
    return former


def free_places(tray: Tray) -> list[tuple[int, int]]:
    """Rows and columns (from 0) where nothing lies, row by row."""
    taken = set(tray.devices.values_list("tray_row", "tray_column"))
    places = ((row, column) for row in range(tray.rows) for column in range(tray.columns))
    return [place for place in places if place not in taken]


def _why_not_there(tray: Tray, row: int, column: int) -> str:
    words = {"tray": tray, "row": row, "column": column}
    lies = tray.devices.filter(tray_row=row, tray_column=column).first()
    if lies is not None:
        text = _("%(serial)s lies in row %(row)d, column %(column)d of %(tray)s; choose another")
        return text % {**words, "serial": lies.serial}
    return _("%(tray)s has no row %(row)d, column %(column)d; choose another") % words


def put_back(places: Mapping[str, Any], *, by: AbstractBaseUser | None = None) -> None:
    """Put devices where `put_into_tray` took them from; `MoveRefused` where that is not free."""
    with transaction.atomic():
        for key, (tray, row, column) in places.items():
            device = Device.objects.get(pk=int(key))
            others = Device.objects.filter(tray=tray, tray_row=row, tray_column=column)
            if tray is not None and row is not None and others.exclude(pk=device.pk).exists():
                text = _("the place where %s lay is not free any more") % device.serial
                raise MoveRefused({device.pk: text})
            device.tray_id, device.tray_row, device.tray_column = tray, row, column
            save_device(device, by=by)

"""The one place that changes the state of devices, by compare and set while it holds them.

What a move is and from where it leads is in `inventory.states`. A device is *in test* while it is
loaded and a measurement of it waits or runs: that is told from the measurement's own task, whose
row is the truth about it, so nothing can get stuck in test, and it is never stored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.inventory.models import Device, DeviceMove, Shipment
from mppcqa.inventory.signals import Seat, joined, objections_asked, seats_asked
from mppcqa.inventory.states import TABLE, DeviceState, Move, after, may, why_not
from mppcqa.refused import Fault, Refused

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

BATCH = 500
WHY_LENGTH = DeviceMove._meta.get_field("why").max_length or 0
WHILE_UNDER_WAY = (Move.RECEIVE, Move.MISS, Move.LOSE, Move.UNLOAD, Move.JOIN, Move.OWN)
"""What may be done with a device that is in a shipment which was not received."""
UNTOLD = (Move.START, Move.INSPECT)
"""Moves that have records of their own and change no stored state."""


class MoveRefused(Refused):
    """Nothing was moved; each fault says why and what to do, and its `row` is the device (id)."""

    def __init__(self, faults: Mapping[int, str]) -> None:
        super().__init__(Fault(text, row=device) for device, text in faults.items())


@dataclass(frozen=True)
class Found:
    """A device as it is now."""

    pk: int
    serial: str
    stored: DeviceState
    tray: int | None
    location: int | None
    seat: Seat | None
    shipment: int | None
    """The one that was sent and not received, or packed and not sent, if it is in one."""
    under_way: bool

    @property
    def state(self) -> DeviceState:
        """What the table is asked for: what sits in a station is loaded, whatever was stored."""
        if self.seat is None:
            return self.stored
        return DeviceState.IN_TEST if self.seat.in_test else DeviceState.LOADED

    @property
    def where(self) -> str:
        """Where it is, for a person, if somebody has it."""
        if self.seat is not None:
            return self.seat.where
        return "" if self.shipment is None else self.where_shipped

    @property
    def where_shipped(self) -> str:
        return _("shipment %d") % self.shipment


class Held:
    """Devices (ids) that stay as they are until the transaction ends, unless this moves them.

    With ``lock=False`` they are only looked at: good for telling faults beforehand.
    """

    def __init__(self, devices: Iterable[int], *, lock: bool = True) -> None:
        ids = sorted(set(devices))
        if lock:
            assert connection.in_atomic_block  # noqa: S101
        self.found = {one.pk: one for one in _look(ids, lock)}

    def faults(
        self, move: Move, devices: Collection[int] | None = None, *, excused: bool = False
    ) -> dict[int, str]:
        """Why devices (all, or those named) can't be moved, by id; `excused` with a reason."""
        asked = [self.found[pk] for pk in (self.found if devices is None else devices)]
        faults: dict[int, str] = {}
        for one in asked:
            if not may(move, one.state, excused=excused):
                faults[one.pk] = why_not(move, one.state, one.serial, one.where)
            elif one.under_way and move not in WHILE_UNDER_WAY:
                faults[one.pk] = why_not(move, DeviceState.SHIPPED, one.serial, one.where_shipped)
        if not excused:
            rest = {one.pk: one.serial for one in asked if one.pk not in faults}
            for _receiver, answer in objections_asked.send(Held, move=move, devices=rest):
                faults |= cast(dict[int, str], answer)
        return faults

    def move(
        self,
        move: Move,
        devices: Collection[int] | None = None,
        *,
        by: AbstractBaseUser | None = None,
        why: str | Mapping[int, str] = "",
        excused: bool = False,
    ) -> None:
        """Move all of the devices (or those named), or none and `MoveRefused`."""
        ids = sorted(self.found if devices is None else devices)
        if faults := self.faults(move, ids, excused=excused):
            raise MoveRefused(faults)
        self._write(move, {pk: _target(move, self.found[pk]) for pk in ids}, by=by, why=why)

    def mend(self, states: Mapping[int, DeviceState], *, by: AbstractBaseUser | None = None,
             why: str) -> None:  # fmt: skip
        """Set states right that the facts speak against; only a check does so."""
        self._write(Move.MEND, dict(states), by=by, why=why)

    def _write(
        self,
        move: Move,
        targets: Mapping[int, DeviceState],
        *,
        by: AbstractBaseUser | None,
        why: str | Mapping[int, str],
    ) -> None:
        if move in UNTOLD:
            return
        changes: dict[tuple[DeviceState, DeviceState], list[int]] = {}
        for pk, state in targets.items():
            if state != self.found[pk].stored:
                changes.setdefault((self.found[pk].stored, state), []).append(pk)
        for (former, state), members in changes.items():
            for start in range(0, len(members), BATCH):
                part = members[start : start + BATCH]
                rows = Device.objects.filter(pk__in=part, state=former)
                # Past the model's own refusal: this is the place that may.
                if QuerySet.update(rows, state=state) != len(part):
                    raise MoveRefused({0: _("Somebody else moved them just now: look again.")})
        formers = {pk: self.found[pk].stored for pk in targets}
        self.found |= {pk: replace(self.found[pk], stored=to) for pk, to in targets.items()}
        now, who = timezone.now(), None if by is None else by.pk
        DeviceMove.objects.bulk_create(
            (
                DeviceMove(
                    device_id=pk,
                    move=move,
                    former=formers[pk],
                    state=state,
                    why=(why if isinstance(why, str) else why.get(pk, ""))[:WHY_LENGTH],
                    moved_at=now,
                    moved_by_id=who,
                )
                for pk, state in targets.items()
            ),
            batch_size=BATCH,
        )
        if move == Move.JOIN:
            joined.send(Held, devices=sorted(targets), by=by)


def _target(move: Move, one: Found) -> DeviceState:
    # A device that sat in a station against its state: taking it out is all that is done.
    if move == Move.UNLOAD and one.stored != DeviceState.LOADED:
        return one.stored
    return after(move, one.state, has_tray=one.tray is not None)


def _look(ids: list[int], lock: bool) -> Iterator[Found]:
    """Devices in the order of their ids: whoever locks in one order can't deadlock."""
    for start in range(0, len(ids), BATCH):
        part = ids[start : start + BATCH]
        rows = Device.objects.filter(pk__in=part).order_by("pk")
        # Held first: what is read of them afterwards stays so.
        known = list(
            (rows.select_for_update() if lock else rows).values_list(
                "pk", "serial", "state", "tray", "location"
            )
        )
        seats: dict[int, Seat] = {}
        for _receiver, answer in seats_asked.send(Held, devices=part):
            seats |= cast(dict[int, Seat], answer)
        shipments = open_shipments(part)
        for pk, serial, state, tray, location in known:
            shipment, sent = shipments.get(pk, (None, False))
            yield Found(
                pk, serial, DeviceState(state), tray, location, seats.get(pk), shipment, sent
            )


def open_shipments(devices: Collection[int]) -> dict[int, tuple[int, bool]]:
    """Device -> the shipment that it is in and that was not received, and whether it was sent."""
    links = Shipment.devices.through.objects.filter(device__in=devices, shipment__received_at=None)
    rows = links.values_list("device", "shipment", "shipment__sent_at")
    return {device: (shipment, sent_at is not None) for device, shipment, sent_at in rows}


def faults_by_hand(devices: Iterable[int], move: Move) -> dict[int, str]:
    """Why a person can't do this with devices (ids) now, by device; nothing is held."""
    return Held(devices, lock=False).faults(move)


def move_by_hand(
    device: Device, move: Move, why: str = "", *, by: AbstractBaseUser | None = None
) -> None:
    """What a person does with a device on its page; `MoveRefused` says why it can't be."""
    move_all_by_hand([device.pk], move, why, by=by)


@transaction.atomic
def move_all_by_hand(
    devices: Iterable[int], move: Move, why: str = "", *, by: AbstractBaseUser | None = None
) -> None:
    """What a person does with devices (ids): all, or none and `MoveRefused`."""
    held = Held(devices)
    first = next(iter(held.found), 0)
    rule = TABLE.get(move)
    if rule is None or not rule.by_hand:
        raise MoveRefused(
            {first: _("This is not done by hand; it comes about at a station or with a shipment.")}
        )
    if faults := held.faults(move):
        raise MoveRefused(faults)
    if rule.needs_reason and not why.strip():
        raise MoveRefused({first: _("Give the reason: it is kept with the device.")})
    held.move(move, by=by, why=why.strip())
    if move == Move.FIND:
        _no_longer_missing(held)


def _no_longer_missing(held: Held) -> None:
    """What was found elsewhere will not come with a shipment that it was missing in."""
    for device in Device.objects.filter(pk__in=held.found):
        for shipment in device.missing_in.select_for_update():
            shipment.missing.remove(device)
            line = _("found again elsewhere: %s") % device.serial
            shipment.note = "\n".join(filter(None, [shipment.note, line]))
            shipment.save(update_fields=["note"])


def state_of(device: Device) -> DeviceState:
    """The state of one device now, as people are shown it."""
    return Held([device.pk], lock=False).found[device.pk].state

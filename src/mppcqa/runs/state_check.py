"""Do the stored states of devices agree with the facts? If not: what differs, and its repair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction

from mppcqa.inventory.models import Device, Shipment
from mppcqa.inventory.moving import Found, Held
from mppcqa.inventory.states import AT_HAND, DeviceState, Move, after
from mppcqa.runs.models import LoadedDevice

S = DeviceState
BATCH = 500
ALONGSIDE: dict[DeviceState, tuple[DeviceState, ...]] = {S.LOST: (S.SHIPPED,)}
"""States that a fact allows beside its own: what is on its way may be known to be lost."""


@dataclass(frozen=True)
class StateFault:
    """A device whose state the facts speak against."""

    device: int
    serial: str
    stored: str
    facts: str
    """The state that the facts give; empty where they contradict each other."""
    why: str

    def __str__(self) -> str:
        what = f"it should be {self.facts}" if self.facts else "a person must say what is so"
        return f"{self.serial} is stored as {self.stored}, but {self.why}: {what}"


def check_states(*, repair: bool = False) -> list[StateFault]:
    """Every device whose state is not what the facts say; with `repair` those are set right.

    Where facts contradict each other (it sits in a station and is on its way) nothing is changed.
    """
    faults: list[StateFault] = []
    for ids in _suspects():
        with transaction.atomic():
            held = Held(ids, lock=repair)
            missing = set(
                Shipment.missing.through.objects.filter(device__in=ids).values_list(
                    "device", flat=True
                )
            )
            found = [
                fault
                for one in held.found.values()
                if (fault := _fault(one, one.pk in missing)) is not None
            ]
            if repair:
                mended = {one.device: S(one.facts) for one in found if one.facts}
                if mended:
                    held.mend(mended, why="the state was not what the facts say")
            faults += found
    return faults


def _suspects() -> Iterator[list[int]]:
    """Ids of devices of which a state or a fact says something, a piece at a time."""
    silent = [*(AT_HAND - {S.IN_TRAY}), S.ON_HOLD, S.INSTALLED, S.RETIRED]
    facts = (
        Device.objects.exclude(state__in=silent).order_by().values_list("pk", flat=True),
        LoadedDevice.objects.order_by().values_list("device", flat=True),
        Shipment.devices.through.objects.filter(shipment__received_at=None).values_list(
            "device", flat=True
        ),
        Shipment.missing.through.objects.values_list("device", flat=True),
    )
    ids = sorted({pk for rows in facts for pk in rows.iterator()})
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def _fault(one: Found, missing: bool) -> StateFault | None:
    if one.seat is not None and one.shipment is not None:
        why = f"it sits in {one.seat.where} and is in {one.where_shipped}"
        return StateFault(one.pk, one.serial, one.stored, "", why)
    home = after(Move.UNLOAD, S.LOADED, has_tray=one.tray is not None)
    wanted, why = _wanted(one, missing, home)
    if wanted is None or one.stored == wanted or wanted in ALONGSIDE.get(one.stored, ()):
        return None
    return StateFault(one.pk, one.serial, one.stored, wanted, why)


def _wanted(one: Found, missing: bool, home: DeviceState) -> tuple[DeviceState | None, str]:
    """The state that the facts give, and which facts; None where they say nothing against it."""
    if one.seat is not None:
        return S.LOADED, f"it sits in {one.seat.where}"
    if one.shipment is not None:
        if one.under_way:
            return S.SHIPPED, f"it is in {one.where_shipped}, which was sent"
        return S.PACKED, f"it is in {one.where_shipped}, which was not sent"
    if one.stored in (S.LOADED, S.IN_TEST):
        return home, "it sits in no station"
    if one.stored in (S.PACKED, S.SHIPPED):
        return (S.LOST if missing else home), "it is in no shipment"
    if one.stored == S.IN_TRAY and one.tray is None:
        return S.AT_REST, "it has no tray"
    if missing and one.stored in AT_HAND:
        return S.LOST, "it was missing on arrival and not found since"
    return None, ""

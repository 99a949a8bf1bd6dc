"""Where devices sit, and which of them are being measured there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from mppcqa.inventory.models import Device
from mppcqa.inventory.moving import Held, MoveRefused
from mppcqa.inventory.signals import Seat
from mppcqa.inventory.states import AT_HAND, DeviceState, Move
from mppcqa.queue.models import OPEN_STATES, Task
from mppcqa.runs.models import LoadedDevice, Run, RunSlot

MEASURE = "runs.acquire"
"""The routine during which devices must stay where they are."""


def seats(devices: Collection[int], **_named: Any) -> dict[int, Seat]:
    """Those of some devices that sit in a station."""
    rows = LoadedDevice.objects.filter(device__in=devices)
    there = list(rows.values_list("device", "station", "station__name", "slot"))
    if not there:
        return {}
    tested = tests({device for device, *_where in there})
    found = {}
    for device, _station, name, slot in there:
        where = seat_text(name, slot)
        if device in tested:
            where += ", " + _("run %d") % tested[device]
        found[device] = Seat(where, device in tested)
    return found


def seat_text(station: str, slot: int) -> str:
    """Where a device sits, in words."""
    return _("%(station)s, slot %(slot)s") % {"station": station, "slot": slot}


def refuse_moved(run: Run) -> None:
    """`MoveRefused` where devices of a run do not sit in its station as they did when it was asked.

    Whoever repeats a measurement may have unloaded them meanwhile. From this moment on they can't
    be: the measurement runs, and whoever unloads holds them as well.
    """
    slots = {row.device_id: row.slot for row in run.slots.all()}
    with transaction.atomic():
        held = Held(slots)
        faults = held.faults(Move.START)
        there = dict(
            LoadedDevice.objects.filter(station=run.station_id, device__in=slots).values_list(
                "device", "slot"
            )
        )
        text = _("%(serial)s is no longer in %(where)s; load it there and measure again")
        for device, slot in slots.items():
            somewhere = device in faults and held.found[device].state not in AT_HAND
            if there.get(device) != slot and not somewhere:
                where = seat_text(str(run.station), slot)
                faults[device] = text % {"serial": held.found[device].serial, "where": where}
    if faults:
        raise MoveRefused(faults)


def open_runs() -> list[int]:
    """Runs that wait to be measured, or are; few: a station measures one after the other."""
    # By the index of states: few tasks are open.
    tasks = Task.objects.filter(state__in=OPEN_STATES, name=MEASURE).order_by()
    return [int(number) for number in tasks.values_list("about_id", flat=True)]


def _tests() -> QuerySet[RunSlot] | None:
    """Of devices that sit where a run of them waits to be measured or is; None where nothing is."""
    runs = open_runs()
    if not runs:
        return None
    slots = RunSlot.objects.filter(run__in=runs, device__loaded_in__station=F("run__station"))
    return slots.order_by()


def tests(devices: Collection[int]) -> dict[int, int]:
    """Device -> a run of it that waits to be measured or is, in the station where it sits."""
    rows = _tests()
    if rows is None:
        return {}
    return dict(rows.filter(device__in=devices).values_list("device", "run"))


def in_state(rows: QuerySet[Device], state: str) -> QuerySet[Device]:
    """Those of some devices that are in a state, as people are shown it."""
    if state not in DeviceState.values:
        return rows
    if state not in (DeviceState.LOADED, DeviceState.IN_TEST):
        return rows.filter(state=state)
    rows, slots = rows.filter(state=DeviceState.LOADED), _tests()
    tested = [] if slots is None else list(slots.values_list("device", flat=True))
    if state == DeviceState.IN_TEST:
        return rows.filter(pk__in=tested)
    return rows.exclude(pk__in=tested)


def shown_states(stored: Mapping[int, str]) -> dict[int, DeviceState]:
    """States as people are shown them, from what is stored of devices."""
    loaded = [pk for pk, state in stored.items() if state == DeviceState.LOADED]
    tested = tests(loaded) if loaded else {}
    return {
        pk: DeviceState.IN_TEST if pk in tested else DeviceState(state)
        for pk, state in stored.items()
    }

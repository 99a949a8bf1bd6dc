"""Taking back what the last scan did, by the same actions and only where nothing came after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from mppcqa.inventory.actions import forget
from mppcqa.inventory.models import Device
from mppcqa.inventory.placing import put_back
from mppcqa.queue.actions import kill_group
from mppcqa.refused import Refused
from mppcqa.runs.actions import load_station, unload_station
from mppcqa.runs.models import Run, Station
from mppcqa.web.scan.answers import Answer, Tone
from mppcqa.web.scan.packing import unpack_scanned

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class NothingToUndo(Refused):
    """Nothing was taken back; the fault says why."""


RIGHTS = {
    "unload": "runs.delete_loadeddevice",
    "load": "runs.add_loadeddevice",
    "stop": "queue.change_task",
    "place": "inventory.change_device",
    "forget": "inventory.add_device",
    "pack": "inventory.change_device",
}


def take_back(undo: dict[str, Any], *, by: User) -> Answer:
    """Undo what a hand kept; `Refused` where it can't be done any more."""
    if not undo:
        raise NothingToUndo(_("There is no scan to take back."))
    if not by.has_perm(RIGHTS[undo["do"]]):
        raise NothingToUndo(_("Your account may not do that. Ask somebody who may."))
    with transaction.atomic():
        said = {
            "unload": _unload,
            "load": _load,
            "stop": _stop,
            "place": _place,
            "forget": _forget,
            "pack": unpack_scanned,
        }[undo["do"]](undo, by)
    return Answer(Tone.GOOD, _("Taken back"), [said], changed=True)


def _slots(undo: dict[str, Any]) -> dict[int, str]:
    return {int(slot): serial for slot, serial in undo["slots"].items()}


def _station(undo: dict[str, Any]) -> Station:
    station = Station.objects.filter(pk=undo["station"]).first()
    if station is None:
        raise NothingToUndo(_("That station is gone."))
    return station


def _unload(undo: dict[str, Any], by: User) -> str:
    station, slots = _station(undo), _slots(undo)
    rows = station.loaded.visible_to(by).filter(slot__in=slots)
    there = dict(rows.values_list("slot", "device__serial"))
    if there != slots:
        raise NothingToUndo(
            _("Somebody changed what sits in %s meanwhile: look at its page.") % station
        )
    unload_station(station, list(slots), by=by)
    return _("%(serials)s came out of %(station)s again.") % {
        "serials": ", ".join(slots.values()),
        "station": station,
    }


def _load(undo: dict[str, Any], by: User) -> str:
    station, slots = _station(undo), _slots(undo)
    load_station(station, slots, by=by)
    return _("%(serials)s sit in %(station)s again.") % {
        "serials": ", ".join(slots.values()),
        "station": station,
    }


def _stop(undo: dict[str, Any], by: User) -> str:
    run = Run.objects.visible_to(by).filter(pk=undo["run"]).select_related("task_group").first()
    group = None if run is None else run.task_group
    if group is None or not kill_group(group, by=by, reason=_("started by mistake")):
        raise NothingToUndo(_("The run has ended already."))
    return _("%s is being stopped.") % run


def _place(undo: dict[str, Any], by: User) -> str:
    put_back(undo["places"], by=by)
    if "station" in undo:
        return _load(undo, by)
    return _("All are where they were before.")


def _forget(undo: dict[str, Any], by: User) -> str:
    device = Device.objects.visible_to(by).filter(pk=undo["device"]).first()
    if device is None:
        raise NothingToUndo(_("That device is gone."))
    forget(device)
    return _("%s is not registered any more.") % device.serial

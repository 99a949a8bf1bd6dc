"""A run once more with the same devices: after one that failed or was stopped, in one touch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from mppcqa.queue.models import OPEN_STATES, Task
from mppcqa.runs.actions import RunRefused, load_station, start_run
from mppcqa.runs.models import Run, Station
from mppcqa.runs.seats import MEASURE

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


def refuse_second(station: Station) -> None:
    """`RunRefused` where a station measures already, or is about to: a second touch is no wish."""
    under_way = Task.objects.filter(lane=station.lane, state__in=OPEN_STATES, name=MEASURE)
    if under_way.exists():
        raise RunRefused(_("%s is measuring already, or is about to.") % station)


def start_anyway(run: Run, *, by: AbstractBaseUser | None = None) -> Run:
    """The same run once more, whatever its contact check finds; `RunRefused` by the rule."""
    if run.station is not None and run.station.bad_contact == Station.BadContact.BLOCK:
        text = _("%s measures nothing whose contact is bad: seat it anew, then start again")
        raise RunRefused(text % run.station)
    return start_again(run, bad_contact=Station.BadContact.TELL, by=by)


def start_again(run: Run, *, bad_contact: str = "", by: AbstractBaseUser | None = None) -> Run:
    """A new run with the devices, slots and settings of a former one.

    Devices that were taken out meanwhile are loaded again; nothing is done, and `Refused` says
    why, where one is elsewhere now, or another sits in its slot.
    """
    station = run.station
    if station is None:
        raise RunRefused(_("%s was measured elsewhere") % run)
    refuse_second(station)
    wanted = {row.slot: row.device.serial for row in run.slots.select_related("device")}
    with transaction.atomic():
        there = dict(station.loaded.values_list("slot", "device__serial"))
        if other := [serial for slot, serial in there.items() if wanted.get(slot) != serial]:
            words = {"station": station, "others": ", ".join(other), "run": run}
            text = _("in %(station)s sit others than in %(run)s (%(others)s): take them out first")
            raise RunRefused(text % words)
        missing = {slot: serial for slot, serial in wanted.items() if slot not in there}
        if missing:
            load_station(station, missing, by=by)
        return start_run(station, run.stage, run.parameters, by=by, bad_contact=bad_contact)

"""Verdicts that wait, because the station that measured is not trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.queue.actions import submit
from mppcqa.refused import Fault, Refused
from mppcqa.runs.alarms import StationAlarm, open_alarm
from mppcqa.stages import all_stages

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from mppcqa.runs.models import Run


class AlarmRefused(Refused):
    """The alarm stays as it is; the message says why."""


def hold(run: Run) -> StationAlarm | None:
    """Note that a run waits for an alarm of its station; None where there is none."""
    alarm = open_alarm(run.station_id)
    if alarm is not None:
        alarm.held.add(run)
    return alarm


def alarm_words(alarm: StationAlarm) -> str:
    """An alarm as it is told to people, in their language."""
    stage = next((one for one in all_stages() if one.key == alarm.station.stage), None)
    declared = {one.key: one.title for one in stage.quantities} if stage else {}
    title = declared.get(alarm.quantity)
    text = _(
        "%(station)s measures its reference device %(serial)s otherwise than before: %(quantity)s "
        "is off by %(off)s σ. Verdicts on what it measures are held until somebody has calibrated "
        "it and said what was found."
    )
    return text % {
        "station": alarm.station,
        "serial": alarm.device,
        "quantity": _(title) if title else alarm.quantity,
        "off": f"{alarm.off:+.1f}",
    }


def close_alarm(
    alarm: StationAlarm, why: str, *, anew: bool, by: AbstractBaseUser | None = None
) -> int:
    """Say what was found; runs that waited are judged. How many those are.

    anew
        The station was calibrated, repaired or changed: from now on it has another baseline.
    """
    if not why.strip():
        raise AlarmRefused([Fault(_("Say what was found."), field="why")])
    with transaction.atomic():
        done = StationAlarm.objects.filter(pk=alarm.pk, closed_at=None).update(
            closed_at=timezone.now(),
            closed_by_id=None if by is None else by.pk,
            why=why.strip()[:300],
            anew=anew,
        )
        if not done:
            raise AlarmRefused(_("Somebody closed this alarm already."))
        runs = list(alarm.held.order_by("pk"))
        for run in runs:
            submit("limits.judge", {"run_id": run.pk}, by=by, about=run)
    return len(runs)

"""Shipped schedules, as rows of django-celery-beat that people can change and switch off."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any

from django.apps import apps
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.queue.registry import Routine, all_routines, find, scheduled
from mppcqa.refused import Refused

REAP_EVERY_S = 10
CRONTAB = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")


def make_schedules(**_named: Any) -> None:
    """Make what is missing, after each migration; what exists is left as people want it."""
    if not apps.is_installed("django_celery_beat"):
        return
    from django.db import connection
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    if PeriodicTask._meta.db_table not in connection.introspection.table_names():
        return  # migrated later than the queue; the next migration makes them
    every, _new = IntervalSchedule.objects.get_or_create(every=REAP_EVERY_S, period="seconds")
    PeriodicTask.objects.get_or_create(
        name="Reaper", defaults={"task": "mppcqa.queue.reap", "interval": every}
    )
    for row in PeriodicTask.objects.filter(task="mppcqa.queue.scheduled", enabled=True):
        if find(json.loads(row.kwargs or "{}").get("name", "")) is None:
            # Its routine is no longer there; what people made of it is kept.
            switch(row, on=False)
    for routine in scheduled():
        PeriodicTask.objects.get_or_create(
            name=routine.name,
            defaults={
                "task": "mppcqa.queue.scheduled",
                "kwargs": json.dumps({"name": routine.name}),
                "description": str(routine.title),
                **_when(routine),
            },
        )


def _when(routine: Routine) -> dict[str, Any]:
    if isinstance(routine.schedule, str):
        return timing(crontab=routine.schedule)
    return timing(every_s=int(routine.schedule or 0))


def crontab_fields(text: str) -> dict[str, str]:
    """The five fields of a crontab line; `Refused` says what is wrong with it."""
    from celery.schedules import ParseException, crontab

    parts = text.split()
    if len(parts) != len(CRONTAB):
        raise Refused(
            _(
                "A crontab line has five fields: minute, hour, day of the month, month, "
                "day of the week."
            )
        )
    fields = dict(zip(CRONTAB, parts, strict=True))
    try:
        crontab(**fields)
    except (ParseException, ValueError) as error:
        raise Refused(_("This is no crontab line: %s") % error) from None
    return fields


def timing(*, every_s: int | None = None, crontab: str = "") -> dict[str, Any]:
    """Columns of a schedule that is due every so many seconds or by a crontab line (UTC)."""
    from django_celery_beat.models import CrontabSchedule, IntervalSchedule

    if crontab:
        fields = crontab_fields(crontab)
        rows = CrontabSchedule.objects.filter(**fields, timezone="UTC")
        row = rows.first() or CrontabSchedule.objects.create(**fields, timezone="UTC")
        return {"crontab": row, "interval": None}
    if not every_s or every_s < 1:
        raise Refused(_("Give an interval of at least one second, or a crontab line."))
    intervals = IntervalSchedule.objects.filter(every=every_s, period="seconds")
    every = intervals.first() or IntervalSchedule.objects.create(every=every_s, period="seconds")
    return {"crontab": None, "interval": every}


def add(
    name: str,
    when: dict[str, Any],
    arguments: dict[str, Any] | None = None,
    *,
    description: str = "",
) -> Any:
    """A new schedule of a routine; `when` is from `timing`.

    arguments
        Of the routine, each time that it is due; `description` says in words what they mean.
    """
    from django_celery_beat.models import PeriodicTask

    number = PeriodicTask.objects.filter(name__startswith=name).count()
    wanted: dict[str, Any] = {"name": name}
    if arguments:
        wanted["arguments"] = arguments
    # One may have been removed: its number may be taken.
    while PeriodicTask.objects.filter(name=(full := _numbered(name, number))).exists():
        number += 1
    return PeriodicTask.objects.create(
        name=full,
        task="mppcqa.queue.scheduled",
        kwargs=json.dumps(wanted),
        description=description,
        **when,
    )


def _numbered(name: str, number: int) -> str:
    return name if number == 0 else f"{name} {number + 1}"


def arguments_of(schedule: Any) -> dict[str, Any]:
    """What a schedule's routine is run with; empty for nothing."""
    found: dict[str, Any] = json.loads(schedule.kwargs or "{}").get("arguments") or {}
    return found


def remove(schedule: Any) -> None:
    """Remove a schedule that somebody made for arguments of their own; what is shipped stays."""
    if not arguments_of(schedule):
        raise Refused(_("This schedule belongs to mppcqa: switch it off instead."))
    schedule.delete()


def key_of(name: str, arguments: dict[str, Any] | None = None) -> str:
    """By which one that is still open is not doubled."""
    if not arguments:
        return f"schedule:{name}"
    text = json.dumps(arguments, sort_keys=True)
    return f"schedule:{name}:{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def change(schedule: Any, when: dict[str, Any]) -> None:
    """Change when a schedule is due, and nothing else of it: the scheduler counts its runs."""
    for key, value in when.items():
        setattr(schedule, key, value)
    schedule.save(update_fields=list(when))


def switch(schedule: Any, *, on: bool) -> None:
    """Switch a schedule on or off."""
    schedule.enabled = on
    # Forgotten when off, by the package: what was missed until it is on again is not made up for.
    schedule.save(update_fields=["enabled"] if on else ["enabled", "last_run_at"])


def next_run(schedule: Any) -> dt.datetime | None:
    """When a schedule is due next; None where it is switched off."""
    if not schedule.enabled:
        return None
    now = timezone.now()
    last = schedule.last_run_at or schedule.date_changed or now
    due, seconds = schedule.schedule.is_due(last)
    if due and schedule.last_run_at:
        return now
    when = now + dt.timedelta(seconds=round(seconds))
    if schedule.crontab_id is None:
        return when
    # A crontab is due at whole minutes; Celery counts the seconds until then from a moment ago.
    return (when + dt.timedelta(seconds=30)).replace(second=0, microsecond=0)


def run_now(schedule: Any, *, by: Any = None) -> Any:
    """Ask for a schedule's routine at once; None for the reaper, which is no task."""
    from mppcqa.queue.actions import submit
    from mppcqa.queue.reaper import reap

    name = json.loads(schedule.kwargs or "{}").get("name")
    if name is None:
        reap()
        return None
    arguments = arguments_of(schedule)
    return submit(name, arguments, by=by, key=key_of(name, arguments))


def schedulable() -> list[Routine]:
    """Routines that can run without arguments, by name."""
    found = []
    for routine in all_routines():
        try:
            routine.check_arguments({})
        except TypeError:
            continue
        found.append(routine)
    return sorted(found, key=lambda one: one.name)

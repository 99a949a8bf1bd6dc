"""Shipped schedules, as rows of django-celery-beat that people can change and switch off."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.queue.clock import crontab_of, next_due, zone_name
from mppcqa.queue.dispatch import REAP_NAME
from mppcqa.queue.models import Task
from mppcqa.queue.registry import Routine, all_routines, find, scheduled
from mppcqa.refused import Refused

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

REAP_EVERY_S = 10
ROUTINE = "mppcqa.queue.scheduled"
"""What the rows of routines say that they run; the scheduler makes a task of it itself."""
REAPER = "Reaper"
USUAL_PRIORITY = 5
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
    PeriodicTask.objects.get_or_create(name=REAPER, defaults={"task": REAP_NAME, "interval": every})
    for row in PeriodicTask.objects.filter(task=ROUTINE, enabled=True):
        if find(json.loads(row.kwargs or "{}").get("name", "")) is None:
            # Its routine is no longer there; what people made of it is kept.
            switch(row, on=False)
    for routine in scheduled():
        PeriodicTask.objects.get_or_create(
            name=routine.name,
            defaults={
                "task": ROUTINE,
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


def timing(
    *, every_s: int | None = None, crontab: str = "", at: dt.datetime | None = None
) -> dict[str, Any]:
    """Columns of a schedule that is due every so many seconds, by a crontab line, or once.

    The line is of the laboratory's clock; `at` is a moment.
    """
    from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule

    none = {"crontab": None, "interval": None, "clocked": None, "one_off": False}
    if at is not None:
        once = ClockedSchedule.objects.filter(clocked_time=at).first()
        once = once or ClockedSchedule.objects.create(clocked_time=at)
        return {**none, "clocked": once, "one_off": True}
    if crontab:
        fields = {**crontab_fields(crontab), "timezone": zone_name()}
        row = CrontabSchedule.objects.filter(**fields).first()
        return {**none, "crontab": row or CrontabSchedule.objects.create(**fields)}
    if not every_s or every_s < 1:
        raise Refused(_("Give an interval of at least one second, or a crontab line."))
    intervals = IntervalSchedule.objects.filter(every=every_s, period="seconds")
    every = intervals.first() or IntervalSchedule.objects.create(every=every_s, period="seconds")
    return {**none, "interval": every}


def add(
    name: str,
    when: dict[str, Any],
    arguments: dict[str, Any] | None = None,
    *,
    description: str = "",
    by: AbstractBaseUser | None = None,
    how: dict[str, int] | None = None,
) -> Any:
    """A new schedule of a routine; `when` is from `timing`.

    arguments
        Of the routine, each time that it is due; `description` says in words what they mean.
    by
        Who wants it: its tasks are this person's, who is told where one fails.
    how
        ``priority`` of its tasks (0 is first, 5 is usual), and ``within_s``: a task that has not
        begun so many seconds after it was due ends as expired.
    """
    from django_celery_beat.models import PeriodicTask

    number = PeriodicTask.objects.filter(name__startswith=name).count()
    # One may have been removed: its number may be taken.
    while PeriodicTask.objects.filter(name=(full := _numbered(name, number))).exists():
        number += 1
    return PeriodicTask.objects.create(
        name=full,
        task=ROUTINE,
        kwargs=_wanted(name, arguments, None if by is None else by.pk, how),
        description=description,
        **when,
    )


def _wanted(
    name: str,
    arguments: dict[str, Any] | None,
    by: int | None,
    how: dict[str, int] | None,
) -> str:
    wanted: dict[str, Any] = {"name": name}
    if how:
        wanted["how"] = how
    if arguments:
        wanted["arguments"] = arguments
    if by is not None:
        wanted["by"] = by
    return json.dumps(wanted)


def _numbered(name: str, number: int) -> str:
    return name if number == 0 else f"{name} {number + 1}"


def arguments_of(schedule: Any) -> dict[str, Any]:
    """What a schedule's routine is run with; empty for nothing."""
    found: dict[str, Any] = json.loads(schedule.kwargs or "{}").get("arguments") or {}
    return found


def how_of(schedule: Any) -> dict[str, int]:
    """``priority`` and ``within_s`` of a schedule's tasks, where they were said."""
    found: dict[str, int] = json.loads(schedule.kwargs or "{}").get("how") or {}
    return found


def routine_of(schedule: Any) -> str:
    """Name of what a schedule runs; empty for the reaper, which is no routine."""
    return str(json.loads(schedule.kwargs or "{}").get("name", ""))


def is_shipped(schedule: Any) -> bool:
    """Whether it came with mppcqa and was not made by a person."""
    return schedule.name in (REAPER, *(routine.name for routine in scheduled()))


def remove(schedule: Any) -> None:
    """Remove a schedule that somebody made; what is shipped stays."""
    if is_shipped(schedule):
        raise Refused(_("This schedule belongs to mppcqa: switch it off instead."))
    schedule.delete()


def ask(schedule: Any, *, by: Any = None) -> Any:
    """Ask for what a schedule runs, as its maker unless `by` does; one that is open is that one.

    Raises `SubmitError`.
    """
    from mppcqa.queue.actions import submit

    wanted = json.loads(schedule.kwargs or "{}")
    name, arguments = wanted.get("name", ""), wanted.get("arguments")
    if by is None and "by" in wanted:
        by = get_user_model().objects.filter(pk=wanted["by"], is_active=True).first()
    how = how_of(schedule)
    within = how.get("within_s")
    return submit(
        name,
        arguments,
        by=by,
        key=key_of(name, arguments),
        priority=how.get("priority", USUAL_PRIORITY),
        expires_at=timezone.now() + dt.timedelta(seconds=within) if within else None,
    )


def tasks_of(schedule: Any) -> QuerySet[Task]:
    """Tasks that a schedule has asked for, the newest first."""
    name = routine_of(schedule)
    return Task.objects.filter(key=key_of(name, arguments_of(schedule))).order_by("-id")


def key_of(name: str, arguments: dict[str, Any] | None = None) -> str:
    """By which one that is still open is not doubled."""
    if not arguments:
        return f"schedule:{name}"
    text = json.dumps(arguments, sort_keys=True)
    return f"schedule:{name}:{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def change(
    schedule: Any,
    when: dict[str, Any],
    arguments: dict[str, Any] | None = None,
    *,
    description: str = "",
    how: dict[str, int] | None = None,
) -> None:
    """Change when a schedule is due and with what; the scheduler counts its runs.

    Without `arguments` these stay, and so does `how` (see `add`). What would have been due before
    this moment is not made up for.
    """
    if schedule.one_off and not schedule.enabled:
        # It was due and is meant anew; a recurring one that is off was switched off.
        when = {**when, "enabled": True, "total_run_count": 0}
    if arguments is not None:
        wanted = json.loads(schedule.kwargs or "{}")
        said = how_of(schedule) if how is None else how
        when = {**when, "kwargs": _wanted(wanted["name"], arguments, wanted.get("by"), said)}
        when["description"] = description
    for key, value in when.items():
        setattr(schedule, key, value)
    schedule.save(update_fields=[*when, "date_changed"])


def switch(schedule: Any, *, on: bool) -> None:
    """Switch a schedule on or off."""
    schedule.enabled = on
    # Forgotten when off, by the package: what was missed until it is on again is not made up for.
    fields = ["enabled", "date_changed"]
    schedule.save(update_fields=fields if on else [*fields, "last_run_at"])


def since(schedule: Any, last: dt.datetime) -> dt.datetime:
    """From when on a schedule may be due: since it ran last, or was changed."""
    changed = schedule.date_changed
    return max(last, changed) if changed else last


def next_run(schedule: Any) -> dt.datetime | None:
    """When a schedule is due next; None where it is switched off, or was due once."""
    if not schedule.enabled:
        return None
    now = timezone.now()
    if schedule.clocked_id is not None:
        due: dt.datetime = schedule.clocked.clocked_time
        return max(due, now)
    last = since(schedule, schedule.last_run_at or schedule.date_changed or now)
    if schedule.crontab_id is not None:
        tab = schedule.crontab
        when = next_due(crontab_of(tab), ZoneInfo(str(tab.timezone)), last)
        return when and max(when, now)
    is_due, seconds = schedule.schedule.is_due(last)
    if is_due and schedule.last_run_at:
        return now
    return now + dt.timedelta(seconds=round(seconds))


def run_now(schedule: Any, *, by: Any = None) -> Any:
    """Ask for a schedule's routine at once; None for the reaper, which is no task."""
    from mppcqa.queue.reaper import reap

    if not routine_of(schedule):
        reap()
        return None
    return ask(schedule, by=by)


def schedulable() -> list[Routine]:
    """Routines whose arguments a person can give, by title."""
    return sorted((one for one in all_routines() if one.by_form), key=lambda one: str(one.title))

"""The laboratory's clock: its time zone, and when a crontab line is due by it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from celery.schedules import crontab
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.queue.laboratory import Laboratory
from mppcqa.refused import Refused

LOOK_AHEAD_DAYS = 366 * 9
"""The 29th of February comes after eight years at most."""
ALL_HOURS = set(range(24))


def zone_name() -> str:
    """The laboratory's time zone by its name, such as ``America/Santiago``; UTC if none is set."""
    return Laboratory.objects.values_list("zone", flat=True).first() or "UTC"


def zone() -> ZoneInfo:
    """The laboratory's time zone."""
    return ZoneInfo(zone_name())


def set_zone(name: str) -> None:
    """Change the time zone. What is due at 02:00 stays due at 02:00, by the new clock."""
    from django_celery_beat.models import CrontabSchedule, PeriodicTask, PeriodicTasks

    if name not in available_timezones():
        raise Refused(_("There is no time zone “%s”; one is called Europe/Madrid.") % name)
    with transaction.atomic():
        Laboratory.objects.update_or_create(pk=1, defaults={"zone": name})
        CrontabSchedule.objects.filter(periodictask__task__startswith="mppcqa.").update(
            timezone=name
        )
        # What the new clock has passed already is not made up for.
        ours = PeriodicTask.objects.filter(task__startswith="mppcqa.", crontab__isnull=False)
        ours.update(date_changed=timezone.now())
        PeriodicTasks.update_changed()


def moment_of(day: dt.date, time: dt.time, where: ZoneInfo) -> dt.datetime:
    """The moment of a day and time of the laboratory.

    Of a time that comes twice, when summer time ends, it is the first. One that does not come, when
    it begins, is refused.
    """
    local = dt.datetime.combine(day, time, tzinfo=where)
    moment = local.astimezone(dt.UTC)
    if moment.astimezone(where).replace(tzinfo=None) != local.replace(tzinfo=None):
        words = {"time": f"{local:%Y-%m-%d %H:%M}", "zone": where.key}
        raise Refused(
            _("%(time)s does not exist in %(zone)s: the clocks are put forward over it.") % words
        )
    return moment


def next_due(line: crontab, where: ZoneInfo, after: dt.datetime) -> dt.datetime | None:
    """The first moment after another at which a crontab line is due; None if there is none.

    The rule of the usual cron over a change of the clock: what is due at set hours comes once
    each day, so the second pass of the hour that comes twice is left out, and a time that the
    clocks jump over comes as much later as they jump. What is due every hour follows the hours
    as they pass.

    >>> first = dt.datetime(2026, 3, 28, 12, tzinfo=dt.UTC)
    >>> f"{next_due(crontab('30', '2'), ZoneInfo('Europe/Madrid'), first):%d %H:%M %Z}"
    '29 01:30 UTC'
    """
    begin = after.astimezone(where).date()
    for ahead in range(-1, LOOK_AHEAD_DAYS):
        day = begin + dt.timedelta(days=ahead)
        if not _has_day(line, day):
            continue
        if later := [one for one in _moments(line, where, day) if one > after]:
            return min(later)
    return None


def _has_day(line: crontab, day: dt.date) -> bool:
    return (
        day.month in line.month_of_year
        and day.day in line.day_of_month
        and day.isoweekday() % 7 in line.day_of_week
    )


def _moments(line: crontab, where: ZoneInfo, day: dt.date) -> Iterator[dt.datetime]:
    hourly = line.hour >= ALL_HOURS
    for hour in line.hour:
        for minute in line.minute:
            for fold in (0, 1) if hourly else (0,):
                local = dt.datetime(
                    day.year, day.month, day.day, hour, minute, tzinfo=where, fold=fold
                )
                moment = local.astimezone(dt.UTC)
                there = moment.astimezone(where).replace(tzinfo=None, fold=0)
                if not hourly or there == local.replace(tzinfo=None, fold=0):
                    yield moment


def local(when: dt.datetime | None, where: ZoneInfo) -> str:
    """``2026-03-29 02:00 CEST``; a stroke for none."""
    return f"{when.astimezone(where):%Y-%m-%d %H:%M %Z}" if when else "—"


def crontab_of(row: Any) -> crontab:
    """A row of django-celery-beat as Celery reads it."""
    return crontab(
        minute=row.minute,
        hour=row.hour,
        day_of_week=row.day_of_week,
        day_of_month=row.day_of_month,
        month_of_year=row.month_of_year,
    )

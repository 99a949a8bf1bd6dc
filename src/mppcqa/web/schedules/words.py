"""Schedules in words: what they run, and when it is due."""

from __future__ import annotations

import calendar
import re
from zoneinfo import ZoneInfo

from cron_descriptor import (
    ExpressionDescriptor,
    FormatException,
    MissingFieldException,
    Options,
    WrongArgumentException,
)
from django.db.models import QuerySet
from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.translation import get_language, gettext_lazy, ngettext, to_locale
from django.utils.translation import gettext as _
from django_celery_beat.models import PeriodicTask

from mppcqa.queue.clock import local, zone
from mppcqa.queue.dispatch import REAP_NAME
from mppcqa.queue.registry import find
from mppcqa.queue.schedules import arguments_of, routine_of
from mppcqa.web.asking.fields import words_of

UNITS = {
    "s": (1, gettext_lazy("seconds")),
    "min": (60, gettext_lazy("minutes")),
    "h": (3600, gettext_lazy("hours")),
    "d": (86400, gettext_lazy("days")),
}
SECONDS = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}


def ours() -> QuerySet[PeriodicTask]:
    found: QuerySet[PeriodicTask] = PeriodicTask.objects.filter(task__startswith="mppcqa.queue.")
    return found.select_related("interval", "crontab", "clocked")


def title_of(schedule: PeriodicTask) -> str:
    routine = find(routine_of(schedule))
    if schedule.task == REAP_NAME:
        return _("Clear up after lost workers")
    title = str(routine.title) if routine else schedule.name
    words = words_of(routine, schedule.description) if routine and arguments_of(schedule) else ""
    return f"{title}: {words}" if words else title


def meaning(schedule: PeriodicTask, where: ZoneInfo | None = None) -> str:
    """``every 10 s``, or what the crontab line means: ``at 02:30 (UTC)``."""
    if schedule.clocked is not None:
        return _("once, %s") % local(schedule.clocked.clocked_time, where or zone())
    if schedule.interval is not None:
        every = schedule.interval
        number, unit = split(every.every * SECONDS.get(every.period, 1))
        return {
            "s": ngettext("every second", "every %d seconds", number),
            "min": ngettext("every minute", "every %d minutes", number),
            "h": ngettext("every hour", "every %d hours", number),
            "d": ngettext("every day", "every %d days", number),
        }[unit].replace("%d", str(number))
    return in_words(crontab_line(schedule), str(schedule.crontab.timezone))


def in_words(line: str, clock: str) -> str:
    """A crontab line in the reader's words; the line itself where there are none for it."""
    options = Options()
    options.use_24hour_time_format = True
    options.locale_code = to_locale({"es": "es-es"}.get(get_language() or "", "en-us"))
    try:
        text = str(ExpressionDescriptor(line, options).get_full_description())
    except (FormatException, MissingFieldException, WrongArgumentException):
        return f"{line} ({clock})"
    # Its catalogues lack the names of days and months, which Django's have.
    names = {calendar.day_name[n]: name for n, name in WEEKDAYS.items()}
    names |= {calendar.month_name[n]: name for n, name in MONTHS.items()}
    text = re.sub(r"[A-Z][a-z]+", lambda found: str(names.get(found[0], found[0])), text)
    return f"{text[:1].lower()}{text[1:]} ({clock})"


def crontab_line(schedule: PeriodicTask) -> str:
    tab = schedule.crontab
    if tab is None:
        return ""
    return " ".join((tab.minute, tab.hour, tab.day_of_month, tab.month_of_year, tab.day_of_week))


def split(seconds: int) -> tuple[int, str]:
    """A number of seconds in the largest unit that divides it."""
    for unit in ("d", "h", "min"):
        size = UNITS[unit][0]
        if seconds and seconds % size == 0:
            return seconds // size, unit
    return seconds, "s"

"""The form of a schedule: when a routine runs, and with what."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_celery_beat.models import PeriodicTask

from mppcqa.queue.clock import moment_of, zone
from mppcqa.queue.registry import Routine
from mppcqa.queue.schedules import USUAL_PRIORITY, how_of, timing
from mppcqa.refused import Refused
from mppcqa.web.asking.fields import PRIORITIES, argument_fields, arguments_of, as_typed, kept_words
from mppcqa.web.schedules.words import SECONDS, UNITS, crontab_line, split

DAILY, WORKDAYS, WEEKLY, ONCE, EVERY, CRONTAB = (
    *("daily", "workdays", "weekly", "once"),
    *("every", "crontab"),
)
HOW = {
    DAILY: gettext_lazy("every day"),
    WORKDAYS: gettext_lazy("on working days"),
    WEEKLY: gettext_lazy("every week"),
    ONCE: gettext_lazy("once"),
    EVERY: gettext_lazy("every so often"),
    CRONTAB: gettext_lazy("by a crontab line"),
}
NIGHT = dt.time(2)


def _weekdays() -> list[tuple[str, str]]:
    # Django begins its week on Monday with 0, a crontab on Sunday.
    return [(str((number + 1) % 7), str(name)) for number, name in WEEKDAYS.items()]


class ScheduleForm(forms.Form):
    """When something is due, by the laboratory's clock."""

    when = forms.ChoiceField(label=gettext_lazy("Due"), choices=list(HOW.items()), required=False)
    day = forms.DateField(
        label=gettext_lazy("Day"),
        required=False,
        widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"),
    )
    weekday = forms.ChoiceField(
        label=gettext_lazy("Day of the week"), choices=lazy(_weekdays, list)(), required=False
    )
    time = forms.TimeField(
        label=gettext_lazy("At"),
        required=False,
        widget=forms.TimeInput({"type": "time"}, "%H:%M"),
    )
    number = forms.IntegerField(
        label=gettext_lazy("Every"), min_value=1, max_value=100_000, required=False
    )
    unit = forms.ChoiceField(
        label=gettext_lazy("Unit"),
        choices=[(key, title) for key, (_s, title) in UNITS.items()],
        required=False,
    )
    crontab = forms.CharField(
        label=gettext_lazy("Crontab line"),
        required=False,
        max_length=200,
        help_text=gettext_lazy(
            "Minute, hour, day of the month, month, day of the week: 40 2 * * 1-5 is 02:40 on "
            "working days."
        ),
    )
    priority = forms.TypedChoiceField(
        label=gettext_lazy("Priority"),
        choices=PRIORITIES,
        coerce=int,
        required=False,
        initial=USUAL_PRIORITY,
    )
    within = forms.IntegerField(
        label=gettext_lazy("Start within [min]"),
        min_value=1,
        max_value=100_000,
        required=False,
        help_text=gettext_lazy("If it has not started so long after it was due, it expires."),
    )
    timed = ("when", "day", "weekday", "time", "number", "unit", "crontab", "priority", "within")

    def __init__(
        self,
        *args: Any,
        routine: Routine | None = None,
        user: Any = None,
        given: dict[str, Any] | None = None,
        **named: Any,
    ) -> None:
        super().__init__(*args, **named)
        self.routine = routine
        if routine is not None:
            self.fields |= argument_fields(routine, user, given or {})
        else:
            # Its tasks are made by what is shipped.
            del self.fields["priority"], self.fields["within"]
        self.order_fields([name for name in self.fields if name not in self.timed])

    def asked(self) -> list[forms.BoundField]:
        """The fields that are not about time."""
        return [self[name] for name in self.fields if name not in self.timed]

    @property
    def arguments(self) -> dict[str, Any]:
        """What the routine is to be run with."""
        return arguments_of(self.routine, self.cleaned_data) if self.routine else {}

    @property
    def how(self) -> dict[str, int]:
        """Priority and latest start of its tasks, where they are not the usual ones."""
        values = self.cleaned_data
        found = {}
        if values.get("priority") not in ("", None, USUAL_PRIORITY):
            found["priority"] = values["priority"]
        if values.get("within"):
            found["within_s"] = 60 * values["within"]
        return found

    @property
    def words(self) -> str:
        """The same for people."""
        return kept_words(self.routine, self.cleaned_data) if self.routine else ""

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors:
            try:
                values["timing"] = self._timing(values)
            except Refused as error:
                raise forms.ValidationError(str(error)) from None
        return values

    def _timing(self, values: dict[str, Any]) -> dict[str, Any]:
        when, crontab = values["when"], values["crontab"].strip()
        number = values["number"]
        if not when:
            if bool(crontab) == bool(number):
                raise Refused(_("Give either an interval or a crontab line."))
            when = CRONTAB if crontab else EVERY
        if when == EVERY:
            return timing(every_s=(number or 0) * UNITS[values["unit"] or "min"][0])
        if when == CRONTAB:
            return timing(crontab=crontab or "-")
        time = values["time"]
        if time is None:
            raise Refused(_("Say at which time."))
        if when == ONCE:
            if values["day"] is None:
                raise Refused(_("Say on which day."))
            at = moment_of(values["day"], time, zone())
            if at <= dt.datetime.now(dt.UTC):
                raise Refused(_("This moment has passed: choose one to come."))
            return timing(at=at)
        days = {DAILY: "*", WORKDAYS: "1-5", WEEKLY: values["weekday"]}[when]
        return timing(crontab=f"{time.minute} {time.hour} * * {days}")


class ZoneForm(forms.Form):
    """Where the laboratory's clock hangs."""

    zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        choices=[(name, name) for name in sorted(available_timezones())],
        help_text=gettext_lazy(
            "Schedules are due by its clock, summer time included; what is due at 02:00 stays due "
            "at 02:00."
        ),
    )


def tonight() -> dict[str, Any]:
    """What a new schedule begins with: every night, and the next one where it is once."""
    now = dt.datetime.now(zone())
    day = now.date() + dt.timedelta(days=now.time() >= NIGHT)
    return {"when": DAILY, "time": NIGHT, "day": day, "weekday": "1", "unit": "h"}


def stored(found: PeriodicTask, arguments: dict[str, Any]) -> dict[str, Any]:
    """The values of the form for a schedule that is there."""
    values = {**as_typed(arguments), "unit": "min", "weekday": "1"}
    said = how_of(found)
    values["priority"] = said.get("priority", USUAL_PRIORITY)
    values["within"] = said["within_s"] // 60 if "within_s" in said else None
    if found.clocked is not None:
        at = found.clocked.clocked_time.astimezone(zone())
        return values | {"when": ONCE, "day": at.date(), "time": at.time()}
    if found.interval is not None:
        seconds = found.interval.every * SECONDS.get(found.interval.period, 1)
        number, unit = split(seconds)
        return values | {"when": EVERY, "number": number, "unit": unit}
    line = crontab_line(found)
    minute, hour, *days = line.split()
    how = {("*", "*", "*"): DAILY, ("*", "*", "1-5"): WORKDAYS}.get(tuple(days))  # type: ignore[arg-type]
    if how is None and days[:2] == ["*", "*"] and days[2] in "0123456":
        how = WEEKLY
        values["weekday"] = days[2]
    if how is None or not (minute.isdecimal() and hour.isdecimal()):
        return values | {"when": CRONTAB, "crontab": line}
    return values | {"when": how, "time": dt.time(int(hour), int(minute))}

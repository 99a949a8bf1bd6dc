"""Schedules: what runs at set times, when last and when next; forms to change it."""

from __future__ import annotations

import calendar
import json
import re
from typing import Any

from cron_descriptor import (
    ExpressionDescriptor,
    FormatException,
    MissingFieldException,
    Options,
    WrongArgumentException,
)
from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.translation import get_language, gettext_lazy, ngettext, to_locale
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_celery_beat.models import PeriodicTask

from mppcqa.queue.errors import SubmitError
from mppcqa.queue.registry import find
from mppcqa.queue.schedules import next_run, run_now, schedulable, timing
from mppcqa.web.access import allowed

UNITS = {
    "s": (1, gettext_lazy("seconds")),
    "min": (60, gettext_lazy("minutes")),
    "h": (3600, gettext_lazy("hours")),
    "d": (86400, gettext_lazy("days")),
}
SECONDS = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}


def _ours() -> QuerySet[PeriodicTask]:
    return PeriodicTask.objects.filter(task__startswith="mppcqa.queue.").select_related(
        "interval", "crontab"
    )


def _routine_of(schedule: PeriodicTask) -> str:
    return str(json.loads(schedule.kwargs or "{}").get("name", ""))


def _title(schedule: PeriodicTask) -> str:
    routine = find(_routine_of(schedule))
    if schedule.task == "mppcqa.queue.reap":
        return _("Clear up after lost workers")
    return str(routine.title) if routine else schedule.name


def _when(schedule: PeriodicTask) -> str:
    """``every 10 s``, or what the crontab line means: ``at 02:30 (UTC)``."""
    if schedule.interval is not None:
        every = schedule.interval
        number, unit = _split(every.every * SECONDS.get(every.period, 1))
        return {
            "s": ngettext("every second", "every %d seconds", number),
            "min": ngettext("every minute", "every %d minutes", number),
            "h": ngettext("every hour", "every %d hours", number),
            "d": ngettext("every day", "every %d days", number),
        }[unit].replace("%d", str(number))
    return _meaning(_line(schedule))


def _meaning(line: str) -> str:
    """A crontab line in the reader's words; the line itself where there are none for it."""
    options = Options()
    options.use_24hour_time_format = True
    options.locale_code = to_locale({"es": "es-es"}.get(get_language() or "", "en-us"))
    try:
        text = str(ExpressionDescriptor(line, options).get_full_description())
    except (FormatException, MissingFieldException, WrongArgumentException):
        return f"{line} (UTC)"
    # Its catalogues lack the names of days and months, which Django's have.
    names = {calendar.day_name[n]: name for n, name in WEEKDAYS.items()}
    names |= {calendar.month_name[n]: name for n, name in MONTHS.items()}
    text = re.sub(r"[A-Z][a-z]+", lambda found: str(names.get(found[0], found[0])), text)
    return f"{text[:1].lower()}{text[1:]} (UTC)"


def _line(schedule: PeriodicTask) -> str:
    tab = schedule.crontab
    if tab is None:
        return ""
    return " ".join((tab.minute, tab.hour, tab.day_of_month, tab.month_of_year, tab.day_of_week))


def _split(seconds: int) -> tuple[int, str]:
    """A number of seconds in the largest unit that divides it."""
    for unit in ("d", "h", "min"):
        size = UNITS[unit][0]
        if seconds and seconds % size == 0:
            return seconds // size, unit
    return seconds, "s"


class ScheduleForm(forms.Form):
    """When a routine runs: every so often, or by a crontab line."""

    routine = forms.ChoiceField(label=gettext_lazy("Routine"))
    number = forms.IntegerField(
        label=gettext_lazy("Every"), min_value=1, max_value=100_000, required=False
    )
    unit = forms.ChoiceField(
        label=gettext_lazy("Unit"), choices=[(key, title) for key, (_s, title) in UNITS.items()]
    )
    crontab = forms.CharField(
        label=gettext_lazy("or by a crontab line (UTC)"),
        required=False,
        max_length=200,
        help_text=gettext_lazy(
            "Minute, hour, day of the month, month, day of the week: 40 2 * * 1-5 is 02:40 on "
            "working days."
        ),
    )

    def __init__(self, *args: Any, fixed: str = "", **named: Any) -> None:
        super().__init__(*args, **named)
        routines = [(one.name, one.title) for one in schedulable()]
        field = self.fields["routine"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101
        field.choices = routines
        if fixed or not routines:
            del self.fields["routine"]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        crontab, number = values.get("crontab", "").strip(), values.get("number")
        if self.errors:
            return values
        if bool(crontab) == bool(number):
            raise forms.ValidationError(_("Give either an interval or a crontab line."))
        try:
            every = (number or 0) * UNITS[values["unit"]][0]
            values["timing"] = timing(every_s=every, crontab=crontab)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        return values


@require_GET
def schedule_list(request: HttpRequest) -> HttpResponse:
    """All schedules with their last and next run."""
    rows = list(_ours().order_by("name"))
    for row in rows:
        row.title, row.when = _title(row), _when(row)
        row.next = next_run(row)
    return render(request, "web/schedule_list.html", {"rows": rows})


@require_http_methods(["GET", "POST"])
@allowed("django_celery_beat.change_periodictask")
def schedule(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Make a schedule, or change when one is due."""
    found = get_object_or_404(_ours(), pk=pk) if pk is not None else None
    initial: dict[str, Any] = {"unit": "min"}
    if found is not None and found.interval is not None:
        seconds = found.interval.every * SECONDS.get(found.interval.period, 1)
        initial = dict(zip(("number", "unit"), _split(seconds), strict=True))
    elif found is not None:
        initial |= {"crontab": _line(found)}
    fixed = _title(found) if found is not None else ""
    form = ScheduleForm(request.POST or None, initial=initial, fixed=fixed)
    if request.method == "POST" and form.is_valid():
        if found is None:
            name = form.cleaned_data["routine"]
            found = PeriodicTask(
                name=_free_name(name),
                task="mppcqa.queue.scheduled",
                kwargs=json.dumps({"name": name}),
            )
        for key, value in form.cleaned_data["timing"].items():
            setattr(found, key, value)
        found.save()
        messages.success(request, _("The schedule is kept; it is due %s.") % _when(found))
        return redirect("schedule_list")
    context = {"form": form, "title": fixed, "found": found}
    return render(request, "web/schedule.html", context, status=422 if form.errors else 200)


def _free_name(name: str) -> str:
    number = PeriodicTask.objects.filter(name__startswith=name).count()
    return name if number == 0 else f"{name} {number + 1}"


@require_POST
@allowed("django_celery_beat.change_periodictask")
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a schedule on or off."""
    found = get_object_or_404(_ours(), pk=pk)
    found.enabled = not found.enabled
    found.save()
    return redirect("schedule_list")


@require_POST
@allowed("queue.add_task")
def now(request: HttpRequest, pk: int) -> HttpResponse:
    """Run a schedule's routine at once."""
    found = get_object_or_404(_ours(), pk=pk)
    try:
        task = run_now(found, by=request.user)
    except SubmitError as error:
        messages.error(request, str(error))
        return redirect("schedule_list")
    if task is None:
        messages.success(request, _("Done."))
        return redirect("schedule_list")
    return redirect("task", task.pk)

"""Schedules: what runs at set times, when last and when next; forms to change it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST
from django_celery_beat.models import PeriodicTask

from mppcqa.queue import schedules
from mppcqa.queue.schedules import add, change, run_now, schedulable, timing
from mppcqa.refused import Refused
from mppcqa.web import edits
from mppcqa.web.access import allowed, person
from mppcqa.web.faults import tell
from mppcqa.web.listing.views import show_list
from mppcqa.web.schedules.listing import SCHEDULES
from mppcqa.web.schedules.words import (
    SECONDS,
    UNITS,
    crontab_line,
    meaning,
    ours,
    split,
    title_of,
)


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
        except Refused as error:
            raise forms.ValidationError(str(error)) from None
        return values


@require_http_methods(["GET", "POST"])
def schedule_list(request: HttpRequest) -> HttpResponseBase:
    """All schedules with their last and next run."""
    return show_list(request, SCHEDULES, "web/schedules/list.html")


@require_http_methods(["GET", "POST"])
@allowed("django_celery_beat.change_periodictask")
def schedule(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Make a schedule, or change when one is due."""
    with edits.changing(request):
        found = edits.locked(ours().select_related(None), pk=pk) if pk is not None else None
        fixed = title_of(found) if found is not None else ""
        edit = edits.begin(request, found, _parts(found), reverse("schedule_list"))
        if edit.conflict:
            return edit.both()
        form = ScheduleForm(edit.data, initial=_initial(found), fixed=fixed)
        if request.method == "POST" and form.is_valid():
            if found is None:
                found = add(form.cleaned_data["routine"], form.cleaned_data["timing"])
            else:
                change(found, form.cleaned_data["timing"])
            edit.saved(found, _parts(found))
            messages.success(request, _("The schedule is kept; it is due %s.") % meaning(found))
            return redirect("schedule_list")
    context = {"form": form, "title": fixed, "found": found, "edit": edit}
    return render(
        request, "web/schedules/schedule.html", context, status=422 if form.errors else 200
    )


def _initial(found: PeriodicTask | None) -> dict[str, Any]:
    if found is None:
        return {"unit": "min"}
    if found.interval is None:
        return {"unit": "min", "crontab": crontab_line(found)}
    seconds = found.interval.every * SECONDS.get(found.interval.period, 1)
    return dict(zip(("number", "unit"), split(seconds), strict=True))


def _parts(found: PeriodicTask | None) -> list[edits.Part]:
    if found is None:
        return []
    return edits.parts_of(ScheduleForm(initial=_initial(found), fixed=title_of(found)))


@require_POST
@allowed("django_celery_beat.change_periodictask")
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a schedule on or off."""
    found = get_object_or_404(ours(), pk=pk)
    # What the button said, not the other of what it is: two who press it mean the same.
    schedules.switch(found, on="on" in request.POST)
    return redirect("schedule_list")


@require_POST
@allowed("django_celery_beat.change_periodictask")
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a schedule that somebody made with arguments of their own."""
    found = get_object_or_404(ours(), pk=pk)
    try:
        schedules.remove(found)
    except Refused as error:
        tell(request, error)
    else:
        messages.success(request, _("The schedule is removed."))
    return redirect("schedule_list")


@require_POST
@allowed("queue.add_task")
def now(request: HttpRequest, pk: int) -> HttpResponse:
    """Run a schedule's routine at once."""
    found = get_object_or_404(ours(), pk=pk)
    try:
        task = run_now(found, by=person(request))
    except Refused as error:
        tell(request, error)
        return redirect("schedule_list")
    if task is None:
        messages.success(request, _("Done."))
        return redirect("schedule_list")
    return redirect("task", task.pk)

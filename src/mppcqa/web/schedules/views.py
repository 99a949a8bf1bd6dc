"""Schedules: what runs at set times, when last and when next; forms to change it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django_celery_beat.models import PeriodicTask

from mppcqa.queue import schedules
from mppcqa.queue.clock import local, set_zone, zone, zone_name
from mppcqa.queue.laboratory import Laboratory
from mppcqa.queue.registry import Routine, find
from mppcqa.queue.schedules import run_now, tasks_of
from mppcqa.refused import Refused
from mppcqa.web import edits
from mppcqa.web.access import allowed, person
from mppcqa.web.asking.choosing import offers
from mppcqa.web.asking.fields import as_typed, first_of, may_ask, of_person
from mppcqa.web.bound import seen_tasks
from mppcqa.web.faults import tell
from mppcqa.web.listing.views import show_list
from mppcqa.web.reading import sent
from mppcqa.web.schedules.form import ScheduleForm, ZoneForm, stored, tonight
from mppcqa.web.schedules.listing import SCHEDULES
from mppcqa.web.schedules.words import meaning, ours, title_of
from mppcqa.web.tasks.listing import RAN, listed

SHOWN = 10


@require_http_methods(["GET", "POST"])
def schedule_list(request: HttpRequest) -> HttpResponseBase:
    """All schedules with their last and next run."""
    return show_list(request, SCHEDULES, "web/schedules/list.html", zone=zone_name())


@require_http_methods(["GET", "POST"])
@allowed("django_celery_beat.change_periodictask")
def add(request: HttpRequest) -> HttpResponse:
    """What is to run at set times; then with what, and when."""
    asked = request.POST if request.method == "POST" else request.GET
    routine = find(asked.get("routine", ""))
    try:
        given = {} if routine is None else first_of(routine, asked.dict())
    except KeyError:
        routine = None
    if routine is None:
        choosing = {
            "offers": offers(request.user),
            "head": _("New schedule"),
            "asks": _("What is to run at set times?"),
            "of": "schedule_list",
            "of_title": _("Schedules"),
        }
        return render(request, "web/asking/choose.html", choosing)
    _refuse(routine, request)
    first = {**tonight(), **as_typed(_from_address(routine, request))}
    form = ScheduleForm(
        sent(request), initial=first, routine=routine, user=request.user, given=given
    )
    if request.method == "POST" and form.is_valid():
        made = schedules.add(
            routine.name,
            form.cleaned_data["timing"],
            form.arguments,
            description=form.words,
            by=person(request),
            how=form.how,
        )
        messages.success(request, _("The schedule is kept; it is due %s.") % meaning(made))
        return redirect("schedule", made.pk)
    context = {"form": form, "routine": routine, "zone": zone_name()}
    return render(
        request, "web/schedules/schedule.html", context, status=422 if form.errors else 200
    )


def _from_address(routine: Routine, request: HttpRequest) -> dict[str, Any]:
    """Arguments that the page which led here knows."""
    found: dict[str, Any] = {}
    for one in routine.parameters:
        if text := request.GET.get(one.name, ""):
            found[one.name] = text == "on" if one.kind is bool else text
    return found


def _refuse(routine: Routine, request: HttpRequest) -> None:
    if not may_ask(routine, request.user):
        raise PermissionDenied


@require_http_methods(["GET", "POST"])
@allowed("django_celery_beat.change_periodictask")
def schedule(request: HttpRequest, pk: int) -> HttpResponse:
    """A schedule: when it ran and will run, its last tasks, and the form that changes it."""
    with edits.changing(request):
        found = edits.locked(ours().select_related(None), pk=pk)
        form = _form(found, request.user)
        edit = edits.begin(request, found, edits.parts_of(form), reverse("schedule", args=[pk]))
        if edit.conflict:
            return edit.both()
        form = _form(found, request.user, edit.data)
        if request.method == "POST" and form.is_valid():
            if form.routine is not None:
                _refuse(form.routine, request)
            arguments = form.arguments if form.routine is not None else None
            schedules.change(
                found,
                form.cleaned_data["timing"],
                arguments,
                description=form.words,
                how=form.how if form.routine is not None else None,
            )
            edit.saved(found, edits.parts_of(_form(found, request.user)))
            messages.success(request, _("The schedule is kept; it is due %s.") % meaning(found))
            return redirect("schedule", pk)
    where = zone()
    context = {
        "form": form,
        "title": title_of(found),
        "found": found,
        "edit": edit,
        "zone": where.key,
        "own": not schedules.is_shipped(found),
        "meaning": meaning(found),
        "last": local(found.last_run_at, where),
        "next": local(schedules.next_run(found), where),
        "tasks": listed(tasks_of(found).filter(pk__in=seen_tasks(request.user)))[:SHOWN],
        "task_columns": RAN,
    }
    return render(
        request, "web/schedules/schedule.html", context, status=422 if form.errors else 200
    )


def _form(found: PeriodicTask, user: Any, data: QueryDict | None = None) -> ScheduleForm:
    """With the arguments, where they are such as a form can show."""
    arguments = schedules.arguments_of(found)
    routine = find(schedules.routine_of(found))
    if routine is not None and not (
        routine.by_form and arguments.keys() <= {one.name for one in of_person(routine, user)}
    ):
        routine = None
    return ScheduleForm(
        data, initial=stored(found, arguments), routine=routine, user=user, given=arguments
    )


@require_http_methods(["GET", "POST"])
@allowed("django_celery_beat.change_periodictask")
def clock(request: HttpRequest) -> HttpResponse:
    """The laboratory's time zone."""
    with edits.changing(request):
        row = edits.locked(Laboratory, pk=1) if Laboratory.objects.filter(pk=1).exists() else None
        first = {"zone": zone_name()}
        parts = edits.parts_of(ZoneForm(initial=first))
        edit = edits.begin(request, row, parts, reverse("schedule_list"))
        if edit.conflict:
            return edit.both()
        form = ZoneForm(edit.data, initial=first)
        if request.method == "POST" and form.is_valid():
            set_zone(form.cleaned_data["zone"])
            row = Laboratory.objects.get(pk=1)
            edit.saved(row, edits.parts_of(ZoneForm(initial={"zone": row.zone})))
            messages.success(request, _("The laboratory's clock is that of %s.") % row.zone)
            return redirect("schedule_list")
    context = {"form": form, "edit": edit, "now": local(timezone.now(), zone())}
    return render(request, "web/schedules/clock.html", context, status=422 if form.errors else 200)


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

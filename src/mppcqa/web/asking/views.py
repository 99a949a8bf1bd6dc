"""Asking for a task by a form: with what, from when on, until when, and before which others."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from mppcqa.queue import submit
from mppcqa.queue.actions import set_priority
from mppcqa.queue.clock import moment_of, zone, zone_name
from mppcqa.queue.models import Task
from mppcqa.queue.registry import Routine, find
from mppcqa.queue.repeats import again_with
from mppcqa.refused import Refused
from mppcqa.web.access import allowed, person
from mppcqa.web.asking.choosing import offers
from mppcqa.web.asking.fields import (
    PRIORITIES,
    argument_fields,
    arguments_of,
    as_typed,
    first_of,
    may_ask,
    of_person,
)
from mppcqa.web.bound import seen_tasks
from mppcqa.web.faults import tell
from mppcqa.web.reading import sent, whole

ANY_TIME = "%Y-%m-%dT%H:%M"


class Moment(forms.DateTimeField):
    """A moment by the laboratory's clock."""

    def __init__(self, **named: Any) -> None:
        widget = forms.DateTimeInput({"type": "datetime-local"}, ANY_TIME)
        super().__init__(widget=widget, required=False, **named)

    def clean(self, value: Any) -> dt.datetime | None:
        found = super().clean(value)
        if found is None:
            return None
        typed = timezone.make_naive(found)
        try:
            return moment_of(typed.date(), typed.time(), zone())
        except Refused as error:
            raise forms.ValidationError(str(error)) from None


class AskForm(forms.Form):
    """A task of a routine."""

    priority = forms.TypedChoiceField(
        label=gettext_lazy("Priority"), choices=PRIORITIES, coerce=int, initial=5
    )
    not_before = Moment(label=gettext_lazy("Not before"), help_text=gettext_lazy("Empty for now."))
    expires_at = Moment(
        label=gettext_lazy("Start at the latest"),
        help_text=gettext_lazy("If it has not started by then, it ends as expired."),
    )
    timed = ("priority", "not_before", "expires_at")

    def __init__(
        self, *args: Any, routine: Routine, user: Any, given: dict[str, Any], **named: Any
    ) -> None:
        super().__init__(*args, **named)
        self.fields |= argument_fields(routine, user, given)

    def asked(self) -> list[forms.BoundField]:
        """The fields of the routine's own arguments."""
        return [self[name] for name in self.fields if name not in self.timed]

    def when(self) -> list[forms.BoundField]:
        """Those of when it runs."""
        return [self[name] for name in self.timed]


@require_http_methods(["GET", "POST"])
@allowed("queue.add_task")
def ask(request: HttpRequest) -> HttpResponse:
    """What is to run; then with what, and when. ``?of=`` begins with a former task's arguments."""
    asked = request.POST if request.method == "POST" else request.GET
    former = None
    if (number := whole(asked, "of")) is not None:
        former = get_object_or_404(seen_tasks(request.user), pk=number)
    routine = find(former.name if former else asked.get("routine", ""))
    try:
        source = former.arguments if former else asked.dict()
        given = {} if routine is None else first_of(routine, source)
    except KeyError:
        routine = None
    if routine is None:
        choosing = {
            "offers": offers(request.user),
            "head": _("New task"),
            "asks": _("What is to run?"),
            "of": "task_list",
            "of_title": _("Queue"),
        }
        return render(request, "web/asking/choose.html", choosing)
    if not may_ask(routine, request.user) or (former and not can_change(former, request.user)):
        raise PermissionDenied
    first = as_typed(former.arguments) | {"priority": former.priority} if former else {}
    form = AskForm(sent(request), initial=first, routine=routine, user=request.user, given=given)
    if request.method == "POST" and form.is_valid():
        when = {name: form.cleaned_data[name] for name in AskForm.timed}
        arguments, by = arguments_of(routine, form.cleaned_data), person(request)
        try:
            if former is not None:
                task = again_with(former, arguments, by=by, **when)
            else:
                task = submit(routine.name, arguments, by=by, **when)
        except Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Task %d was asked for.") % task.pk)
            return redirect("task", task.pk)
    context = {"form": form, "routine": routine, "former": former, "zone": zone_name()}
    return render(request, "web/asking/ask.html", context, status=422 if form.errors else 200)


def can_change(task: Task, user: Any) -> bool:
    """Whether a person may ask for a task's routine with other arguments than it had."""
    routine = find(task.name)
    if routine is None or not may_ask(routine, user):
        return False
    return set(task.arguments) <= {one.name for one in of_person(routine, user)}


@require_POST
@allowed("queue.change_task")
def priority(request: HttpRequest, pk: int) -> HttpResponse:
    """Move a task that waits forward or back."""
    found = get_object_or_404(seen_tasks(request.user), pk=pk)
    number = whole(request.POST, "priority")
    try:
        moved = set_priority(found, -1 if number is None else number)
    except Refused as error:
        tell(request, error)
    else:
        if not moved:
            messages.info(request, _("Task %d has begun already.") % pk)
    return redirect("task", pk)

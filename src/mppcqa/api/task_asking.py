"""Asking for tasks: every routine that pages offer, by the same forms; priority; schedules."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from django import forms
from django.http import HttpRequest
from ninja import Path, Router, Schema, Status
from ninja.errors import HttpError
from pydantic import Field

from mppcqa.api.asking import of_all, one_of, who, with_right
from mppcqa.api.by_form import key_of
from mppcqa.api.lists import Text
from mppcqa.api.once import once
from mppcqa.api.problems import Faulty
from mppcqa.api.queue import TaskWhole, router, seen_task, whole
from mppcqa.api.runs import Number
from mppcqa.api.said import Said
from mppcqa.queue import schedules as due
from mppcqa.queue import submit
from mppcqa.queue.actions import LAST_PRIORITY, set_priority
from mppcqa.queue.registry import Routine, all_routines, find
from mppcqa.refused import Fault
from mppcqa.web.asking.fields import PREFIX, arguments_of, first_of, may_ask
from mppcqa.web.asking.views import AskForm
from mppcqa.web.schedules.words import ours, title_of

routines, schedules = (Router(tags=["tasks"]) for _one in range(2))
Priority = Annotated[int, Field(ge=0, le=LAST_PRIORITY)]


class Argument(Schema):
    """An argument of a routine."""

    name: str
    title: str
    needed: bool
    kind: str = Field(description="bool, int, float or str; of a row its name or number.")
    of: str | None = Field(description="The table whose row it is.")
    choices: list[str] | None


class RoutineOut(Schema):
    """What can be asked for."""

    name: str
    title: str
    arguments: list[Argument]


class Routines(Schema):
    """All that you may ask for."""

    items: list[RoutineOut]


def _argument(one: Any) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": str(one.title),
        "needed": one.needed,
        "kind": one.kind.__name__,
        "of": one.of if isinstance(one.of, str) and one.of else None,
        "choices": None if one.choices is None else [str(key) for key, _title in one.choices()],
    }


@routines.get("", response=Routines, summary="List routines")
def routine_list(request: HttpRequest) -> Any:
    """Routines that you may ask for, with their arguments."""
    user = who(request)
    return {
        "items": [
            {
                "name": one.name,
                "title": str(one.title),
                "arguments": [_argument(each) for each in one.parameters],
            }
            for one in all_routines()
            if may_ask(one, user)
        ]
    }


class Ask(Said):
    """A task."""

    routine: Text = Field(examples=["exchange.write_list_anew"])
    arguments: dict[Text, bool | int | float | Text] = {}
    priority: Priority = Field(5, description="0 first, 9 last.")
    not_before: dt.datetime | None = None
    expires_at: dt.datetime | None = Field(None, description="It ends as expired after this.")


def _routine(name: str, user: Any) -> Routine:
    found = find(name)
    if found is None or not found.by_form:
        names = ", ".join(one.name for one in all_routines() if may_ask(one, user))
        raise Faulty([Fault(f"There is no routine “{name}”; there is: {names}.", field="routine")])
    if not may_ask(found, user):
        raise HttpError(403, f"{user} may not ask for {name}: the right {found.right} is missing.")
    return found


def _when(given: dt.datetime | None) -> dt.datetime | None:
    return given if given is None or given.tzinfo else given.replace(tzinfo=dt.UTC)


@router.post("", response={201: TaskWhole}, summary="Ask for a task")
@once
def ask(request: HttpRequest, said: Ask) -> Any:
    """Any routine of `/routines`, as by its form: a fault names its argument."""
    of_all(request)
    user = with_right(request, "queue.add_task")
    routine = _routine(said.routine, user)
    known = {one.name for one in routine.parameters}
    if strange := sorted(set(said.arguments) - known):
        text = f"{said.routine} has no argument {strange[0]}; it has: {', '.join(sorted(known))}."
        raise Faulty([Fault(text, field=f"arguments.{strange[0]}")])
    try:
        given = first_of(routine, {key: str(one) for key, one in said.arguments.items()})
    except KeyError as error:
        field = f"arguments.{error.args[0]}"
        raise Faulty([Fault("This one is needed, and one of its choices.", field=field)]) from None
    typed: dict[str, Any] = {
        f"{PREFIX}{key}": one for key, one in said.arguments.items() if one is not False
    }
    blank = AskForm(routine=routine, user=user, given=given)
    for name, one in blank.fields.items():
        # Few rows are chosen from at a page, where their keys are sent.
        if name in typed and isinstance(one, forms.ModelChoiceField):
            typed[name] = key_of(one.queryset, str(typed[name]))
    form = AskForm({**typed, "priority": said.priority}, routine=routine, user=user, given=given)
    if not form.is_valid():
        raise Faulty(
            Fault(str(text), field=f"arguments.{name.removeprefix(PREFIX)}")
            for name, texts in form.errors.items()
            for text in texts
        )
    made = submit(
        routine.name,
        arguments_of(routine, form.cleaned_data),
        by=user,
        priority=said.priority,
        not_before=_when(said.not_before),
        expires_at=_when(said.expires_at),
    )
    return Status(201, whole(request, made.pk))


class PriorityIn(Said):
    """Before which others it runs."""

    priority: Priority


@router.post("/{number}/priority", response=TaskWhole, summary="Move a task forward or back")
@once
def priority(request: HttpRequest, number: Path[Number], said: PriorityIn) -> Any:
    """Of a task that waits; of one that has begun it changes nothing."""
    user = with_right(request, "queue.change_task")
    set_priority(seen_task(user, number), said.priority)
    return whole(request, number)


class ScheduleOut(Schema):
    """When a routine is asked for by itself."""

    id: int
    title: str
    routine: str = Field(description="Empty for the queue's own upkeep.")
    enabled: bool
    last_run_at: dt.datetime | None
    next_run_at: dt.datetime | None


class Schedules(Schema):
    """All schedules: a few dozen."""

    items: list[ScheduleOut]


def _schedule(row: Any) -> dict[str, Any]:
    return {
        "id": row.pk,
        "title": str(title_of(row)),
        "routine": due.routine_of(row),
        "enabled": row.enabled,
        "last_run_at": row.last_run_at,
        "next_run_at": due.next_run(row),
    }


@schedules.get("", response=Schedules, summary="List schedules")
def schedule_list(request: HttpRequest) -> Any:
    """Schedules with when they ran and run next."""
    of_all(request)
    return {"items": [_schedule(row) for row in ours()]}


class Switch(Said):
    """On or off."""

    enabled: bool


@schedules.post("/{number}/switch", response=ScheduleOut, summary="Switch a schedule")
@once
def switch(request: HttpRequest, number: Path[Number], said: Switch) -> Any:
    """On or off; what was missed meanwhile is not made up for."""
    with_right(request, "django_celery_beat.change_periodictask")
    row = one_of(ours(), "schedule", pk=number)
    due.switch(row, on=said.enabled)
    return _schedule(row)


class AskedTask(Schema):
    """The task; null for the queue's own upkeep, which was done at once."""

    task: int | None


@schedules.post("/{number}/now", response=AskedTask, summary="Run a schedule now")
@once
def now(request: HttpRequest, number: Path[Number]) -> Any:
    """Ask for its routine at once."""
    of_all(request)
    user = with_right(request, "queue.add_task")
    made = due.run_now(one_of(ours(), "schedule", pk=number), by=user)
    return {"task": None if made is None else made.pk}

"""Runs: starting one, watching it, stopping it, and the list."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from mppcqa.queue.actions import kill_group
from mppcqa.queue.logs import read_tail
from mppcqa.queue.models import Message, State, Task
from mppcqa.queue.shipping import fetch
from mppcqa.testing.actions import start_run
from mppcqa.testing.models import Run, Standing, Station
from mppcqa.web.access import allowed
from mppcqa.web.faults import ACTION_FAULTS, fault_lines
from mppcqa.web.paging import keyset_page
from mppcqa.web.run_form import RunForm, in_words
from mppcqa.web.run_lists import described, listed
from mppcqa.web.stages import find_stage, stage_titles
from mppcqa.web.views.stations import station_context

SLOTS = 100
"""Devices of a run at a time; an import may have ten thousands."""


@require_GET
def run_list(request: HttpRequest) -> HttpResponse:
    """Runs, the newest first."""
    titles = stage_titles()
    rows = Run.objects.all()
    if request.GET.get("stage") in titles:
        rows = rows.filter(stage=request.GET["stage"])
    if station := request.GET.get("station"):
        rows = rows.filter(station__name=station)
    page = keyset_page(rows, request.GET, key="id", descending=True, show=listed)
    context = {
        "page": page,
        "runs": described(page.rows),
        "stages": titles,
        "stations": Station.objects.only("name"),
        "asked": request.GET,
    }
    return render(request, "web/run_list.html", context)


@require_POST
@allowed("testing.add_run")
def start(request: HttpRequest, name: str) -> HttpResponse:
    """Start a run of what is loaded; a refused form comes back as it was filled in."""
    found = get_object_or_404(Station, name=name)
    stage = find_stage(found.stage)
    if stage is None:
        messages.error(request, _("The stage %s is not installed here.") % found.stage)
        return redirect(found)
    form = RunForm(stage, request.POST)
    lines: list[str] = []
    if form.is_valid():
        try:
            run = start_run(
                found,
                found.stage,
                form.cleaned_data,
                by=request.user,
                override=request.POST.get("override", ""),
            )
        except ACTION_FAULTS as error:
            lines, _by_slot = fault_lines(error)
        else:
            return redirect(run)
    context = station_context(found, form=form, faults=lines)
    return render(request, "web/station.html", context, status=422)


def _run_context(found: Run) -> dict[str, Any]:
    tasks = list(found.task_group.tasks.order_by("id")) if found.task_group else []
    current = _current(tasks)
    notes = Message.objects.filter(task__in=[task.pk for task in tasks])[:50] if tasks else []
    return {
        "run": found,
        "tasks": tasks,
        "current": current,
        "notes": notes,
        "is_open": any(task.is_open for task in tasks),
        "state": _state(tasks),
    }


def _state(tasks: list[Task]) -> State:
    from mppcqa.queue.models import group_state

    return group_state([task.state for task in tasks]) if tasks else State.SUCCEEDED


def _current(tasks: list[Task]) -> Task | None:
    """The task whose log tells most now: the running one, else the one that went wrong."""
    for task in tasks:
        if task.state == State.RUNNING:
            return task
    started = [task for task in tasks if task.attempt]
    for task in started:
        if task.state not in (State.SUCCEEDED, State.QUEUED, State.WAITING):
            return task
    return started[0] if started else (tasks[0] if tasks else None)


def _find(pk: int) -> Run:
    return get_object_or_404(Run.objects.select_related("station", "operator", "task_group"), pk=pk)


@require_GET
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """One run: chain of tasks, log, messages, devices with their verdicts, files."""
    found = _find(pk)
    context = _run_context(found)
    stage = find_stage(found.stage)
    page = keyset_page(
        found.slots.all(),
        request.GET,
        key="slot",
        size=SLOTS,
        show=lambda rows: rows.select_related("device"),
    )
    slots = page.rows
    standings = {
        row.device_id: row
        for row in Standing.objects.filter(
            stage=found.stage, device__in=[slot.device_id for slot in slots]
        ).select_related("analysis__run_file")
    }
    for slot in slots:
        standing = standings.get(slot.device_id)
        slot.standing = standing
        # A later run may have taken this one's place.
        slot.newer = standing is not None and standing.analysis.run_file.run_id != found.pk
    known = {p.key: p for p in stage.parameters} if stage else {}
    titles = {key: (_(one.title), one.unit) for key, one in known.items()}
    titles["import"] = (_("Imported by the mapping"), "")
    context |= {
        "stage_title": _(stage.title) if stage else found.stage,
        "slots": slots,
        "page": page,
        "files": found.files.all(),
        "parameters": [
            (
                *titles.get(key, (key, "")),
                _(in_words(value))
                if key in known and known[key].choices and value
                else _shown(value),
            )
            for key, value in found.parameters.items()
        ],
    }
    task = context["current"]
    if task is not None:
        context["piece"] = read_tail(fetch(task.pk, task.attempt))
    return render(request, "web/run.html", context)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, dict):
        return str(value.get("mapping", {}).get("name", ""))
    if isinstance(value, list):
        return " ".join(f"{one:g}" if isinstance(one, float) else str(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


@require_GET
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """The run's chain and messages; the log too where another task began.

    Nothing else is replaced, so that a reason for stopping is not lost while it is typed.
    """
    context = _run_context(_find(pk))
    current = context["current"]
    if current is not None and request.GET.get("task") != f"{current.pk}-{current.attempt}":
        context["other_log"] = True
        context["piece"] = read_tail(fetch(current.pk, current.attempt))
    response = render(request, "web/parts/run_state.html", context)
    if not context["is_open"]:
        response.headers["HX-Refresh"] = "true"
    return response


@require_POST
@allowed("queue.change_task")
def kill(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop all of a run's tasks; the station is made safe and freed."""
    found = _find(pk)
    reason = request.POST.get("reason", "").strip()
    stopped = 0
    if found.task_group is not None:
        stopped = kill_group(found.task_group, by=request.user, reason=reason)
    if stopped:
        messages.warning(request, _("The run is being stopped."))
    else:
        messages.info(request, _("The run had ended already."))
    return redirect(found)

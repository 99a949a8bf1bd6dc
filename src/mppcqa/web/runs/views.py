"""Runs: starting one, watching it, stopping it, and the list."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mppcqa.queue.actions import kill_group
from mppcqa.queue.logs import read_tail
from mppcqa.queue.models import Message, State, Task, group_state, without_repeated
from mppcqa.queue.shipping import fetch
from mppcqa.refused import Refused
from mppcqa.results.models import Standing
from mppcqa.runs.actions import resume_run
from mppcqa.runs.again import start_again
from mppcqa.runs.folders import discard, left_folders
from mppcqa.runs.models import MeasuredFolder, Run
from mppcqa.runs.second_store import is_away
from mppcqa.store.reading import glance_at
from mppcqa.web.access import allowed, person
from mppcqa.web.faults import tell
from mppcqa.web.listing.views import show_list
from mppcqa.web.paging import Order, keyset_page
from mppcqa.web.reading import line
from mppcqa.web.runs.form import in_words
from mppcqa.web.runs.listing import RUNS
from mppcqa.web.shown import say_of
from mppcqa.web.stages import find_stage
from mppcqa.web.tasks.views import shown_in_order

SLOTS = 100
"""Devices of a run at a time; an import may have ten thousands."""


@require_http_methods(["GET", "POST"])
def run_list(request: HttpRequest) -> HttpResponseBase:
    """Runs, the newest first."""
    return show_list(request, RUNS, "web/runs/list.html")


def _run_context(found: Run) -> dict[str, Any]:
    tasks = shown_in_order(found.task_group.tasks.all()) if found.task_group else []
    counting = without_repeated(tasks)
    current = _current(counting)
    notes = Message.objects.filter(task__in=[task.pk for task in tasks])[:50] if tasks else []
    return {
        "run": found,
        "tasks": tasks,
        "current": current,
        "notes": notes,
        "is_open": any(task.is_open for task in tasks),
        "state": group_state([task.state for task in counting]),
    }


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


def _find(request: HttpRequest, pk: int) -> Run:
    rows = Run.objects.visible_to(request.user)
    return get_object_or_404(
        rows.select_related("station", "operator", "task_group", "procedure"), pk=pk
    )


@require_GET
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """One run: chain of tasks, log, messages, devices with their verdicts, files."""
    found = _find(request, pk)
    context = _run_context(found)
    stage = find_stage(found.stage)
    page = keyset_page(
        found.slots.all(),
        request.GET,
        Order("slot"),
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
    files = list(found.files.all())
    file_faults = glance_at(files)
    for file in files:
        say_of(file, fault=file_faults.get(file.file.name or ""), is_away=is_away(file))
    known = {p.key: p for p in stage.parameters} if stage else {}
    titles = {key: (_(one.title), one.unit) for key, one in known.items()}
    titles["import"] = (_("Imported by the mapping"), "")
    context |= {
        "stage_title": _(stage.title) if stage else found.stage,
        "has_checklist": stage is not None and bool(stage.checklist),
        "slots": slots,
        "page": page,
        "files": files,
        "folders": left_folders(found),
        "can_resume": context["state"] != State.SUCCEEDED and not context["is_open"],
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
    return render(request, "web/runs/run.html", context)


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
    context = _run_context(_find(request, pk))
    current = context["current"]
    if current is not None and request.GET.get("task") != f"{current.pk}-{current.attempt}":
        context["other_log"] = True
        context["piece"] = read_tail(fetch(current.pk, current.attempt))
    response = render(request, "web/runs/state.html", context)
    if not context["is_open"]:
        response.headers["HX-Refresh"] = "true"
    return response


@require_POST
@allowed("queue.change_task")
def kill(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop all of a run's tasks; the station is made safe and freed."""
    found = _find(request, pk)
    reason = line(request.POST, "reason", 200)
    stopped = 0
    if found.task_group is not None:
        stopped = kill_group(found.task_group, by=person(request), reason=reason)
    if stopped:
        messages.warning(request, _("The run is being stopped."))
    else:
        messages.info(request, _("The run had ended already."))
    return redirect(found)


@require_POST
@allowed("runs.add_run")
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on with a run from the first of its tasks that did not succeed."""
    found = _find(request, pk)
    try:
        first = resume_run(found, by=person(request))[0]
    except Refused as error:
        tell(request, error)
    else:
        messages.success(request, _("The run goes on with: %s.") % first.title)
    return redirect(found)


@require_POST
@allowed("runs.add_run")
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """The same devices anew, in a run of its own."""
    found = _find(request, pk)
    try:
        return redirect(start_again(found, by=person(request)))
    except Refused as error:
        tell(request, error)
    return redirect(found)


@require_POST
@allowed("runs.change_run")
def discard_folder(request: HttpRequest, pk: int, folder: int) -> HttpResponse:
    """Remove what an attempt measured that was not kept."""
    rows = MeasuredFolder.objects.visible_to(request.user)
    found = get_object_or_404(rows.select_related("run__station"), pk=folder)
    if found.run_id != pk:
        raise Http404
    try:
        task = discard(found, by=person(request))
    except Refused as error:
        tell(request, error)
    else:
        messages.warning(
            request,
            _("%(folder)s is being discarded by task %(number)d.")
            % {"folder": found.name, "number": task.pk},
        )
    return redirect(found.run)

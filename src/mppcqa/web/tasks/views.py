"""The queue's pages: what waits and runs, one task with its log, groups."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mppcqa.inventory.scope import scope_of
from mppcqa.queue import again as run_again
from mppcqa.queue import kill as kill_task
from mppcqa.queue import kill_group
from mppcqa.queue import resume as resume_group
from mppcqa.queue.clock import local, zone
from mppcqa.queue.estimate import Medians, estimated_starts
from mppcqa.queue.logs import read_from, read_tail, search
from mppcqa.queue.models import (
    OPEN_STATES,
    State,
    Task,
    group_state,
    in_order,
    without_repeated,
)
from mppcqa.queue.obstacles import Known, why_waiting
from mppcqa.queue.registry import find
from mppcqa.queue.repeats import changed_arguments
from mppcqa.queue.shipping import fetch
from mppcqa.queue.untrusted import redact_json
from mppcqa.refused import Refused
from mppcqa.typed import whole
from mppcqa.web.access import allowed, person
from mppcqa.web.asking.views import can_change
from mppcqa.web.bound import seen_groups, seen_tasks
from mppcqa.web.faults import tell
from mppcqa.web.listing.views import show_list
from mppcqa.web.reading import line
from mppcqa.web.shown import say_of
from mppcqa.web.tasks.about import link_about
from mppcqa.web.tasks.listing import NOW, TASKS, listed
from mppcqa.web.tasks.result import shown

AWAITED = ("topic", "served_by", "not_before", "override", "requested_by", "after__state")
FILTERS = tuple(one.key for one in TASKS.filters)
OPEN_SHOWN = 50
GROUP_SHOWN = 200
RESULTS_SHOWN = 30
"""Tasks of a group whose results its page says; others say theirs on their own pages."""
HITS = 200
MOST_BYTES = 10**15


@require_http_methods(["GET", "POST"])
def task_list(request: HttpRequest) -> HttpResponseBase:
    """What runs and waits, with why and until when; below it what has ended, the newest first."""
    more: dict[str, Any] = {}
    if not any(request.GET.get(name) for name in ("after", "before", *FILTERS)):
        more["now"], more["more"] = _open_now(request)
        more["now_columns"] = [
            one
            for one in NOW
            if not one.if_any or any(getattr(row, one.if_any) for row in more["now"])
        ]
    return show_list(request, TASKS, "web/tasks/list.html", **more)


def _open_now(request: HttpRequest) -> tuple[list[Task], bool]:
    """Open tasks in the order in which they start; and whether there are more."""
    parts = []
    for state in (State.RUNNING, State.QUEUED, State.WAITING):
        rows = listed(Task.objects.filter(state=state), *AWAITED).select_related("after")
        parts.append(list(rows.order_by("priority", "id")[: OPEN_SHOWN + 1]))
    running, waiting = parts[0], sorted(parts[1] + parts[2], key=_order)
    known = Known()
    starts = estimated_starts(running, waiting, known, Medians())
    for row in running:
        say_of(row, waits_for="")
    for row in waiting:
        say_of(row, waits_for=why_waiting(row, known), starts=starts.get(row.pk))
    more = any(len(part) > OPEN_SHOWN for part in parts)
    return [*running[:OPEN_SHOWN], *waiting[:OPEN_SHOWN]], more


def _order(row: Task) -> tuple[bool, int, int]:
    return row.state != State.QUEUED, row.priority, row.pk


def _task(request: HttpRequest, pk: int) -> Task:
    rows = seen_tasks(request.user)
    rows = rows.select_related("requested_by", "kill_requested_by", "group", "after", "repeat_of")
    found: Task = get_object_or_404(rows, pk=pk)
    return found


@require_GET
def task(request: HttpRequest, pk: int) -> HttpResponse:
    """One task: state, bar, messages, attempts, log from its tail."""
    found = _task(request, pk)
    routine = find(found.name)
    attempts = list(found.attempts.all())
    chosen = _number(request.GET.get("attempt"), found.attempt)
    path = fetch(found.pk, chosen)
    sought = request.GET.get("search", "").strip()
    context = {
        "task": found,
        "piece": read_tail(path),
        "chosen": chosen,
        "older": chosen != found.attempt,
        "sought": sought,
        "hits": search(path, sought, HITS + 1) if sought else [],
        "most_hits": HITS,
        "waits_for": why_waiting(found),
        "attempts": attempts,
        "arguments": json.dumps(redact_json(found.arguments), indent=1, ensure_ascii=False),
        "notes": found.messages.all()[:50],
        "siblings": shown_in_order(found.group.tasks.order_by("id")[:100]) if found.group else [],
        "about": link_about(found.about_model, found.about_id),
        "can_repeat": routine is not None and not found.is_open,
        "can_change": not scope_of(request.user).bound and can_change(found, request.user),
        "changed": changed_arguments(found),
        "result": shown(found.result, request.user),
        **_by_the_clock(found),
    }
    return render(request, "web/tasks/task.html", context)


def _by_the_clock(found: Task) -> dict[str, str]:
    """Between which moments it begins, by the laboratory's clock."""
    if found.not_before is None and found.expires_at is None:
        return {}
    where = zone()
    return {
        "not_before": local(found.not_before, where),
        "expires_at": local(found.expires_at, where),
    }


@require_GET
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the task's page that changes while it runs."""
    found = _task(request, pk)
    context = {"task": found, "notes": found.messages.all()[:50]}
    response = render(request, "web/tasks/task_state.html", context)
    if not found.is_open:
        # The page has buttons and facts that only an ended task has.
        response.headers["HX-Refresh"] = "true"
    return response


@require_GET
def log(request: HttpRequest, pk: int) -> HttpResponse:
    """What was added to the log since ``?offset=``, and the request for the next piece.

    When another attempt has begun meanwhile, its log follows from its beginning.
    """
    found = get_object_or_404(seen_tasks(request.user), pk=pk)
    same = _number(request.GET.get("attempt"), -1) == found.attempt
    offset = _number(request.GET.get("offset"), 0) if same else 0
    piece = read_from(fetch(found.pk, found.attempt), offset)
    more = found.is_open or piece.offset < piece.size
    text = render_to_string(
        "web/tasks/log_piece.html", {"task": found, "piece": piece, "more": more}, request
    )
    # The page's log is preformatted: a line end of the template would be one of the log.
    return HttpResponse(text.removesuffix("\n"))


@require_GET
def log_download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The whole log of an attempt as a file."""
    found = get_object_or_404(seen_tasks(request.user), pk=pk)
    attempt = _number(request.GET.get("attempt"), found.attempt)
    path = fetch(found.pk, attempt)
    if not path.is_file():
        messages.error(
            request, _("This attempt has no log: it did not begin, or its log was removed.")
        )
        return redirect("task", pk)
    return FileResponse(
        path.open("rb"),
        as_attachment=True,
        filename=f"mppcqa-task-{pk}-{attempt}.log",
        content_type="text/plain; charset=utf-8",
    )


def _number(text: str | None, default: int) -> int:
    number = whole(text, most=MOST_BYTES)
    return default if number is None else number


@require_POST
@allowed("queue.change_task")
def kill(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a task, with the reason that was given."""
    found = get_object_or_404(seen_tasks(request.user), pk=pk)
    if kill_task(found, by=person(request), reason=line(request.POST, "reason", 200)):
        messages.warning(request, _("Task %d is being stopped.") % pk)
    else:
        messages.info(request, _("Task %d had ended already.") % pk)
    return redirect("task", pk)


@require_POST
@allowed("queue.add_task")
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """The same task once more."""
    found = get_object_or_404(seen_tasks(request.user), pk=pk)
    try:
        repeated = run_again(found, by=person(request))
    except Refused as error:
        tell(request, error)
        return redirect("task", pk)
    messages.success(request, _("Task %d was asked for.") % repeated.pk)
    return redirect("task", repeated.pk)


@require_GET
def group(request: HttpRequest, pk: int) -> HttpResponse:
    """Tasks that belong together: how far they are, and a button that stops them all."""
    found = get_object_or_404(seen_groups(request.user).select_related("requested_by"), pk=pk)
    current = found.current_tasks().order_by()
    counts = dict(current.values_list("state").annotate(number=Count("id")).order_by("state"))
    total = sum(counts.values())
    ended = sum(number for state, number in counts.items() if state not in OPEN_STATES)
    rows = list(found.tasks.order_by("id")[: GROUP_SHOWN + 1])
    tasks = shown_in_order(rows[:GROUP_SHOWN])
    returned = [one for one in tasks if one.result][:RESULTS_SHOWN]
    told = [(one, shown(one.result, request.user)) for one in returned]
    context = {
        "group": found,
        "results": [(one, result) for one, result in told if result is not None],
        "state": group_state(list(counts)) if counts else State.SUCCEEDED,
        "counts": [(state, State(state).label, number) for state, number in counts.items()],
        "total": total,
        "ended": ended,
        "percent": 100 * ended // total if total else 100,
        "is_open": ended < total,
        "can_resume": bool(counts.keys() - {State.SUCCEEDED}) and ended == total,
        "tasks": tasks,
        "more": found.tasks.count() - GROUP_SHOWN if len(rows) > GROUP_SHOWN else 0,
        "about": link_about(found.about_model, found.about_id),
    }
    if request.headers.get("HX-Request"):
        response = render(request, "web/tasks/group_state.html", context)
        if not context["is_open"]:
            response.headers["HX-Refresh"] = "true"
        return response
    return render(request, "web/tasks/group.html", context)


def shown_in_order(rows: Iterable[Task]) -> list[Task]:
    """Tasks of a group for a page; those in whose place a repeat stands have `repeated`."""
    tasks = in_order(rows)
    current = {task.pk for task in without_repeated(tasks)}
    for one in tasks:
        say_of(one, repeated=one.pk not in current)
    return tasks


@require_POST
@allowed("queue.add_task")
def group_resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Run again what did not succeed; a chain goes on from there."""
    found = get_object_or_404(seen_groups(request.user), pk=pk)
    try:
        number = len(resume_group(found, by=person(request)))
    except Refused as error:
        tell(request, error)
    else:
        messages.success(request, ngettext("%d task goes on.", "%d tasks go on.", number) % number)
    return redirect("task_group", pk)


@require_POST
@allowed("queue.change_task")
def group_kill(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop every open task of a group."""
    found = get_object_or_404(seen_groups(request.user), pk=pk)
    number = kill_group(found, by=person(request), reason=line(request.POST, "reason", 200))
    messages.warning(
        request,
        ngettext("%d task is being stopped.", "%d tasks are being stopped.", number) % number,
    )
    return redirect("task_group", pk)

"""The queue's pages: what waits and runs, one task with its log, groups."""

from __future__ import annotations

import json

from django.contrib import messages
from django.db.models import Count, F, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from mppcqa.queue import again as run_again
from mppcqa.queue import kill as kill_task
from mppcqa.queue import kill_group
from mppcqa.queue.errors import SubmitError
from mppcqa.queue.estimate import Medians, estimated_starts
from mppcqa.queue.logs import read_from, read_tail, search
from mppcqa.queue.models import OPEN_STATES, State, Task, TaskGroup, group_state
from mppcqa.queue.obstacles import Known, why_waiting
from mppcqa.queue.registry import find
from mppcqa.queue.shipping import fetch
from mppcqa.web.about import link_about
from mppcqa.web.access import allowed
from mppcqa.web.paging import keyset_page

LISTED = (
    *("name", "state", "lane", "priority", "progress_done", "progress_total"),
    *("created_at", "started_at", "ended_at", "run_s", "group"),
)
"""What a list shows; arguments, results and tracebacks may be long."""
AWAITED = ("topic", "served_by", "not_before", "override", "requested_by", "after__state")
OPEN_SHOWN = 50
GROUP_SHOWN = 200
HITS = 200


@require_GET
def task_list(request: HttpRequest) -> HttpResponse:
    """What runs and waits, with why and until when; below it what has ended, the newest first."""
    asked = request.GET.get("state", "")
    rows = Task.objects.filter(hidden=False)
    if asked in State.values:
        rows = rows.filter(state=asked)
    elif asked == "open":
        rows = rows.filter(state__in=OPEN_STATES)
    else:
        rows = rows.exclude(state__in=OPEN_STATES)
    page = keyset_page(rows, request.GET, key="id", descending=True, show=_listed)
    context = {"page": page, "states": State.choices, "asked": asked}
    if not asked and not page.before:
        context["now"], context["more"] = _open_now()
    return render(request, "web/task_list.html", context)


def _listed(rows: QuerySet[Task], *more: str) -> QuerySet[Task]:
    """What lists show of tasks: of their group and of who asked just the names."""
    own = rows.only(*LISTED, *more)
    return own.annotate(asker=F("requested_by__username"), group_title=F("group__title"))


def _open_now() -> tuple[list[Task], bool]:
    """Open tasks in the order in which they start; and whether there are more."""
    parts = []
    for state in (State.RUNNING, State.QUEUED, State.WAITING):
        rows = _listed(Task.objects.filter(state=state), *AWAITED).select_related("after")
        parts.append(list(rows.order_by("priority", "id")[: OPEN_SHOWN + 1]))
    running, waiting = parts[0], sorted(parts[1] + parts[2], key=_order)
    known = Known()
    starts = estimated_starts(running, waiting, known, Medians())
    for row in waiting:
        row.waits_for = why_waiting(row, known)
        row.starts = starts.get(row.pk)
    more = any(len(part) > OPEN_SHOWN for part in parts)
    return [*running[:OPEN_SHOWN], *waiting[:OPEN_SHOWN]], more


def _order(row: Task) -> tuple[bool, int, int]:
    return row.state != State.QUEUED, row.priority, row.pk


def _task(pk: int) -> Task:
    rows = Task.objects.select_related("requested_by", "kill_requested_by", "group", "after")
    return get_object_or_404(rows, pk=pk)


@require_GET
def task(request: HttpRequest, pk: int) -> HttpResponse:
    """One task: state, bar, messages, attempts, log from its tail."""
    found = _task(pk)
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
        "arguments": json.dumps(found.arguments, indent=1, ensure_ascii=False),
        "notes": found.messages.all()[:50],
        "siblings": list(found.group.tasks.order_by("id")[:100]) if found.group else [],
        "about": link_about(found.about_model, found.about_id),
        "can_repeat": routine is not None and not found.is_open,
    }
    return render(request, "web/task.html", context)


@require_GET
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the task's page that changes while it runs."""
    found = _task(pk)
    context = {"task": found, "notes": found.messages.all()[:50]}
    response = render(request, "web/parts/task_state.html", context)
    if not found.is_open:
        # The page has buttons and facts that only an ended task has.
        response.headers["HX-Refresh"] = "true"
    return response


@require_GET
def log(request: HttpRequest, pk: int) -> HttpResponse:
    """What was added to the log since ``?offset=``, and the request for the next piece.

    When another attempt has begun meanwhile, its log follows from its beginning.
    """
    found = get_object_or_404(Task, pk=pk)
    same = _number(request.GET.get("attempt"), -1) == found.attempt
    offset = _number(request.GET.get("offset"), 0) if same else 0
    piece = read_from(fetch(found.pk, found.attempt), offset)
    more = found.is_open or piece.offset < piece.size
    text = render_to_string(
        "web/parts/log_piece.html", {"task": found, "piece": piece, "more": more}, request
    )
    # The page's log is preformatted: a line end of the template would be one of the log.
    return HttpResponse(text.removesuffix("\n"))


@require_GET
def log_download(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole log of an attempt as a file."""
    found = get_object_or_404(Task, pk=pk)
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
    return int(text) if text and text.isdecimal() and len(text) < 16 else default


@require_POST
@allowed("queue.change_task")
def kill(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a task, with the reason that was given."""
    found = get_object_or_404(Task, pk=pk)
    if kill_task(found, by=request.user, reason=request.POST.get("reason", "").strip()):
        messages.warning(request, _("Task %d is being stopped.") % pk)
    else:
        messages.info(request, _("Task %d had ended already.") % pk)
    return redirect("task", pk)


@require_POST
@allowed("queue.add_task")
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """The same task once more."""
    found = get_object_or_404(Task, pk=pk)
    try:
        repeated = run_again(found, by=request.user)
    except SubmitError as error:
        messages.error(request, str(error))
        return redirect("task", pk)
    messages.success(request, _("Task %d was asked for.") % repeated.pk)
    return redirect("task", repeated.pk)


@require_GET
def group(request: HttpRequest, pk: int) -> HttpResponse:
    """Tasks that belong together: how far they are, and a button that stops them all."""
    found = get_object_or_404(TaskGroup.objects.select_related("requested_by"), pk=pk)
    counts = dict(
        found.tasks.order_by().values_list("state").annotate(number=Count("id")).order_by("state")
    )
    total = sum(counts.values())
    ended = sum(number for state, number in counts.items() if state not in OPEN_STATES)
    context = {
        "group": found,
        "state": group_state(list(counts)) if counts else State.SUCCEEDED,
        "counts": [(state, State(state).label, number) for state, number in counts.items()],
        "total": total,
        "ended": ended,
        "percent": 100 * ended // total if total else 100,
        "is_open": ended < total,
        "tasks": found.tasks.order_by("id")[:GROUP_SHOWN],
        "more": max(0, total - GROUP_SHOWN),
        "about": link_about(found.about_model, found.about_id),
    }
    if request.headers.get("HX-Request"):
        response = render(request, "web/parts/group_state.html", context)
        if not context["is_open"]:
            response.headers["HX-Refresh"] = "true"
        return response
    return render(request, "web/group.html", context)


@require_POST
@allowed("queue.change_task")
def group_kill(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop every open task of a group."""
    found = get_object_or_404(TaskGroup, pk=pk)
    number = kill_group(found, by=request.user, reason=request.POST.get("reason", "").strip())
    messages.warning(
        request,
        ngettext("%d task is being stopped.", "%d tasks are being stopped.", number) % number,
    )
    return redirect("task_group", pk)

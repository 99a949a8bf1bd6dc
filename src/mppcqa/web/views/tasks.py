"""The queue's pages: what waits and runs, one task with its log, the workers."""

from __future__ import annotations

import datetime as dt

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from mppcqa.queue import again as run_again
from mppcqa.queue import kill as kill_task
from mppcqa.queue.errors import SubmitError
from mppcqa.queue.logs import log_path, read_from, read_tail
from mppcqa.queue.models import OPEN_STATES, State, Task, Worker
from mppcqa.queue.registry import find
from mppcqa.web.about import link_about
from mppcqa.web.access import allowed
from mppcqa.web.paging import keyset_page

SILENT = dt.timedelta(seconds=60)


@require_GET
def task_list(request: HttpRequest) -> HttpResponse:
    """Tasks, the newest first; ``?state=open`` or one state."""
    asked = request.GET.get("state", "")
    rows = Task.objects.select_related("requested_by", "group")
    if asked == "open":
        rows = rows.filter(state__in=OPEN_STATES)
    elif asked in State.values:
        rows = rows.filter(state=asked)
    page = keyset_page(rows, request.GET, key="id", descending=True)
    context = {"page": page, "states": State.choices, "asked": asked}
    return render(request, "web/task_list.html", context)


def _task(pk: int) -> Task:
    rows = Task.objects.select_related("requested_by", "kill_requested_by", "group", "after")
    return get_object_or_404(rows, pk=pk)


@require_GET
def task(request: HttpRequest, pk: int) -> HttpResponse:
    """One task: state, bar, messages, attempts, log from its tail."""
    found = _task(pk)
    routine = find(found.name)
    context = {
        "task": found,
        "piece": read_tail(log_path(found.pk, found.attempt)),
        "attempts": found.attempts.all(),
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
    piece = read_from(log_path(found.pk, found.attempt), offset)
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
    path = log_path(found.pk, attempt)
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
def worker_list(request: HttpRequest) -> HttpResponse:
    """Workers with their heartbeats and what they run."""
    workers = list(Worker.objects.order_by("stopped_at", "name")[:200])
    running: dict[str, list[Task]] = {}
    for row in Task.objects.filter(state=State.RUNNING).order_by("id"):
        running.setdefault(row.worker, []).append(row)
    now = timezone.now()
    for worker in workers:
        worker.tasks_now = running.get(worker.name, [])
        if worker.stopped_at:
            worker.standing = ("calm", _("stopped"))
        elif now - worker.heartbeat_at > SILENT:
            worker.standing = ("fail", _("silent"))
        else:
            worker.standing = ("ok", _("working") if worker.tasks_now else _("ready"))
    return render(request, "web/worker_list.html", {"workers": workers})

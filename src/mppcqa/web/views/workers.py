"""Workers: where they are, what they run, and letting one end."""

from __future__ import annotations

import datetime as dt

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

import mppcqa
from mppcqa.queue.actions import drain as drain_worker
from mppcqa.queue.actions import stop_worker
from mppcqa.queue.models import State, Task, Worker, queue_title
from mppcqa.web.access import allowed

SILENT = dt.timedelta(seconds=15)


@require_GET
def worker_list(request: HttpRequest) -> HttpResponse:
    """Workers with their heartbeats and what they run."""
    workers = list(Worker.objects.order_by("stopped_at", "name")[:200])
    running: dict[str, list[Task]] = {}
    for row in Task.objects.filter(state=State.RUNNING).order_by("id")[:1000]:
        running.setdefault(row.worker, []).append(row)
    for worker in workers:
        worker.tasks_now = running.get(worker.name, [])
        worker.standing = standing(worker)
        worker.lane_names = [queue_title(name) for name in worker.lanes]
        worker.other_version = worker.version not in ("", mppcqa.__version__)
    context = {
        "workers": [one for one in workers if one.stopped_at is None],
        "stopped": [one for one in workers if one.stopped_at is not None][:20],
        "version": mppcqa.__version__,
    }
    return render(request, "web/worker_list.html", context)


def standing(worker: Worker) -> tuple[str, str]:
    """State and words for it."""
    if worker.stopped_at:
        return "calm", _("stopped")
    if timezone.now() - worker.heartbeat_at > SILENT:
        return "fail", _("silent")
    if worker.drain:
        return "maintenance", _("ending")
    return "ok", _("working") if worker.tasks_now else _("ready")


@require_POST
@allowed("queue.change_worker")
def drain(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a worker end its tasks, take no new ones, and stop."""
    found = get_object_or_404(Worker, pk=pk, stopped_at=None)
    drain_worker(found)
    messages.info(request, _("%s takes no new task and stops when its tasks have ended.") % found)
    return redirect("worker_list")


@require_POST
@allowed("queue.change_worker")
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a worker at once, with what it runs."""
    found = get_object_or_404(Worker, pk=pk, stopped_at=None)
    number = stop_worker(found, by=request.user)
    messages.warning(
        request, _("%(worker)s stops; tasks that it ran: %(n)d.") % {"worker": found, "n": number}
    )
    return redirect("worker_list")

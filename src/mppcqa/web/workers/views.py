"""Workers: where they are, what they run, and letting one end."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from mppcqa.queue.actions import drain as drain_worker
from mppcqa.queue.actions import stop_worker
from mppcqa.queue.models import Worker
from mppcqa.web.access import allowed, person
from mppcqa.web.listing.views import show_list
from mppcqa.web.workers.listing import WORKERS


@require_http_methods(["GET", "POST"])
def worker_list(request: HttpRequest) -> HttpResponseBase:
    """Workers with their heartbeats and what they run."""
    return show_list(request, WORKERS, "web/workers/list.html")


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
    number = stop_worker(found, by=person(request))
    messages.warning(
        request, _("%(worker)s stops; tasks that it ran: %(n)d.") % {"worker": found, "n": number}
    )
    return redirect("worker_list")

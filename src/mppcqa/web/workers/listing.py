"""The list of workers: where they are and what they run."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

import mppcqa
from mppcqa.queue.models import State, Task, Worker, queue_title
from mppcqa.web.listing.declare import Column, Filter, Listing
from mppcqa.web.paging import Order

SILENT = dt.timedelta(seconds=15)


def standing(worker: Worker) -> tuple[str, str]:
    """State and words for it."""
    if worker.stopped_at:
        return "calm", _("stopped")
    if timezone.now() - worker.heartbeat_at > SILENT:
        return "fail", _("silent")
    if worker.is_ending:
        return "maintenance", _("ending")
    return "ok", _("working") if getattr(worker, "tasks_now", ()) else _("ready")


def _rows(asked: QueryDict, _user: Any) -> QuerySet[Worker]:
    return Worker.objects.filter(stopped_at__isnull=asked.get("state") != "stopped")


def _describe(rows: list[Any]) -> dict[str, Any]:
    names = [row.name for row in rows]
    running: dict[str, list[Task]] = {}
    tasks = Task.objects.filter(state=State.RUNNING, worker__in=names).only("name", "worker")
    for task in tasks.order_by("id"):
        running.setdefault(task.worker, []).append(task)
    for row in rows:
        row.tasks_now = running.get(row.name, [])
        row.standing = standing(row)
        row.lane_names = [queue_title(name) for name in row.lanes]
        row.other_version = row.version not in ("", mppcqa.__version__)
    return {}


WORKERS = Listing(
    name="workers",
    title=gettext_lazy("Workers"),
    columns=(
        Column("name", gettext_lazy("Worker"), sort="name", css="text-break"),
        Column("standing", gettext_lazy("State")),
        Column("host", gettext_lazy("Host"), sort="host"),
        Column("lanes", gettext_lazy("Lanes")),
        Column("concurrency", gettext_lazy("At once"), css="number"),
        Column("tasks_now", gettext_lazy("Runs now")),
        Column("heartbeat_at", gettext_lazy("Last heard"), sort="heartbeat_at"),
        Column("started_at", gettext_lazy("Started"), sort="started_at"),
        Column("version", gettext_lazy("Version"), sort="version"),
        Column("actions", gettext_lazy("Actions"), quiet=True),
    ),
    rows=_rows,
    cells="web/workers/cells.html",
    order=Order("name"),
    short=True,
    filters=(
        Filter(
            "state",
            gettext_lazy("State"),
            lambda: [("stopped", gettext_lazy("stopped"))],
            first=gettext_lazy("not ended"),
        ),
    ),
    describe=_describe,
)

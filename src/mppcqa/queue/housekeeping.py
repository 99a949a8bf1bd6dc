"""Routines of the queue itself: what is old goes."""

from __future__ import annotations

import datetime as dt
import os

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mppcqa.queue.context import Context
from mppcqa.queue.logs import log_path
from mppcqa.queue.models import FINAL_STATES, LogPart, Notice, State, Task, Worker
from mppcqa.queue.registry import routine

KEEP_LOGS_DAYS = int(os.environ.get("MPPCQA_KEEP_LOGS_DAYS", "365"))


@routine("queue.retention", title=_("Remove old logs"), repeatable=True, schedule="10 3 * * *")
def retention(context: Context) -> dict[str, int]:
    """Logs of tasks that succeeded long ago go; those of failures and all rows stay."""
    old = timezone.now() - dt.timedelta(days=KEEP_LOGS_DAYS)
    removed = freed = 0
    ended = Task.objects.filter(
        state__in=FINAL_STATES, ended_at__lt=old, hidden=False
    ).prefetch_related("attempts")
    for task in ended.iterator(chunk_size=500):
        context.check_stopped()
        if task.state != State.SUCCEEDED:
            continue
        for attempt in task.attempts.all():
            path = log_path(task.pk, attempt.number)
            if path.exists():
                freed += path.stat().st_size
                path.unlink()
                removed += 1
        LogPart.objects.filter(task=task).delete()
        Task.objects.filter(pk=task.pk).update(hidden=True)
    Notice.objects.filter(read_at__lt=old).delete()
    Worker.objects.filter(stopped_at__lt=old).delete()
    context.log(f"removed {removed} logs, {freed} bytes")
    return {"removed": removed, "bytes": freed}

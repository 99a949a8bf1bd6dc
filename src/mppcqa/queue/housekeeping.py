"""Routines of the queue itself: what is old goes."""

from __future__ import annotations

import datetime as dt
import os

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mppcqa.queue import forks
from mppcqa.queue.context import Context
from mppcqa.queue.logs import A_FOLDER, logs_folder
from mppcqa.queue.models import LogPart, Notice, State, Task, Worker
from mppcqa.queue.registry import routine

KEEP_LOGS_DAYS = int(os.environ.get("MPPCQA_KEEP_LOGS_DAYS", "365"))
BATCH = 500


@routine("queue.retention", title=_("Remove old logs"), repeatable=True, schedule="10 3 * * *")
def retention(context: Context) -> dict[str, int]:
    """Logs of tasks that succeeded long ago go; those of failures and all rows stay.

    This archives the tasks. The files lie where the tasks ran: this computer's go at once, each
    other computer's when its worker looks (`remove_own_logs`).
    """
    old = timezone.now() - dt.timedelta(days=KEEP_LOGS_DAYS)
    archived = 0
    ended = Task.objects.filter(state=State.SUCCEEDED, ended_at__lt=old, hidden=False)
    while numbers := list(ended.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        context.check_stopped()
        LogPart.objects.filter(task__in=numbers).delete()
        archived += Task.objects.filter(pk__in=numbers).update(hidden=True)
    Notice.objects.filter(read_at__lt=old).delete()
    Worker.objects.filter(stopped_at__lt=old).delete()
    removed, freed = remove_own_logs()
    context.log(f"archived {archived} tasks, removed {removed} logs here, {freed} bytes")
    return {"archived": archived, "removed": removed, "bytes": freed}


def remove_own_logs() -> tuple[int, int]:
    """Remove this computer's logs of archived tasks; how many files and bytes that were.

    One query a folder, so that it costs little where there is nothing to do.
    """
    removed = freed = 0
    for folder in sorted(logs_folder().glob("[0-9]" * 6)):
        first = int(folder.name) * A_FOLDER
        there = list(folder.glob("*-*.log"))
        rows = Task.objects.filter(pk__gte=first, pk__lt=first + A_FOLDER, hidden=True)
        archived = {str(number) for number in rows.values_list("pk", flat=True)} if there else ()
        with forks.let():
            for path in there:
                if path.name.partition("-")[0] in archived:
                    freed += path.stat().st_size
                    path.unlink(missing_ok=True)
                    removed += 1
    return removed, freed

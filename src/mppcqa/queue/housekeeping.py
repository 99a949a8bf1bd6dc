"""Routines of the queue itself: what is old goes, what matters is copied."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mppcqa.queue.context import Context
from mppcqa.queue.errors import TaskError
from mppcqa.queue.logs import log_path
from mppcqa.queue.models import FINAL_STATES, LogPart, Notice, State, Task, Worker
from mppcqa.queue.registry import routine

KEEP_LOGS_DAYS = int(os.environ.get("MPPCQA_KEEP_LOGS_DAYS", "365"))
KEEP_BACKUPS = 7


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


@routine("queue.backup", title=_("Back up the database"), repeatable=True, schedule="40 2 * * *")
def backup(context: Context) -> dict[str, str | int]:
    """A copy of the database below ``MPPCQA_HOME/backups``; the newest few are kept."""
    folder = Path(settings.MPPCQA_HOME) / "backups"
    folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    stamp = timezone.now().strftime("%Y%m%d-%H%M%S")
    if connection.vendor == "sqlite":
        target = folder / f"mppcqa-{stamp}.sqlite3"
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(target)])
    else:
        target = folder / f"mppcqa-{stamp}.sql"
        _dump(context, target)
    for former in sorted(folder.glob(f"mppcqa-*{target.suffix}"))[:-KEEP_BACKUPS]:
        former.unlink()
        context.log(f"removed the old {former.name}")
    size = target.stat().st_size
    context.log(f"{target.name}: {size} bytes")
    return {"file": target.name, "bytes": size}


def _dump(context: Context, target: Path) -> None:
    program = shutil.which("mariadb-dump") or shutil.which("mysqldump")
    if program is None:
        raise TaskError(
            "there is no mariadb-dump on this computer: install the client programs of MariaDB "
            "where the workers run, or switch this schedule off and back up on the server"
        )
    values = connection.settings_dict
    command = [
        program,
        f"--host={values['HOST'] or 'localhost'}",
        f"--port={values['PORT'] or 3306}",
        f"--user={values['USER']}",
        "--single-transaction",
        f"--result-file={target}",
        values["NAME"],
    ]
    if context.run_program(command, env={"MYSQL_PWD": values["PASSWORD"]}):
        target.unlink(missing_ok=True)
        raise TaskError("the database could not be dumped; the log says why")

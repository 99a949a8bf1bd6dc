"""Raw data for years: old run files go to a second folder, and come back when somebody asks.

Their names, sums and rows stay; who reads one (an analysis, a page, a backup) is given it from
where it lies. Rules say after how many days, stage by stage (`MPPCQA_SECOND_STORE_AFTER`). A file
that was fetched back stays as long as a new one.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.files.storage import default_storage
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mppcqa.disk import measure_file, whole_file
from mppcqa.queue import submit
from mppcqa.queue.context import Context
from mppcqa.queue.errors import TaskError
from mppcqa.queue.models import Task
from mppcqa.queue.registry import routine
from mppcqa.refused import Refused
from mppcqa.runs.models import RunFile
from mppcqa.runs.space import room
from mppcqa.store.models import StoredFault
from mppcqa.store.reading import note_fault

EVERY_STAGE = "*"
GROWTH_DAYS = 90


class _DamagedError(Exception):
    """A copy has another sum than the row."""


def is_away(row: RunFile) -> bool:
    """Whether a run file lies in the second folder."""
    if not settings.MPPCQA_SECOND_STORE or not row.file.name:
        return False
    here, there = _places(row)
    return not here.exists() and there.exists()


def fetch(row: RunFile, *, by: AbstractBaseUser | None = None) -> Task:
    """Ask for a run file to be brought back; raises `Refused` where it is not away."""
    if not is_away(row):
        raise Refused(_("%s is not in the second store.") % row)
    task: Task = submit(
        "runs.fetch", {"file_id": row.pk}, by=by, about=row.run, key=f"fetch:{row.pk}"
    )
    return task


@routine("runs.fetch", title=gettext_lazy("Fetch a run file back"), repeatable=True)
def fetch_back(context: Context, *, file_id: int) -> dict[str, Any]:
    """Bring a run file from the second folder, as a person asked."""
    row = RunFile.objects.filter(pk=file_id).first()
    if row is None:
        raise TaskError(f"there is no run file {file_id}")
    if not is_away(row):
        return {"fetched": 0}
    here, there = _places(row)
    if not _move(row, there, here):
        raise TaskError(f"{row} is damaged in the second store: mppcqa fsck --repair")
    os.utime(here)
    context.log(f"{row} was fetched back")
    return {"fetched": 1}


@routine(
    "runs.put_away",
    title=gettext_lazy("Put old run files away"),
    repeatable=True,
    schedule="40 2 * * *",
)
def put_away(context: Context) -> dict[str, int]:
    """Move run files that are old enough to the second folder, where there is one."""
    moved = size = 0
    damaged = []
    if settings.MPPCQA_SECOND_STORE and not Path(settings.MPPCQA_SECOND_STORE).is_dir():
        raise TaskError(f"MPPCQA_SECOND_STORE is not there: {settings.MPPCQA_SECOND_STORE}")
    for row in due():
        here, there = _places(row)
        if _move(row, here, there):
            moved, size = moved + 1, size + row.size
        else:
            damaged.append(str(row))
    for one in damaged:
        context.log(f"{one} is damaged, and stays where it is")
    return {"moved": moved, "bytes": size, "damaged": len(damaged)}


def due(now: dt.datetime | None = None) -> Iterator[RunFile]:
    """Run files of the first folder that a rule sends to the second."""
    if not settings.MPPCQA_SECOND_STORE:
        return
    now = now or timezone.now()
    told = settings.MPPCQA_SECOND_STORE_AFTER
    rules = {stage: float(days) for stage, days in told.items()}
    youngest = now - dt.timedelta(days=min(rules.values(), default=0))
    rows = RunFile.objects.filter(run__isnull=False, added_at__lt=youngest).exclude(file="")
    for row in rows.select_related("run").order_by("pk").iterator(1000):
        stage = "" if row.run is None else row.run.stage
        days = rules.get(stage, rules.get(EVERY_STAGE))
        if days is None:
            continue
        limit = now - dt.timedelta(days=days)
        here, _there = _places(row)
        # What was fetched back is as new as that day.
        if row.added_at < limit and here.exists() and here.stat().st_mtime < limit.timestamp():
            yield row


def _places(row: RunFile) -> tuple[Path, Path]:
    """In the first folder and in the second."""
    store: Any = default_storage
    return store.here(row.file.name), store.there(row.file.name)


def _move(row: RunFile, source: Path, target: Path) -> bool:
    """Copy, hold against the sum, and only then remove; False where the sum is another."""
    try:
        with whole_file(target) as part:
            shutil.copy2(source, part)
            if measure_file(part).sha256 != row.sha256:
                raise _DamagedError
    except _DamagedError:
        note_fault(str(row.file.name), StoredFault.What.DAMAGED)
        return False
    source.unlink()
    note_fault(str(row.file.name), None)
    return True


def bytes_a_day(now: dt.datetime | None = None) -> float:
    """By how much the run files grow, of the last `GROWTH_DAYS`."""
    since = (now or timezone.now()) - dt.timedelta(days=GROWTH_DAYS)
    total = RunFile.objects.filter(added_at__gte=since).aggregate(total=Sum("size"))["total"]
    return (total or 0) / GROWTH_DAYS


def days_left() -> float | None:
    """Until no new run is begun, if run files go on to grow so; None where they do not grow."""
    grows, found = bytes_a_day(), room()
    if not grows:
        return None
    kept: float = found.size * settings.MPPCQA_DISK_STOP_PERCENT / 100
    return max(0.0, (found.free - kept) / grows)

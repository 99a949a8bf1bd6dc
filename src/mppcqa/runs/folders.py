"""Files of attempts at measuring, from the test program until they lie in the store.

Each attempt has a folder of its own, so that a repeat touches nothing that was measured before.
What was not kept stays until a person discards it.
"""

from __future__ import annotations

import shutil
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.db import connections, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mppcqa.queue.actions import submit
from mppcqa.queue.context import Context
from mppcqa.queue.errors import AWAY, TaskError
from mppcqa.queue.models import DEFAULT_LANE, OPEN_STATES, State, Task
from mppcqa.queue.program_user import ProgramUserFault, elsewhere
from mppcqa.queue.programs import own_user
from mppcqa.queue.registry import routine
from mppcqa.refused import Refused
from mppcqa.runs.lane import station_lane
from mppcqa.runs.models import MeasuredFolder, Run, RunFile

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

RUN_FILE = "run.root"


class DiscardRefused(Refused):
    """Nothing was discarded; the message says why."""


def new_folder(run: Run, task: Task) -> MeasuredFolder:
    """An empty folder for this attempt, made before its program begins."""
    number, name = 1, f"{task.pk}-{task.attempt}"
    while True:
        row = MeasuredFolder(run=run, task=task, name=name, host=socket.gethostname())
        with suppress(FileExistsError):
            row.path.mkdir(parents=True)
            break
        # Left by a database that was restored to an earlier day: its numbers come again.
        number += 1
        name = f"{task.pk}-{task.attempt}.{number}"
    row.save(force_insert=True)
    return row


def note_size(row: MeasuredFolder) -> None:
    """Remember how much the program wrote; a database that is away ends no measurement."""
    path = row.path / RUN_FILE
    row.size = path.stat().st_size if path.is_file() else 0
    try:
        row.save(update_fields=["size"])
    except AWAY:
        connections.close_all()


def folder_to_keep(run: Run) -> MeasuredFolder:
    """The folder of the last attempt that succeeded; `TaskError` where it is not to be had."""
    row = run.folders.filter(task__state=State.SUCCEEDED).order_by("-pk").first()
    if row is None:
        raise TaskError(f"Run {run.pk} has nothing that was measured: measure first.")
    if row.discarded_at is not None:
        raise TaskError(
            f"What was measured was discarded by {row.discarded_by or '?'} on "
            f"{row.discarded_at:%Y-%m-%d}: measure again."
        )
    _must_be_here(row)
    return row


def _must_be_here(row: MeasuredFolder) -> None:
    if not row.path.is_dir() and row.host != socket.gethostname():
        raise TaskError(
            f"{row.path} lies on {row.host}, not on this computer ({socket.gethostname()}). Start "
            "a worker there, or share the folder of mppcqa between the two."
        )


def mark_kept(row: MeasuredFolder, kept: RunFile) -> None:
    """The file lies in the store: only now its first copy may go."""
    MeasuredFolder.objects.filter(pk=row.pk).update(kept_as=kept)
    (row.path / RUN_FILE).unlink(missing_ok=True)


def left_folders(run: Run) -> list[MeasuredFolder]:
    """Folders of ended attempts with a file that nobody has kept or discarded."""
    rows = run.folders.filter(kept_as=None, discarded_at=None).exclude(size=0)
    return list(rows.exclude(task__state__in=OPEN_STATES).select_related("task"))


def discard(row: MeasuredFolder, *, by: AbstractBaseUser | None = None) -> Task:
    """Ask for the removal of a folder that was not kept, on the computer where it lies.

    Raises `DiscardRefused` while the run is under way, or where there is nothing to discard.
    """
    _refuse(row)
    station = row.run.station
    lane = None
    if station is not None:
        lane = station_lane(station)
    near = lane.name if lane is not None and lane.dedicated else DEFAULT_LANE
    return submit(
        "runs.discard",
        {"folder_id": row.pk},
        by=by,
        about=row.run,
        lane=near,
        key=f"discard:{row.pk}",
    )


def _refuse(row: MeasuredFolder) -> None:
    if not row.is_left:
        raise DiscardRefused(_("%s was kept or discarded already.") % row.name)
    group = row.run.task_group
    if group is not None and group.tasks.filter(state__in=OPEN_STATES).exists():
        raise DiscardRefused(_("%s is under way: its files can't be discarded now.") % row.run)


@routine("runs.discard", title=gettext_lazy("Discard what was measured"), repeatable=True)
def discard_folder(context: Context, *, folder_id: int) -> dict[str, Any]:
    """Remove the folder of an attempt, as a person asked."""
    with transaction.atomic():
        row = MeasuredFolder.objects.select_for_update().filter(pk=folder_id).first()
        if row is None:
            raise TaskError(f"there is no folder {folder_id}")
        try:
            _refuse(row)
        except DiscardRefused as error:
            raise TaskError(str(error)) from None
        _must_be_here(row)
        row.discarded_at = timezone.now()
        row.discarded_by_id = context.task.requested_by_id
        row.save(update_fields=["discarded_at", "discarded_by"])
    # After it is written: a folder that stays can be removed by hand, one that is gone is gone.
    with suppress(ProgramUserFault):
        user = own_user()
        away = elsewhere(row.path, user)
        if user is not None and away is not None:
            user.ask("remove", str(away))
    shutil.rmtree(row.path, ignore_errors=True)
    context.log(f"{row.path} was discarded")
    return {"folder": row.name, "left": row.path.exists()}

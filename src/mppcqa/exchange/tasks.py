"""Imports and exports as routines of the queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.dispatch import receiver
from django.utils.translation import gettext_lazy as _

from mppcqa.queue.actions import submit
from mppcqa.queue.context import Context
from mppcqa.queue.errors import TaskError
from mppcqa.queue.models import State, Task
from mppcqa.queue.registry import routine
from mppcqa.queue.transitions import task_ended


def _told(context: Context, total: int, what: str) -> Callable[[int], None]:
    def told(done: int) -> None:
        context.check_stopped()
        context.progress(done, max(done, total), f"{done} {what}")

    return told


def _import(import_id: int) -> Any:
    from mppcqa.exchange.models import Import

    row = Import.objects.filter(pk=import_id).first()
    if row is None:
        raise TaskError(f"there is no import {import_id}; it may have been removed")
    return row


@routine("exchange.check", title=_("Check a table"), repeatable=True)
def check_table(context: Context, *, import_id: int) -> dict[str, Any]:
    """Find every fault of a table that was uploaded."""
    from mppcqa.exchange.imports import check

    row = _import(import_id)
    check(row, _told(context, 0, "rows"))
    context.log(f"{row.found['counts']}; {row.faults} faults")
    return {"faults": row.faults, **row.found["counts"]}


@routine("exchange.import", title=_("Import a table"), repeatable=True)
def import_table(context: Context, *, import_id: int) -> dict[str, Any]:
    """Import a table that was checked, all of it or nothing."""
    from mppcqa.exchange.imports import ImportRefused, apply
    from mppcqa.exchange.models import Import

    row = _import(import_id)
    if row.state == Import.State.DONE:
        return {"import": row.pk}
    counts = row.found.get("counts", {})
    total = counts.get("values") or counts.get("rows") or 0
    try:
        apply(
            row,
            by=context.task.requested_by,
            told=_told(context, total, "values written"),
            # No progress from within the transaction: it would hold the task's row.
            alive=context.check_stopped,
        )
    except ImportRefused as error:
        Import.objects.filter(pk=import_id, state=Import.State.IMPORTING).update(
            state=Import.State.FAILED
        )
        raise TaskError(str(error)) from error
    context.log(str(row.found["done"]))
    return dict(row.found["done"])


@routine("exchange.give_up", title=_("Take back an import that failed"), repeatable=True)
def give_up_import(context: Context, *, import_id: int) -> dict[str, Any]:
    """Remove the values of an import that did not end; none of them counts."""
    from mppcqa.exchange.imports import ImportRefused, give_up

    try:
        gone = give_up(_import(import_id))
    except ImportRefused as error:
        raise TaskError(str(error)) from error
    context.log(f"{gone} values removed")
    return {"values": gone}


@routine(
    "exchange.tidy",
    title=_("Take back imports that were left behind"),
    repeatable=True,
    schedule=3600.0,
)
def tidy(context: Context) -> dict[str, Any]:
    """Imports whose process died without a task that could tell."""
    from mppcqa.exchange.imports import give_up_stray

    return {"imports": give_up_stray()}


@receiver(task_ended)
def import_task_ended(task: Task, **_named: Any) -> None:
    """A task that was killed or lost says so to the import that it was for."""
    from mppcqa.exchange.models import Import

    if task.state == State.SUCCEEDED or task.name not in ("exchange.check", "exchange.import"):
        return
    mine = Import.objects.filter(pk=task.arguments.get("import_id"), task=task)
    mine.filter(state=Import.State.CHECKING).update(state=Import.State.NEW)
    mine.filter(state=Import.State.IMPORTING).update(state=Import.State.FAILED)
    for row in mine.filter(state=Import.State.FAILED):
        if "analysis" in row.found:
            arguments = {"import_id": row.pk}
            submit("exchange.give_up", arguments, about=row, key=f"give-up:{row.pk}")


@routine("exchange.export", title=_("Export a list"), repeatable=True)
def export_list(context: Context, *, export_id: int) -> dict[str, Any]:
    """Write a list into a file that waits for its asker."""
    from mppcqa.exchange.exports import write
    from mppcqa.exchange.models import Export
    from mppcqa.exchange.writers import ExportRefused

    row = Export.objects.filter(pk=export_id).first()
    if row is None:
        raise TaskError(f"there is no export {export_id}; it may have been removed")
    try:
        write(row, _told(context, 0, "rows"))
    except ExportRefused as error:
        raise TaskError(str(error)) from error
    return {"rows": row.rows, "bytes": row.size}


@routine(
    "exchange.backup",
    title=_("Backup"),
    repeatable=True,
    hard_limit_s=6 * 3600,
    schedule="40 2 * * *",
)
def make_backup(context: Context, *, folder: str = "", keep: int = 7) -> dict[str, Any]:
    """Back up database and files, and keep the newest few backups."""
    from pathlib import Path
    from shutil import rmtree

    from mppcqa.exchange.backup import (
        back_up,
        default_folder,
        missing_files,
        thin_out,
        verify,
    )

    place = Path(folder) if folder else default_folder()
    made = back_up(place)
    context.log(f"written: {made}")
    faults = verify(made)
    if faults:
        # What was linked from a damaged backup is damaged here as well, so all is copied.
        context.message("warning", f"an earlier backup in {place} is damaged: {faults[0]}")
        for fault in faults[:20]:
            context.log(fault)
        rmtree(made)
        made = back_up(place, anew=True)
        context.log(f"written anew: {made}")
        faults = verify(made)
    if faults:
        raise TaskError("The backup does not hold what it should:\n" + "\n".join(faults[:20]))
    missing = missing_files(made)
    for name in missing:
        context.log(f"not in the store, so not in the backup: {name}")
    if missing:
        text = f"{len(missing)} stored files are missing, among them {', '.join(missing[:3])}"
        context.message("warning", text)
    gone = thin_out(place, max(1, keep))
    context.log(f"checksums hold; {gone} older backups removed")
    return {"backup": str(made), "removed": gone, "missing": missing[:100]}

"""Imports and exports as routines of the queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.dispatch import receiver
from django.utils.translation import gettext_lazy as _

import mppcqa.exchange.foreign.convert  # noqa: F401  (declares its routine)
from mppcqa.queue.actions import submit
from mppcqa.queue.context import Context
from mppcqa.queue.errors import TaskError
from mppcqa.queue.models import State, Task
from mppcqa.queue.registry import Parameter, routine
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


@routine(
    "exchange.batch",
    title=_("Take in a batch of files"),
    repeatable=True,
    hard_limit_s=24 * 3600,
)
def take_batch(context: Context, *, batch_id: int) -> dict[str, Any]:
    """Each file to its device; what was done by an earlier attempt is left as it is."""
    from mppcqa.exchange.batches.taking import take
    from mppcqa.exchange.models import Batch

    row = Batch.objects.filter(pk=batch_id).first()
    if row is None:
        raise TaskError(f"there is no batch {batch_id}; it may have been removed")

    def told(done: int, total: int) -> None:
        context.check_stopped()
        context.progress(done, total, f"{done} of {total} files")

    counts = take(row, told)
    context.log(str(counts))
    return counts


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


def _lists() -> list[tuple[str, Any]]:
    from mppcqa.exchange.lists import LISTS

    return [(one, _LISTS.get(one, one)) for one in LISTS]


def _forms() -> list[tuple[str, Any]]:
    from mppcqa.exchange.writers import writers

    return [(one.key, one.title) for one in writers().values()]


_LISTS = {
    "devices": _("Devices"),
    "values": _("Measured values"),
    "fits": _("Records of fits"),
    "records": _("What was done to devices"),
    "assembly": _("What devices were part of"),
    "runs": _("Runs"),
}


@routine(
    "exchange.list",
    title=_("List as a file"),
    repeatable=True,
    parameters=(
        Parameter("what", _("List"), choices=_lists),
        Parameter("form", _("Format"), choices=_forms),
        Parameter("campaign", _("Campaign"), of="inventory.campaign", told=_("Empty for all.")),
    ),
)
def write_list_anew(
    context: Context, *, what: str, form: str = "csv", campaign: int = 0
) -> dict[str, Any]:
    """Write a list as it stands now; its asker finds the file among the exports."""
    from mppcqa.exchange.exports import write
    from mppcqa.exchange.models import Export
    from mppcqa.exchange.writers import ExportRefused

    by = context.task.requested_by
    if by is None:
        raise TaskError("nobody asked for this list, so nobody could fetch it: schedule it anew")
    if campaign and what == "runs":
        raise TaskError("the list of runs is not of one campaign: leave the campaign empty")
    filters = {"campaign": str(campaign)} if campaign else {}
    # An earlier attempt may have been lost half way.
    row = Export.objects.filter(task=context.task).first() or Export.objects.create(
        what=what, form=form, filters=filters, asked_by_id=by.pk, task=context.task
    )
    try:
        write(row, _told(context, 0, "rows"))
    except ExportRefused as error:
        row.delete()
        raise TaskError(str(error)) from error
    context.log(f"{row.filename}: {row.rows} rows")
    return {"export": row.pk, "rows": row.rows, "bytes": row.size}


@routine("exchange.send", title=_("Send to another database"), repeatable=True)
def send_documents(context: Context, *, export_id: int) -> dict[str, Any]:
    """Send items and tests; what is there already is told, so that again goes on where it ended."""
    from mppcqa.exchange.campaigns import SendRefused
    from mppcqa.exchange.campaigns.asked import send
    from mppcqa.exchange.models import Export
    from mppcqa.store.reading import FileFault

    row = Export.objects.filter(pk=export_id).first()
    if row is None:
        raise TaskError(f"there is no sending {export_id}; it may have been removed")
    try:
        counts = send(row, _told(context, 0, "rows"))
    except (SendRefused, FileFault, OSError) as error:
        raise TaskError(str(error)) from error
    context.log(str(dict(counts)))
    if counts["stopped"]:
        raise TaskError("the service stopped answering; the report says where. Send it again.")
    return dict(counts)


@routine("exchange.deliver", title=_("Tell webhooks"), repeatable=True)
def deliver_to_hooks(context: Context) -> dict[str, Any]:
    """Send what waits for webhooks; what is not taken is sent again later."""
    from mppcqa.exchange.hooks.delivering import deliver

    counts = deliver(context.task, context.check_stopped)
    context.log(str(counts))
    return dict(counts)


@routine("exchange.mail_notices", title=_("Mail what people asked to be told"), repeatable=True)
def mail_notices(context: Context) -> dict[str, int]:
    """Send notices that are to go by mail at once."""
    from mppcqa.exchange.telling.mailing import mail_due

    sent = mail_due()
    context.log(f"sent {sent} notices")
    return {"sent": sent}


@routine(
    "exchange.mail_digests", title=_("Mail the digests"), repeatable=True, schedule="0 6 * * *"
)
def mail_digests(context: Context) -> dict[str, int]:
    """Send each person who asked for it what came since yesterday, as one mail."""
    from mppcqa.exchange.telling import mailing

    sent = mailing.mail_digests()
    context.log(f"sent {sent} digests")
    return {"sent": sent}


@routine(
    "exchange.backup",
    title=_("Backup"),
    repeatable=True,
    hard_limit_s=6 * 3600,
    schedule="40 2 * * *",
    parameters=(
        Parameter(
            "folder",
            _("Folder"),
            told=_("On the server; empty for the usual one."),
            right="queue.change_worker",
        ),
    ),
)
def make_backup(context: Context, *, folder: str = "") -> dict[str, Any]:
    """Back up database and files, and thin out the older backups by their age.

    One that nobody asked for is left out where there is one that is nearly as new.
    """
    from pathlib import Path

    from mppcqa.exchange.backup import back_up, stated_faults
    from mppcqa.exchange.backup_files import BackupError
    from mppcqa.exchange.rotation import default_folder, is_too_soon, rotate
    from mppcqa.exchange.second_place import copy_to_second

    place = Path(folder) if folder else default_folder()
    if context.task.requested_by_id is None and is_too_soon(place):
        context.log(f"the newest backup in {place} is young enough; none was made")
        return {"backup": None}
    try:
        made = back_up(place)
    except (BackupError, OSError) as error:
        raise TaskError(f"No backup was made, nothing of it is left: {error}") from error
    context.log(f"written: {made}")
    faults = stated_faults(made)
    for fault in faults[:1000]:
        context.log(fault)
    if faults:
        text = f"{len(faults)} files are missing or damaged, among them: {'; '.join(faults[:3])}"
        context.message("warning", f"{text}. To mend what can be: mppcqa fsck --repair")
    if not folder:
        try:
            second = copy_to_second(made)
        except (BackupError, OSError) as error:
            text = f"The backup is whole in {made}; it has no second place: {error}"
            raise TaskError(text) from error
        if second is not None:
            context.log(f"copied to {second}, and read there")
    gone = rotate(place)
    context.log(f"every byte was read; older backups removed: {', '.join(gone) or 'none'}")
    return {"backup": str(made), "removed": gone, "faults": faults[:100]}

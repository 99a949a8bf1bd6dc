"""A filtered list as a file: at once if it is short, else by the queue."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.disk import scratch_file
from mppcqa.exchange.lists import LISTS, about_how_many, list_batches, list_schema
from mppcqa.exchange.models import Export
from mppcqa.exchange.writers import ExportRefused, find_writer, write_file, writers
from mppcqa.inventory.scope import Viewer
from mppcqa.queue.actions import submit
from mppcqa.queue.models import OPEN_STATES
from mppcqa.store.keeping import discard, keeping

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

INLINE = {
    "devices": 5000,
    "runs": 5000,
    "values": 100,
    "fits": 200,
    "records": 5000,
    "assembly": 5000,
}
"""Devices or runs up to which a file is written while the page is awaited."""
KEPT_DAYS = 14


def write_list(
    what: str,
    form: str,
    path: Path,
    filters: Mapping[str, str],
    told: Callable[[int], None] = lambda rows: None,
    *,
    viewer: Viewer = None,
) -> int:
    """Write a list, as far as `viewer` sees it, into a file; returns the number of rows.

    Raises `ExportRefused`.
    """
    if what not in LISTS or form not in writers():
        raise ExportRefused(f"no list {what!r} as {form!r}")
    schema, batches = list_schema(what, filters, viewer), list_batches(what, filters, viewer)
    return write_file(form, path, schema, batches, told)


def ask_export(
    what: str, form: str, filters: Mapping[str, str], *, by: AbstractBaseUser | None = None
) -> Export:
    """An export that is written now if it is short, and by a task if it is long."""
    if what not in LISTS or form not in writers():
        raise ExportRefused(f"no list {what!r} as {form!r}")
    tidy()
    asked_by = None if by is None else by.pk
    removed = [] if asked_by is None else _hold_to_quota(asked_by)
    most = INLINE[what]
    if about_how_many(what, filters, by, most + 1) <= most:
        row = Export.objects.create(
            what=what, form=form, filters=dict(filters), asked_by_id=asked_by
        )
        row.removed = removed
        write(row)
        return row
    with transaction.atomic():
        row = Export.objects.create(
            what=what, form=form, filters=dict(filters), asked_by_id=asked_by
        )
        row.task = submit("exchange.export", {"export_id": row.pk}, by=by, about=row)
        row.save()
    row.removed = removed
    return row


def _hold_to_quota(person: int) -> list[str]:
    """Make room within a person's quota: the oldest go, and can be asked for again.

    The newest stays however large it is: perhaps nobody fetched it yet. Returns the names of those
    that went, the newest first.

    Raises `ExportRefused` where too many of them are still to be written.
    """
    waiting = Export.objects.filter(asked_by=person, file="", task__state__in=OPEN_STATES).count()
    if waiting >= settings.MPPCQA_EXPORTS_WAITING:
        text = _(
            "%d of your exports are still to be written, and no more may wait: ask again when one "
            "is done, or stop one in the queue"
        )
        raise ExportRefused(text % waiting)
    kept, most, removed = 0, settings.MPPCQA_EXPORTS_GB * 1e9, []
    rows = Export.objects.filter(asked_by=person, size__isnull=False).order_by("-pk")
    for row in rows.only("size", "file", "what", "form", "asked_at"):
        size = row.size or 0
        if not kept or kept + size <= most:
            kept += size
            continue
        removed.append(row.filename)
        row.delete()
        discard(row.file.name, row.file.storage)
    return removed


def write(row: Export, told: Callable[[int], None] = lambda rows: None) -> None:
    """Write the file of an export, in place of one that an earlier attempt has written."""
    storage, former = row.file.storage, row.file.name
    with scratch_file(Path(settings.MPPCQA_HOME) / "exports") as path:
        row.rows = write_list(row.what, row.form, path, row.filters, told, viewer=row.asked_by)
        with (
            path.open("rb") as source,
            keeping(source, "lists", f".{find_writer(row.form).suffix}", storage=storage) as kept,
        ):
            row.file, row.size, row.sha256 = kept.name, kept.size, kept.sha256
            row.save(update_fields=["rows", "file", "size", "sha256"])
    discard(former, storage)


def tidy() -> int:
    """Remove old exports with their files; returns how many."""
    old = Export.objects.filter(asked_at__lt=timezone.now() - dt.timedelta(days=KEPT_DAYS))
    gone = list(old[:200])
    for row in gone:
        row.delete()
        discard(row.file.name, row.file.storage)
    return len(gone)

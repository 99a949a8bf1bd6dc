"""A filtered list as a file: at once if it is short, else by the queue."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from mppcqa.exchange.lists import LISTS, about_how_many, list_batches, list_schema
from mppcqa.exchange.models import Export
from mppcqa.exchange.writers import FORMATS, ExportRefused, write_file
from mppcqa.queue.actions import submit

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

INLINE = {"devices": 5000, "runs": 5000, "values": 100}
"""Devices or runs up to which a file is written while the page is awaited."""
KEPT_DAYS = 14


def write_list(
    what: str,
    form: str,
    path: Path,
    filters: Mapping[str, str],
    told: Callable[[int], None] = lambda rows: None,
) -> int:
    """Write a list into a file; returns the number of rows. Raises `ExportRefused`."""
    if what not in LISTS or form not in FORMATS:
        raise ExportRefused(f"no list {what!r} as {form!r}")
    return write_file(form, path, list_schema(what, filters), list_batches(what, filters), told)


def ask_export(
    what: str, form: str, filters: Mapping[str, str], *, by: AbstractBaseUser | None = None
) -> Export:
    """An export that is written now if it is short, and by a task if it is long."""
    if what not in LISTS or form not in FORMATS:
        raise ExportRefused(f"no list {what!r} as {form!r}")
    tidy()
    asked_by = None if by is None else by.pk
    most = INLINE[what]
    if about_how_many(what, filters, most + 1) <= most:
        row = Export.objects.create(
            what=what, form=form, filters=dict(filters), asked_by_id=asked_by
        )
        write(row)
        return row
    with transaction.atomic():
        row = Export.objects.create(
            what=what, form=form, filters=dict(filters), asked_by_id=asked_by
        )
        row.task = submit("exchange.export", {"export_id": row.pk}, by=by, about=row)
        row.save()
    return row


def write(row: Export, told: Callable[[int], None] = lambda rows: None) -> None:
    """Write the file of an export."""
    row.rows = write_list(row.what, row.form, row.path, row.filters, told)
    row.size = row.path.stat().st_size
    row.save(update_fields=["rows", "size"])


def tidy() -> int:
    """Remove old exports with their files; returns how many."""
    old = Export.objects.filter(asked_at__lt=timezone.now() - dt.timedelta(days=KEPT_DAYS))
    gone = list(old[:200])
    for row in gone:
        row.path.unlink(missing_ok=True)
        row.delete()
    return len(gone)

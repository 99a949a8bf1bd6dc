"""A backup back into a database of either kind, and its files into the store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import connection, models, transaction

from mppcqa.exchange.backup import MANIFEST, BackupError, Told, applied_migrations, verify
from mppcqa.exchange.table_copy import all_models, write_rows

ROWS = 20_000
VALUES = 500_000
MADE_BY_MIGRATION = {
    "django_content_type",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
    "queue_lane",
}
"""Tables that are not empty in a fresh database; so are those of the schedules."""


def restore(
    backup: Path, *, replace: bool = False, told: Told = lambda done, total, text: None
) -> dict[str, int]:
    """Put a backup into the (migrated) database and the store; returns counts.

    Every checksum is tested first. Raises `BackupError`, with nothing changed, for a backup that
    is damaged or of another version, and for a database that is in use unless `replace`.
    """
    faults = verify(backup)
    if faults:
        raise BackupError("The backup is damaged, nothing was restored:\n" + "\n".join(faults[:50]))
    manifest = json.loads((backup / MANIFEST).read_text())
    _refuse_other_version(manifest)
    used = used_tables()
    if used and not replace:
        raise BackupError(
            f"The database is in use ({', '.join(used[:8])}); nothing was restored. Choose an "
            "empty one, or say that all of it is to be replaced."
        )
    files = _files(backup, manifest, told)
    with connection.constraint_checks_disabled(), transaction.atomic():
        for model in all_models():
            _empty(model)
        rows = _tables(backup, manifest, told)
    connection.check_constraints()
    return {"tables": len(manifest["tables"]), "rows": rows, "files": files}


def used_tables() -> list[str]:
    """Tables with rows that no migration makes."""
    return [
        model._meta.db_table
        for model in all_models()
        if model._meta.db_table not in MADE_BY_MIGRATION
        and not model._meta.db_table.startswith("django_celery_beat")
        and model._base_manager.exists()
    ]


def _refuse_other_version(manifest: dict[str, Any]) -> None:
    here, there = set(applied_migrations()), set(manifest["migrations"])
    if here == there:
        return
    different = ", ".join(sorted(here ^ there)[:6])
    raise BackupError(
        f"The backup was made by mppcqa {manifest['version']} with other tables ({different}). "
        "Install that version, restore, and then upgrade: upgrading migrates the tables."
    )


def _empty(model: type[models.Model]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608


def _tables(backup: Path, manifest: dict[str, Any], told: Told) -> int:
    total = 0
    by_name = {model._meta.db_table: model for model in all_models()}
    for number, (name, stated) in enumerate(manifest["tables"].items()):
        told(number, len(manifest["tables"]), name)
        model = by_name[name]
        rows = 0
        size = VALUES if name == "testing_measurement" else ROWS
        with pq.ParquetFile(backup / "tables" / f"{name}.parquet") as file:
            for batch in file.iter_batches(batch_size=size, use_threads=False):
                write_rows(model, batch)
                rows += batch.num_rows
        if rows != stated["rows"]:
            raise BackupError(f"{name}: {rows} rows where the manifest says {stated['rows']}")
        total += rows
    return total


def _files(backup: Path, manifest: dict[str, Any], told: Told) -> int:
    done = 0
    for number, (name, stated) in enumerate(manifest["files"].items()):
        told(number, len(manifest["files"]), name)
        if stated.get("missing"):
            continue
        if default_storage.exists(name):
            if default_storage.size(name) == stated["size"]:
                continue
            default_storage.delete(name)
        with (backup / "files" / name).open("rb") as file:
            stored = default_storage.save(name, File(file))
        if stored != name:
            raise BackupError(f"the store kept {name} as {stored}")
        done += 1
    return done

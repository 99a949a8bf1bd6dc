"""A backup back into a database of either kind, and its files into the store.

A backup of an older version goes into the tables of that version, which are then migrated like any
installation that is upgraded.
"""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection, models, transaction
from django.utils.translation import gettext as _

import mppcqa
from mppcqa.audit.chain import restored
from mppcqa.audit.triggers import drop_triggers, make_triggers
from mppcqa.database.age import FORMER_APP, TOO_OLD
from mppcqa.disk import measure, measure_file, whole_file
from mppcqa.exchange.backup import Told, verify
from mppcqa.exchange.backup_files import BackupError, inside
from mppcqa.exchange.backup_trust import inner_faults, signature_fault
from mppcqa.exchange.hooks.actions import switch_all_off
from mppcqa.exchange.rotation import MANIFEST
from mppcqa.exchange.schema import (
    Migrations,
    applied_migrations,
    build_anew,
    known_migrations,
    migrate_forward,
    models_at,
)
from mppcqa.exchange.table_copy import MEASUREMENT, schema_of, write_rows
from mppcqa.queue.logs import logs_folder
from mppcqa.store.models import StoredFault
from mppcqa.store.reading import What, note_fault

log = logging.getLogger("mppcqa.exchange")
ROWS = 20_000
VALUES = 500_000
MADE_BY_MIGRATION = {
    "django_content_type",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
    "queue_lane",
    "audit_waiting",
    "audit_entry",
    "audit_writer",
    "inventory_campaign",
}
"""Tables that are not empty in a fresh database; so are those of the schedules."""


def restore(
    backup: Path,
    *,
    replace: bool = False,
    signer: str = "",
    force: bool = False,
    told: Told = lambda done, total, text: None,
) -> dict[str, int]:
    """Put a backup into the database and the store; returns counts.

    The database may be new and without tables. Signature, checksums and what the backup says of
    itself are tested first; `signer` is the fingerprint of the key that should have signed it,
    empty for the one that lies here. Raises `BackupError`, with nothing changed, for a backup that
    is damaged, was tampered with, holds a database that was, or is of a newer version, and for a
    database that is in use unless `replace`. With `force` what can be read is restored all the
    same, and files that are not what they should be are named as damaged.
    """
    _refuse_doubtful(backup, signer, force=force)
    try:
        manifest = json.loads((backup / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise BackupError(f"Without {MANIFEST} nothing can be restored: {error}") from None
    if force:
        _note_as_they_are(backup, manifest)
    wanted = _migrations(manifest)
    used = used_tables()
    if used and not replace:
        raise BackupError(
            f"The database is in use ({', '.join(used[:8])}); nothing was restored. Choose an "
            "empty one, or say that all of it is to be replaced."
        )
    files = _files(backup, manifest, told) + _logs(backup, manifest, told)
    older = wanted < known_migrations()
    if older:
        build_anew(wanted)
    else:
        migrate_forward()
    found = models_at(wanted)
    # What the backup holds is not entered row by row: that it was restored is.
    drop_triggers()
    try:
        with connection.constraint_checks_disabled(), transaction.atomic():
            for model in found:
                _empty(model)
            rows = _tables(backup, manifest, found, told)
    except DatabaseError as error:
        raise BackupError(
            f"The database does not take what the backup holds: {error}. Its tables are as they "
            "were. MariaDB holds texts to their length and knows no difference between a and A, "
            "or e and é, in names: mend such a row where the backup comes from, and make another."
        ) from error
    finally:
        if not older:
            make_triggers()
    connection.check_constraints()
    if older:
        migrate_forward()
    restored(backup.name)
    _note_faults(manifest["files"])
    switch_all_off(_("It came with a backup that was restored: switch it on where it belongs."))
    missing = sum(bool(stated.get("missing")) for stated in manifest["files"].values())
    return {"tables": len(manifest["tables"]), "rows": rows, "files": files, "missing": missing}


def _refuse_doubtful(backup: Path, signer: str, *, force: bool) -> None:
    faults = verify(backup)
    if faults:
        text = "The backup is damaged, nothing was restored:"
    elif fault := signature_fault(backup, signer):
        text, faults = "Whether the backup is yours is not known; nothing was restored:", [fault]
    else:
        manifest = json.loads((backup / MANIFEST).read_text())
        faults = inner_faults(backup, manifest)
        text = "The database in the backup was tampered with, nothing was restored:"
    if faults and not force:
        said = "\n".join(faults[:50])
        raise BackupError(f"{text}\n{said}\nWhoever wants it all the same says --force.")
    for fault in faults:
        log.warning("restored all the same (--force): %s", fault)


def _note_as_they_are(backup: Path, manifest: dict[str, Any]) -> None:
    """Have the list of files say what lies there, where that is something else."""
    for name, stated in manifest["files"].items():
        path = inside(backup, f"files/{name}")
        if not path.is_file():
            stated["missing"] = True
        elif not stated.get("missing"):
            there = measure_file(path)
            damaged = {"damaged": True} if there.sha256 != stated["sha256"] else {}
            stated.update(sha256=there.sha256, size=there.size, **damaged)
    logs = manifest.get("logs", {})
    manifest["logs"] = {
        name: one for name, one in logs.items() if inside(backup, f"logs/{name}").is_file()
    }


def _note_faults(files: dict[str, Any]) -> None:
    """The faults of files are those of this store, not those of the one that was backed up."""
    StoredFault.objects.all().delete()
    for name, stated in files.items():
        if stated.get("missing") or stated.get("damaged"):
            note_fault(name, What.MISSING if stated.get("missing") else What.DAMAGED)


def used_tables() -> list[str]:
    """Tables with rows that no migration makes."""
    there = set(connection.introspection.table_names())
    return [
        model._meta.db_table
        for model in models_at(applied_migrations())
        if model._meta.db_table in there
        and model._meta.db_table not in MADE_BY_MIGRATION
        and not model._meta.db_table.startswith("django_celery_beat")
        and model._base_manager.exists()
    ]


def _migrations(manifest: dict[str, Any]) -> Migrations:
    """What the backup's tables were made by; all of it must be known here."""
    wanted = {tuple(name.split(".", 1)) for name in manifest["migrations"]}
    known = known_migrations()
    if any(app == FORMER_APP for app, _name in wanted):
        raise BackupError(TOO_OLD)
    for whose, there in (("backup", wanted), ("database", applied_migrations())):
        if unknown := sorted(".".join(one) for one in there - known):
            raise BackupError(
                f"The {whose} is of a newer version of mppcqa than this program "
                f"{mppcqa.__version__}, which does not know its tables ({', '.join(unknown[:6])}); "
                "nothing was restored. Install that version or a newer one."
            )
    return wanted


def _empty(model: type[models.Model]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608


def _tables(
    backup: Path, manifest: dict[str, Any], found: list[type[models.Model]], told: Told
) -> int:
    total = 0
    by_name = {model._meta.db_table: model for model in found}
    if by_name.keys() != manifest["tables"].keys():
        odd = ", ".join(sorted(by_name.keys() ^ manifest["tables"].keys())[:6])
        raise BackupError(f"the backup's tables are not those of its version: {odd}")
    for number, (name, stated) in enumerate(manifest["tables"].items()):
        told(number, len(manifest["tables"]), name)
        model = by_name[name]
        rows = 0
        size = VALUES if name == MEASUREMENT else ROWS
        with pq.ParquetFile(backup / "tables" / f"{name}.parquet") as file:
            if set(file.schema_arrow.names) != set(schema_of(model).names):
                raise BackupError(f"the columns of {name} are not those of the backup's version")
            for batch in file.iter_batches(batch_size=size, use_threads=False):
                _write(model, batch)
                rows += batch.num_rows
        if rows != stated["rows"]:
            raise BackupError(f"{name}: {rows} rows where the manifest says {stated['rows']}")
        total += rows
    return total


def _write(model: type[models.Model], batch: Any) -> None:
    """Rows of a table; what the database says of them names the table."""
    try:
        write_rows(model, batch)
    except DatabaseError as error:
        raise DatabaseError(f"{model._meta.db_table}: {error}") from error


def _files(backup: Path, manifest: dict[str, Any], told: Told) -> int:
    done = 0
    for number, (name, stated) in enumerate(manifest["files"].items()):
        told(number, len(manifest["files"]), name)
        if stated.get("missing"):
            continue
        if default_storage.exists(name):
            with default_storage.open(name, "rb") as there:
                if measure(there).sha256 == stated["sha256"]:
                    continue
            default_storage.delete(name)
        with (backup / "files" / name).open("rb") as file:
            stored = default_storage.save(name, File(file))
        if stored != name:
            raise BackupError(f"the store kept {name} as {stored}")
        with default_storage.open(name, "rb") as there:
            if measure(there).sha256 != stated["sha256"]:
                raise BackupError(f"the store does not hold {name} as it was given; see its disk")
        done += 1
    return done


def _logs(backup: Path, manifest: dict[str, Any], told: Told) -> int:
    """Logs of tasks in place of what there is under their numbers."""
    logs = manifest.get("logs", {})
    for number, name in enumerate(logs):
        told(number, len(logs), name)
        # A link that stands in its place is replaced, not followed.
        target = inside(logs_folder(), str(Path(name).parent)) / Path(name).name
        with whole_file(target) as part:
            shutil.copyfile(backup / "logs" / name, part)
    return len(logs)

"""All of an installation as a folder that any database can take back.

``manifest.json`` names every table, every stored file and every log of a task with its size and
SHA-256, and is signed (`backup_trust`). Tables are Parquet files, so that a campaign moves between
SQLite and MariaDB, and can be read without this program; they are those that the database has, also
where a newer program has not migrated it yet. The database is read in one snapshot while people go
on working: on SQLite a read transaction on the write-ahead log, on MariaDB a consistent snapshot.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from django.db import connection, models

import mppcqa
from mppcqa.disk import Measured, clear_left_over, measure_file, whole_folder
from mppcqa.exchange.backup_files import (
    BackupError,
    Former,
    inside,
    note_faults,
    parts_of,
    stored_checksums,
    take_log,
    take_stored,
)
from mppcqa.exchange.backup_trust import noted_anchors, sign
from mppcqa.exchange.rotation import MANIFEST, free_name, newest
from mppcqa.exchange.schema import applied_migrations, models_at
from mppcqa.exchange.table_copy import read_table, schema_of
from mppcqa.queue.logs import logs_folder

FORMAT = 2
READABLE = (1, 2)
"""Format 1 had no logs."""
Told = Callable[[int, int, str], None]


def back_up(folder: Path, told: Told = lambda done, total, text: None) -> Path:
    """Write a backup into a new folder below `folder` and return it.

    Stored files that the newest backup there has whole are linked, not copied. What can't be
    written to its end leaves nothing (`OSError`); what a killed process had begun is removed.
    Raises `BackupError` where there is no place for it.
    """
    if not folder.parent.is_dir():
        raise BackupError(f"{folder.parent} is not there: is its disk mounted?")
    clear_left_over(folder)
    target, former = free_name(folder), Former(newest(folder))
    with whole_folder(target) as work:
        with snapshot():
            found = models_at(applied_migrations())
            manifest = _tables(work, found, former, told)
            names = stored_checksums(found)
        manifest["files"] = _files(work, names, former, told)
        manifest["logs"] = _logs(work, former, told)
        if former.damaged and former.folder is not None:
            manifest["former"] = {"name": former.folder.name, "damaged": former.damaged[:100]}
        manifest["anchors"] = noted_anchors()
        text = json.dumps(manifest, indent=1, sort_keys=True)
        (work / MANIFEST).write_text(text)
        sign(work, text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        (work / f"{MANIFEST}.sha256").write_text(f"{digest}  {MANIFEST}\n")
    note_faults(manifest["files"])
    return target


@contextmanager
def snapshot() -> Iterator[None]:
    """Everything that is read inside stands as it was at the beginning."""
    if connection.in_atomic_block:
        # A test's transaction; it is a snapshot already.
        yield
        return
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("BEGIN DEFERRED")
        else:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        # The first read fixes the snapshot on SQLite.
        cursor.execute("SELECT COUNT(*) FROM django_migrations")
        cursor.fetchall()
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")
            if connection.vendor != "sqlite":
                cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")


def _tables(
    work: Path, found: list[type[models.Model]], former: Former, told: Told
) -> dict[str, Any]:
    (work / "tables").mkdir()
    tables = {}
    for number, model in enumerate(found):
        name = model._meta.db_table
        told(number, len(found), name)
        path = work / "tables" / f"{name}.parquet"
        rows = 0
        with pq.ParquetWriter(path, schema_of(model), compression="zstd") as writer:
            for batch in read_table(model):
                writer.write_batch(batch)
                rows += batch.num_rows
        made = measure_file(path)
        tables[name] = {"rows": rows, **asdict(made)}
        # A table in which nothing changed takes no room twice.
        path.rename(beside := path.with_suffix(".new"))
        if former.link(work, path.relative_to(work), sha256=made.sha256) is None:
            beside.rename(path)
        else:
            beside.unlink()
    return {
        "format": FORMAT,
        "version": mppcqa.__version__,
        "database": connection.vendor,
        "made_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "migrations": sorted(".".join(key) for key in applied_migrations()),
        "tables": tables,
    }


def _files(work: Path, names: dict[str, str], former: Former, told: Told) -> dict[str, Any]:
    files = {}
    for number, name in enumerate(sorted(names)):
        told(number, len(names), name)
        files[name] = take_stored(work, name, names[name], former)
    return files


def _logs(work: Path, former: Former, told: Told) -> dict[str, Any]:
    """Logs of tasks as this computer has them; those of others are in the database."""
    folder, logs = logs_folder(), {}
    paths = sorted(folder.rglob("*.log"))
    for number, path in enumerate(paths):
        name = path.relative_to(folder).as_posix()
        told(number, len(paths), name)
        stated = take_log(work, name, path, former)
        if stated is not None:
            logs[name] = stated
    return logs


def stated_faults(backup: Path) -> list[str]:
    """What was not whole when a backup was made, a line each: the store, and the backup before."""
    manifest = json.loads((backup / MANIFEST).read_text())
    lines = []
    for name, stated in sorted(manifest["files"].items()):
        if stated.get("missing"):
            lines.append(f"not in the store, so not in the backup: {name}")
        elif stated.get("damaged"):
            lines.append(f"damaged in the store, so damaged in the backup: {name}")
        elif stated.get("store"):
            lines.append(f"{stated['store']} in the store, whole in the backup: {name}")
    former = manifest.get("former", {})
    lines += [f"{former['name']} is damaged: {text}" for text in former.get("damaged", [])]
    return lines


def verify(backup: Path) -> list[str]:
    """What is wrong with a backup: files that are missing or were changed; empty if nothing."""
    path = backup / MANIFEST
    try:
        text = path.read_text()
        manifest = json.loads(text)
        stated = (backup / f"{MANIFEST}.sha256").read_text().split()[0]
    except (OSError, ValueError, IndexError) as error:
        return [f"{backup} is no whole backup: {error}"]
    faults = []
    if hashlib.sha256(text.encode()).hexdigest() != stated:
        faults.append(f"{MANIFEST} was changed")
    if manifest.get("format") not in READABLE:
        return [*faults, f"the backup has format {manifest.get('format')}; this program {FORMAT}"]
    for name, stated_of in parts_of(manifest).items():
        if stated_of.get("missing"):
            continue
        file = inside(backup, name)
        if not file.is_file():
            faults.append(f"{name} is missing")
        elif measure_file(file) != Measured(stated_of["sha256"], stated_of["size"]):
            faults.append(f"{name} was changed")
    return faults

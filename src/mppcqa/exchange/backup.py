"""All of an installation as a folder that any database can take back.

``manifest.json`` names every table, every stored file and every log of a task with its size and
SHA-256. Tables are Parquet files, so that a campaign moves between SQLite and MariaDB, and can be
read without this program; they are those that the database has, also where a newer program has not
migrated it yet. The database is read in one snapshot while people go on working: on SQLite a read
transaction on the write-ahead log, on MariaDB a consistent snapshot.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import pyarrow.parquet as pq
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection, models

import mppcqa
from mppcqa.exchange.schema import applied_migrations, models_at
from mppcqa.exchange.table_copy import read_table, schema_of
from mppcqa.queue.logs import logs_folder

FORMAT = 2
READABLE = (1, 2)
"""Format 1 had no logs."""
MANIFEST = "manifest.json"
CHUNK = 1 << 20
KEPT = 7
Told = Callable[[int, int, str], None]


class BackupError(ValueError):
    """The backup can't be made or used; the message says why."""


def default_folder() -> Path:
    """Where backups go if nothing else is said."""
    return Path(settings.MPPCQA_HOME) / "backups"


def back_up(
    folder: Path, told: Told = lambda done, total, text: None, *, anew: bool = False
) -> Path:
    """Write a backup into a new folder below `folder` and return it.

    Stored files that the newest backup there has already are linked, not copied, unless `anew`:
    where that one is damaged. What can't be written to its end leaves nothing (`OSError`).
    """
    name = f"mppcqa-{dt.datetime.now(dt.UTC):%Y%m%d-%H%M%S}"
    target, work = folder / name, folder / f"{name}.part"
    work.mkdir(parents=True, mode=0o750)
    try:
        with snapshot():
            found = models_at(applied_migrations())
            manifest = _tables(work, found, told)
            names = sorted(_file_names(found))
        former = _Former(None if anew else newest(folder))
        manifest["files"] = _files(work, names, former, told)
        manifest["logs"] = _logs(work, former, told)
        text = json.dumps(manifest, indent=1, sort_keys=True)
        (work / MANIFEST).write_text(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        (work / f"{MANIFEST}.sha256").write_text(f"{digest}  {MANIFEST}\n")
        work.rename(target)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    return target


class _Former:
    """The newest backup there is, whose files need not be copied again."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._known: dict[str, Any] = {}
        if folder is not None:
            # One whose list can't be read has nothing to give.
            with suppress(ValueError):
                self._known = json.loads((folder / MANIFEST).read_text())

    def link(self, work: Path, place: Path, size: int) -> dict[str, Any] | None:
        """What it says of a file, once that is here as well; None if it has it not."""
        kind, name = place.parts[0], Path(*place.parts[1:]).as_posix()
        known = self._known.get(kind, {}).get(name, {})
        if self.folder is None or known.get("size") != size:
            return None
        former, target = self.folder / place, work / place
        if not former.is_file():
            return None
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.hardlink_to(former)
        except OSError:
            shutil.copyfile(former, target)
        return dict(known)


def newest(folder: Path) -> Path | None:
    """The newest whole backup below a folder."""
    found = sorted(path.parent for path in folder.glob(f"mppcqa-*/{MANIFEST}"))
    whole = [path for path in found if not path.name.endswith(".part")]
    return whole[-1] if whole else None


def thin_out(folder: Path, keep: int = KEPT) -> int:
    """Remove all backups but the newest `keep`; returns how many went."""
    found = sorted(path.parent for path in folder.glob(f"mppcqa-*/{MANIFEST}"))
    for path in found[:-keep]:
        shutil.rmtree(path)
    return max(0, len(found) - keep)


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


def _tables(work: Path, found: list[type[models.Model]], told: Told) -> dict[str, Any]:
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
        tables[name] = {"rows": rows, "size": path.stat().st_size, "sha256": digest_of(path)}
    return {
        "format": FORMAT,
        "version": mppcqa.__version__,
        "database": connection.vendor,
        "made_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "migrations": sorted(".".join(key) for key in applied_migrations()),
        "tables": tables,
    }


def digest_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def _file_names(found: list[type[models.Model]]) -> set[str]:
    """Names in the store of every file that a row has."""
    names: set[str] = set()
    for model in found:
        for field in model._meta.concrete_fields:
            if isinstance(field, models.FileField):
                rows = model._base_manager.order_by("pk").values_list(field.attname, flat=True)
                names.update(name for name in rows.iterator(CHUNK >> 8) if name)
    return names


def _files(work: Path, names: list[str], former: _Former, told: Told) -> dict[str, Any]:
    """Stored files; one that a row names and the store has not is kept as missing."""
    files: dict[str, Any] = {}
    for number, name in enumerate(names):
        told(number, len(names), name)
        place = inside(work / "files", name).relative_to(work.resolve())
        try:
            size = default_storage.size(name)
            # Stored files never change, so that the same name and size is the same file.
            files[name] = former.link(work, place, size)
            if files[name] is None:
                with default_storage.open(name, "rb") as source:
                    files[name] = _copied(source, work / place, size)
        except FileNotFoundError:
            files[name] = {"missing": True}
    return files


def _logs(work: Path, former: _Former, told: Told) -> dict[str, Any]:
    """Logs of tasks as this computer has them; those of others are in the database."""
    folder, logs = logs_folder(), {}
    paths = sorted(folder.rglob("*.log"))
    for number, path in enumerate(paths):
        name = path.relative_to(folder).as_posix()
        told(number, len(paths), name)
        place = Path("logs") / name
        try:
            # A log only grows, so that the same size is the same log.
            size = path.stat().st_size
            logs[name] = former.link(work, place, size)
            if logs[name] is None:
                with path.open("rb") as source:
                    logs[name] = _copied(source, work / place, size)
        except FileNotFoundError:  # it has just been removed as old
            logs.pop(name, None)
    return logs


def _copied(source: IO[bytes], target: Path, size: int) -> dict[str, Any]:
    """Copy so many bytes: a log may grow meanwhile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, left = hashlib.sha256(), size
    with target.open("wb") as copy:
        while piece := source.read(min(CHUNK, left)):
            digest.update(piece)
            copy.write(piece)
            left -= len(piece)
    return {"size": size - left, "sha256": digest.hexdigest()}


def missing_files(backup: Path) -> list[str]:
    """Stored files that rows name and that were not in the store when the backup was made."""
    files = json.loads((backup / MANIFEST).read_text())["files"]
    return sorted(name for name, stated in files.items() if stated.get("missing"))


def inside(folder: Path, name: str) -> Path:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise BackupError(f"the stored file {name!r} lies outside the store")
    return path


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
    wanted = {f"tables/{name}.parquet": one for name, one in manifest["tables"].items()}
    wanted |= {f"files/{name}": one for name, one in manifest["files"].items()}
    wanted |= {f"logs/{name}": one for name, one in manifest.get("logs", {}).items()}
    for name, stated_of in wanted.items():
        if stated_of.get("missing"):
            continue
        file = inside(backup, name)
        if not file.is_file():
            faults.append(f"{name} is missing")
        elif file.stat().st_size != stated_of["size"] or digest_of(file) != stated_of["sha256"]:
            faults.append(f"{name} was changed")
    return faults

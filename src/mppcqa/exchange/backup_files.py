"""Stored files and logs into a backup: linked where an earlier one has them whole, else copied.

Every byte is read on the way: what lies in the store is held against the checksums of its rows,
and what an earlier backup has against that backup's own.
"""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from django.core.files.storage import default_storage
from django.db import models

from mppcqa.disk import make_folder, measure, measure_file
from mppcqa.exchange.rotation import MANIFEST
from mppcqa.refused import Refused
from mppcqa.store.models import StoredFault
from mppcqa.store.reading import note_fault

CHUNK = 1 << 20
What = StoredFault.What


class BackupError(Refused):
    """The backup can't be made or used; the message says why."""


def parts_of(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each file of a backup, by its place in it, and what the manifest says of it."""
    parts = {f"tables/{name}.parquet": one for name, one in manifest["tables"].items()}
    parts |= {f"files/{name}": one for name, one in manifest["files"].items()}
    return parts | {f"logs/{name}": one for name, one in manifest.get("logs", {}).items()}


class Former:
    """The newest backup there is, whose files need not be copied again."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.damaged: list[str] = []
        self._known: dict[str, Any] = {}
        if folder is not None:
            # One whose list can't be read has nothing to give.
            with suppress(ValueError):
                self._known = json.loads((folder / MANIFEST).read_text())

    def link(
        self, work: Path, place: Path, *, sha256: str | None = None, size: int | None = None
    ) -> dict[str, Any] | None:
        """Its file of that checksum or size, once it is here as well; None if it has none whole."""
        kind, name = place.parts[0], Path(*place.parts[1:]).as_posix()
        if kind == "tables":
            name = name.removesuffix(".parquet")
        known = self._known.get(kind, {}).get(name, {})
        if self.folder is None or "sha256" not in known:
            return None
        if sha256 not in (None, known["sha256"]) or size not in (None, known["size"]):
            return None
        former, target = self.folder / place, work / place
        if not former.is_file() or measure_file(former).sha256 != known["sha256"]:
            self.damaged.append(f"{place} was changed or is missing")
            return None
        make_folder(target.parent)
        try:
            target.hardlink_to(former)
        except OSError:
            shutil.copyfile(former, target)
        return {"size": known["size"], "sha256": known["sha256"]}


def stored_checksums(found: list[type[models.Model]]) -> dict[str, str]:
    """Name in the store of every file that a row has -> its SHA-256, empty where not known.

    Exports are not among them: they lie in a store of their own, and are made anew when asked for.
    """
    names: dict[str, str] = {}
    for model in found:
        columns = {field.name: field for field in model._meta.concrete_fields}
        for field in columns.values():
            if isinstance(field, models.FileField) and field.storage is default_storage:
                wanted = (field.attname, "sha256" if "sha256" in columns else models.Value(""))
                rows = model._base_manager.order_by("pk").values_list(*wanted)
                names.update({name: known for name, known in rows.iterator(CHUNK >> 8) if name})
    return names


def take_stored(work: Path, name: str, sha256: str, former: Former) -> dict[str, Any]:
    """One stored file; what the manifest says of it.

    ``missing`` where neither store nor former backup has it, ``damaged`` where its bytes are not
    those that were stored; ``store`` says so of the store where the former backup had it whole.
    """
    place = inside(work / "files", name).relative_to(work.resolve())
    try:
        with default_storage.open(name, "rb") as source:
            there = measure(source)
            whole = sha256 in ("", there.sha256)
            stated = former.link(work, place, sha256=sha256 or there.sha256)
            if stated is None:
                source.seek(0)
                stated = copied(source, work / place, there.size)
                return stated if whole else stated | {"damaged": True, "store": What.DAMAGED}
    except FileNotFoundError:
        stated = former.link(work, place, sha256=sha256) if sha256 else None
        return {"missing": True} if stated is None else stated | {"store": What.MISSING}
    return stated if whole else stated | {"store": What.DAMAGED}


def note_faults(files: dict[str, Any]) -> None:
    """Have pages know of what was missing or damaged, and forget what is whole again."""
    known = set(StoredFault.objects.values_list("name", flat=True))
    for name, stated in files.items():
        fault = What.MISSING if stated.get("missing") else stated.get("store")
        if fault or name in known:
            note_fault(name, What(fault) if fault else None)


def take_log(work: Path, name: str, path: Path, former: Former) -> dict[str, Any] | None:
    """The log of a task; None where it has just been removed as old."""
    place = Path("logs") / name
    try:
        # A log only grows, so that the same size is the same log.
        size = path.stat().st_size
        stated = former.link(work, place, size=size)
        if stated is None:
            with path.open("rb") as source:
                stated = copied(source, work / place, size)
    except FileNotFoundError:
        return None
    return stated


def copied(source: IO[bytes], target: Path, size: int) -> dict[str, Any]:
    """Copy so many bytes, as a log may grow meanwhile, and read them back."""
    make_folder(target.parent)
    left = size
    with target.open("wb") as copy:
        while piece := source.read(min(CHUNK, left)):
            copy.write(piece)
            left -= len(piece)
    made = measure_file(target)
    return {"size": made.size, "sha256": made.sha256}


def inside(folder: Path, name: str) -> Path:
    """The place of a name below a folder; raises `BackupError` for one that leads out of it."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise BackupError(f"the stored file {name!r} lies outside the store")
    return path

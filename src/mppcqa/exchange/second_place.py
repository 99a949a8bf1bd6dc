"""A backup once more, at another place: copied piece by piece and read again there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from django.conf import settings

from mppcqa.disk import clear_left_over, make_folder, measure_file, whole_folder
from mppcqa.exchange.backup_files import BackupError, Former, inside, parts_of
from mppcqa.exchange.backup_trust import SIGNATURE
from mppcqa.exchange.rotation import MANIFEST, newest, rotate

AROUND = (MANIFEST, f"{MANIFEST}.sha256", SIGNATURE)


def copy_to_second(backup: Path) -> Path | None:
    """Copy a backup to where `MPPCQA_BACKUPS_SECOND` says; None where nothing is said.

    What the newest backup there has already is linked. Raises `BackupError` where the place is not
    there, or a part is not what the manifest says once it was read there; then nothing stays.
    """
    if not settings.MPPCQA_BACKUPS_SECOND:
        return None
    folder = Path(settings.MPPCQA_BACKUPS_SECOND).expanduser()
    if not folder.is_dir():
        # Made by nobody: an empty folder where a disk should be mounted is no second place.
        raise BackupError(f"{folder} is not there: is its disk mounted?")
    clear_left_over(folder)
    target, former = folder / backup.name, Former(newest(folder))
    if target.exists():
        return target
    manifest: dict[str, Any] = json.loads((backup / MANIFEST).read_text())
    with whole_folder(target) as work:
        for name, stated in parts_of(manifest).items():
            if not stated.get("missing"):
                _take(backup, work, name, stated["sha256"], former)
        for name in AROUND:
            shutil.copyfile(backup / name, work / name)
    rotate(folder)
    return target


def _take(backup: Path, work: Path, name: str, sha256: str, former: Former) -> None:
    path = inside(work, name)
    if former.link(work, Path(name), sha256=sha256) is not None:
        return
    make_folder(path.parent)
    shutil.copyfile(inside(backup, name), path)
    if measure_file(path).sha256 != sha256:
        raise BackupError(f"{name} is not the same there; see both disks")

"""The files of a folder or a ZIP archive, one at a time."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from django.utils.translation import gettext as _

from mppcqa.refused import Refused
from mppcqa.tables.errors import ZIP_DAMAGED

MOST_FILES = 200_000
LARGEST = 4 << 30
MAX_RATIO = 1000
SMALL = 16 << 20
HIDDEN = ("__MACOSX", "Thumbs.db", "desktop.ini")


class BatchRefused(Refused):
    """A folder or archive that can't be taken in; the message says why and what to do."""


def files_of(source: Path) -> list[tuple[str, int]]:
    """Names below a folder or within an archive, with sizes [bytes], in their order."""
    if source.is_dir():
        found = list(_walk(source))
    elif zipfile.is_zipfile(source):
        found = _members(source)
    else:
        raise BatchRefused(_("%s is neither a folder nor a ZIP archive") % source.name)
    if not found:
        raise BatchRefused(_("%s holds no file") % source.name)
    if len(found) > MOST_FILES:
        raise BatchRefused(
            _("%(name)s holds %(n)d files; at most %(most)d at once")
            % {"name": source.name, "n": len(found), "most": MOST_FILES}
        )
    return sorted(found)


def _walk(folder: Path) -> Iterator[tuple[str, int]]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _is_hidden(name)]
        for name in names:
            path = Path(place) / name
            if not _is_hidden(name) and path.is_file():
                yield path.relative_to(folder).as_posix(), path.stat().st_size


def _archive(source: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(source)
    except ZIP_DAMAGED as error:
        text = _("%(name)s can't be unpacked: %(text)s")
        raise BatchRefused(text % {"name": source.name, "text": str(error)[:100]}) from None


def _members(source: Path) -> list[tuple[str, int]]:
    with _archive(source) as archive:
        found = []
        for one in archive.infolist():
            parts = PurePosixPath(one.filename.replace("\\", "/")).parts
            if one.is_dir() or any(_is_hidden(part) for part in parts):
                continue
            packed = max(1, one.compress_size)
            if one.file_size > LARGEST or one.file_size > max(SMALL, MAX_RATIO * packed):
                raise BatchRefused(
                    _("%(name)s would unpack from %(packed)d kB to %(mb)d MB; it is not opened")
                    % {"name": one.filename[:80], "packed": packed >> 10, "mb": one.file_size >> 20}
                )
            if one.flag_bits & 1:
                raise BatchRefused(_("%s is encrypted; unpack it first") % source.name)
            found.append((one.filename, one.file_size))
        return found


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name in HIDDEN


class Contents:
    """The files of a folder or an archive, which is opened once, as paths on the disk."""

    def __init__(self, source: Path) -> None:
        self.source = source
        self._archive = None if source.is_dir() else _archive(source)

    def __enter__(self) -> Contents:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._archive is not None:
            self._archive.close()

    @contextmanager
    def opened(self, name: str) -> Iterator[Path]:
        """A file under its own name. Raises `BatchRefused`, `OSError`."""
        if self._archive is None:
            path = self.source / name
            if not path.resolve().is_relative_to(self.source.resolve()):
                raise BatchRefused(_("%s points out of the folder") % name)
            yield path
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / (PurePosixPath(name.replace("\\", "/")).name or "file")
            try:
                with self._archive.open(name) as packed, path.open("wb") as target:
                    shutil.copyfileobj(packed, target, 1 << 20)
            except ZIP_DAMAGED as error:
                raise BatchRefused(
                    _("%(name)s can't be unpacked: %(text)s")
                    % {"name": name, "text": str(error)[:100]}
                ) from None
            yield path

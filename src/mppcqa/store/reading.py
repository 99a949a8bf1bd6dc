"""Stored files out of the store: what is read is what was stored, or its fault is named.

A row that names a stored file has its SHA-256 beside it, in the fields ``file`` and ``sha256``. A
fault is kept in a table, so that pages tell of it without reading gigabytes.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from django.db import DatabaseError
from django.db.models.fields.files import FieldFile
from django.utils.translation import gettext as _

from mppcqa.disk import measure
from mppcqa.store.models import StoredFault

logger = logging.getLogger(__name__)

PIECE = 1 << 20
AT_ONCE_BYTES = 64 << 20
"""A file up to this size is read whole (a tenth of a second) before anything of it is shown."""
TRUSTED_S = 3600.0
"""How long a page believes that a file which looks unchanged is the one that was read last."""
MOST_TRUSTED = 10_000
What = StoredFault.What
_trusted: dict[str, tuple[object, float]] = {}


class StoredRow(Protocol):
    """A row that names a stored file."""

    sha256: Any
    file: Any


class FileFault(OSError):
    """A stored file is missing or damaged; the message says what to do."""

    def __init__(self, row: StoredRow, what: What) -> None:
        self.what = what
        super().__init__(fault_text(str(row), what) if row.file.name else elsewhere_text(str(row)))


def fault_text(shown: str, what: str) -> str:
    """What a person is told of a faulty file, by the name that they know it under."""
    if what == What.MISSING:
        text = _(
            "%s is not in the store. Whoever keeps this server can bring it back from a backup: "
            "mppcqa fsck --repair"
        )
    else:
        text = _(
            "%s is damaged: what lies in the store is not what was stored, so it is not used. "
            "Whoever keeps this server can bring it back from a backup: mppcqa fsck --repair"
        )
    return text % shown


def elsewhere_text(shown: str) -> str:
    """What is told of a file that never was here: its results came without it."""
    text = _(
        "%s stays where it was measured: its results came in a partner's bundle without it. Ask "
        "the partner for a bundle with run files."
    )
    return text % shown


def verify(row: StoredRow) -> None:
    """Read a stored file and hold it against its checksum; raises `FileFault`, and keeps that.

    A row without a checksum is of an older version; `fsck` gives it one.
    """
    with _opened(row) as file:
        _settle(row, measure(file).sha256)


def glance(row: StoredRow, most: int = AT_ONCE_BYTES) -> FileFault | None:
    """What is wrong with a file, in a time that a page has.

    A file of at most `most` bytes is read, once an hour while it looks unchanged; of a larger one
    it is known whether it is there, and what was found when it was last read.
    """
    try:
        stamp, size = _look(row.file)
        known = _trusted.get(row.file.name)
        if known is not None and known[0] == stamp and time.monotonic() - known[1] < TRUSTED_S:
            return None
        if size <= most:
            verify(row)
            _trust(row.file.name, stamp)
            return None
    except FileFault as fault:
        return fault
    except FileNotFoundError:
        _note(row, What.MISSING)
        return FileFault(row, What.MISSING)
    kept = StoredFault.objects.filter(name=row.file.name).first()
    return None if kept is None else FileFault(row, What(kept.what))


def glance_at(rows: Iterable[StoredRow]) -> dict[str, str]:
    """Name in the store -> what is wrong with it, of several files in the time of one page."""
    found, left = {}, AT_ONCE_BYTES
    for row in rows:
        fault = glance(row, left)
        if fault is None:
            left -= min(left, stored_size(row))
        else:
            found[row.file.name] = str(fault)
    return found


@contextmanager
def whole_path(row: StoredRow, *, in_haste: bool = False) -> Iterator[Path]:
    """A stored file as a path, for as long as the block lasts; raises `FileFault`.

    It is read and held against its checksum first, or only looked at as for a page (`in_haste`).
    A store that has no paths gives a copy.
    """
    try:
        local = Path(row.file.path)
    except NotImplementedError:
        local = None
    if local is not None:
        if in_haste:
            if fault := glance(row):
                raise fault
        else:
            verify(row)
        yield local
        return
    with tempfile.TemporaryDirectory(prefix="mppcqa-") as folder:
        copy = Path(folder) / Path(row.file.name).name
        with copy.open("wb") as target:
            for piece in pieces(row):
                target.write(piece)
        yield copy


def pieces(row: StoredRow) -> Iterator[bytes]:
    """The bytes of a stored file; the last ones only if all were what was stored.

    Raises `FileFault` instead of giving the last piece: whoever was told the length beforehand
    knows then that the file is not whole.
    """
    digest, held = hashlib.sha256(), b""
    with _opened(row) as file:
        while piece := file.read(PIECE):
            digest.update(piece)
            if held:
                yield held
            held = piece
    _settle(row, digest.hexdigest())
    if held:
        yield held


def stored_size(row: StoredRow) -> int:
    """Bytes of a stored file as it lies there; raises `FileFault` where it does not."""
    try:
        return _look(row.file)[1]
    except FileNotFoundError:
        raise FileFault(row, What.MISSING) from None


def note_fault(name: str, what: What | None) -> None:
    """Keep that a file has a fault, or has none."""
    _trusted.pop(name, None)
    rows = StoredFault.objects.filter(name=name)
    if what is None:
        if rows.exists():
            rows.delete()
    else:
        StoredFault.objects.update_or_create(name=name, defaults={"what": what})


@contextmanager
def _opened(row: StoredRow) -> Iterator[IO[bytes]]:
    try:
        file = row.file.storage.open(row.file.name, "rb")
    except (FileNotFoundError, ValueError):  # ValueError: the row names none
        _note(row, What.MISSING)
        raise FileFault(row, What.MISSING) from None
    with file:
        yield file


def _settle(row: StoredRow, sha256: str) -> None:
    """Raise the fault of a file that was read, if it has one."""
    if row.sha256 and sha256 != row.sha256:
        logger.error("%s (%s) has SHA-256 %s, not %s", row, row.file.name, sha256, row.sha256)
        _note(row, What.DAMAGED)
        raise FileFault(row, What.DAMAGED)
    _note(row, None)


def _note(row: StoredRow, what: What | None) -> None:
    if not row.file.name:
        return
    try:
        note_fault(row.file.name, what)
    except DatabaseError as error:  # what reads the file learns of the fault all the same
        logger.error("the fault of %s can't be kept: %s", row.file.name, error)


def _look(file: FieldFile) -> tuple[object, int]:
    """By what a file is seen to have changed, and its size; `FileNotFoundError`."""
    if not file.name:
        raise FileNotFoundError
    try:
        status = Path(file.path).stat()
    except NotImplementedError:
        size = file.storage.size(file.name)
        return (size, file.storage.get_modified_time(file.name)), size
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino), status.st_size


def _trust(name: str, stamp: object) -> None:
    while len(_trusted) >= MOST_TRUSTED:
        del _trusted[next(iter(_trusted))]
    _trusted[name] = (stamp, time.monotonic())

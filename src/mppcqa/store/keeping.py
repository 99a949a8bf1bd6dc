"""Content into the store: written, read back, and only then given to the row that names it.

A name is given once and never looked up: what a killed process has left can't be taken for the
file that a later one wants to keep.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from django.core.files import File
from django.core.files.storage import Storage, default_storage
from django.db import connection, transaction
from django.utils.translation import gettext as _

from mppcqa.disk import Measured, measure
from mppcqa.store.models import StoredFault

SIDE_BY_SIDE = 8
"""Files that are written at once: a disk flushes several in the time of one."""


class StoreError(OSError):
    """The store did not keep what it was given; nothing of it is left there."""


@dataclass(frozen=True)
class Kept(Measured):
    """A file in the store."""

    name: str


@contextmanager
def keeping(
    source: IO[bytes],
    folder: str,
    suffix: str = "",
    *,
    measured: Measured | None = None,
    storage: Storage = default_storage,
) -> Iterator[Kept]:
    """A content in the store, for the block that makes its row; gone again if that fails.

    `measured` spares a reading where the source has been measured already. Raises `StoreError`
    where the store, read back, does not hold what it was given.
    """
    kept = _stored(source, folder, suffix, measured, storage)
    try:
        yield kept
    except BaseException:
        storage.delete(kept.name)
        raise


@contextmanager
def keeping_all(
    sources: Sequence[tuple[Path, Measured]], folder: str, storage: Storage = default_storage
) -> Iterator[list[Kept]]:
    """The same for many files, which are written and read back side by side: all of them or none.

    A file that is not what was measured any more is refused (`StoreError`).
    """

    def store(path: Path, measured: Measured) -> Kept:
        with path.open("rb") as source:
            return _stored(source, folder, path.suffix, measured, storage)

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        asked = [pool.submit(store, path, measured) for path, measured in sources]
    try:
        yield [one.result() for one in asked]
    except BaseException:
        for one in asked:
            if one.exception() is None:
                storage.delete(one.result().name)
        raise


def _stored(
    source: IO[bytes], folder: str, suffix: str, measured: Measured | None, storage: Storage
) -> Kept:
    """A content in the store, read back; nothing of it is left there where that fails."""
    if measured is None:
        source.seek(0)
        measured = measure(source)
    source.seek(0)
    ending = suffix.lower() if re.fullmatch(r"\.[A-Za-z0-9]{1,10}", suffix) else ""
    sha256 = measured.sha256
    wished = f"{folder}/{sha256[:2]}/{sha256}-{secrets.token_hex(8)}{ending}"
    name = storage.save(wished, File(source))
    try:
        with storage.open(name, "rb") as stored:
            there = measure(stored)
        if there != measured:
            raise StoreError(
                _(
                    "The store holds %(there)d bytes that are not the %(given)d that it was "
                    "given; nothing was kept. Look at its disk, then do it again."
                )
                % {"there": there.size, "given": measured.size}
            )
    except BaseException:
        storage.delete(name)
        raise
    return Kept(measured.sha256, measured.size, name)


def discard(name: str | None, storage: Storage = default_storage) -> None:
    """Remove the file of a row that goes, or names another one: once that is committed."""
    if name:
        transaction.on_commit(partial(_remove, name, storage))


def _remove(name: str, storage: Storage) -> None:
    storage.delete(name)
    StoredFault.objects.filter(name=name).delete()


@contextmanager
def surviving_power_cuts() -> Iterator[None]:
    """Rows written inside are on the disk before the block ends; outside of any transaction.

    SQLite gives up the last transactions of a power cut otherwise, which is quicker, and does no
    harm as long as the file that a row tells of is not removed meanwhile.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=FULL")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=NORMAL")

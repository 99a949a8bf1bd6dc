"""Files that stand under their name only whole, and stay there when the power fails.

Everything that is kept goes through `whole_file` or `whole_folder`: written beside its name,
flushed, renamed, and the folder flushed. So a name is never half a file, whenever a process is
killed. No Django here: the run file's writer needs it as well.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PART = ".part"


@dataclass(frozen=True)
class Measured:
    """What a content is known by."""

    sha256: str
    size: int


class _Counted:
    """Counts what is read; `hashlib.file_digest` fills a buffer of its own."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.size = file, 0

    def readinto(self, buffer: bytearray) -> int:
        if hasattr(self.file, "readinto"):
            n = int(self.file.readinto(buffer))
        else:
            piece = self.file.read(len(buffer))
            n = len(piece)
            buffer[:n] = piece
        self.size += n
        return n

    def readable(self) -> bool:
        return True


def measure(file: IO[bytes]) -> Measured:
    """SHA-256 (hexadecimal) and size of what is left to read of a file."""
    counted = _Counted(file)
    digest = hashlib.file_digest(counted, "sha256")
    return Measured(digest.hexdigest(), counted.size)


def measure_file(path: Path) -> Measured:
    """SHA-256 and size of a file."""
    with path.open("rb") as file:
        return measure(file)


@contextmanager
def scratch_file(folder: Path) -> Iterator[Path]:
    """A new file in a folder, to write to by its path; gone after the block.

    It is locked for as long, so that `left_over` tells what a killed process has left.
    """
    make_folder(folder)
    part = folder / f".{secrets.token_hex(8)}{PART}"
    held = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield part
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        os.close(held)


@contextmanager
def whole_file(path: Path, *, fresh: bool = False) -> Iterator[Path]:
    """Somewhere to write a file to; it takes the name `path` once the block has ended well.

    What had that name stays until then; with `fresh` nothing may have it (`FileExistsError`).
    """
    with scratch_file(path.parent) as part:
        yield part
        settle(part, path, fresh=fresh)


def settle(part: Path, path: Path, *, fresh: bool = False) -> None:
    """Flush a file that was written beside its name to the disk, and give it its name."""
    flush(part)
    if fresh:
        _link(part, path)
    else:
        part.replace(path)
    flush(path.parent)


def _link(part: Path, path: Path) -> None:
    """Give a file a second name, which must be free; the first one goes."""
    try:
        path.hardlink_to(part)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS):
            raise
        # A file system without second names.
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        part.replace(path)
    part.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """The same for a folder with all that is put into it; its name must be free."""
    make_folder(path.parent)
    part = path.with_name(f".{secrets.token_hex(8)}{PART}")
    part.mkdir()
    held = os.open(part, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield part
        for folder, _folders, files in os.walk(part):
            for name in files:
                flush(Path(folder, name))
            flush(Path(folder))
        part.rename(path)
        flush(path.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        os.close(held)


def flush(path: Path) -> None:
    """Have a file, or the names in a folder, written to the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        # Some file systems of networks flush no folders.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(number)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, each flushed into the one that holds it."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
        flush(one.parent)


def left_over(folder: Path, *, deep: bool = False) -> Iterator[Path]:
    """Unfinished files and folders that no process writes any more, in a folder or all below it."""
    for part in (folder.rglob if deep else folder.glob)(f".*{PART}"):
        try:
            number = os.open(part, os.O_RDONLY)
        except OSError:  # it has just been finished, or is not ours
            continue
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        else:
            yield part
        finally:
            os.close(number)


def clear_left_over(folder: Path, *, deep: bool = False) -> int:
    """Remove what killed processes have left unfinished; returns how many."""
    found = list(left_over(folder, deep=deep))
    for part in found:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)
    return len(found)

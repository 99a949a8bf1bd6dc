"""The files of the copy, and the one that says which of them count.

``copy.json`` names all that belongs together: files of one quantity each, sorted by condition, and
files of what came since, sorted by quantity and condition. It is replaced whole, so that a reader
sees either the copy before a change or the one after it; a file is never changed. What no
``copy.json`` names any longer stays for a while, for those who are still reading it.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
from django.conf import settings

from mppcqa.disk import clear_left_over, make_folder, whole_file

VERSION = 2
LAYOUT = "copy.json"
GRACE_S = 600.0
"""How long a file stays that is no longer named."""
ROW_GROUP = 1 << 17
END = ".parquet"


@dataclass(frozen=True)
class Piece:
    """A file of the copy."""

    name: str
    rows: int
    quantity: int | None = None
    """Id of the only quantity in it; None where there are several."""


@dataclass(frozen=True)
class Layout:
    """Which files are the copy, and since when."""

    pieces: tuple[Piece, ...] = ()
    analyses: str = ""
    """Name of the file of the analyses that are in it."""
    followed_at: str = ""
    """Moment (ISO 8601, UTC) at which it was last what the database said."""
    built_at: str = ""
    version: int = VERSION
    rows: int = 0
    former: dict[str, float] = field(default_factory=dict)
    """Files of the layouts before, and when each was named for the last time (Unix time)."""

    @property
    def names(self) -> set[str]:
        """Names of all its files."""
        return {one.name for one in self.pieces} | ({self.analyses} if self.analyses else set())

    @property
    def age_s(self) -> float | None:
        """Seconds since it was last brought up to date; None where it never was."""
        if not self.followed_at:
            return None
        moment = dt.datetime.fromisoformat(self.followed_at)
        return (dt.datetime.now(dt.UTC) - moment).total_seconds()


def folder() -> Path:
    """Where the copy lies."""
    return Path(settings.MPPCQA_COLUMNAR)


def now_text() -> str:
    """This moment, as a layout keeps it."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def read_layout() -> Layout:
    """The copy as it is now; an empty one where there is none, or one of another version."""
    try:
        held = json.loads((folder() / LAYOUT).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return Layout()
    if held.get("version") != VERSION:
        return Layout()
    pieces = tuple(Piece(**one) for one in held.pop("pieces"))
    layout = Layout(pieces=pieces, **held)
    missing = any(not (folder() / name).is_file() for name in layout.names)
    return Layout() if missing else layout


def written_at() -> int:
    """When the layout was written (ns); it is another file each time. 0 where there is none."""
    with suppress(FileNotFoundError):
        return (folder() / LAYOUT).stat().st_mtime_ns
    return 0


def write_layout(layout: Layout) -> None:
    """Make a layout the one that counts; its files are there already."""
    before, now = read_layout(), time.time()
    former = {**before.former, **dict.fromkeys(before.names, now)}
    former = {name: at for name, at in former.items() if name not in layout.names}
    with whole_file(folder() / LAYOUT) as part:
        part.write_text(json.dumps(asdict(replace(layout, former=former))), encoding="utf-8")


def new_name(what: str) -> str:
    """A name that no file of the copy ever had."""
    return f"{what}-{secrets.token_hex(6)}{END}"


def write_table(table: pa.Table, name: str) -> None:
    """A table as a file of the copy."""
    with whole_file(folder() / name) as part:
        parquet.write_table(table, part, compression="zstd", row_group_size=ROW_GROUP)


def read_analyses(layout: Layout) -> dict[int, str]:
    """Analyses that are in the copy, each with what tells it from another of the same number."""
    if not layout.analyses:
        return {}
    table = parquet.read_table(folder() / layout.analyses)
    return dict(zip(table["analysis"].to_pylist(), table["mark"].to_pylist(), strict=True))


def write_analyses(analyses: dict[int, str]) -> str:
    """Keep which analyses are in the copy; returns the file's name."""
    name = new_name("analyses")
    table = pa.table(
        {
            "analysis": pa.array(list(analyses), pa.int32()),
            "mark": pa.array(list(analyses.values()), pa.string()),
        }
    )
    write_table(table, name)
    return name


class Busy(Exception):
    """Somebody else is changing the copy."""


@contextmanager
def changing(*, wait: bool = False) -> Iterator[None]:
    """Who changes the copy holds it meanwhile; readers and writers of the database never do.

    Raises `Busy` where another process has it, unless told to `wait`.
    """
    make_folder(folder())
    held = os.open(folder() / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise Busy from None
        clear_left_over(folder())
        yield
    finally:
        os.close(held)


def clear_former(*, grace_s: float = GRACE_S) -> int:
    """Remove files that are no longer named, but for those that somebody may be reading still."""
    layout, removed = read_layout(), 0
    for path in folder().glob(f"*{END}"):
        with suppress(FileNotFoundError):
            last = layout.former.get(path.name, path.stat().st_mtime)
            if path.name not in layout.names and time.time() - last > grace_s:
                path.unlink()
                removed += 1
    return removed

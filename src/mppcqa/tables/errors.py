"""What can be wrong with a file, in words for the person who has it."""

from __future__ import annotations

import struct
import zipfile
import zlib
from dataclasses import dataclass

from mppcqa.tables.words import say as _

ZIP_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, RuntimeError, LookupError),
    *(NotImplementedError, UnicodeError),
)
"""What Python's reader of archives raises for damaged ones, wherever the damage is."""


class TableError(ValueError):
    """A file or mapping that can't be used; the message names the file or place and what to do."""


@dataclass(frozen=True)
class Fault:
    """What is wrong in one place of a table, and what to do about it.

    `row` counts as a spreadsheet does: the first line is 1; None where the whole table is meant.
    """

    row: int | None
    column: str
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        place = f"{_('row')} {self.row}: " if self.row is not None else ""
        return place + (f"{self.column}: " if self.column else "") + self.what

"""A table of any kind as columns, a bounded piece at a time: text, spreadsheet, Parquet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from mppcqa.tables.errors import Fault, TableError
from mppcqa.tables.headings import Column
from mppcqa.tables.words import say as _

MAX_ROWS = 50_000_000
CHUNK_ROWS = 100_000
"""Rows that are held at once; each costs some hundred bytes."""


@dataclass(frozen=True)
class Chunk:
    """Some rows: `rows` int64 [n] as a spreadsheet counts them, and an array [n] a column."""

    rows: np.ndarray
    cells: list[pa.Array]
    faults: list[Fault] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a file is to be read; what is empty is found out."""

    delimiter: str = ""
    encoding: str = ""
    decimal: str = ""
    has_head: bool | None = None
    sheet: str = ""
    skip_lines: int = 0
    """Lines before those that are looked at."""

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Reading:
        return cls(**{key: values[key] for key in cls.__dataclass_fields__ if key in values})


class Source(Protocol):
    """An open table."""

    columns: list[Column]
    decimal: str
    """The mark before decimals in most texts, ``.`` or ``,``; each column has its own."""
    notes: list[str]
    """How the file was understood, for the person who looks at the preview."""
    sheets: list[str]
    used: Reading
    facts: dict[str, str]
    """``key: value`` lines above the table."""

    def chunks(self) -> Iterator[Chunk]:
        """All rows from the first; may be called again. Raises `TableError`.

        Remarks and footers that were left out are added to `notes` on the way.
        """


def open_source(path: Path, reading: Reading | None = None) -> Source:
    """Open a table by what is in it, whatever it is called."""
    from mppcqa.tables.excel import ExcelSource
    from mppcqa.tables.old_sheets import OldSheetSource, is_open_document
    from mppcqa.tables.parquet import ParquetSource
    from mppcqa.tables.separated import TextSource

    how = reading or Reading()
    with path.open("rb") as file:
        start = file.read(200)
    if not start:
        raise TableError(_("The file is empty."))
    if start.startswith(b"PK"):
        return OldSheetSource(path, how) if is_open_document(path) else ExcelSource(path, how)
    if start.startswith(b"PAR1"):
        return ParquetSource(path, how)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        return OldSheetSource(path, how)
    if WEB_PAGE.match(start):
        raise TableError(
            _("This is a web page, whatever its name says. Open it in Excel and save it as .xlsx.")
        )
    return TextSource(path, how)


WEB_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body|table|\?xml)\b", re.I)

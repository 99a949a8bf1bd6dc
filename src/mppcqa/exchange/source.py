"""A table of any kind as columns, a bounded piece at a time: CSV, Excel, Parquet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from django.utils.translation import gettext as _

MAX_COLUMNS = 2000
MAX_ROWS = 50_000_000
MOST_TITLES = 20
"""Lines of a title or of remarks that may stand before the names of columns."""
CHUNK_ROWS = 100_000
"""Rows that are held at once; each costs some hundred bytes."""


class SourceError(ValueError):
    """The file can't be read as a table at all; the message says why and what to do."""


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


@dataclass(frozen=True)
class Column:
    """A column of the file: its head as written, and what the head says of name and unit."""

    head: str
    name: str
    unit: str = ""


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

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Reading:
        return cls(**{key: values[key] for key in cls.__dataclass_fields__ if key in values})


class Source(Protocol):
    """An open table."""

    columns: list[Column]
    decimal: str
    """The mark before decimals in texts, ``.`` or ``,``."""
    notes: list[str]
    """How the file was understood, for the person who looks at the preview."""
    sheets: list[str]
    used: Reading

    def chunks(self) -> Iterator[Chunk]:
        """All rows from the first; may be called again. Raises `SourceError`."""


def open_source(path: Path, reading: Reading | None = None) -> Source:
    """Open a table by what is in it, whatever it is called."""
    from mppcqa.exchange.source_csv import CsvSource
    from mppcqa.exchange.source_excel import ExcelSource
    from mppcqa.exchange.source_parquet import ParquetSource

    how = reading or Reading()
    with path.open("rb") as file:
        start = file.read(200)
    if not start:
        raise SourceError(_("The file is empty."))
    if start.startswith(b"PK"):
        return ExcelSource(path, how)
    if start.startswith(b"PAR1"):
        return ParquetSource(path, how)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise SourceError(
            _("This is an Excel file of before 2007 (.xls). Save it as .xlsx or CSV.")
        )
    if WEB_PAGE.match(start):
        raise SourceError(
            _("This is a web page, whatever its name says. Open it in Excel and save it as .xlsx.")
        )
    return CsvSource(path, how)


WEB_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body|table|\?xml)\b", re.I)
HEAD = re.compile(r"(?P<name>.+?)\s*(?:\[(?P<a>[^\]]*)\]|\((?P<b>[^)]*)\)|\s/\s*(?P<c>\S+))\s*")


def read_head(head: str) -> Column:
    """Name and unit of a head such as ``Vbr [V]``, ``I_dark (nA)`` or ``V_op / V``."""
    text = " ".join(head.replace("\ufeff", "").split())
    found = HEAD.fullmatch(text)
    if not found:
        return Column(text, text)
    unit = found["a"] or found["b"] or found["c"] or ""
    return Column(text, found["name"].strip(), unit.strip())


def named_columns(heads: list[str]) -> list[Column]:
    """Columns of the heads; one without a head is called after its place."""
    if len(heads) > MAX_COLUMNS:
        raise SourceError(too_many_columns(len(heads)))
    columns = [read_head(head) for head in heads]
    return [
        column if column.head else Column(f"#{place}", f"#{place}")
        for place, column in enumerate(columns, 1)
    ]


def too_many_columns(found: int) -> str:
    text = _(
        "The table has %(found)d columns; at most %(most)d are read. Was it saved sideways, or "
        "with another separator? Put one device or one value into each row."
    )
    return text % {"found": found, "most": MAX_COLUMNS}

"""A table of any kind as columns, a bounded piece at a time: text, spreadsheet, Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from mppcqa.tables.errors import Fault
from mppcqa.tables.headings import Column

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

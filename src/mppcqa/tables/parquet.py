"""Parquet files, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mppcqa.tables.errors import TableError
from mppcqa.tables.headings import MAX_COLUMNS, named_columns, too_many_columns
from mppcqa.tables.source import CHUNK_ROWS, MAX_ROWS, Chunk, Reading
from mppcqa.tables.words import say as _

MAX_GROUPS = 10_000


class ParquetSource:
    """Rows of a Parquet file; numbers keep their type."""

    def __init__(self, path: Path, reading: Reading) -> None:
        self.path = path
        self.decimal = reading.decimal or "."
        self.sheets: list[str] = []
        self.facts: dict[str, str] = {}
        try:
            with pq.ParquetFile(path) as file:
                schema, rows = file.schema_arrow, file.metadata.num_rows
                if file.metadata.num_row_groups > MAX_GROUPS:
                    raise ValueError(_("more than %d groups of rows") % MAX_GROUPS)
                whole = _lies_as_said(path, file)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise TableError(_broken(error)) from None
        if not whole:
            raise TableError(_broken(ValueError(_("its columns do not lie where it says"))))
        if len(schema) > MAX_COLUMNS:
            raise TableError(too_many_columns(len(schema)))
        if rows > MAX_ROWS:
            raise TableError(_("The table has more than %d rows. Split it.") % MAX_ROWS)
        nested = [one.name for one in schema if pa.types.is_nested(one.type)]
        if nested:
            raise TableError(
                _("Columns that hold lists or structures can't be read: %s")
                % ", ".join(nested[:10])
            )
        self.columns = named_columns([one.name for one in schema])
        self.used = Reading(has_head=True, decimal=self.decimal)
        self.notes = [_("Parquet file with %d rows.") % rows]

    def chunks(self) -> Iterator[Chunk]:
        number = 2
        try:
            with pq.ParquetFile(self.path) as file:
                for batch in file.iter_batches(batch_size=CHUNK_ROWS, use_threads=False):
                    rows = np.arange(number, number + batch.num_rows, dtype=np.int64)
                    yield Chunk(rows, [_plain(column) for column in batch.columns])
                    number += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise TableError(_broken(error)) from None


def _lies_as_said(path: Path, file: pq.ParquetFile) -> bool:
    """Whether the last column ends where the description of the file begins: nothing was lost.

    Pages have no checksums in most files. Indexes or filters lie between the two in those of other
    programs than Arrow: of these only a column that reaches further is told.
    """
    about = file.metadata
    end = path.stat().st_size - 8 - about.serialized_size
    ends = []
    for group in range(about.num_row_groups):
        # Asked for a column that its file describes wrongly, Arrow ends the whole process; where
        # rows are read it refuses the same with an error.
        if next(file.iter_batches(1, row_groups=[group], use_threads=False), None) is None:
            continue
        for place in range(about.num_columns):
            column = about.row_group(group).column(place)
            if column.has_column_index or column.has_offset_index:
                return True  # indexes lie between
            first = column.data_page_offset
            if column.has_dictionary_page and column.dictionary_page_offset:
                first = min(first, column.dictionary_page_offset)
            ends.append(first + column.total_compressed_size)
    last = max(ends, default=end)
    return last == end or (last < end and not about.created_by.startswith("parquet-cpp-arrow"))


def _plain(column: pa.Array) -> pa.Array:
    """Numbers as they are, everything else as text."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if (
        pa.types.is_integer(kind)
        or pa.types.is_string(kind)
        or kind in (pa.float32(), pa.float64())
    ):
        return column
    if pa.types.is_decimal(kind) or pa.types.is_floating(kind):
        return column.cast(pa.float64())
    return column.cast(pa.string())


def _broken(error: Exception) -> str:
    return _("The Parquet file is damaged (%s). Write it anew.") % str(error)[:200]

"""Lists as Excel workbooks."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
from django.utils.translation import gettext as _

from mppcqa.exchange.faults import harmless
from mppcqa.exchange.writers.base import Batches, ExportRefused, Writer, disarmed

EXCEL_ROWS = 1_048_575


def write(path: Path, schema: pa.Schema, batches: Batches) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("mppcqa")
    sheet.append([harmless(name) for name in schema.names])
    rows = 0
    for batch in batches:
        rows += batch.num_rows
        if rows > EXCEL_ROWS:
            sheet.close()
            raise ExportRefused(
                _(
                    "The list has more rows than an Excel sheet can hold (%d). Filter it, or take "
                    "CSV or Parquet."
                )
                % EXCEL_ROWS
            )
        columns = [_cells(disarmed(column)) for column in batch.columns]
        for row in zip(*columns, strict=True):
            sheet.append(row)
    book.save(path)


def _cells(column: pa.Array) -> list[Any]:
    cells: list[Any] = column.to_pylist()
    if pa.types.is_timestamp(column.type):
        # Excel knows no time zones; ours are UTC.
        return [one.replace(tzinfo=None) if isinstance(one, dt.datetime) else one for one in cells]
    return cells


WRITER = Writer("excel", "Excel", "xlsx", write, place=20)

"""Workbooks of Excel before 2007 (.xls), of LibreOffice (.ods) and binary ones (.xlsb)."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mppcqa.tables.errors import ZIP_DAMAGED, TableError
from mppcqa.tables.headings import MAX_COLUMNS, too_many_columns
from mppcqa.tables.layout import find_layout
from mppcqa.tables.separated import decimal_notes
from mppcqa.tables.sheet_size import reach_of
from mppcqa.tables.source import CHUNK_ROWS, Chunk, Reading
from mppcqa.tables.words import say as _

MAX_BYTES = 100 << 20
MAX_CELLS = 2_000_000
SPARSE_CELLS, SPARSE = 200_000, 50
"""More than so many cells, of which fewer than one in so many holds something, are a stray cell."""
PROBED_ROWS = 1000


def is_open_document(path: Path) -> bool:
    """Whether a ZIP archive is a spreadsheet of LibreOffice, or a binary one of Excel."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            return "xl/workbook.bin" in names or (
                "mimetype" in names and b"opendocument.spreadsheet" in archive.read("mimetype")[:99]
            )
    except ZIP_DAMAGED:
        return False


class OldSheetSource:
    """Rows of one sheet; the whole of it is held, for these formats can't be read in pieces."""

    def __init__(self, path: Path, reading: Reading) -> None:
        from python_calamine import CalamineWorkbook

        _refuse_large(path)
        self.path = path
        try:
            book = CalamineWorkbook.from_path(str(path))
            self.sheets = list(book.sheet_names)
            self.sheet = reading.sheet or (self.sheets[0] if self.sheets else "")
            if self.sheet not in self.sheets:
                raise TableError(
                    _("There is no sheet “%(sheet)s”; there are: %(there)s")
                    % {"sheet": self.sheet, "there": ", ".join(self.sheets)}
                )
            rows = book.get_sheet_by_name(self.sheet).to_python(skip_empty_area=False)
        except TableError:
            raise
        except BaseException as error:  # a panic of the reader is no Exception
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            text = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            raise TableError(
                _("The spreadsheet is damaged (%s). Open it and save it anew as .xlsx.") % text
            ) from None
        self._rows = [[_text(value) for value in row] for row in rows]
        lines = ["\t".join(" ".join(c.split()) for c in row) for row in self._rows[:PROBED_ROWS]]
        layout = find_layout(
            [line.rstrip("\t") for line in lines],
            separator="\t",
            has_head=reading.has_head,
            decimal=reading.decimal,
            skip=reading.skip_lines,
        )
        self.columns, self.facts = list(layout.columns), layout.facts
        if len(self.columns) > MAX_COLUMNS:
            raise TableError(too_many_columns(len(self.columns)))
        self.decimal = reading.decimal or "."
        self._first = layout.first
        has_head = layout.heading_at >= 0
        self.used = Reading(decimal=reading.decimal, has_head=has_head, sheet=self.sheet)
        self.notes = [_("Spreadsheet, sheet “%s”.") % self.sheet]
        self.notes += decimal_notes(self.columns, layout)
        titles = layout.heading_at if has_head else layout.first
        if titles:
            self.notes.append(_("%d lines of remarks before the table are left out.") % titles)
        if len(self.sheets) > 1:
            self.notes.append(_("It has %d sheets; one is read at a time.") % len(self.sheets))
        self.notes.append(
            _("Formats of numbers can't be read here: a serial shown as 00071 comes as 71.")
        )

    def chunks(self) -> Iterator[Chunk]:
        width = len(self.columns)
        for start in range(self._first, len(self._rows), CHUNK_ROWS):
            piece = self._rows[start : start + CHUNK_ROWS]
            columns = [
                pa.array([row[at] if at < len(row) else "" for row in piece], pa.string())
                for at in range(width)
            ]
            yield Chunk(np.arange(start + 1, start + 1 + len(piece), dtype=np.int64), columns)


def _refuse_large(path: Path) -> None:
    size = path.stat().st_size
    with suppress(*ZIP_DAMAGED), zipfile.ZipFile(path) as archive:
        size = max(size, sum(member.file_size for member in archive.infolist()) // 4)
    if size > MAX_BYTES:
        raise TableError(_("The spreadsheet is too large to be read whole. Save it as CSV."))
    cells, filled = reach_of(path)
    if cells > MAX_CELLS or cells > max(SPARSE_CELLS, filled * SPARSE):
        raise TableError(
            _(
                "A sheet reaches to its cell number %(n)d, of which %(filled)d hold something; at "
                "most %(most)d are read whole. Remove what stands far below or beside the table, "
                "or save it as CSV."
            )
            % {"n": cells, "filled": filled, "most": MAX_CELLS}
        )


def _text(value: Any) -> str:
    """A cell as the text that would mean the same in CSV."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return "" if value is None else str(value)

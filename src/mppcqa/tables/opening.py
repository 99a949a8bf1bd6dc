"""Which reader opens a table: what is in it decides."""

from __future__ import annotations

import re
from pathlib import Path

from mppcqa.tables.cell_units import converted
from mppcqa.tables.errors import TableError
from mppcqa.tables.excel import ExcelSource
from mppcqa.tables.old_sheets import OldSheetSource, is_open_document
from mppcqa.tables.parquet import ParquetSource
from mppcqa.tables.separated import TextSource
from mppcqa.tables.source import Reading, Source
from mppcqa.tables.words import say as _

WEB_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body|table|\?xml)\b", re.I)


def open_source(path: Path, reading: Reading | None = None) -> Source:
    """Open a table by what is in it, whatever it is called."""
    return converted(_opened(path, reading or Reading()))


def _opened(path: Path, how: Reading) -> Source:
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

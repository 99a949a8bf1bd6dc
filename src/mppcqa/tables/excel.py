"""Excel workbooks, a row at a time; what unpacks to more than it should is refused."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mppcqa.tables.errors import ZIP_DAMAGED, Fault, TableError
from mppcqa.tables.headings import MAX_COLUMNS, is_heading, too_many_columns
from mppcqa.tables.layout import find_layout
from mppcqa.tables.separated import decimal_notes
from mppcqa.tables.source import CHUNK_ROWS, Chunk, Reading
from mppcqa.tables.words import say as _

MAX_UNPACKED = 1 << 30
MAX_TEXTS = 96 << 20
"""Bytes of the table of texts, which is held in memory."""
MAX_RATIO = 250
"""Spreadsheets shrink five- to thirtyfold; a bomb thousandfold."""
NO_VALUES = ("#N/A",)
"""Errors that say that there is no value."""
PROBED_ROWS = 300
DIGITS = re.compile(r'(?:"[^"]*"|\\.|-)*0(?:"[^"]*"|\\.|-|0)*')
"""Formats that show a number as a code of digits: 00000, 000-000, "GX-"0000."""
MAX_SHEET_ROWS = 1_048_576
MAX_PART = 16 << 20
"""Bytes of a part that is neither a sheet nor the table of texts nor a picture: styles, names."""
MAX_TAGS = 300_000
"""Tags between two rows: the reader holds a row at a time, and styles as a whole."""
MAX_ROW_BYTES = 64 << 20
ROW = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?(?:row|si)[\s/>]")
OWN_PLACES = ("xl/worksheets/", "xl/sharedStrings", "xl/media/", "xl/embeddings/")
SCANNED_FROM = 1 << 20


class ExcelSource:
    """Rows of one sheet of a workbook."""

    def __init__(self, path: Path, reading: Reading) -> None:
        self.path = path
        stat = path.stat()
        state = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        self.sheets, self.sheet, self._top = _top(path, state, reading.sheet)
        lines = _first_lines(self._top)
        layout = find_layout(
            lines,
            separator="\t",
            has_head=reading.has_head,
            decimal=reading.decimal,
            skip=reading.skip_lines,
        )
        self.columns, self.facts = list(layout.columns), layout.facts
        self._start = layout.first + 1
        self.decimal = reading.decimal or "."
        has_head = layout.heading_at >= 0
        titles = layout.heading_at if has_head else layout.first
        self.used = Reading(decimal=reading.decimal, has_head=has_head, sheet=self.sheet)
        self.notes = [
            _("Excel workbook, sheet “%s”.") % self.sheet,
            *decimal_notes(self.columns, layout),
        ]
        if titles:
            self.notes.append(_("%d lines of remarks before the table are left out.") % titles)
        if len(self.sheets) > 1:
            self.notes.append(_("It has %d sheets; one is read at a time.") % len(self.sheets))

    def chunks(self) -> Iterator[Chunk]:
        if len(self._top) < PROBED_ROWS:  # the sheet ends there
            few = [_bounded(row) for row in self._top[self._start - 1 :]]
            if few:
                yield self._chunk(self._start, few)
            return
        with _opened(self.path) as book:
            sheet = book[self.sheet]
            # The size that a file states for itself may be wrong: rows beyond it count as well.
            sheet.reset_dimensions()
            # A row with one cell far to the right comes as thousands of empty ones.
            rows = map(_bounded, sheet.iter_rows(min_row=self._start))
            number = self._start
            while True:
                try:
                    piece = list(islice(rows, CHUNK_ROWS // 5))
                except TableError:
                    raise
                except Exception as error:  # as above
                    raise TableError(_broken(error)) from error
                if not piece:
                    return
                yield self._chunk(number, piece)
                number += len(piece)
                if number > MAX_SHEET_ROWS + 1:
                    raise TableError(_("The sheet counts more rows than Excel has."))

    def _chunk(self, number: int, piece: list[Any]) -> Chunk:
        width = len(self.columns)
        faults: list[Fault] = []
        columns: list[list[str | None]] = [[] for _one in range(width)]
        for offset, row in enumerate(piece):
            for place in range(width):
                cell = row[place] if place < len(row) else None
                value = cell.value if cell is not None else None
                kind = getattr(cell, "data_type", "n")
                if kind == "e" and value in NO_VALUES:
                    value = None
                if kind in ("f", "e") and value is not None:
                    faults.append(self._unusable(number + offset, place, kind, value))
                    value = None
                columns[place].append(_shown(cell) if value is not None else None)
            if any(_filled(cell.value) for cell in row[width:]):
                faults.append(
                    Fault(
                        number + offset,
                        "",
                        _("cells to the right of the last named column"),
                        _("Name the column in the first row, or empty the cells."),
                    )
                )
        rows = np.arange(number, number + len(piece), dtype=np.int64)
        return Chunk(rows, [pa.array(column, pa.string()) for column in columns], faults)

    def _unusable(self, row: int, place: int, kind: str, value: object) -> Fault:
        head = self.columns[place].head
        if kind == "e":
            return Fault(row, head, _("Excel shows the error %s") % value, _("Mend the cell."))
        return Fault(
            row,
            head,
            _("the cell holds a formula (%s), no value") % str(getattr(value, "text", value))[:60],
            _("Copy the column and paste it as values, or save the sheet as CSV."),
        )


def _bounded(row: Any) -> Any:
    """A row cut to the columns that are read; nothing but blanks may stand beyond."""
    if len(row) <= MAX_COLUMNS:
        return row
    if any(_filled(cell.value) for cell in row[MAX_COLUMNS:]):
        raise TableError(too_many_columns(len(row)))
    return row[:MAX_COLUMNS]


def _filled(value: Any) -> bool:
    return value is not None and not (isinstance(value, str) and not value.strip())


def _refuse_bombs(path: Path) -> None:
    """Raise before anything is unpacked. Python's zipfile never unpacks more than was declared."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _refuse_large(members)
            for member in members:
                if member.file_size > SCANNED_FROM:
                    _refuse_long_rows(archive, member)
    except ZIP_DAMAGED as error:
        raise TableError(_broken(error)) from None


def _refuse_long_rows(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Refuse a part that has more tags or text between two rows than may be held in memory.

    In XML a ``<`` begins a tag and nothing else, but for comments and the like, which sheets do
    not have. A row's tag that is cut at the end of a piece adds two rows together; no harm.
    """
    tags = size = 0
    with archive.open(member) as file:
        start = file.read(SCANNED_FROM)
        if not start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"\xff\xfe", b"\xfe\xff")):
            return  # a picture
        while start:
            first, *rest = ROW.split(start)
            for part in (first, *rest):
                if part is not first:
                    tags = size = 0
                tags, size = tags + part.count(b"<"), size + len(part)
                if tags > MAX_TAGS or size > MAX_ROW_BYTES or b"<!" in part:
                    text = _("%s has a row that is too long") % member.filename[:80]
                    raise TableError(_broken(ValueError(text)))
            start = file.read(SCANNED_FROM)


def _refuse_large(members: list[zipfile.ZipInfo]) -> None:
    names = {member.filename for member in members}
    if not any(name.startswith("xl/") for name in names):
        raise TableError(_("This is a ZIP archive, no Excel workbook. Unpack it first."))
    total = sum(member.file_size for member in members)
    packed = max(1, sum(member.compress_size for member in members))
    texts = max((m.file_size for m in members if "sharedStrings" in m.filename), default=0)
    other = max((m.file_size for m in members if not m.filename.startswith(OWN_PLACES)), default=0)
    if (
        total > MAX_UNPACKED
        or texts > MAX_TEXTS
        or other > MAX_PART
        or (total > 1 << 24 and total > MAX_RATIO * packed)
    ):
        raise TableError(
            _(
                "The workbook would unpack from %(packed)d kB to %(total)d MB; it is not opened. "
                "If it is a real table, save it as CSV or Parquet."
            )
            % {"packed": packed >> 10, "total": total >> 20}
        )


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    from openpyxl import load_workbook

    with path.open("rb") as file:
        try:
            book = load_workbook(file, read_only=True, data_only=False, keep_links=False)
        except Exception as error:  # whatever a broken workbook makes its reader say
            raise TableError(_broken(error)) from error
        try:
            yield book
        finally:
            book.close()


def _broken(error: Exception) -> str:
    return (
        _("The Excel file is damaged (%s). Open it in Excel and save it anew.") % str(error)[:200]
    )


@lru_cache(maxsize=2)
def _top(path: Path, _state: tuple[int, int, int], wanted: str) -> tuple[list[str], str, list[Any]]:
    """Names of the sheets, the one that is read, and its first rows, or all that it has.

    Found once for a file that is proposed, looked at and read one after the other.
    """
    _refuse_bombs(path)
    with _opened(path) as book:
        sheets = list(book.sheetnames)
        if not sheets:
            raise TableError(_("The workbook has no sheet with cells."))
        name = wanted or sheets[0]
        if name not in sheets:
            raise TableError(
                _("There is no sheet “%(sheet)s”; there are: %(there)s")
                % {"sheet": name, "there": ", ".join(sheets)}
            )
        try:
            sheet = book[name]
            sheet.reset_dimensions()
            rows = list(islice(sheet.iter_rows(), PROBED_ROWS))
        except Exception as error:  # as above
            raise TableError(_broken(error)) from error
    return sheets, name, rows


def _first_lines(rows: list[Any]) -> list[str]:
    """The first rows of a sheet as lines with tabs between the cells."""
    found: list[list[str]] = []
    for row in rows:
        cells = [_shown(cell) or "" for cell in row]
        while cells and not cells[-1].strip():
            cells.pop()
        # One more than can be read: rows that are too long are told when they are read.
        found.append([" ".join(cell.split()) for cell in cells[: MAX_COLUMNS + 1]])
    while found and not found[-1]:
        found.pop()
    # A heading at the top may reach further than the cells of most rows.
    top = found[0] if found else []
    width = len(top) if 2 < len(top) <= MAX_COLUMNS and all(top) and is_heading(top) else 0
    return ["\t".join([*cells, *[""] * (width - len(cells))]) if cells else "" for cells in found]


def _shown(cell: Any) -> str | None:
    """A cell as the text that would mean the same in CSV: a number by its format, 00071."""
    value = cell.value
    if isinstance(value, int | float) and not isinstance(value, bool):
        digits = DIGITS.fullmatch(getattr(cell, "number_format", None) or "")
        if digits and float(value).is_integer() and value >= 0:
            return _as_digits(int(value), digits[0])
    return _text(value)


def _as_digits(value: int, pattern: str) -> str:
    """A whole number in a format of zeros and fixed signs: 71 by ``"GX-"00000`` is GX-00071."""
    parts = re.findall(r'"[^"]*"|\\.|[0-]', pattern)
    zeros = parts.count("0")
    digits = str(value).rjust(zeros, "0")
    shown, rest = [], digits
    for part in reversed(parts):
        if part == "0":
            first = not parts[: parts.index("0")].count("0") and zeros == 1
            shown.append(rest if first else rest[-1:])
            rest, zeros = rest[:-1], zeros - 1
        else:
            shown.append(part.strip('"').removeprefix("\\"))
    return "".join(reversed(shown))


def _text(value: Any) -> str | None:
    """A cell as the text that would mean the same in CSV."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return str(value)

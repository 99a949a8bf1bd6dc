"""Separated text, read by Arrow in blocks."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
from django.utils.translation import gettext as _

from mppcqa.exchange.mapping import is_known
from mppcqa.exchange.source import (
    MAX_COLUMNS,
    MAX_ROWS,
    MOST_TITLES,
    Chunk,
    Column,
    Fault,
    Reading,
    SourceError,
    named_columns,
    read_head,
    too_many_columns,
)

SNIFF_BYTES = 256 * 1024
SNIFF_LINES = 60
BLOCK_BYTES = 8 << 20
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
THOUSANDS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+")
WITH_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")


class CsvSource:
    """Rows of a text file; separator, encoding, decimal mark and head are found out."""

    def __init__(self, path: Path, reading: Reading) -> None:
        self.path = path
        self.notes: list[str] = []
        self.sheets: list[str] = []
        encoding = reading.encoding or find_encoding(path)
        sample, whole = _sample(path, encoding)
        skipped, lines = _lines(sample, whole)
        if not lines:
            raise SourceError(_("The table is empty."))
        titles = _title_lines(lines, reading.delimiter)
        skipped, lines = skipped + titles, lines[titles:]
        delimiter = reading.delimiter or find_delimiter(lines)
        rows = list(csv.reader(lines[:SNIFF_LINES], delimiter=delimiter))
        heads = [cell.strip() for cell in rows[0]]
        width = len(heads)
        while width and not heads[width - 1] and all(_blank(row, width - 1) for row in rows):
            width -= 1
        if width > MAX_COLUMNS:
            raise SourceError(too_many_columns(width))
        has_head = reading.has_head
        if has_head is None:
            has_head = not any(NUMBER.fullmatch(cell) for cell in heads)
        self._width = len(heads)
        self._skip = skipped + (1 if has_head else 0)
        self.columns: list[Column] = named_columns(heads if has_head else [""] * len(heads))
        self.decimal = reading.decimal or _decimal(rows[1:] or rows, delimiter)
        self._encoding = encoding
        self._delimiter = delimiter
        self.used = Reading(
            delimiter=delimiter, encoding=encoding, decimal=self.decimal, has_head=has_head
        )
        self._say(skipped)

    def _say(self, skipped: int) -> None:
        names = {
            ",": _("comma"),
            ";": _("semicolon"),
            "\t": _("tab"),
            "|": _("vertical bar"),
        }
        mark = names.get(self._delimiter, self._delimiter)
        self.notes.append(
            _("Text in %(encoding)s, columns separated by %(mark)s.")
            % {"encoding": self._encoding, "mark": mark}
        )
        if self.decimal == ",":
            self.notes.append(_("Decimals stand after a comma."))
        if skipped:
            self.notes.append(_("%d lines of remarks before the table are left out.") % skipped)
        if not self.used.has_head:
            self.notes.append(_("The first line is data: the columns have no names."))
        if len(self.columns) == 1:
            self.notes.append(
                _("Only one column was found. If there are more, name the separator.")
            )

    def chunks(self) -> Iterator[Chunk]:
        bad: list[Any] = []

        def keep(row: Any) -> str:
            bad.append(row)
            return "skip"

        names = [str(place) for place in range(self._width)]
        seen = self._skip
        told = 0
        try:
            reader = arrow_csv.open_csv(
                self.path,
                read_options=arrow_csv.ReadOptions(
                    use_threads=False,
                    column_names=names,
                    skip_rows=self._skip,
                    block_size=BLOCK_BYTES,
                    encoding="utf-8" if self._encoding == "utf-8-sig" else self._encoding,
                ),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=self._delimiter,
                    newlines_in_values=True,
                    ignore_empty_lines=False,
                    invalid_row_handler=keep,
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string())
                ),
            )
            for batch in reader:
                news, told = bad[told:], len(bad)
                rows = _row_numbers(seen, batch.num_rows, [row.number for row in news])
                seen += batch.num_rows + len(news)
                if seen > MAX_ROWS:
                    raise SourceError(_("The table has more than %d rows. Split it.") % MAX_ROWS)
                yield Chunk(rows, list(batch.columns), [f for f in map(self._odd, news) if f])
        except pa.ArrowInvalid as error:
            if "Empty CSV" in str(error):
                return
            if "block" in str(error):
                raise SourceError(
                    _(
                        "The table has a line of more than %(most)d MB after row %(row)d: a "
                        "quotation mark is not closed, or this is no table."
                    )
                    % {"most": BLOCK_BYTES >> 20, "row": seen}
                ) from None
            raise SourceError(
                _(
                    "The text can't be read as a table after row %(row)d: is a quotation mark not "
                    "closed, or is it another encoding? (%(error)s)"
                )
                % {"row": seen, "error": str(error)[:200]}
            ) from None
        except UnicodeError as error:
            raise SourceError(
                _("The text is not in %(encoding)s after row %(row)d. Choose the encoding.")
                % {"encoding": self._encoding, "row": seen}
            ) from error
        if len(bad) > told:
            # Rows that were refused after the last good one.
            yield Chunk(
                np.empty(0, np.int64),
                [pa.array([], pa.string())] * self._width,
                [f for f in map(self._odd, bad[told:]) if f],
            )

    def _odd(self, row: Any) -> Fault | None:
        """A line with another number of cells; an empty line is none."""
        if not row.text.strip():
            return None
        if lines := row.text.strip().count("\n"):
            return Fault(
                row.number,
                "",
                _("a quotation mark is not closed: %d more lines belong to this row") % lines,
                _("Close it or remove it; the lines behind it are not read before that."),
            )
        return Fault(
            row.number,
            "",
            _("%(found)d cells, but there are %(heads)d columns")
            % {"found": row.actual_columns, "heads": row.expected_columns},
            _("Put texts that hold the separator between quotation marks, or fill empty cells."),
        )


def _row_numbers(seen: int, good: int, bad: list[int | None]) -> np.ndarray:
    """Numbers of good rows, which skip those of the bad ones."""
    total = np.arange(seen + 1, seen + 1 + good + len(bad), dtype=np.int64)
    known = np.array([number for number in bad if number is not None], np.int64)
    return np.setdiff1d(total, known, assume_unique=True)[:good]


def _blank(row: list[str], place: int) -> bool:
    return len(row) <= place or not row[place].strip()


def find_encoding(path: Path) -> str:
    """UTF-8 if all of the file is, UTF-16 or 32 by mark or by zeros, else Windows-1252."""
    with path.open("rb") as file:
        start = file.read(4096)
        for mark, name in MARKS:
            if start.startswith(mark):
                return name
        zeros = (start[::2].count(0), start[1::2].count(0))
        if sum(zeros) > len(start) // 3 and min(zeros) * 10 < max(zeros):
            return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
        decoder = codecs.getincrementaldecoder("utf-8")()
        piece = start
        try:
            while piece:
                if b"\x00" in piece:
                    raise SourceError(
                        _("This is no text but a binary file. Save the table as CSV or Excel.")
                    )
                decoder.decode(piece)
                piece = file.read(1 << 20)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252" if _decodes(path, "cp1252") else "latin-1"
    return "utf-8"


def _decodes(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding, newline="") as file:
            while file.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return False
    return True


def _sample(path: Path, encoding: str) -> tuple[str, bool]:
    """The beginning as text, and whether that is all."""
    try:
        with path.open(encoding=encoding, newline="") as file:
            sample = file.read(SNIFF_BYTES)
            return sample, not file.read(1)
    except (UnicodeError, LookupError):
        raise SourceError(_("The text is not in %s. Choose another encoding.") % encoding) from None


def _lines(sample: str, whole: bool) -> tuple[int, list[str]]:
    """How many lines of remarks come first, and the table's first lines."""
    lines = sample.splitlines(keepends=True)
    if not whole:
        if len(lines) == 1:
            for mark in DELIMITERS:
                if sample.count(mark) >= MAX_COLUMNS:
                    raise SourceError(too_many_columns(sample.count(mark) + 1))
            raise SourceError(_("The first line has no end: this is no table."))
        lines = lines[:-1]
    skipped = 0
    while skipped < len(lines) and (
        not lines[skipped].strip() or lines[skipped].lstrip("\ufeff").startswith(("#", "//"))
    ):
        skipped += 1
    return skipped, lines[skipped:]


def _title_lines(lines: list[str], delimiter: str) -> int:
    """How many lines of one text each come before a line of names that people write."""
    for number in range(min(MOST_TITLES, len(lines))):
        mark = delimiter or find_delimiter(lines[number:])
        cells = next(csv.reader([lines[number]], delimiter=mark), [])
        if sum(bool(cell.strip()) for cell in cells) > 1:
            return number if any(is_known(read_head(cell)) for cell in cells) else 0
    return 0


def find_delimiter(lines: list[str]) -> str:
    """The separator by which most lines have as many cells as the first.

    Of equals not the comma: numbers and names hold commas more often than other separators.
    """
    best, mark_of_best = (0.0, 0), ","
    for mark in sorted(DELIMITERS, key=lambda mark: mark == ","):
        try:
            widths = [len(row) for row in csv.reader(lines[:SNIFF_LINES], delimiter=mark) if row]
        except csv.Error:
            continue
        if not widths or widths[0] < 2:
            continue
        score = (widths.count(widths[0]) / len(widths), widths[0])
        if score > best:
            best, mark_of_best = score, mark
    return mark_of_best


def _decimal(rows: list[list[str]], delimiter: str) -> str:
    """A comma where cells have numbers with one, and none with a point."""
    if delimiter == "," and not any('"' in cell or "," in cell for row in rows for cell in row):
        return "."
    cells = [cell.strip() for row in rows for cell in row]
    commas = sum(bool(WITH_COMMA.fullmatch(cell)) for cell in cells)
    points = sum("." in cell and bool(NUMBER.fullmatch(cell)) for cell in cells)
    grouped = any(THOUSANDS.fullmatch(cell) for cell in cells)
    return "," if grouped or commas > points else "."


def text_file(text: str) -> io.BytesIO:
    """A pasted table as a file."""
    return io.BytesIO(text.encode("utf-8"))

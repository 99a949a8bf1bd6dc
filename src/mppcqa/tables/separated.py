"""Tables of text, read by Arrow in blocks."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from mppcqa.tables.errors import Fault, TableError
from mppcqa.tables.headings import Column
from mppcqa.tables.layout import BLANKS, SAMPLES, Layout, find_layout, is_remark, split
from mppcqa.tables.numbers import AMBIGUOUS, numberlike
from mppcqa.tables.source import MAX_ROWS, Chunk, Reading
from mppcqa.tables.text import BlankedStream, ends_with_line, find_encoding, sample_lines
from mppcqa.tables.words import say as _

BLOCK_BYTES = 8 << 20
MOST_REMARKS = 5
"""Remarks within the table that are told one by one."""
ENDING = re.compile(
    r"(?i)\s*[-*=#/]*\s*(total|sum|mean|average|end|eof|abort|export|generat|page|printed|creat|stop|"
    r"finish|done|interrupt|\d+ (rows|devices|records|lines|values)|fin\b|abortado|media\b)"
)


class TextSource:
    """Rows of a text file; separator, encoding, decimal marks and heading are found out."""

    def __init__(self, path: Path, reading: Reading) -> None:
        self.path = path
        self.notes: list[str] = []
        self.sheets: list[str] = []
        self._encoding = reading.encoding or find_encoding(path)
        self.ended = ends_with_line(path)
        lines = sample_lines(path, self._encoding)
        self.layout = find_layout(
            lines,
            separator=reading.delimiter,
            has_head=reading.has_head,
            decimal=reading.decimal,
            skip=reading.skip_lines,
        )
        self.facts = self.layout.facts
        self.columns = list(self.layout.columns)
        self.decimal = reading.decimal or _most(self.columns)
        has_head = self.layout.heading_at >= 0
        self.used = replace(
            reading,
            delimiter=self.layout.separator,
            encoding=self._encoding,
            decimal=reading.decimal,
            has_head=has_head,
        )
        self._say(_lines_before(lines, self.layout))
        self._told = len(self.notes)

    def _say(self, skipped: int) -> None:
        names = {
            ",": _("comma"),
            ";": _("semicolon"),
            "\t": _("tab"),
            "|": _("vertical bar"),
            BLANKS: _("blanks"),
        }
        mark = names.get(self.layout.separator, self.layout.separator)
        self.notes.append(
            _("Text in %(encoding)s, columns separated by %(mark)s.")
            % {"encoding": self._encoding, "mark": mark}
        )
        self.notes += decimal_notes(self.columns, self.layout)
        if skipped:
            self.notes.append(_("%d lines of remarks before the table are left out.") % skipped)
        if not self.used.has_head:
            self.notes.append(_("The first line is data: the columns have no names."))
        if self.columns[-1].head.lower() == SAMPLES and _is_wide(self) > self.layout.width:
            self.notes.append(_("Numbers behind “%s” are not read.") % self.columns[-1].head)
        if len(self.columns) == 1:
            self.notes.append(
                _("Only one column was found. If there are more, name the separator.")
            )

    def chunks(self) -> Iterator[Chunk]:
        del self.notes[self._told :]
        remarks = _Remarks()
        reader = _Rows(self, remarks)
        try:
            yield from reader.chunks()
        except pa.ArrowInvalid as error:
            if "Empty CSV" in str(error):
                return
            if "block" in str(error):
                raise TableError(
                    _(
                        "The table has a line of more than %(most)d MB after row %(row)d: a "
                        "quotation mark is not closed, or this is no table."
                    )
                    % {"most": BLOCK_BYTES >> 20, "row": reader.seen}
                ) from None
            raise TableError(
                _(
                    "The text can't be read as a table after row %(row)d: is a quotation mark not "
                    "closed, or is it another encoding? (%(error)s)"
                )
                % {"row": reader.seen, "error": str(error)[:200]}
            ) from None
        except UnicodeError as error:
            raise TableError(
                _("The text is not in %(encoding)s after row %(row)d. Choose the encoding.")
                % {"encoding": self._encoding, "row": reader.seen}
            ) from error
        self.notes += remarks.notes()


def decimal_notes(columns: list[Column], layout: Layout) -> list[str]:
    """What a person should know of decimal signs."""
    number = [c for c, kind in zip(columns, layout.numeric, strict=True) if kind]
    with_comma = [column.head for column in number if column.decimal == ","]
    unclear = [column.head for column in number if column.decimal == AMBIGUOUS]
    notes = []
    if with_comma and len(with_comma) == len(number):
        notes.append(_("Decimals stand after a comma."))
    elif with_comma:
        notes.append(_("Decimals stand after a comma in: %s.") % ", ".join(with_comma))
    if told := [f"“{column.head}” [{column.unit}]" for column in columns if column.told]:
        notes.append(_("Units by the remarks above the table: %s.") % ", ".join(told))
    if unclear:
        notes.append(
            _("Thousands or decimals? 1,234 may be both in: %s. Say which sign decimals have.")
            % ", ".join(unclear)
        )
    return notes


def _most(columns: list[Column]) -> str:
    return (
        Counter(c.decimal for c in columns if c.decimal != AMBIGUOUS).most_common(1)[0][0]
        if any(c.decimal != AMBIGUOUS for c in columns)
        else "."
    )


def _lines_before(lines: list[str], layout: Layout) -> int:
    return layout.heading_at if layout.heading_at >= 0 else layout.first


class _Remarks:
    """Lines within or below the table that are no rows of it."""

    def __init__(self) -> None:
        self.found: list[tuple[int, str]] = []
        self.count = 0

    def add(self, row: int, text: str) -> None:
        self.count += 1
        if len(self.found) < MOST_REMARKS:
            self.found.append((row, text.strip()[:80]))

    def notes(self) -> list[str]:
        text = _("Row %(row)d is no row of the table and is left out: “%(text)s”.")
        notes = [text % {"row": row, "text": said} for row, said in self.found]
        if self.count > len(self.found):
            notes.append(_("So are %d more lines.") % (self.count - len(self.found)))
        return notes


class _Rows:
    """One pass through the rows."""

    def __init__(self, source: TextSource, remarks: _Remarks) -> None:
        self.source, self.remarks = source, remarks
        self.layout = source.layout
        self.width = self.layout.width
        self.seen = self.layout.first
        self._bad: list[Any] = []
        self._wide = _is_wide(source)

    def chunks(self) -> Iterator[Chunk]:
        told = 0
        for batch in self._open():
            news, told = self._bad[told:], len(self._bad)
            rows = _row_numbers(self.seen, batch.num_rows, [row.number for row in news])
            self.seen += batch.num_rows + len(news)
            if self.seen > MAX_ROWS:
                raise TableError(_("The table has more than %d rows. Split it.") % MAX_ROWS)
            cells = [column.combine_chunks() if hasattr(column, "combine_chunks") else column
                     for column in batch.columns][: self.width]  # fmt: skip
            yield from self._pieces(rows, cells, news)
        if len(self._bad) > told:
            # Rows that were refused after the last good one.
            empty = [pa.array([], pa.string())] * self.width
            yield from self._pieces(np.empty(0, np.int64), empty, self._bad[told:])

    def _open(self) -> Any:
        names = [str(place) for place in range(self._wide)]
        blanks = self.layout.separator == BLANKS
        encoding = self.source._encoding
        file: Any = self.source.path
        if blanks:
            file = pa.PythonFile(BlankedStream(self.source.path, encoding), mode="r")
            encoding = "utf-8"
        return arrow_csv.open_csv(
            file,
            read_options=arrow_csv.ReadOptions(
                use_threads=False,
                column_names=names,
                skip_rows=self.layout.first,
                block_size=BLOCK_BYTES,
                encoding="utf-8" if encoding == "utf-8-sig" else encoding,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter="\t" if blanks else self.layout.separator,
                quote_char=False if blanks else '"',
                newlines_in_values=not blanks,
                ignore_empty_lines=False,
                invalid_row_handler=self._keep,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string())
            ),
        )

    def _keep(self, row: Any) -> str:
        self._bad.append(row)
        return "skip"

    def _pieces(self, rows: np.ndarray, cells: list[pa.Array], odd: list[Any]) -> Iterator[Chunk]:
        """Good rows with those that are short of or beyond empty ends, in their order."""
        faults: list[Fault] = []
        mended: list[tuple[int, list[str]]] = []
        for row in odd:
            number = row.number if row.number is not None else self.seen
            answer = self._odd(row, number)
            if isinstance(answer, Fault):
                faults.append(answer)
            elif answer is not None:
                mended.append((number, answer))
        if mended:
            extra = np.array([number for number, _row in mended], np.int64)
            rows = np.concatenate([rows, extra])
            order = np.argsort(rows, kind="stable")
            rows = rows[order]
            more = [
                pa.array([row[i] for _n, row in mended], pa.string()) for i in range(self.width)
            ]
            cells = [
                pa.concat_arrays([one, two]).take(pa.array(order))
                for one, two in zip(cells, more, strict=True)
            ]
        if len(rows):
            keep = self._without_remarks(rows, cells)
            if keep is not None:
                rows = rows[keep]
                cells = [column.filter(pa.array(keep)) for column in cells]
        if len(rows) or faults:
            yield Chunk(rows, cells, faults)

    def _without_remarks(self, rows: np.ndarray, cells: list[pa.Array]) -> np.ndarray | None:
        """Which rows are no remarks: lines that begin with # and have no number in the table."""
        import pyarrow.compute as pc

        first = pc.utf8_ltrim_whitespace(pc.fill_null(cells[0], ""))
        marked = pc.match_substring_regex(first, r"^(#|//|%|!|\*\*|==|--[^0-9])")
        if not pc.any(marked).as_py():
            return None
        keep = np.ones(len(rows), bool)
        for at in np.flatnonzero(marked.to_numpy(zero_copy_only=False)).tolist():
            row = [column[at].as_py() or "" for column in cells]
            if self._numbers(row) == 0:
                keep[at] = False
                self.remarks.add(int(rows[at]), " ".join(cell for cell in row if cell))
        return keep

    def _numbers(self, row: list[str]) -> int:
        return sum(
            kind and numberlike(cell) for kind, cell in zip(self.layout.numeric, row, strict=False)
        )

    def _odd(self, row: Any, number: int) -> Fault | list[str] | None:
        """A line with another number of cells: mended, a fault, or None for what is no row."""
        text = row.text.strip("\r\n")
        if not text.strip():
            return None
        if lines := text.strip().count("\n"):
            return Fault(
                number,
                "",
                _("a quotation mark is not closed: %d more lines belong to this row") % lines,
                _("Close it or remove it; the lines behind it are not read before that."),
            )
        mark = "\t" if self.layout.separator == BLANKS else self.layout.separator
        found = split(text, mark)
        if is_remark(text) or self._is_ending(found):
            self.remarks.add(number, text)
            return None
        if len(found) > self.width and not any(found[self.width :]):
            return found[: self.width]
        if len(found) == self.width and len(found) < self._wide:
            return found
        return Fault(
            number,
            "",
            _("%(found)d cells, but there are %(heads)d columns")
            % {"found": row.actual_columns, "heads": self.width},
            _("Put texts that hold the separator between quotation marks, or fill empty cells."),
        )

    def _is_ending(self, row: list[str]) -> bool:
        """A line of words where the table has numbers, or one that says that it ends there."""
        filled = [cell for cell in row if cell]
        if not filled or any(map(numberlike, filled)):
            return False
        if len(filled) == 1 and self.width > 1 and ENDING.match(filled[0]):
            return True
        # In a table of numbers alone a line without any is no row.
        return all(self.layout.numeric)


def _is_wide(source: TextSource) -> int:
    """Cells of a row as they stand: with the empty one behind a separator at the end."""
    layout = source.layout
    counts: Counter[int] = Counter()
    for line in sample_lines(source.path, source._encoding)[layout.first : layout.first + 200]:
        if line.strip() and not is_remark(line):
            counts[len(split(line, layout.separator))] += 1
    if not counts:
        return layout.width
    return max(layout.width, counts.most_common(1)[0][0])


def _row_numbers(seen: int, good: int, bad: list[int | None]) -> np.ndarray:
    """Numbers of good rows, which skip those of the bad ones."""
    total = np.arange(seen + 1, seen + 1 + good + len(bad), dtype=np.int64)
    known = np.array([number for number in bad if number is not None], np.int64)
    return np.setdiff1d(total, known, assume_unique=True)[:good]


def text_cells(text: str, delimiter: str) -> list[str]:
    """Cells of a pasted line."""
    return next(csv.reader([text], delimiter=delimiter), [])

"""Where in a text the table lies: separator, headings, units, first row, what stands around it."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import zip_longest

from mppcqa.tables.cell_units import number_of, units_of_cells
from mppcqa.tables.errors import TableError
from mppcqa.tables.heading_rows import (
    above_comments,
    above_units,
    filled,
    first_below,
    is_number,
)
from mppcqa.tables.headings import (
    MAX_COLUMNS,
    Column,
    are_units,
    is_heading,
    is_known,
    named_columns,
    read_head,
    too_many_columns,
    with_conditions_above,
)
from mppcqa.tables.numbers import decimal_sign, is_word_for_nothing, numberlike
from mppcqa.tables.told_units import told_units
from mppcqa.tables.words import say as _

BLANKS = " "
"""Separator of columns that stand apart by any number of blanks."""
SEPARATORS = ("\t", ";", "|", ",", BLANKS)
REMARKS = ("#", "//", "%", "!", "--", "**", "==")
SAMPLES = "samples"
"""Heading of as many cells as follow it, which CoMPASS writes last."""
PROBED = 400
MOST_TITLES = 200
"""Lines of titles, facts and remarks that may stand before the table."""
NUMERIC = 0.6


@dataclass(frozen=True)
class Layout:
    """How a text holds its table; lines count from 0."""

    separator: str
    width: int
    first: int
    """The first line with cells of the table."""
    heading: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    heading_at: int = -1
    numeric: tuple[bool, ...] = ()
    """Which columns hold numbers."""
    facts: dict[str, str] = field(default_factory=dict)
    """``key: value`` lines above the table."""
    decimals: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    """The columns with their units: of headings, of remarks above them, of their cells."""


def is_remark(line: str) -> bool:
    """Whether a line is a remark of a program: # and its kin before words."""
    return line.lstrip("\ufeff \t").startswith(REMARKS) and not re.match(r"\s*--?\d", line)


def split(line: str, separator: str) -> list[str]:
    """A line's cells without the blanks around them."""
    if separator == BLANKS:
        return line.split()
    if '"' not in line:
        return [cell.strip() for cell in line.rstrip("\r\n").split(separator)]
    try:
        row = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    except csv.Error:
        row = line.split(separator)
    return [cell.strip() for cell in row]


def find_layout(
    lines: Sequence[str],
    *,
    separator: str = "",
    has_head: bool | None = None,
    decimal: str = "",
    skip: int = 0,
) -> Layout:
    """Where the table lies in the first lines of a text. Raises `TableError` where none does."""
    return _find_layout(tuple(lines), separator, has_head, decimal, skip)


@lru_cache(maxsize=8)
def _find_layout(
    lines: tuple[str, ...], separator: str, has_head: bool | None, decimal: str, skip: int
) -> Layout:
    """Found once for a file that is proposed, looked at and read one after the other."""
    body = _body(lines, skip)
    if not body:
        raise TableError(_("The table is empty."))
    mark = separator or find_separator([lines[at] for at in body])
    rows = {at: split(lines[at], mark) for at in body}
    rows = _without_samples(rows)
    width = _width(_later(list(rows.values())))
    if width > MAX_COLUMNS:
        raise TableError(too_many_columns(width))
    kinds = _numeric(rows, width)
    heading_at, first = _place(lines, rows, mark, width, kinds, skip)
    if has_head is False:
        heading_at = -1
    if has_head and heading_at < 0:
        heading_at, first = first, first + 1
    if heading_at >= 0 and not is_remark(lines[heading_at]):
        # Rows whose last cells are empty may be shorter than their heading.
        named = split(lines[heading_at], mark)
        while named and not named[-1]:
            named.pop()
        width = max(width, len(named)) if mark != BLANKS else width
    heading, units = _heading(lines, mark, heading_at, first, width, kinds)
    above_it = [[], *(row for at, row in rows.items() if at < heading_at)]
    heading = with_conditions_above(heading, above_it[-1])
    if heading_at >= 0 and units:
        first = max(first, heading_at + 2)
    beyond = [rows[at] for at in rows if at >= first]
    kinds = _numeric({at: rows[at] for at in rows if at >= first} or rows, width)
    _refuse_commas(mark, heading, width, kinds)
    if heading_at >= 0:
        _refuse_fewer_heads(split_heading(lines[heading_at], mark, width), beyond, width)
    width = _without_empty_ends(width, heading, beyond)
    above = heading_at if heading_at >= 0 else first
    signs = _decimals(beyond, width, decimal)
    columns = named_columns(heading[:width] or [""] * width, units[:width])
    columns = [replace(one, decimal=sign) for one, sign in zip(columns, signs, strict=True)]
    columns = units_of_cells(told_units(columns, lines[skip:above]), beyond)
    return Layout(
        mark,
        width,
        first,
        heading[:width],
        units[:width],
        heading_at,
        kinds[:width],
        read_facts(lines[skip:above]),
        signs,
        tuple(columns),
    )


def _without_samples(rows: dict[int, list[str]]) -> dict[int, list[str]]:
    """Rows cut at their last heading where that is one of samples."""
    width = next((len(row) for row in list(rows.values())[:40] if row[-1].lower() == SAMPLES), 0)
    return {at: row[:width] for at, row in rows.items()} if width > 2 else rows


def _body(lines: Sequence[str], skip: int) -> list[int]:
    """Places of the lines that are neither blank nor remarks: the first, and the last ones seen."""
    found = [at for at in range(skip, len(lines)) if lines[at].strip() and not is_remark(lines[at])]
    return found if len(found) <= 2 * PROBED else found[:PROBED] + found[-PROBED:]


def find_separator(lines: Sequence[str]) -> str:
    """The separator by which most lines have one number of cells, and the cells are numbers.

    Of equals the comma comes last but blanks: numbers and names hold commas more often than other
    separators. Blanks part columns only where nothing else does and numbers are what they part.
    """
    best, mark_of_best = (0.0, 0.0, 0), ","
    for mark in SEPARATORS:
        rows = [row for row in (split(line, mark) for line in lines) if row]
        usual = _later(rows)
        width, often = Counter(len(row) for row in usual).most_common(1)[0]
        if width < 2:
            continue
        full = [cell for row in usual if len(row) == width for cell in row if cell]
        share = sum(map(is_number, full)) / max(1, len(full))
        better = best[0] > NUMERIC and best[1] >= round(share, 1)
        if mark == BLANKS and (better or not _blanks_part(rows, width, share)):
            continue
        score = (round(often / len(usual), 1), round(share, 1), width)
        if score > best:
            best, mark_of_best = score, mark
    return mark_of_best


def _blanks_part(rows: list[list[str]], width: int, share: float) -> bool:
    """Whether blanks separate columns rather than words."""
    heads = any(len(row) == width and sum(map(_known, row)) > 1 for row in rows[:40])
    several = len(rows) > 1 or width > 3
    return several and (share > NUMERIC or heads)


def _known(cell: str) -> bool:
    return is_known(read_head(cell))


def _later(rows: list[list[str]]) -> list[list[str]]:
    """Rows that are probably of the table: not the first ones, where there are many."""
    return rows[len(rows) // 3 :] if len(rows) >= 12 else rows


def _width(rows: list[list[str]]) -> int:
    """The number of cells that most rows have; of equals the larger."""
    counts = Counter(len(row) for row in rows)
    most = max(counts.values())
    return max(width for width, n in counts.items() if n == most)


def _numeric(rows: dict[int, list[str]], width: int) -> tuple[bool, ...]:
    """Which columns hold numbers, by the later rows."""
    full = [row for row in rows.values() if len(row) >= min(2, width)]
    later = full[len(full) // 3 :] or full
    found = []
    for place in range(width):
        cells = [row[place] for row in later if place < len(row) and row[place]]
        meant = [cell for cell in cells if not is_word_for_nothing(cell)]
        found.append(bool(meant) and sum(map(is_number, meant)) >= NUMERIC * len(meant))
    return tuple(found)


def _place(
    lines: Sequence[str],
    rows: dict[int, list[str]],
    mark: str,
    width: int,
    kinds: tuple[bool, ...],
    skip: int,
) -> tuple[int, int]:
    """Lines of the heading (-1 for none) and of the first row."""
    first = next((at for at, row in rows.items() if _is_row(row, width, kinds)), -1)
    if first < 0:
        first = next((at for at, row in rows.items() if filled(row) >= min(2, width)), min(rows))
    # A fact such as "Instrument, 2461" has a number too, where the first column has none.
    full = next((at for at, row in rows.items() if _is_row(row, width, kinds, 0.5)), first)
    # The last row of known headings at or above the first row of numbers.
    tops = [at for at in rows if at <= full and at - skip <= MOST_TITLES]
    if not any(kinds):
        for at in list(rows)[:40]:
            if filled(rows[at]) >= min(2, width) or width == 1:
                known = [_known(cell) for cell in rows[at]]
                if any(known) and filled(rows[at]) >= 0.5 * width:
                    return at, at + 1
        return -1, first
    for at in reversed(tops):
        row = rows[at] if mark != BLANKS else split_heading(lines[at], mark, width)
        enough = filled(row) >= max(1 if width == 1 else 2, 0.4 * width)
        if enough and is_heading(row) and len(row) <= width + 1:
            below = [one for one in rows if one > at]
            if (named := above_comments(rows, at)) >= 0:
                return named, below[0] if below else at + 1
            at = above_units(rows, at)
            return at, first_below(rows, at, full, kinds)
    if first in rows and not _is_row(rows[first], width, kinds):
        return -1, first
    above = [at for at in rows if at < first]
    if above:
        row = rows[above[-1]]
        texts = [cell for cell in row if cell and not is_number(cell)]
        if abs(len(row) - width) <= 1 and len(texts) == filled(row) >= max(2, 0.5 * width):
            return above[-1], first
    commented = _commented_heading(lines, first, mark, width)
    return commented, first


def _commented_heading(lines: Sequence[str], first: int, mark: str, width: int) -> int:
    """A remark just above the first row that names the columns, as in ``# V I T``."""
    for at in range(first - 1, max(-1, first - 4), -1):
        if not is_remark(lines[at]):
            continue
        cells = split_heading(lines[at], mark, width)
        fact = width > 1 and cells[0].endswith((":", "="))
        if len(cells) == width and is_heading(cells) and not fact:
            return at
    return -1


LABEL = re.compile(
    r"^[\ufeff\s]*(?:#+|//+|%+|!+)\s*(?:(?:columns?|fields?|headings?|data|columnas?)\s*[:=]\s*)?",
    re.I,
)
"""What stands before headings in a remark: ``# columns: V [V], I [A]``."""


def split_heading(line: str, mark: str, width: int) -> list[str]:
    """Cells of a line of headings; a remark's mark before them is no part of the first."""
    text = LABEL.sub("", line) if is_remark(line) else line
    for one in (mark, "\t", ",", ";"):
        cells = split(text, one)
        if len(cells) == width:
            return cells
    if mark == BLANKS:
        apart = re.split(r"\s{2,}|\t", text.strip())
        joined = _joined_units(text.split())
        return next((one for one in (apart, joined) if len(one) == width), text.split())
    if is_remark(line):
        return re.split(r"\s{2,}|\t", text.strip())
    return split(text, mark)


def _heading(
    lines: Sequence[str],
    mark: str,
    at: int,
    first: int,
    width: int,
    kinds: tuple[bool, ...],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Headings, and the units of a row of units below them."""
    if at < 0:
        return (), ()
    heads = split_heading(lines[at], mark, width)
    while len(heads) > width and not heads[-1]:
        heads.pop()
    heads += [""] * (width - len(heads))
    units: list[str] = []
    for line in lines[at + 1 : at + 3]:
        if line.strip():
            cells = split_heading(line, mark, width)
            if are_units(cells) and not any(map(is_number, cells)):
                units = cells
            break
    if units and (comments := [line for line in lines[at + 2 : first] if line.strip()]):
        said = split(comments[-1], mark)
        heads = [f"{head} {one}".strip() for head, one in zip_longest(heads, said, fillvalue="")]
    return tuple(heads[:width]), tuple(units)


def _joined_units(heads: list[str]) -> list[str]:
    """``Voltage (V)`` parted by blanks is one heading."""
    joined: list[str] = []
    for head in heads:
        if joined and re.fullmatch(r"[\[(].*[\])]", head):
            joined[-1] += " " + head
        else:
            joined.append(head)
    return joined


def _is_row(row: list[str], width: int, kinds: tuple[bool, ...], share: float = 0.0) -> bool:
    """Whether a row has numbers where the table has them, in more than a share of its places."""
    if len(row) < min(width, 2) or len(row) > width + 1:
        return False
    cells = [row[place] for place, kind in enumerate(kinds) if kind and place < len(row)]
    there = [cell for cell in cells if cell and not is_word_for_nothing(cell)]
    told = sum(map(bool, cells)) > share * sum(kinds)
    return bool(there) and told and all(map(is_number, there))


def _without_empty_ends(width: int, heading: tuple[str, ...], rows: list[list[str]]) -> int:
    """Lines that end with a separator have a column too many."""
    while (
        width > 1
        and (len(heading) < width or not heading[width - 1])
        and all(len(row) < width or not row[width - 1] for row in rows)
    ):
        width -= 1
    return width


def _refuse_commas(
    mark: str, heading: tuple[str, ...], width: int, kinds: tuple[bool, ...]
) -> None:
    """Decimal commas between commas that separate: each number is two."""
    heads = [head for head in heading if head]
    if mark == "," and len(heads) >= 1 and width == 2 * len(heads) and all(kinds) and width > 2:
        raise TableError(
            _(
                "There are %(heads)d headings and %(width)d numbers in a row: commas separate "
                "columns and decimals alike. Save it with semicolons or tabs between columns."
            )
            % {"heads": len(heads), "width": width}
        )


def _refuse_fewer_heads(heads: list[str], rows: list[list[str]], width: int) -> None:
    """Fewer headings than columns: they may stand above the first columns, or above the last."""
    full = sum(len(row) >= width and bool(row[width - 1]) for row in rows)
    if 1 < len(heads) < width and full > NUMERIC * len(rows):
        raise TableError(
            _(
                "There are %(heads)d headings and %(width)d cells in a row: which heading is "
                "whose? Give each column its own, or leave its place empty between separators."
            )
            % {"heads": len(heads), "width": width}
        )


def _decimals(rows: list[list[str]], width: int, decimal: str) -> tuple[str, ...]:
    """The decimal sign of each column."""
    if decimal:
        return (decimal,) * width
    columns = [[number_of(row[i]) for row in rows if i < len(row)] for i in range(width)]
    first = [decimal_sign(cells, others="") for cells in columns]
    sure = {
        sign
        for sign, cells in zip(first, columns, strict=True)
        if any(sign in cell for cell in cells if numberlike(cell)) and sign in ".,"
    }
    others = next(iter(sure)) if len(sure) == 1 else ""
    return tuple(decimal_sign(cells, others=others) for cells in columns)


FACT = re.compile(
    r"^\s*[#%/!*;]*\s*(?P<key>[^\W\d][^:=\t,;]{0,60}?)\s*(?:[:=]|\t|[,;])\s*(?P<value>.+?)\s*$"
)


def read_facts(lines: Sequence[str]) -> dict[str, str]:
    """``key: value``, ``key = value`` and ``# key: value`` lines; several may share one line."""
    found: dict[str, str] = {}
    for line in lines:
        parts = re.split(r"[,;]\s+(?=[^\W\d][\w ]*[:=])", line) if line.count("=") > 1 else [line]
        for part in parts:
            match = FACT.match(part.replace('"', ""))
            if match:
                value = match["value"].strip(" ,;\t")
                found.setdefault(match["key"].strip(" #/*-\t"), value)
    return found

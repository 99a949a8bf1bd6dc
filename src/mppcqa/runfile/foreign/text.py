"""Text files as laboratories write them: any encoding, separator and decimal sign."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mppcqa.runfile.foreign.mapping import Column, ForeignError, Mapping

MAX_BYTES = 500_000_000
SEPARATORS = ("\t", ";", ",", " ")
PROBED_LINES = 40


def read_lines(path: Path, limit: int | None = None) -> list[str]:
    """Lines of a text file without their ends; `ForeignError` where it is no text.

    `limit` reads only that many bytes from the start, for a look at a large file.
    """
    size = path.stat().st_size
    if size == 0:
        raise ForeignError(f"{path.name}: the file is empty")
    if limit is None and size > MAX_BYTES:
        raise ForeignError(
            f"{path.name}: {size / 1e6:.0f} MB of text; at most {MAX_BYTES / 1e6:.0f} MB are read"
        )
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES if limit is None else limit)
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = raw.decode("utf-16", "replace")
    elif b"\0" in raw[:4096]:
        raise ForeignError(f"{path.name}: this is no text file")
    else:
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = raw.decode("latin-1")
    control = sum(character < " " and character not in "\t\r\n\f" for character in text[:4096])
    if control > 0.02 * len(text[:4096]):
        raise ForeignError(f"{path.name}: this is no text file")
    lines = text.splitlines()
    return lines[:-1] if limit is not None and len(raw) == limit else lines


def cells(line: str, separator: str) -> list[str]:
    """A line's cells without blanks and quotes around them."""
    parts = line.split() if separator == " " else line.split(separator)
    return [part.strip().strip('"').strip() for part in parts]


def number(text: str, decimal: str) -> float:
    """A cell's number; NaN where it is none."""
    if decimal == ",":
        text = text.replace(".", "").replace(",", ".")
    try:
        return float(text)
    except ValueError:
        return math.nan


@dataclass(frozen=True)
class Shape:
    """How a table is written, and where its numbers begin (line from 0)."""

    separator: str
    decimal: str
    first: int
    heading: tuple[str, ...]


def find_shape(lines: list[str], mapping: Mapping, name: str) -> Shape:
    """Separator, decimal sign and first line of numbers."""
    rest = [line for line in lines[mapping.skip_lines :] if line.strip()]
    probed = rest[len(rest) // 2 :][:PROBED_LINES]
    best = ("", "", 0)
    wanted = max((int(c.source) for c in mapping.columns if c.source.isdigit()), default=1)
    for separator in [mapping.separator] if mapping.separator else SEPARATORS:
        for decimal in [mapping.decimal] if mapping.decimal else (".", ","):
            if separator == decimal:
                continue
            counts = [_numbers(cells(line, separator), decimal) for line in probed]
            good = min(counts, default=0)
            if good >= wanted and good > best[2]:
                best = (separator, decimal, good)
    if not best[2]:
        raise ForeignError(
            f"{name}: no table of numbers with at least {wanted} columns was found; is it the "
            "right mapping?"
        )
    separator, decimal, width = best
    for first in range(mapping.skip_lines, len(lines)):
        if _numbers(cells(lines[first], separator), decimal) >= width:
            break
    above = lines[first - 1] if first else ""
    return Shape(separator, decimal, first, tuple(cells(above, separator)))


def _numbers(row: list[str], decimal: str) -> int:
    """How many cells of a row are numbers; -1 where one is something else."""
    full = [cell for cell in row if cell]
    if any(math.isnan(number(cell, decimal)) and cell.lower() != "nan" for cell in full):
        return -1
    return len(full)


def column_place(column: Column, heading: tuple[str, ...], name: str) -> int:
    """Place of a column (from 0) by its number or its heading."""
    if column.source.isdigit() and int(column.source) >= 1:
        return int(column.source) - 1
    if column.source in heading:
        return heading.index(column.source)
    plain = {re.sub(r"\W+", "", title).lower(): place for place, title in enumerate(heading)}
    wanted = re.sub(r"\W+", "", column.source).lower()
    if wanted and wanted in plain:
        return plain[wanted]
    there = ", ".join(title for title in heading if title) or "no headings"
    raise ForeignError(f"{name}: there is no column {column.source!r}; there are {there}")


def read_columns(
    lines: list[str], shape: Shape, columns: tuple[Column, ...], name: str
) -> list[NDArray[np.float64]]:
    """Columns in their mapping's order and in its units; every number must be finite.

    Raises `ForeignError` that names the line and the column of the first bad cell.
    """
    places = [column_place(column, shape.heading, name) for column in columns]
    comma = shape.decimal == ","
    rows: list[list[float]] = []
    for at in range(shape.first, len(lines)):
        if not lines[at].strip():
            continue
        row = cells(lines[at], shape.separator)
        try:
            picked = [row[place] for place in places]
            if comma:
                picked = [one.replace(".", "").replace(",", ".") for one in picked]
            rows.append([float(one) for one in picked])
        except (IndexError, ValueError):
            raise ForeignError(_bad_cell(name, at, row, places, columns, shape.decimal)) from None
    if not rows:
        raise ForeignError(f"{name}: the table holds no line")
    table = np.array(rows, float)
    bad = np.argwhere(~np.isfinite(table))
    if len(bad):
        raise ForeignError(
            f"{name}: line {shape.first + int(bad[0][0]) + 1}, column "
            f"{columns[bad[0][1]].source}: not a finite number"
        )
    return [table[:, i] * column.factor for i, column in enumerate(columns)]


def _bad_cell(
    name: str,
    at: int,
    row: list[str],
    places: list[int],
    columns: tuple[Column, ...],
    decimal: str,
) -> str:
    for place, column in zip(places, columns, strict=True):
        where = f"{name}: line {at + 1}, column {column.source}"
        if place >= len(row):
            return f"{where}: there are {len(row)} columns only; was the file cut off?"
        if math.isnan(number(row[place], decimal)):
            return f"{where}: {row[place][:40]!r} is no number"
    return f"{name}: line {at + 1} can't be read"

"""Sweeps as instruments' own programs export them: Keithley 2450's buffer, Keysight EasyEXPERT.

Keithley's CSV (2450, 2460, 2470 and DAQ6510: ``Index,Reading,Unit,…,Value,Unit``) has a column of
units beside each number; EasyEXPERT's (B1500, B2900) names its columns in ``DataName``, with values
in volts and amperes in the rows of ``DataValue``.
"""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from mppcqa.tables.errors import TableError
from mppcqa.tables.formats.base import Format, lines_at, refuse_other_kind
from mppcqa.tables.headings import Column as Heading
from mppcqa.tables.headings import roles_of
from mppcqa.tables.limit_flags import limit_flags, without_limited
from mppcqa.tables.mapping import Column, Mapping
from mppcqa.tables.measured import Floats, Measured
from mppcqa.tables.numbers import to_number
from mppcqa.tables.parts import from_rows
from mppcqa.tables.rows import Rows
from mppcqa.tables.text import read_lines, refuse_cut
from mppcqa.tables.units import Unit, read_unit
from mppcqa.tables.words import say as _

HEADER_LINES = 200
KEITHLEY_HEADS = ("Reading", "Value")
UNITS = {"Amp DC": "A", "Volt DC": "V", "Amp": "A", "Volt": "V"}


def looks(start: bytes, path: Path) -> bool:
    return any(_is_heading(line) for line in lines_at(start, HEADER_LINES)[:-1])


def _is_heading(line: str) -> str:
    """Which of the two a line begins the rows of; empty for another."""
    cells = [cell.strip() for cell in line.split(",")]
    if {"Reading", "Value"} <= set(cells) and cells.count("Unit") > 1:
        return "keithley"
    return "easyexpert" if cells[0] == "DataName" and len(cells) > 2 else ""


def read(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """Curves of one bias; a channel for each current."""
    refuse_other_kind(path, mapping, "iv", FORMAT.title)
    lines = read_lines(path, limit)
    at = next((n for n, line in enumerate(lines[:HEADER_LINES]) if _is_heading(line)), -1)
    if at < 0:
        raise TableError(_("%s: no heading of a sweep; was the file cut off?") % path.name)
    rows = [[cell.strip() for cell in row] for row in csv.reader(lines[at + 1 :])]
    heads = [cell.strip() for cell in lines[at].split(",")]
    rows = [row for row in rows if any(row)]
    if limit is None:
        short = next((n for n, row in enumerate(rows) if len(row) < len(heads)), -1)
        if short >= 0 and rows[short][0] != "DataName":
            raise TableError(_not_whole(path, short))
        refuse_cut(path, rows)
    named = _keithley if _is_heading(lines[at]) == "keithley" else _easyexpert
    columns = named(path, heads, rows)
    wanted = {column.source: column for column in mapping.columns}
    bias = [(name, values) for name, unit, values in columns if unit == "V"]
    current = [(name, values) for name, unit, values in columns if unit == "A"]
    if wanted:
        bias = [one for one in bias if wanted.get(one[0], Column("", "")).role == "bias_v"]
        current = [one for one in current if wanted.get(one[0], Column("", "")).role == "current_a"]
    if len(bias) != 1 or not current or (len(current) > 1 and not wanted and not _alike(current)):
        there = ", ".join(f"{name} [{unit}]" for name, unit, _values in columns)
        raise TableError(
            _("%(name)s: which is the bias, which the current? Name them in a mapping: %(t)s")
            % {"name": path.name, "t": there}
        )
    found: list[tuple[Column, Floats]] = [(Column(bias[0][0], "bias_v"), bias[0][1])]
    found += [
        (Column(name, "current_a", channel=wanted[name].channel if wanted else n), values)
        for n, (name, values) in enumerate(current)
    ]
    if named is _easyexpert:
        rows = [row for row in rows if row[0] == "DataValue"]
    kept, notes = _within_limit(heads, rows)
    found = [(column, values[kept]) for column, values in found]
    above = [line.partition(",") for line in lines[:at]]
    facts = {key.strip(): value.strip(" ,") for key, mark, value in above if mark and key.strip()}
    made = Rows(found, facts=facts, notes=notes)
    return from_rows(path, replace(mapping, columns=tuple(column for column, _v in found)), made)


def _within_limit(heads: list[str], rows: list[list[str]]) -> tuple[np.ndarray, list[str]]:
    """Rows (n,) bool that were not at the supply's limit, and a note on those that were."""
    kept, notes = np.ones(len(rows), bool), []
    for place in limit_flags([Heading(head, head) for head in heads], []):
        cells = pa.array([row[place] if place < len(row) else "" for row in rows])
        kept, told = without_limited(kept, cells, Heading(heads[place], heads[place]))
        notes += told
    return kept, notes


def _alike(columns: list[tuple[str, Floats]]) -> bool:
    """Whether columns differ by a number alone, as those of channels do."""
    return len({re.sub(r"\d+", "", name) for name, _values in columns}) == 1


Named = tuple[str, str, Floats]
"""Name, unit (V, A) and values of a column."""


def _keithley(path: Path, heads: list[str], rows: list[list[str]]) -> list[Named]:
    found = []
    for name in KEITHLEY_HEADS:
        place = heads.index(name)
        beside = place + 1
        if beside >= len(heads) or heads[beside] != "Unit":
            raise TableError(
                _("%(name)s: %(head)s has no unit") % {"name": path.name, "head": name}
            )
        units = {row[beside] for row in rows if beside < len(row)}
        unit = _base(next(iter(units))) if len(units) == 1 else None
        if unit is None:
            raise TableError(
                _("%(name)s: the unit of %(head)s is %(units)s; volts or amperes are due")
                % {"name": path.name, "head": name, "units": ", ".join(sorted(units)[:5])}
            )
        values = _numbers(path, [row[place : place + 1] for row in rows]) * unit.factor
        found.append((name, unit.base, values))
    return found


def _base(text: str) -> Unit | None:
    unit = read_unit(UNITS.get(text, text))
    return unit if unit is not None and unit.base in ("V", "A") else None


def _easyexpert(path: Path, heads: list[str], rows: list[list[str]]) -> list[Named]:
    """Columns by their names, V1 and I1; of several sweeps in one file none is taken."""
    if any(row[0] == "DataName" for row in rows):
        raise TableError(_("%s: it holds several measurements; save each apart") % path.name)
    rows = [row for row in rows if row[0] == "DataValue"]
    found = []
    for place, name in enumerate(heads[1:], 1):
        roles = roles_of(Heading(name, name))
        unit = "V" if "bias_v" in roles else "A" if "current_a" in roles else ""
        if unit:
            found.append((name, unit, _numbers(path, [row[place : place + 1] for row in rows])))
    return found


def _numbers(path: Path, cells: list[list[str]]) -> Floats:
    """Numbers of one column; what instruments send for none is none."""
    values = [to_number(cell[0], ".") if cell else None for cell in cells]
    if None in values or not values:
        at = values.index(None) if None in values else 0
        raise TableError(_not_whole(path, at))
    table = np.array(values, float)
    return np.where(np.abs(table) > 9e37, np.nan, table)


def _not_whole(path: Path, row: int) -> str:
    return _("%(name)s: row %(line)d of the sweep is not whole: was the file cut off?") % {
        "name": path.name,
        "line": row + 1,
    }


FORMAT = Format(
    "instrument_sweep",
    "Sweep of Keithley (2450, DAQ6510) or Keysight EasyEXPERT",
    "iv",
    looks,
    read,
    "The buffer that a Keithley 2450 saves (Reading, Unit, Value, Unit), and DataName, DataValue "
    "of Keysight's EasyEXPERT.",
)

"""Cells that carry their units: ``49.0 V``, ``0.02n``, ``1,5 µA``.

A column has such cells where its heading means a physical quantity and they are in a unit of it, or
with a letter before it alone; everything else that ends in letters (serials, models) stays text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import cast

import pyarrow as pa

from mppcqa.tables.headings import UNIT_ROLES, Column, read_head, roles_of
from mppcqa.tables.numbers import is_word_for_nothing, numberlike, to_number
from mppcqa.tables.source import Chunk, Source
from mppcqa.tables.units import PREFIXES, conversion, read_unit
from mppcqa.tables.words import say as _

NUMBER = r"[+\-\u2212]?[\d.,' \u00a0]*\d[.,]?(?:[eE][+-]?\d{1,3})?"
WITH_UNIT = re.compile(rf"(?P<number>{NUMBER})(?P<gap>\s?)(?P<unit>[^\d\s.,+-]\S{{0,7}})")
LETTERS = {"n", "u", "µ", "μ", "p", "m", "f", "k"}
"""Letters before a unit that stand alone behind numbers; M may be either size, K a temperature."""
LEAST_SHARE = 0.6
ROLE_UNITS = {"bias_v": "V", "current_a": "A", "spread_a": "A", "rate_hz": "Hz"}


@lru_cache(maxsize=1 << 14)
def with_unit(cell: str) -> tuple[str, str] | None:
    """Number and unit of a cell that has both; None where it is something else.

    A whole number with one letter behind it (71A) is a name rather than a value.

    >>> with_unit("49.0 V"), with_unit("0.02n"), with_unit("71A")
    (('49.0', 'V'), ('0.02', 'n'), None)
    """
    text = cell.strip()
    if not text or not text[-1:].strip() or text[-1].isdigit():
        return None
    found = WITH_UNIT.fullmatch(text)
    if found is None or not numberlike(found["number"]):
        return None
    number, unit = found["number"].strip(), found["unit"]
    if len(unit) == 1 and not found["gap"] and number.lstrip("+-").isdecimal():
        return None
    if unit not in LETTERS:
        known = read_unit(unit)
        if known is None or not known.base or known.base == "ADC":
            return None
    return number, unit


def number_of(cell: str) -> str:
    """A cell without its unit."""
    found = with_unit(cell)
    return cell if found is None else found[0]


def units_of_cells(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> list[Column]:
    """The columns, those whose cells have units with the unit that their numbers come out in."""
    some = list(rows)
    done = []
    for place, column in enumerate(columns):
        cells = [row[place] for row in some if place < len(row) and row[place].strip()]
        unit = _unit(column, [one for one in cells if not is_word_for_nothing(one)])
        done.append(replace(column, unit=unit, cell_units=True) if unit else column)
    return done


def _unit(column: Column, cells: Sequence[str]) -> str:
    """The unit of a column whose cells have units; empty for none, or where it is no value."""
    units = [found[1] for cell in cells if (found := with_unit(cell)) is not None]
    if not units or len(units) < LEAST_SHARE * len(cells):
        return ""
    if column.unit:
        due = read_unit(column.unit)
        return column.unit if due is not None and due.base else ""
    roles = roles_of(column)
    full = {known.base for one in units if one not in LETTERS and (known := read_unit(one))}
    if len(full) == 1:
        (base,) = full
        fits = set(UNIT_ROLES.get(base, ())) & set(roles) or (base in ("s", "Hz") and roles)
        return base if fits else ""
    said = {ROLE_UNITS[role] for role in roles if role in ROLE_UNITS}
    return said.pop() if not full and len(said) == 1 else ""


def converted(source: Source) -> Source:
    """A source whose cells are numbers in their columns' units."""
    has_units = any(column.cell_units for column in source.columns)
    return cast(Source, _Converted(source)) if has_units else source


class _Converted:
    """Another source, with the numbers of some columns as texts without units."""

    def __init__(self, source: Source) -> None:
        self._source = source
        heads = ", ".join(f"“{one.head}” [{one.unit}]" for one in source.columns if one.cell_units)
        source.notes.append(_("Cells with units are read as numbers in: %s.") % heads)
        if hasattr(source, "_told"):
            source._told += 1

        self.ended = bool(getattr(source, "ended", True))

    def __getattr__(self, name: str) -> object:
        return getattr(self._source, name)

    def chunks(self) -> Iterator[Chunk]:
        for chunk in self._source.chunks():
            cells = [
                _plain(one, column, self.ended) if column.cell_units else one
                for one, column in zip(chunk.cells, self._source.columns, strict=False)
            ]
            yield replace(chunk, cells=cells)


def _plain(cells: pa.Array, column: Column, ended: bool) -> pa.Array:
    coded = cells.cast(pa.string()).dictionary_encode()
    texts = [_number(one, column, ended) if one else one for one in coded.dictionary.to_pylist()]
    return pa.array(texts, pa.string()).take(coded.indices)


def _number(text: str, column: Column, ended: bool) -> str:
    """A cell as a number in its column's unit; what has none, or another's, is left to be told.

    Of a file without a last line end a number alone may be what a cut left of one with a unit.
    """
    found = with_unit(text)
    due = read_unit(column.unit)
    if found is None or due is None:
        plain = due is not None and due.factor == 1.0 and not due.offset and ended
        said = plain and bool(read_head(column.head).unit)
        lacks = numberlike(text) and not said and to_number(text, column.decimal) != 0.0
        return _("%s (no unit)") % text if lacks else text
    number, unit = found
    value = to_number(number, column.decimal)
    factor, offset = None, 0.0
    if unit in LETTERS:
        factor = PREFIXES[unit] if due.factor == 1.0 and not due.offset else None
    elif change := conversion(unit, column.unit):
        factor, offset = change.factor, change.offset
    if value is None or factor is None:
        return text
    return f"{value * factor + offset:.15g}".replace(".", column.decimal)

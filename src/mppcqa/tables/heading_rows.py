"""Rows of units and of comments between the headings of a table and its first row."""

from __future__ import annotations

from collections.abc import Sequence

from mppcqa.tables.cell_units import with_unit
from mppcqa.tables.headings import are_units, is_heading
from mppcqa.tables.numbers import is_word_for_nothing, numberlike


def is_number(cell: str) -> bool:
    return numberlike(cell) or with_unit(cell) is not None


def filled(row: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in row)


def above_units(rows: dict[int, list[str]], at: int) -> int:
    """The heading of a row of units: the row above, where it has as many words."""
    above = [one for one in rows if one < at]
    if above and are_units(rows[at]):
        row = rows[above[-1]]
        words = [cell for cell in row if cell]
        if len(words) >= filled(rows[at]) and not any(map(is_number, words)):
            return above[-1]
    return at


def above_comments(rows: dict[int, list[str]], at: int) -> int:
    """The headings of a row of comments below their units, as Origin writes; else -1."""
    above = [one for one in rows if one < at][-2:]
    named = len(above) == 2 and are_units(rows[above[1]]) and not are_units(rows[at])
    return above[0] if named and is_heading(rows[above[0]]) else -1


def first_below(
    rows: dict[int, list[str]], heading: int, first: int, kinds: tuple[bool, ...]
) -> int:
    """The first row: the one below the heading, a row of units, and one of comments."""
    below = [at for at in rows if heading < at]
    if below and below[0] < first and are_units(rows[below[0]]):
        below = below[1:]
        if below[0] < first:
            words = [
                (kind, cell) for kind, cell in zip(kinds, rows[below[0]], strict=False) if cell
            ]
            said = all(kind and not is_word_for_nothing(cell) for kind, cell in words)
            below = below[1:] if said and not any(is_number(cell) for _k, cell in words) else below
    return below[0] if below else heading + 1

"""Columns of channels whose cells are names with a number: ``CH03``, ``Pixel 7``."""

from __future__ import annotations

import re

import pyarrow as pa

from mppcqa.tables.numbers import Numbers, numbers, texts
from mppcqa.typed import whole

NAMED = re.compile(
    r"(?i)(?P<name>ch(?:an(?:nel)?)?|canal|kanal|pixel|px|cell|sipm|mppc)[ _#.-]?"
    r"(?P<number>\d{1,4})"
)


def channel_number(text: str) -> int | None:
    """The channel that one cell names, by number or by name; None where it names none.

    >>> channel_number("CH03"), channel_number("12"), channel_number("S13360-1")
    (3, 12, None)
    """
    named = NAMED.fullmatch(text.strip())
    return whole(named["number"] if named else text, most=9999)


def channel_numbers(column: pa.Array, decimal: str = ".") -> Numbers:
    """Numbers of a column of channels; where all are named alike, those of their names.

    >>> channel_numbers(pa.array(["CH03", "ch12"])).value.tolist()
    [3.0, 12.0]
    """
    found = numbers(column, decimal)
    if not found.broken.any():
        return found
    cells = texts(column)
    named = {text: NAMED.fullmatch(text) for text in set(cells.to_pylist()) if text}
    if len({one["name"].lower() if one else "" for one in named.values()}) != 1:
        return found
    told = [one["number"] if (one := named.get(text)) else None for text in cells.to_pylist()]
    return found if None in named.values() else numbers(pa.array(told, pa.string()))

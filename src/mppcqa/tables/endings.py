"""Which rows of a table are measurements: not footers, repeated headings, or what a cut left."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from mppcqa.tables.headings import edge_of, roles_of
from mppcqa.tables.mapping import Mapping
from mppcqa.tables.numbers import is_word_for_nothing, numberlike, numbers, texts
from mppcqa.tables.source import Source
from mppcqa.tables.text import looks_cut

LOOKED_AT = 40
"""Lines at the end of a table of which all cells are looked at."""
MOST_FOOTERS = 10
WORD = re.compile(r"[^\W\d_][^<>≤≥]*")
BEYOND = re.compile(r"(?i)(under|over)[ _-]?flows?( bin)?|[+-]?(1\.?#)?inf(inity)?|[-+]?∞")
"""Rows of a histogram that are no bins of it."""


def rows_kept(
    source: Source,
    mapping: Mapping,
    places: Sequence[int],
    cells: dict[int, pa.Array],
    last: list[list[str]],
) -> np.ndarray:
    """Which rows (n,) bool stay; `last`: all cells of the last ones, where the end was read."""
    size = len(cells[places[0]])
    kept = np.ones(size, bool)
    number, blank = np.zeros(size, bool), np.ones(size, bool)
    for column, place in zip(mapping.columns, places, strict=True):
        if column.role == "serial":
            continue
        found = numbers(cells[place], source.columns[place].decimal)
        number |= ~(found.empty | found.broken)
        blank &= found.empty & ~found.word
        if mapping.kind == "spectrum":
            kept &= ~_beyond(cells[place])
    kept &= ~blank
    there = np.flatnonzero(number)
    if len(there):
        kept[there[-1] + 1 :] = False
    if footers := _footers(source, last):
        kept[size - footers :] = False
    counts = [
        place
        for column, place in zip(mapping.columns, places, strict=True)
        if column.role == "count"
    ]
    if mapping.kind == "spectrum" and last and _last_is_open(source, last[-1]):
        kept[-1] = False
    if last and _last_is_cut(source, places, counts, kept, cells):
        kept[np.flatnonzero(kept)[-1]] = False
    elif (
        last and mapping.kind != "waveform" and kept[-1] and _may_lack_digits(source, places, last)
    ):
        kept[-1] = False
    return kept


def _beyond(cells: pa.Array) -> np.ndarray:
    """Rows (n,) that a histogram has below its first and above its last bin."""
    size = len(cells)
    found = np.zeros(size, bool)
    for at in {*range(min(2, size)), *range(max(0, size - 2), size)}:
        found[at] = bool(BEYOND.fullmatch(str(cells[at].as_py() or "").strip()))
    return found


def _last_is_open(source: Source, row: list[str]) -> bool:
    """Whether the last bin's upper edge is no number, whichever of the edges is the charge."""
    return any(
        edge_of(heading) > 0 and BEYOND.fullmatch(text)
        for heading, text in zip(source.columns, row, strict=False)
    )


def last_texts(cells: Sequence[pa.Array]) -> list[list[str]]:
    """The texts of the last lines of some columns, a list a line."""
    columns = [texts(one.slice(max(0, len(one) - LOOKED_AT))).to_pylist() for one in cells]
    return [list(row) for row in zip(*columns, strict=True)]


def _footers(source: Source, last: list[list[str]]) -> int:
    """How many of the last lines have a word (Mean, Max, V_br) where those above have numbers."""
    numeric = []
    for place, heading in enumerate(source.columns):
        column = [row[place] for row in last if row[place] and not is_word_for_nothing(row[place])]
        share = sum(map(numberlike, column)) / len(column) if column else 0.0
        if share > 0.6 and "serial" not in roles_of(heading):
            numeric.append(place)
    count = 0
    for row in reversed(last):
        words = [row[place] for place in numeric if WORD.fullmatch(row[place])]
        if not any(not is_word_for_nothing(word) and not numberlike(word) for word in words):
            break
        count += 1
    return count if count <= min(MOST_FOOTERS, len(last) // 3) else 0


def _may_lack_digits(source: Source, places: Sequence[int], last: list[list[str]]) -> bool:
    """Whether a text ends without a line end in a number that is shorter than others may be.

    Of a column of 73, 264 and 736 a last 73 may be what a cut left of any; a last 736 is whole.
    """
    filled = [place for place, text in enumerate(last[-1]) if text]
    if getattr(source, "ended", True) or len(last) < 3 or not filled or filled[-1] not in places:
        return False
    final, *others = [row[filled[-1]].lstrip("+-") for row in reversed(last)]
    return numberlike(final) and len(final) < max(map(len, others))


def _last_is_cut(
    source: Source,
    places: Sequence[int],
    counts: Sequence[int],
    kept: np.ndarray,
    cells: dict[int, pa.Array],
) -> bool:
    """Whether the last row of a text has no line end, and lacks digits or may lack some.

    A number lacks them where all others of its column have more; one of `counts` may always.
    """
    at = np.flatnonzero(kept)
    if getattr(source, "ended", True) or len(at) < 2:
        return False
    rows = at[-60:].tolist()
    for place in places:
        texts_ = [str(cells[place][row].as_py() or "") for row in rows]
        if looks_cut(texts_[-1], texts_[:-1]):
            return True
    # Counts differ in digits: of 908, what is left of a cut may be 90. Only 0 is surely whole.
    final = {place: str(cells[place][rows[-1]].as_py() or "") for place in counts}
    return any(text.strip("0") != "" for text in final.values())

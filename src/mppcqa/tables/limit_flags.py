"""Columns that say whether a source meter was at its limit: what it read then is no leakage."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from mppcqa.tables.headings import Column, meaning
from mppcqa.tables.numbers import texts
from mppcqa.tables.words import say as _

FLAG = re.compile(
    r"(?:in |is |i |current |source )?(?:over ?)?(?:compl(?:iance)?|limit(?:ed)?)"
    r"(?: ?(?:flag|status|state|reached|hit|trip(?:ped)?|on|\?))*"
)
STATUS = re.compile(r"(?:\w+ )?stat(?:us|e)?(?: \d)?|flags?|remarks?|comments?|notes?|quality")
YES = re.compile(r"(?i)1(\.0*)?|t|true|y|yes|on|hit|reached|c|.*\b(compl|limit|trip).*")
NO = re.compile(r"(?i).*\b(no|not|out of|below|without)\b.*")
SAID = re.compile(r"(?i)c|.*\b(in )?(compl(iance)?|(current |i ?)?limit(ed)?)\b.*")
"""Of a column of any status only what names the limit; ``C`` is Keysight's word for it."""


def limit_flags(headings: Sequence[Column], taken: Sequence[int]) -> list[int]:
    """Places of columns that no mapping names and that may say so; one in amperes is a setting."""
    return [
        place
        for place, one in enumerate(headings)
        if place not in taken and not one.unit and (_flags(one) or _is_status(one))
    ]


def _flags(heading: Column) -> bool:
    return FLAG.fullmatch(meaning(heading.name)) is not None


def _is_status(heading: Column) -> bool:
    return STATUS.fullmatch(meaning(heading.name)) is not None


def limited(cells: pa.Array, heading: Column) -> np.ndarray:
    """Which rows (n,) bool were at the limit.

    >>> limited(pa.array(["N", "C", "in compliance", "no limit"]), Column("Status", "Status"))
    array([False,  True,  True, False])
    """
    words = YES if _flags(heading) else SAID
    said = texts(cells).to_pylist()
    known = {one: bool(words.fullmatch(one)) and not NO.fullmatch(one) for one in set(said)}
    return np.array([known[one] for one in said], bool)


def without_limited(
    kept: np.ndarray, cells: pa.Array, heading: Column
) -> tuple[np.ndarray, list[str]]:
    """Rows (n,) bool that stay, and a note: at the supply's limit the current is its own."""
    flagged = kept & limited(cells, heading)
    if not flagged.any() or flagged.sum() == kept.sum():
        return kept, []  # a setting that is written into each row flags nothing
    text = _("%(n)d points at the supply's limit, by “%(head)s”, are left out")
    return kept & ~flagged, [text % {"n": int(flagged.sum()), "head": heading.head}]

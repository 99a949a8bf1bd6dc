"""Columns of cells as arrays of numbers and texts, with masks of what can't be used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T|$)"
EXACT = 2.0**53
"""Beyond it not every whole number is one that a float can have."""
NOT_FINITE = r"(?i)^[+-]?(nan|inf(inity)?|#n/a|n/a)$"


@dataclass(frozen=True)
class Numbers:
    """`value` float64 [n] (NaN where there is none), and masks bool [n]."""

    value: np.ndarray
    empty: np.ndarray
    broken: np.ndarray
    """A text that is no number."""
    infinite: np.ndarray
    """NaN or an infinity, written or stored as such."""


def texts(column: pa.Array) -> pa.Array:
    """Strings without outer blanks; empty where there was nothing."""
    if not pa.types.is_string(column.type):
        if pa.types.is_floating(column.type):
            # A serial that a spreadsheet made a number of.
            whole = pc.equal(column, pc.floor(column))
            small = pc.less(pc.abs(column), EXACT)
            if pc.all(pc.fill_null(pc.and_(whole, small), True)).as_py():
                column = column.cast(pa.int64())
        column = column.cast(pa.string())
    return pc.utf8_trim_whitespace(pc.fill_null(column, ""))


def dates(column: pa.Array) -> NDArray[np.bool_]:
    """Which cells are dates, as the sources write them [n]."""
    found = pc.match_substring_regex(texts(column), DATE)
    return np.asarray(found.to_numpy(zero_copy_only=False), bool)


def numbers(column: pa.Array, decimal: str = ".") -> Numbers:
    """Numbers of a column of texts or of numbers."""
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        value = column.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(float)
        empty = column.is_null().to_numpy(zero_copy_only=False)
        infinite = ~np.isfinite(value) & ~empty
        return Numbers(value, empty, np.zeros(len(value), bool), infinite)
    cleaned = texts(column)
    if decimal == ",":
        # A point may mean thousands there, so that it is no number: 12.345 could be either.
        mixed = pc.match_substring(cleaned, ".")
        cleaned = pc.replace_substring(cleaned, ",", ".")
        cleaned = pc.if_else(mixed, pc.binary_join_element_wise("?", cleaned, ""), cleaned)
    empty = pc.equal(cleaned, "").to_numpy(zero_copy_only=False)
    try:
        filled = pc.if_else(pa.array(empty), "nan", cleaned) if empty.any() else cleaned
        value = pc.cast(filled, pa.float64()).to_numpy(zero_copy_only=False)
        broken = np.zeros(len(value), bool)
    except pa.ArrowInvalid:
        good = pc.match_substring_regex(cleaned, NUMBER)
        value = pc.cast(pc.if_else(good, cleaned, "nan"), pa.float64())
        value = value.to_numpy(zero_copy_only=False)
        odd = pc.match_substring_regex(cleaned, NOT_FINITE).to_numpy(zero_copy_only=False)
        broken = ~good.to_numpy(zero_copy_only=False) & ~empty & ~odd
    infinite = ~np.isfinite(value) & ~empty & ~broken
    return Numbers(value, empty, broken, infinite)

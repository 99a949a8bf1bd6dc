"""Columns of cells as numbers: decimal signs, thousands, words for nothing, limits.

What a cell means is decided for its whole column, never for the cell alone: 1,234 is a thousand in
one column and a bit more than one in another, and where a column doesn't tell, it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T|$)"
EXACT = 2.0**53
"""Beyond it not every whole number is one that a float can have."""
AMBIGUOUS = "?"
"""The decimal sign of a column of which each number could have two meanings."""

NOTHING = re.compile(
    r"(?i)[-–—]{1,3}|\.{2,3}|\?|#?\s?n\s?[/.]?\s?[adm]\.?|#n/[av]|#value!?|#div/0!?|null|none|"
    r"not[ _-]?(measured|available|tested|done|applicable)|no[ _](data|reading|measurement)|"
    r"missing|empty|untested|"
    r"no (medido|disponible)|sin (dato|datos|medir)|s/d|nicht gemessen|k\.?\s?a\.?"
)
"""Words that people and programs write where nothing was measured."""
NO_READING = re.compile(r"(?i)overfl(ow)?|ovrflw|ovrng|over ?range|o\.?l\.?|ovf?ld?|out of range")
"""Words of instruments for a reading beyond their range."""
NOT_FINITE = re.compile(r"(?i)[+-]?(nan(\(ind\))?|inf(inity)?|1\.#(inf|qnan|ind)0*)")
UPPER = ("<", "≤", "less", "menos")
LIMIT = re.compile(r"\s*(?:[<>≤≥]=?|less than|more than|menos de|más de)\s*(.+)", re.I)
SPACES = re.compile(r"(?<=\d)[ '’_\u00a0\u2009\u202f](?=\d{3}(?:\D|$))")
PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d{1,3})?")
WEAK = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")
GROUPS = re.compile(r"[+-]?\d{1,3}(?P<mark>[.,])\d{3}(?:(?P=mark)\d{3})*(?:(?!(?P=mark))[.,]\d*)?")
KEITHLEY = (9.9e37, 9.91e37)
"""What instruments of SCPI send for a reading beyond their range, and for none."""


@dataclass(frozen=True)
class Numbers:
    """`value` float64 [n] (NaN where there is none), and masks bool [n]."""

    value: NDArray[np.float64]
    empty: NDArray[np.bool_]
    """Nothing, or a word or number for nothing; `word` marks the latter."""
    broken: NDArray[np.bool_]
    """A text that is no number."""
    infinite: NDArray[np.bool_]
    """NaN or an infinity, written or stored as such."""
    word: NDArray[np.bool_]
    limit: NDArray[np.bool_]
    """A limit such as ``<1000``: no value, and not empty either."""
    at: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    """Where the limits lie [n]; of length 0 where there are none."""
    side: NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, np.int8))
    """1 of an upper limit, -1 of a lower one [n]; of length 0 where there are none."""

    def changed(
        self, factor: float | NDArray[np.float64], offset: float | NDArray[np.float64] = 0.0
    ) -> Numbers:
        """The same in another unit, or each in one of its own ([n])."""
        value = self.value * factor + offset
        if not len(self.at):
            return replace(self, value=value)
        side = np.where(np.asarray(factor) < 0, -self.side, self.side)
        return replace(self, value=value, at=self.at * factor + offset, side=side)


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


def decimal_sign(cells: Iterable[str], others: str = "") -> str:
    """The decimal sign of a column, `AMBIGUOUS` where each cell could mean two numbers.

    `others` is the sign of the table's other columns, where they have one.

    >>> decimal_sign(["49.0", "51.25"]), decimal_sign(["2,00e-11"]), decimal_sign(["1.234,5"])
    ('.', ',', ',')
    >>> decimal_sign(["52,310", "52,290"]), decimal_sign(["52,310"], others=",")
    ('?', ',')
    """
    strong, weak = {".": 0, ",": 0}, {".": 0, ",": 0}
    for cell in cells:
        text = plain(cell)
        points, commas = text.count("."), text.count(",")
        if (not points and not commas) or not _NUMBERLIKE.fullmatch(text):
            continue
        if points and commas:
            strong["." if text.rfind(".") > text.rfind(",") else ","] += 1
        elif points > 1 or commas > 1:
            if GROUPS.fullmatch(text):
                strong["," if points > 1 else "."] += 1
        elif WEAK.fullmatch(text):
            weak["." if points else ","] += 1
        else:
            strong["." if points else ","] += 1
    if strong["."] or strong[","]:
        return "," if strong[","] > strong["."] else "."
    if not weak["."] and not weak[","]:
        return others or "."
    if weak["."] and weak[","]:
        return AMBIGUOUS
    mark = "." if weak["."] else ","
    if others:
        return others if others == mark else AMBIGUOUS
    return "." if mark == "." else AMBIGUOUS


_NUMBERLIKE = re.compile(r"[+-]?[\d.,]*\d[\d.,]*(?:[eEdD][+-]?\d{1,3})?")


def plain(cell: str) -> str:
    """A cell without what is set around and between digits for the eye."""
    text = cell.strip().strip('"').replace("\u2212", "-").replace("\u00a0", " ").strip()
    if text and not text.isalpha():
        text = SPACES.sub("", text)
    return text


def to_number(cell: str, decimal: str = "", *, grouped: bool = False) -> float | None:
    """The number that one cell is; None where it is none or could be two.

    Without a decimal sign the cell itself must tell, as in the header of a file. `grouped` says
    that its column has marks between thousands.
    """
    text = plain(cell)
    if PLAIN.fullmatch(text) and (decimal in ("", ".")):
        return float(text.replace("d", "e").replace("D", "e"))
    sign = decimal or decimal_sign([text])
    if sign == AMBIGUOUS or not _NUMBERLIKE.fullmatch(text):
        return None
    other = "," if sign == "." else "."
    if other in text:
        body = re.split("[eEdD]", text)[0]
        groups = GROUPS.fullmatch(body)
        sure = grouped or sign in body or body.count(other) > 1
        if not groups or groups["mark"] != other or not sure:
            return None
        text = text.replace(other, "")
    text = text.replace(sign, ".")
    if not PLAIN.fullmatch(text):
        return None
    return float(text.replace("d", "e").replace("D", "e"))


def is_word_for_nothing(cell: str) -> bool:
    """Whether a cell says that nothing was measured, or that the reading was out of range."""
    text = cell.strip()
    return bool(NOTHING.fullmatch(text) or NO_READING.fullmatch(text))


@lru_cache(maxsize=1 << 14)
def numberlike(cell: str) -> bool:
    """Whether a cell is a number in one way of writing or the other."""
    return bool(_NUMBERLIKE.fullmatch(plain(cell)))


def numbers(column: pa.Array, decimal: str = ".") -> Numbers:
    """Numbers of a column of texts or of numbers."""
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        value = column.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(float)
        empty = column.is_null().to_numpy(zero_copy_only=False)
        none = np.zeros(len(value), bool)
        return _without_readings(Numbers(value, empty, none, none, none, none))
    cleaned = texts(column)
    empty = pc.equal(cleaned, "").to_numpy(zero_copy_only=False)
    none = np.zeros(len(cleaned), bool)
    if decimal == ".":
        try:
            filled = pc.if_else(pa.array(empty), "nan", cleaned) if empty.any() else cleaned
            value = pc.cast(filled, pa.float64()).to_numpy(zero_copy_only=False)
            return _without_readings(Numbers(value, empty, none, none, none, none))
        except pa.ArrowInvalid:
            pass
    return _one_by_one(cleaned, empty, decimal)


def _one_by_one(cleaned: pa.Array, empty: NDArray[np.bool_], decimal: str) -> Numbers:
    """Each different text is looked at once."""
    coded = pc.dictionary_encode(cleaned)
    different = coded.dictionary.to_pylist()
    grouped = _are_grouped(different, decimal)
    kinds = [_kind(text, decimal, grouped) for text in different]
    where = coded.indices.to_numpy(zero_copy_only=False)
    value = np.array([number for number, _kind_ in kinds], float)[where]
    kind = np.array([one for _number, one in kinds], "U1")[where]
    word = kind == "w"
    side = (kind == "l").astype(np.int8) - (kind == "m").astype(np.int8)
    at = np.where(side != 0, value, np.nan)
    value = np.where(side != 0, np.nan, value)
    found = Numbers(
        *(value, empty | word, (kind == "b") & ~empty, np.zeros(len(value), bool), word, side != 0),
        *(at, side),
    )
    return _without_readings(found)


SURE_GROUPS = 3
"""So many numbers of several groups of thousands are no mistake in typing."""


def _are_grouped(cells: list[str], decimal: str) -> bool:
    """Whether a column of whole numbers has marks between thousands: 1.234.567 beside 24.494."""
    other = "," if decimal == "." else "."
    several = [text for text in cells if text.count(other) > 1 and GROUPS.fullmatch(plain(text))]
    return len(several) >= SURE_GROUPS and not any(decimal in text for text in cells)


def _kind(text: str, decimal: str, grouped: bool = False) -> tuple[float, str]:
    number = to_number(text, decimal, grouped=grouped)
    if number is not None:
        return number, "n"
    if not text:
        return np.nan, "e"
    if NOT_FINITE.fullmatch(text):
        return (np.inf if "inf" in text.lower() else np.nan), "n"
    if is_word_for_nothing(text):
        return np.nan, "w"
    found = LIMIT.fullmatch(text)
    if found and any(mark.isdecimal() for mark in found[1]):
        # Of a limit that can't be read nothing but that it is one is known.
        limit = to_number(found[1], decimal)
        side = "l" if text.strip().lower().startswith(UPPER) else "m"
        return np.nan if limit is None else limit, side
    return np.nan, "b"


def _without_readings(found: Numbers) -> Numbers:
    """What instruments send for no reading is none; what is not finite is marked."""
    value, word = found.value, found.word
    with np.errstate(invalid="ignore"):
        size = np.abs(value)
        sent = np.zeros(len(value), bool)
        if (size > 9e37).any():
            for one in KEITHLEY:
                sent |= np.abs(size - one) < 5e34
    if sent.any():
        value = np.where(sent, np.nan, value)
        word = word | sent
    empty = found.empty | sent
    infinite = ~np.isfinite(value) & ~empty & ~found.broken & ~found.limit
    return replace(found, value=value, empty=empty, infinite=infinite, word=word)

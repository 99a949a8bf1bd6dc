"""What people type into forms and addresses, read in one way: numbers, days, JSON.

Digits are those from 0 to 9: Python's own readers take ``²`` for a digit and fail on it, read
``nan`` and ``1_000`` as numbers, and go on for ever about 4,000 digits. No Django here: every room
may read what was typed.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from typing import Any, NoReturn

MOST_WHOLE = 2_147_483_647
"""What a column of whole numbers holds on every database."""
MOST_DEPTH = 20
MOST_JSON = 1_000_000
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_NUMBER = re.compile(r"[+-]?([0-9]{1,40}([.,][0-9]{0,40})?|[.,][0-9]{1,40})([eE][+-]?[0-9]{1,3})?")
_COMMA = re.compile(r"[0-9],[0-9]", re.ASCII)
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]{1,6})?)?)?"
    r"\s?(Z|UTC|[+-][0-9]{2}:?[0-9]{2})?",
    re.ASCII,
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class NotReadable(ValueError):
    """What was typed is not what was asked for; `key` says in which way, `part` where."""

    def __init__(self, key: str, part: str = "") -> None:
        super().__init__(key)
        self.key = key
        self.part = part


def whole(text: object, least: int = 0, most: int = MOST_WHOLE) -> int | None:
    """A whole number within bounds; None for anything else."""
    written = str("" if text is None else text).strip()
    if not _WHOLE.fullmatch(written):
        return None
    number = int(written)
    return number if least <= number <= most else None


def number(text: object) -> float | None:
    """A finite number, with a decimal point or comma; None for anything else."""
    written = str("" if text is None else text).strip().replace("−", "-")
    if not _NUMBER.fullmatch(written):
        return None
    value = float(written.replace(",", "."))
    return value if math.isfinite(value) else None


def comma_between_digits(text: object) -> bool:
    """Whether a comma in a text of numbers may part two or be a decimal one: ``5,10``.

    A comma with a blank after it parts them.
    """
    return bool(_COMMA.search(str("" if text is None else text)))


def numbers(text: object) -> list[float]:
    """Finite numbers with blanks or semicolons between them, or a comma with a blank after it.

    Raises `NotReadable` with the key ``comma`` for `comma_between_digits`, or ``number``; its
    `part` is what can't be read.
    """
    found = []
    for part in re.split(r"[\s;]+|,\s+", str("" if text is None else text).strip(" ,;\t\r\n")):
        if not part:
            continue
        if comma_between_digits(part):
            raise NotReadable("comma", part)
        value = number(part)
        if value is None:
            raise NotReadable("number", part)
        found.append(value)
    return found


def day(text: object) -> dt.date | None:
    """A day that the calendar has, as ``2027-03-31``; None for anything else."""
    written = str("" if text is None else text).strip()
    if not _DAY.fullmatch(written):
        return None
    try:
        return dt.date.fromisoformat(written)
    except ValueError:
        return None


def moment(text: object) -> dt.datetime | None:
    """A day, or a day with a time, as ``2027-03-31 14:30``, in UTC unless it says otherwise.

    A day alone is its beginning. None for anything else.
    """
    found = _MOMENT.fullmatch(str("" if text is None else text).strip())
    if found is None:
        return None
    date, time, seconds, zone = found.groups()
    zone = "+00:00" if zone in (None, "Z", "UTC") else zone
    try:
        read = dt.datetime.fromisoformat(f"{date}T{time or '00:00'}{seconds or ''}{zone}")
        return read.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def json_document(text: str) -> Any:
    """JSON that every database and browser takes: finite numbers, whole texts, a sane depth.

    Raises `NotReadable` with the key ``json``, ``long``, ``deep``, ``number`` or ``text``.
    """
    if len(text) > MOST_JSON:
        raise NotReadable("long")
    if _depth(text) > MOST_DEPTH:
        raise NotReadable("deep")
    return _loaded(text, parse_int=_whole)


def json_body(data: bytes) -> Any:
    """JSON that a program sent: finite numbers and whole texts, whatever its size.

    Raises `NotReadable` with the key ``json``, ``number`` or ``text``.
    """
    return _loaded(data)


def _loaded(data: str | bytes, **more: Any) -> Any:
    try:
        found = json.loads(data, parse_constant=_no_number, parse_float=_float, **more)
    except NotReadable:
        raise
    except ValueError:
        raise NotReadable("json") from None
    _check_texts(found)
    return found


def _depth(text: str) -> int:
    """Brackets that are open at once, those in texts among them: an upper bound."""
    depth = most = 0
    for mark in re.findall(r"[\[\]{}]", text):
        depth += 1 if mark in "[{" else -1
        most = max(most, depth)
    return most


def _no_number(text: str) -> NoReturn:
    raise NotReadable("number")


def _whole(text: str) -> int:
    """Up to 2⁵³: a browser rounds those beyond."""
    if len(text) > 17 or abs(int(text)) > 2**53:
        raise NotReadable("number")
    return int(text)


def _float(text: str) -> float:
    value = float(text) if len(text) <= 100 else math.inf
    if not math.isfinite(value):
        raise NotReadable("number")
    return value


def _check_texts(value: Any) -> None:
    if isinstance(value, str):
        # NUL, and halves of a character that can't be written down.
        if "\0" in value or any("\ud800" <= one <= "\udfff" for one in value):
            raise NotReadable("text")
    elif isinstance(value, list):
        for one in value:
            _check_texts(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            _check_texts(key)
            _check_texts(one)

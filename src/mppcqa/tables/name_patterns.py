"""What the names of files say, by a pattern such as ``{serial}/{bias_v}V_{temperature_c}C.csv``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mppcqa.tables.errors import TableError
from mppcqa.tables.numbers import to_number
from mppcqa.tables.words import say as _

_NUMBER = r"[nmp+-]?\d+(?:[.,]\d+)?"
FIELDS = {
    "serial": r"[^/]+?",
    "channel": r"\d{1,4}",
    "bias_v": _NUMBER,
    "temperature_c": _NUMBER,
    "temperature_k": r"\d+(?:[.,]\d+)?",
    "light": r"\d+(?:[.,]\d+)?|dark|light|led|oscuro|luz",
    "*": r"[^/]*?",
}
"""What a name may say; ``{*}`` is anything. n, m or - before a number is a minus."""
LIT = {"dark": 0.0, "oscuro": 0.0, "light": 1.0, "led": 1.0, "luz": 1.0}
PART = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Named:
    """What one name says."""

    serial: str = ""
    channel: int | None = None
    conditions: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class NamePattern:
    """A pattern of names; as many folders of a path are looked at as it has.

    >>> NamePattern.of("{serial}/{bias_v}V_{temperature_c}C_{*}.csv").read("A-1/54.3V_n20C_x.csv")
    Named(serial='A-1', channel=None, conditions=(('bias_v', 54.3), ('temperature_c', -20.0)))
    """

    text: str
    expression: re.Pattern[str]
    axes: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str, axes: Iterable[str] = ()) -> NamePattern:
        """A pattern that may also name `axes`, by their keys.

        Raises `TableError` for a field that is not known, or one that comes twice.
        """
        more = tuple(axis for axis in axes if axis not in FIELDS)
        known = FIELDS | dict.fromkeys(more, _NUMBER)
        parts = PART.split(text.strip())
        fields = [part for part in parts[1::2] if part != "*"]
        unknown = [part for part in parts[1::2] if part not in known]
        if unknown or len(set(fields)) < len(fields) or len(text) > 300:
            listed = ", ".join("{" + name + "}" for name in known)
            raise TableError(
                _("The pattern “%(text)s” can't be used: each of %(fields)s at most once")
                % {"text": text[:80], "fields": listed}
            )
        made = ""
        for place, part in enumerate(parts):
            if place % 2 == 0:
                made += re.escape(part)
            else:
                made += f"(?:{known[part]})" if part == "*" else f"(?P<{part}>{known[part]})"
        return cls(text, re.compile(made, re.IGNORECASE), more)

    def read(self, name: str) -> Named | None:
        """What a path says; None where it is not of this pattern."""
        folders = self.text.count("/") + 1
        tail = "/".join(name.replace("\\", "/").split("/")[-folders:])
        found = self.expression.fullmatch(tail)
        if found is None:
            return None
        said = found.groupdict()
        conditions = {}
        for key in ("bias_v", "temperature_c", "temperature_k", "light", *self.axes):
            text = said.get(key)
            if text is None:
                continue
            value = LIT.get(text.lower())
            number = to_number(_signed(text)) if value is None else value
            if number is None:
                return None
            conditions["temperature_c" if key == "temperature_k" else key] = (
                number - 273.15 if key == "temperature_k" else number
            )
        channel = said.get("channel")
        return Named(
            (said.get("serial") or "").strip().upper(),
            None if channel is None else int(channel),
            tuple((key, round(value, 6)) for key, value in conditions.items()),
        )


def _signed(text: str) -> str:
    return "-" + text[1:] if text[:1] in "nmNM-" else text.lstrip("pP+")

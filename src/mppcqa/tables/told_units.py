"""Units that remarks above a table tell: ``# Units: V, nA``, ``Current unit: nA``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from mppcqa.tables.headings import DERIVED, ONLY_UNIT, Column, roles_of
from mppcqa.tables.units import AMBIGUOUS, LETTERS, conversion, is_unit

DUE = {"bias_v": "V", "current_a": "A", "spread_a": "A", "rate_hz": "Hz", "time": "s"}
"""Units of the roles that remarks are searched for."""
WORD = r"[^\W\d_][\w]*"
UNIT = r"[^\s\d,;:()\[\]]{1,14}(?:[ -]?(?:amp|volt)\w*)?"
LIST = re.compile(
    r"(?i)\s*[#%/!*;]*\s*(?:units?|unidades|einheiten)\b(?: (?:of|are)\b[^:=]*)?\s*[:=]?\s*(.+)"
)
SAID = re.compile(
    rf"(?i)(?P<name>{WORD}(?: {WORD})?)\s*(?:(?:values?|is|are|given|measured|unit|units)\s+)*"
    rf"(?:\bin\b|\bunits?\s*[:=]|[\[(])\s*(?P<unit>{UNIT})(?=\s*(?:$|[\]),;.]|\band\b|y\b))"
)
FILLERS = {"is", "are", "value", "values", "given", "measured", "unit", "units"}
SETTING = re.compile(r"[:=]\s*[+-]?[\d.]*\d")
"""A line with a number is about a setting, such as the largest current."""
OF = re.compile(rf"(?i)\bunits? of (?:the )?(?P<name>{WORD})\s*(?:is|[:=])\s*(?P<unit>{UNIT})\s*$")


def told_units(columns: Sequence[Column], lines: Sequence[str]) -> list[Column]:
    """The columns, those without a unit with the one that a line tells of them; none if two do."""
    if all(column.unit or not _due(column) for column in columns):
        return list(columns)
    by_role: dict[str, set[str]] = {}
    for line in lines:
        if SETTING.search(line) or DERIVED.search(line):
            continue
        if (found := LIST.fullmatch(line.replace('"', ""))) is not None:
            units = [ONLY_UNIT.fullmatch(one.strip()) for one in re.split(r"[,;\t|]", found[1])]
            names = [one[1] if one else "" for one in units]
            if len(names) == len(columns):
                for column, unit in zip(columns, names, strict=True):
                    _tell(by_role, column, unit)
                continue
        for pattern in (SAID, OF):
            for match in pattern.finditer(line.replace('"', "")):
                _tell(by_role, _called(match["name"]), match["unit"])
    done = []
    for column in columns:
        said = by_role.get(_due(column), set())
        lacks = not column.unit and len(said) == 1
        done.append(replace(column, unit=next(iter(said)), told=True) if lacks else column)
    return done


def _called(name: str) -> Column:
    """A column called as a remark does: the last words that mean something, in the singular."""
    words = [word for word in name.split() if word.lower() not in FILLERS]
    for some in (words, words[-1:]):
        for text in (" ".join(some), " ".join(some).removesuffix("s")):
            if _due(Column(text, text)):
                return Column(text, text)
    return Column(name, name)


def _due(column: Column) -> str:
    """The role that a column has for certain, of those whose units are told."""
    roles = [role for role in roles_of(replace(column, unit="")) if role in DUE]
    return roles[0] if len(roles) == 1 else ""


def _tell(by_role: dict[str, set[str]], column: Column, unit: str) -> None:
    role = _due(column)
    text = unit.strip().rstrip(".")
    if not role or text in AMBIGUOUS or (len(text) == 1 and text in LETTERS) or not is_unit(text):
        return
    if conversion(text, DUE[role]) is not None:
        by_role.setdefault(role, set()).add(text)

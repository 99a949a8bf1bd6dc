"""A mapping says what the columns of somebody's files mean: saved by name, used without code."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping as Dict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from mppcqa.runfile.layout import RunFileError

Format = Literal["table", "root", "hera", "lecroy", "tektronix"]
Kind = Literal["charge", "spectrum", "waveform", "iv"]

FORMATS: tuple[str, ...] = ("table", "root", "hera", "lecroy", "tektronix")
ROLES: dict[str, tuple[str, ...]] = {
    "charge": ("charge",),
    "spectrum": ("charge", "count"),
    "waveform": ("signal",),
    "iv": ("bias_v", "current_a"),
}
"""What a file of each kind must hold at least."""
OPTIONAL: dict[str, tuple[str, ...]] = {
    "charge": ("bias_v", "temperature_c", "light"),
    "spectrum": (),
    "waveform": ("time", "bias_v", "temperature_c", "light"),
    "iv": ("spread_a", "temperature_c"),
}
CONDITIONS = ("bias_v", "temperature_c", "light", "gate_s", "sample_s")
UNITS: dict[str, float] = {
    "": 1.0,
    **{f"{prefix}{unit}": factor for unit in ("V", "A", "s", "Hz", "C") for prefix, factor in (
        ("", 1.0), ("k", 1e3), ("M", 1e6), ("m", 1e-3), ("u", 1e-6), ("µ", 1e-6), ("n", 1e-9),
        ("p", 1e-12))},
    "degC": 1.0,
    "°C": 1.0,
    "ADC": 1.0,
    "1": 1.0,
}  # fmt: skip
MAX_COLUMNS = 200


class ForeignError(RunFileError):
    """A foreign file or mapping that can't be used; the message names the file and the place."""


@dataclass(frozen=True)
class Column:
    """What one column (text) or branch (ROOT) means."""

    source: str
    """Heading, or number from 1; the name of the branch in a ROOT file."""
    role: str
    unit: str = ""
    scale: float = 1.0
    """Multiplies the numbers, after the unit."""
    channel: int = 0
    """Channel of the device, from 0; a branch with an array fills the channels from this one."""

    @property
    def factor(self) -> float:
        return UNITS[self.unit] * self.scale


@dataclass(frozen=True)
class Given:
    """Where a condition of the whole file is found; the first that gives a number holds."""

    header: str = ""
    """Key of a line ``key: value`` in the file's header."""
    file_name: str = ""
    """Regular expression on the file's name with one group; n, m or - before it is a minus."""
    found: float | None = None
    """What it is where the expression is found in the file's name, whatever it caught."""
    value: float | None = None
    """What it is where nothing else says."""


@dataclass(frozen=True)
class Mapping:
    """How files of one kind are read."""

    name: str
    format: str
    kind: str
    columns: tuple[Column, ...] = ()
    conditions: Dict[str, Given] = field(default_factory=dict)
    separator: str = ""
    """Between the columns; empty finds it."""
    decimal: str = ""
    """Decimal sign; empty finds it."""
    skip_lines: int = 0
    tree: str = ""
    description: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def of_role(self, role: str) -> list[Column]:
        return [column for column in self.columns if column.role == role]

    def condition(self, name: str, path: Path, header: Dict[str, str]) -> float:
        """A condition of a file from header, file name or the mapping itself; else NaN."""
        given = self.conditions.get(name)
        if given is None:
            return math.nan
        if given.found is not None and re.search(given.file_name, path.name):
            return given.found
        for text in (header.get(given.header, ""), _from_name(given.file_name, path)):
            number = to_number(text)
            if math.isfinite(number):
                return number
        return math.nan if given.value is None else given.value


def to_number(text: str) -> float:
    """A number with decimal point or comma; NaN for anything else."""
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return math.nan


def _from_name(pattern: str, path: Path) -> str:
    found = re.search(pattern, path.name) if pattern else None
    if found is None:
        return ""
    text = found.group(1) if found.groups() else found.group(0)
    return "-" + text[1:] if text[:1] in ("n", "m", "-") else text.removeprefix("p")


def mapping_from_json(document: Any) -> Mapping:
    """A checked mapping; `ForeignError` lists everything that is wrong with the document."""
    faults: list[str] = []
    if not isinstance(document, dict):
        raise ForeignError("a mapping must be a JSON object")
    known = set(Mapping.__dataclass_fields__)
    faults += [f"{key!r} is no part of a mapping" for key in document if key not in known]
    form, kind = document.get("format"), document.get("kind")
    if not isinstance(form, str) or form not in FORMATS:
        faults.append(f"format must be one of {', '.join(FORMATS)}, not {form!r}")
    if not isinstance(kind, str) or kind not in ROLES:
        faults.append(f"kind must be one of {', '.join(ROLES)}, not {kind!r}")
    name = document.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"[^\x00-\x1f<>&]{1,60}", name):
        faults.append("name must be 1 to 60 letters or digits")
    columns = _columns(document.get("columns", ()), str(kind), faults)
    if form in ("table", "root") and isinstance(kind, str):
        roles = {column.role for column in columns}
        faults += [f"no column is the {role}" for role in ROLES.get(kind, ()) if role not in roles]
    conditions = _conditions(document.get("conditions", {}), faults)
    texts = {}
    for key in ("separator", "decimal", "tree", "description"):
        texts[key] = document.get(key, "")
        if not isinstance(texts[key], str):
            faults.append(f"{key} must be text")
    skip = document.get("skip_lines", 0)
    if not isinstance(skip, int) or isinstance(skip, bool) or not 0 <= skip <= 10_000:
        faults.append("skip_lines must be a whole number from 0 to 10000")
    if faults:
        raise ForeignError("; ".join(faults))
    return Mapping(
        str(name), str(form), str(kind), columns, conditions, skip_lines=skip, **texts
    )  # fmt: skip


def _columns(given: Any, kind: str, faults: list[str]) -> tuple[Column, ...]:
    if not isinstance(given, list | tuple) or len(given) > MAX_COLUMNS:
        faults.append(f"columns must be a list of at most {MAX_COLUMNS}")
        return ()
    allowed = ROLES.get(kind, ()) + OPTIONAL.get(kind, ())
    columns = []
    for number, row in enumerate(given, 1):
        try:
            column = Column(**row)
            well = (
                isinstance(column.source, str)
                and isinstance(column.channel, int)
                and 0 <= column.channel < 10_000
                and isinstance(column.scale, int | float)
                and math.isfinite(column.scale)
                and column.scale != 0
            )
        except TypeError:
            well = False
        if not well:
            faults.append(f"column {number}: needs source, role, and may have unit, scale, channel")
            continue
        if column.role not in allowed:
            faults.append(f"column {number}: role {column.role!r} is none of {', '.join(allowed)}")
        if column.unit not in UNITS:
            faults.append(f"column {number}: the unit {column.unit!r} is not known")
        columns.append(column)
    return tuple(columns)


def _conditions(given: Any, faults: list[str]) -> dict[str, Given]:
    found: dict[str, Given] = {}
    if not isinstance(given, dict):
        faults.append("conditions must be an object")
        return found
    for key, row in given.items():
        if key not in CONDITIONS:
            faults.append(f"condition {key!r} is none of {', '.join(CONDITIONS)}")
            continue
        try:
            one = Given(**row)
            if len(one.file_name) > 200 or len(one.header) > 200:
                raise ValueError("more than 200 letters")
            re.compile(one.file_name)
            if any(v is not None and not math.isfinite(v) for v in (one.value, one.found)):
                raise ValueError("the value is not finite")
        except (TypeError, ValueError, re.error) as error:
            faults.append(f"condition {key}: {error}")
            continue
        found[key] = one
    return found

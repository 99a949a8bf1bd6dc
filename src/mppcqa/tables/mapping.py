"""A mapping says what the columns of somebody's files mean: saved by name, used without code."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping as Dict
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from mppcqa.tables.conditions import from_name, number_in
from mppcqa.tables.errors import TableError
from mppcqa.tables.units import Conversion, conversion, read_unit

ROLES: dict[str, tuple[str, ...]] = {
    "charge": ("charge",),
    "spectrum": ("charge", "count"),
    "waveform": ("signal",),
    "iv": ("bias_v", "current_a"),
    "staircase": ("threshold", "rate_hz"),
}
"""What a file of each kind must hold at least."""
_ROWS = ("channel", "board", "serial", "event", "bias_v", "temperature_c", "light")
"""What may tell rows of any kind apart."""
OPTIONAL: dict[str, tuple[str, ...]] = {
    "charge": _ROWS,
    "spectrum": _ROWS,
    "waveform": ("time", *_ROWS),
    "iv": ("spread_a", *_ROWS),
    "staircase": ("spread_hz", *_ROWS),
}
CONDITIONS = ("bias_v", "temperature_c", "light", "gate_s", "sample_s")
ROLE_UNITS = {
    "bias_v": "V",
    "current_a": "A",
    "spread_a": "A",
    "rate_hz": "Hz",
    "spread_hz": "Hz",
    "temperature_c": "°C",
    "time": "s",
}
"""Units of the roles that have one; charges, signals and thresholds may be in any."""
KEYS = ("channel", "board", "event", "serial")
AXIS = re.compile(r"[a-z][a-z0-9_]{0,39}")
TAKEN = {*CONDITIONS, *(role for kind in ROLES for role in (*ROLES[kind], *OPTIONAL[kind]))}
"""Names that mean something already."""
MAX_COLUMNS = 200


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
    axis_unit: str = ""
    """Unit of the axis that the role names, where it is one of `Mapping.axes`."""
    at: Dict[str, float] = field(default_factory=dict, hash=False)
    """Conditions of this column alone, as its heading says them: ``{"temperature_c": -20}``."""

    @property
    def due(self) -> str | None:
        """Unit that its numbers come out in; None for any."""
        return ROLE_UNITS.get(self.role, self.axis_unit or None)

    def conversion(self, unit: str = "") -> Conversion | None:
        """To the role's unit, from the mapping's or else a heading's; None where they differ."""
        given, due = self.unit or unit, self.due
        if due is not None:
            found = conversion(given, due, difference=self.role == "spread_a")
        elif self.role in ("charge", "signal", "threshold") and given:
            known = read_unit(given)
            found = Conversion(1.0 if known is None else known.factor)
        else:
            found = Conversion()
        if found is None:
            return None
        return Conversion(found.factor * self.scale, found.offset * self.scale)


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
    """Tree of a ROOT file, group of an HDF5 file, sheet of a workbook."""
    channels_from: int = 0
    """Number of the first channel as a column of channels counts."""
    description: str = ""
    axes: Dict[str, str] = field(default_factory=dict)
    """Axes beside bias, temperature and light that columns and conditions may name, and their
    units: ``{"wavelength_nm": "nm"}``."""
    stage: str = ""
    """Key of the stage whose runs such files become; empty for the first that takes them."""

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
        if given.header:
            text = header.get(given.header, "")
            number = number_in(text, name, given.header, self.axes.get(name))
            if number is not None:
                return number
        if given.file_name:
            number = from_name(given.file_name, path.name, name, self.axes.get(name))
            if number is not None:
                return number
        return math.nan if given.value is None else given.value


def format_keys() -> tuple[str, ...]:
    """Formats that a mapping may name."""
    from mppcqa.tables.formats import BY_KEY  # which need mappings themselves

    return ("table", *BY_KEY)


def mapping_from_json(document: Any) -> Mapping:
    """A checked mapping; `TableError` lists everything that is wrong with the document."""
    faults: list[str] = []
    if not isinstance(document, dict):
        raise TableError("a mapping must be a JSON object")
    known = set(Mapping.__dataclass_fields__)
    faults += [f"{key!r} is no part of a mapping" for key in document if key not in known]
    form, kind = document.get("format", "table"), document.get("kind")
    there = format_keys()
    if not isinstance(form, str) or form not in there:
        faults.append(f"format must be one of {', '.join(there)}, not {form!r}")
    if not isinstance(kind, str) or kind not in ROLES:
        faults.append(f"kind must be one of {', '.join(ROLES)}, not {kind!r}")
    name = document.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"[^\x00-\x1f<>&]{1,60}", name):
        faults.append("name must be 1 to 60 letters or digits")
    axes = _axes(document.get("axes", {}), faults)
    columns = _columns(document.get("columns", ()), str(kind), axes, faults)
    whole = form == "root" and kind == "spectrum" and not columns  # a histogram by itself
    if form in ("table", "root", "hdf5") and isinstance(kind, str) and not whole:
        roles = {column.role for column in columns}
        faults += [f"no column is the {role}" for role in ROLES.get(kind, ()) if role not in roles]
    conditions = _conditions(document.get("conditions", {}), axes, faults)
    texts = {}
    for key in ("separator", "decimal", "tree", "description", "stage"):
        texts[key] = document.get(key, "")
        if not isinstance(texts[key], str):
            faults.append(f"{key} must be text")
    skip = document.get("skip_lines", 0)
    if not isinstance(skip, int) or isinstance(skip, bool) or not 0 <= skip <= 10_000:
        faults.append("skip_lines must be a whole number from 0 to 10000")
    first = document.get("channels_from", 0)
    if first not in (0, 1) or isinstance(first, bool):
        faults.append("channels_from must be 0 or 1")
    if faults:
        raise TableError("; ".join(faults))
    return Mapping(
        str(name), str(form), str(kind), columns, conditions, skip_lines=skip,
        channels_from=first, axes=axes, **texts
    )  # fmt: skip


def _axes(given: Any, faults: list[str]) -> dict[str, str]:
    if not isinstance(given, dict):
        faults.append("axes must be an object: the unit of each by its key")
        return {}
    found = {}
    for key, unit in given.items():
        if not isinstance(key, str) or not AXIS.fullmatch(key) or key in TAKEN:
            faults.append(f"the axis {key!r} must have a name of its own: small letters, digits, _")
        elif not isinstance(unit, str) or len(unit) > 20:
            faults.append(f"axis {key}: the unit must be a text of at most 20 letters")
        else:
            found[key] = unit
    return found


def _columns(given: Any, kind: str, axes: Dict[str, str], faults: list[str]) -> tuple[Column, ...]:
    if not isinstance(given, list | tuple) or len(given) > MAX_COLUMNS:
        faults.append(f"columns must be a list of at most {MAX_COLUMNS}")
        return ()
    allowed = (*ROLES.get(kind, ()), *OPTIONAL.get(kind, ()), *axes)
    columns = []
    for number, row in enumerate(given, 1):
        try:
            column = Column(**row)
            column = replace(column, axis_unit=axes.get(column.role, ""))
            well = (
                isinstance(column.source, str)
                and isinstance(column.channel, int)
                and 0 <= column.channel < 10_000
                and isinstance(column.scale, int | float)
                and math.isfinite(column.scale)
                and column.scale != 0
                and _are_conditions(column.at, axes)
            )
        except TypeError:
            well = False
        if not well:
            faults.append(
                f"column {number}: needs source, role, and may have unit, scale, channel, at"
            )
            continue
        if column.role not in allowed:
            faults.append(f"column {number}: role {column.role!r} is none of {', '.join(allowed)}")
        known = isinstance(column.unit, str) and (
            column.unit == column.axis_unit or read_unit(column.unit) is not None
        )
        if not known:
            faults.append(f"column {number}: the unit {column.unit!r} is not known")
        elif column.conversion() is None:
            due = column.due
            faults.append(f"column {number}: {column.unit!r} is no unit of {column.role} ({due})")
        columns.append(column)
    return tuple(columns)


def _are_conditions(given: Any, axes: Dict[str, str]) -> bool:
    return isinstance(given, dict) and all(
        (key in CONDITIONS or key in axes)
        and isinstance(value, int | float)
        and math.isfinite(value)
        for key, value in given.items()
    )


def _conditions(given: Any, axes: Dict[str, str], faults: list[str]) -> dict[str, Given]:
    found: dict[str, Given] = {}
    if not isinstance(given, dict):
        faults.append("conditions must be an object")
        return found
    for key, row in given.items():
        if key not in CONDITIONS and key not in axes:
            faults.append(f"condition {key!r} is none of {', '.join((*CONDITIONS, *axes))}")
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

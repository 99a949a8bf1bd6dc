"""A mapping says what the columns of somebody's files mean: saved by name, used without code."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping as Dict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mppcqa.tables.conditions import from_name, number_in
from mppcqa.tables.units import AMBIGUOUS, Conversion, conversion, read_unit

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
            found = None if given in AMBIGUOUS else Conversion(known.factor if known else 1.0)
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

"""Surveys: devices of whole trays that others measured, as values without raw data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class SurveyFault:
    """A line that could not be used."""

    path: Path
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}:{self.line}: {self.what}"


@dataclass
class SurveyedDevice:
    """A device of a tray; `values` holds (value, standard uncertainty, method) by quantity."""

    serial: str
    tray: str
    row: int
    column: int
    values: dict[str, tuple[float, float, str]] = field(default_factory=dict)
    kept: dict[str, list[str]] = field(default_factory=dict)
    """Cells of columns that are not known, by the name of their file."""


@dataclass(frozen=True, kw_only=True)
class SurveyedTray:
    """A tray: its devices by serial, the files that they came from, and what was wrong."""

    tray: str
    rows: int
    columns: int
    device_type: str
    """Name of the type of its devices, of one channel each; registered where it is new."""
    maker: str
    maker_values: Mapping[str, float] = field(default_factory=dict)
    """What the maker says of the whole tray."""
    devices: Mapping[str, SurveyedDevice]
    files: tuple[Path, ...]
    faults: tuple[SurveyFault, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Survey:
    """How a stage's values come in by the tray."""

    key: str
    """Name on the command line: ``mppcqa import KEY FOLDER``."""
    title: str
    """What is read, in a line; English."""
    read: Callable[[Path], list[SurveyedTray]]
    """Every tray below a folder; `ValueError` for a folder that has none, in words."""

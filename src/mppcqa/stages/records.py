"""What is done to devices between measurements: irradiation, annealing, thermal cycles.

A kind of record is declared as a stage is: its fields, and what of them adds up to the value of an
axis. A package brings further kinds by an entry point in the group ``mppcqa.records``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from mppcqa.plugins import gather, instance_of
from mppcqa.stages.axes import ANNEALING_AXIS, CYCLES_AXIS, DOSE_AXIS, FLUENCE_AXIS

GROUP = "mppcqa.records"
MOST_TEXT = 100


@dataclass(frozen=True, kw_only=True)
class RecordField:
    """A fact of a record."""

    key: str
    """Name in the database and in tables, with its unit (``fluence_neq_cm2``)."""
    title: str
    """English, translated where it is shown."""
    unit: str = ""
    is_text: bool = False
    minimum: float | None = 0.0
    maximum: float | None = None
    is_whole: bool = False
    needed: bool = False
    headings: tuple[str, ...] = ()
    """What people write above its column, in small letters."""


@dataclass(frozen=True, kw_only=True)
class RecordKind:
    """A kind of thing that is done to devices."""

    key: str
    title: str
    """English, translated where it is shown."""
    fields: tuple[RecordField, ...]
    sums: Mapping[str, str] = field(default_factory=dict)
    """Axis -> the field whose values, in the axis's unit, add up to it."""
    one_of: tuple[str, ...] = ()
    """Fields of which at least one is given."""

    def faults(self, facts: Mapping[str, Any]) -> list[tuple[str, str]]:
        """What is wrong with a record's facts: field (empty for the whole), and a key of a text."""
        found = []
        known = {one.key: one for one in self.fields}
        found += [(key, "unknown") for key in facts if key not in known]
        for key, one in known.items():
            value = facts.get(key)
            if value is None:
                if one.needed:
                    found.append((key, "needed"))
            elif one.is_text != isinstance(value, str):
                found.append((key, "number"))
            elif isinstance(value, str):
                if len(value) > MOST_TEXT:
                    found.append((key, "long"))
            elif one.is_whole and value != int(value):
                found.append((key, "whole"))
            elif (one.minimum is not None and value < one.minimum) or (
                one.maximum is not None and value > one.maximum
            ):
                found.append((key, "range"))
        if self.one_of and not any(facts.get(key) is not None for key in self.one_of):
            found.append((self.one_of[0], "one of"))
        return found


def _celsius(key: str, title: str, *headings: str, needed: bool = False) -> RecordField:
    return RecordField(
        key=key,
        title=title,
        unit="°C",
        minimum=-273.15,
        maximum=1000.0,
        needed=needed,
        headings=headings,
    )


IRRADIATION = RecordKind(
    key="irradiation",
    title="Irradiation",
    fields=(
        RecordField(
            key="particle", title="Particle", is_text=True, needed=True, headings=("particle",)
        ),
        RecordField(key="energy_mev", title="Energy", unit="MeV", headings=("energy",)),
        RecordField(
            key=FLUENCE_AXIS.key,
            title=FLUENCE_AXIS.title,
            unit=FLUENCE_AXIS.unit,
            headings=FLUENCE_AXIS.headings,
        ),
        RecordField(
            key=DOSE_AXIS.key,
            title=DOSE_AXIS.title,
            unit=DOSE_AXIS.unit,
            headings=DOSE_AXIS.headings,
        ),
    ),
    sums={FLUENCE_AXIS.key: FLUENCE_AXIS.key, DOSE_AXIS.key: DOSE_AXIS.key},
    one_of=(FLUENCE_AXIS.key, DOSE_AXIS.key),
)
ANNEALING = RecordKind(
    key="annealing",
    title="Annealing",
    fields=(
        _celsius(
            "temperature_c", "Temperature", "temperature", "temp", "t", "temperatura", needed=True
        ),
        RecordField(
            key=ANNEALING_AXIS.key,
            title="Time",
            unit=ANNEALING_AXIS.unit,
            needed=True,
            headings=("time", "duration", "tiempo", *ANNEALING_AXIS.headings),
        ),
    ),
    sums={ANNEALING_AXIS.key: ANNEALING_AXIS.key},
)
CYCLING = RecordKind(
    key="thermal_cycling",
    title="Thermal cycles",
    fields=(
        RecordField(
            key=CYCLES_AXIS.key,
            title="Number of cycles",
            is_whole=True,
            needed=True,
            minimum=1.0,
            headings=("number of cycles", "count", *CYCLES_AXIS.headings),
        ),
        _celsius("lowest_c", "Lowest temperature", "lowest temperature", "from", "low"),
        _celsius("highest_c", "Highest temperature", "highest temperature", "to", "high"),
    ),
    sums={CYCLES_AXIS.key: CYCLES_AXIS.key},
)


OWN_KINDS = (IRRADIATION, ANNEALING, CYCLING)


@cache
def record_kinds() -> dict[str, RecordKind]:
    """Every kind by its key: ours, then those of other packages."""
    own = {one.key: one for one in OWN_KINDS}
    return own | {one.key: one for one in gather(GROUP, _faults_of, own)}


def _faults_of(one: Any) -> list[str]:
    faults = instance_of(RecordKind)(one)
    if not faults and (lacking := set(one.sums.values()) - {each.key for each in one.fields}):
        faults.append(f"sums of fields that it has not: {', '.join(sorted(lacking))}")
    return faults

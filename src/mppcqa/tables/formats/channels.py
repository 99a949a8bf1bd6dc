"""Named channels with units, as LabVIEW keeps them: waveforms where they are volts, or a curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mppcqa.tables.errors import TableError
from mppcqa.tables.headings import read_head, roles_of
from mppcqa.tables.mapping import Column, Mapping
from mppcqa.tables.measured import Floats, Measured
from mppcqa.tables.parts import from_rows
from mppcqa.tables.rows import Rows
from mppcqa.tables.units import Unit, read_unit
from mppcqa.tables.words import say as _


@dataclass(frozen=True)
class Channel:
    """One channel: its name, its unit as the file says it (or nothing), its values (n,)."""

    name: str
    unit: str
    values: Floats

    @property
    def known(self) -> Unit | None:
        """Its unit by the file, or else by its name, as in ``Current (nA)``."""
        return read_unit(self.unit or read_head(self.name).unit)

    @property
    def base(self) -> str:
        return self.known.base if self.known is not None else "?"


def curve_mapping(title: str, key: str, channels: Sequence[Channel]) -> Mapping | None:
    """A mapping of a curve where one channel is a bias in volts and others are currents."""
    volts = [one for one in channels if one.base == "V"]
    bias = [one for one in volts if "bias_v" in roles_of(read_head(one.name))]
    amperes = [one for one in channels if one.base == "A"]
    chosen = bias if len(bias) == 1 else volts
    if len(chosen) != 1 or not amperes:
        return None
    columns = [Column(chosen[0].name, "bias_v")]
    columns += [Column(one.name, "current_a", channel=n) for n, one in enumerate(amperes)]
    return Mapping(f"{title}: curve", key, "iv", tuple(columns))


def curves_of(
    path: Path, mapping: Mapping, channels: Sequence[Channel], facts: dict[str, str]
) -> list[Measured]:
    """IV curves of channels by a mapping's names."""
    there = {one.name: one for one in channels}
    columns = []
    for column in mapping.columns:
        one = there.get(column.source)
        if one is None:
            raise TableError(
                _("%(name)s: there is no column “%(source)s”; there are %(there)s")
                % {"name": path.name, "source": column.source, "there": ", ".join(there)}
            )
        change = column.conversion(one.unit or read_head(one.name).unit)
        if change is None:
            raise TableError(
                _("%(head)s: the unit %(unit)s is not one of %(role)s (%(due)s)")
                % {"head": one.name, "unit": one.unit, "role": column.role, "due": column.due}
            )
        columns.append((replace(column, unit=""), one.values * change.factor + change.offset))
    lengths = {len(values) for _column, values in columns}
    if len(lengths) > 1:
        raise TableError(_("%s: its channels have different lengths") % path.name)
    return from_rows(path, mapping, Rows(columns, facts=facts))


def signals_of(
    path: Path, channels: Sequence[Channel], wanted: Mapping
) -> tuple[list[tuple[Channel, float]], list[str]]:
    """Those channels that are signals, each with its factor to volts; and notes on the rest.

    Raises `TableError` for a unit that is not known, or where nothing is a signal.
    """
    names = {column.source: column for column in wanted.of_role("signal")}
    found: list[tuple[Channel, float]] = []
    left: list[str] = []
    for one in channels:
        if names and one.name not in names:
            continue
        said = names[one.name].unit if one.name in names else ""
        unit = read_unit(said) if said else one.known
        if unit is None:
            raise TableError(
                _("%(name)s: the unit %(unit)s of %(channel)s is not known; name it in a mapping")
                % {"name": path.name, "unit": one.unit, "channel": one.name}
            )
        if unit.base in ("V", "ADC", ""):
            found.append((one, unit.factor))
        else:
            left.append(f"{one.name} [{one.unit or read_head(one.name).unit}]")
    if not found:
        raise TableError(
            _("%(name)s: no channel is a signal in volts; there are %(there)s")
            % {"name": path.name, "there": ", ".join(left) or _("nothing")}
        )
    notes = [_("Columns that are not used: %s.") % ", ".join(left)] if left else []
    return found, notes

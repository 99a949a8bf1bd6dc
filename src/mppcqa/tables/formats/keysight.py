"""Waveforms as Keysight and Agilent oscilloscopes save them as text.

InfiniiVision writes ``x-axis,1,2``, then units, then rows; Infiniium a header of ``Key:,value``
lines (Points, XInc, XOrg, YUnits) before ``Data:``.
"""

from __future__ import annotations

import math
from pathlib import Path

from mppcqa.tables.errors import TableError
from mppcqa.tables.formats.base import Format, lines_at, refuse_other_kind
from mppcqa.tables.formats.oscilloscope import DARK
from mppcqa.tables.formats.sample_rows import samples_of
from mppcqa.tables.mapping import Mapping
from mppcqa.tables.measured import Floats, Measured
from mppcqa.tables.numbers import to_number
from mppcqa.tables.parts import conditions_of, waveform_part
from mppcqa.tables.sampling import sample_interval
from mppcqa.tables.text import read_lines
from mppcqa.tables.units import read_unit
from mppcqa.tables.words import say as _

MOST_HEADER = 60


def looks(start: bytes, path: Path) -> bool:
    lines = [line.strip().lower() for line in lines_at(start, MOST_HEADER)]
    infiniium = any(line.startswith("xinc:") for line in lines)
    return lines[0].startswith("x-axis,") or (
        infiniium and any(x.startswith("data:") for x in lines)
    )


def read(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """Every channel's waveform, in volts."""
    refuse_other_kind(path, mapping, "waveform", FORMAT.title)
    lines = read_lines(path, limit)
    if not looks("\n".join(lines[:MOST_HEADER]).encode(), path):
        raise TableError(_("%s: no header of a Keysight file; was it cut off?") % path.name)
    rows = [[cell.strip() for cell in line.split(",")] for line in lines]
    facts = {}
    if rows[0][0].lower() == "x-axis":
        names, units = rows[0][1:], rows[1] if len(rows) > 1 else []
        table = samples_of(path, rows, 2, list(range(len(names) + 1)))
        times, volts = table[:, 0], table[:, 1:]
        interval = sample_interval(times[None, :], path.name) * _factor(path, units[:1], "s")
    else:
        first = next((at for at, row in enumerate(rows) if row[0].lower() == "data:"), -1)
        if first < 0:
            raise TableError(_("%s: no header of a Keysight file; was it cut off?") % path.name)
        facts = {row[0].rstrip(":"): row[1] for row in rows[:first] if len(row) > 1}
        interval, volts = _without_times(path, facts, rows, first + 1, limit)
        units, names = ["", facts.get("YUnits", "V")], [""]
    parts = []
    whole = conditions_of(mapping, path, facts)
    for place in range(volts.shape[1]):
        factor = _factor(path, units[place + 1 : place + 2], "V")
        wave = volts[None, :, place] * factor
        part = waveform_part(path, whole.values, wave, interval, place, volts.shape[1] > 1)
        part.facts = facts
        parts.append(part)
    if len(names) > 1:
        parts[0].notes.append(_("channels of the oscilloscope: %s") % ", ".join(names))
    whole.tell(parts[0])
    return parts


def _without_times(
    path: Path, facts: dict[str, str], rows: list[list[str]], first: int, limit: int | None
) -> tuple[float, Floats]:
    """Step [s] and samples (n, 1) of an Infiniium file, with or without a column of times."""
    step, announced = to_number(facts.get("XInc", "")), to_number(facts.get("Points", ""))
    width = max(len([cell for cell in row if cell]) for row in rows[first : first + 5] or [[]])
    table = samples_of(path, rows, first, [0, 1] if width > 1 else [0])
    if announced and limit is None and len(table) != announced:
        raise TableError(
            _("%(name)s: %(a)d samples are announced, %(b)d are there: the file was cut off")
            % {"name": path.name, "a": announced, "b": len(table)}
        )
    if width > 1:
        there = sample_interval(table[None, :, 0], path.name)
        if step and not math.isclose(there, step, rel_tol=0.01):
            raise TableError(
                _("%(name)s: the samples are %(a)g s apart, %(b)g s are announced")
                % {"name": path.name, "a": there, "b": step}
            )
        return there, table[:, 1:]
    return float(step or 0.0), table


def _factor(path: Path, unit: list[str], due: str) -> float:
    if not unit or not unit[0]:
        return 1.0
    found = read_unit(unit[0])
    if found is None or found.base != due:
        raise TableError(
            _("%(name)s: “%(unit)s” is no unit of a waveform (%(due)s)")
            % {"name": path.name, "unit": unit[0], "due": due}
        )
    return found.factor


FORMAT = Format(
    "keysight",
    "Keysight oscilloscope CSV",
    "waveform",
    looks,
    read,
    "CSV of Keysight and Agilent oscilloscopes (x-axis,1,2; or XInc: and Data:): one waveform a "
    "channel.",
    DARK,
)

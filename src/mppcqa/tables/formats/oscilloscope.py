"""Waveforms as oscilloscopes save them as text: Tektronix, Siglent, Rigol, LeCroy.

Facts stand above the samples, or beside the first of them (Tektronix TDS, TBS, MSO5000); lines may
end with a comma; a column each for the time and for every channel.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.formats.base import Format, lines_at
from mppcqa.tables.formats.sample_rows import is_number, samples_of
from mppcqa.tables.mapping import Given, Mapping
from mppcqa.tables.measured import Floats, Measured
from mppcqa.tables.parts import conditions_of, waveform_part
from mppcqa.tables.sampling import sample_interval
from mppcqa.tables.text import read_lines
from mppcqa.tables.units import read_unit
from mppcqa.tables.words import say as _

MAX_SAMPLES = 200_000_000
DARK = (("light", Given(value=0.0)),)
HEADER_LINES = 60
CHANNEL = re.compile(r"(?i)ch ?\d")


def looks(start: bytes, path: Path) -> bool:
    lines = [line.lower().replace('"', "") for line in lines_at(start, HEADER_LINES)]
    facts = {re.split("[,;\t]", line)[0].strip() for line in lines}
    tektronix = "record length" in facts and "sample interval" in facts
    rigol = bool(lines) and "increment" in lines[0] and lines[0].lstrip().startswith("x,")
    return tektronix or rigol or (bool(lines) and "tinc" in lines[0])


def read(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """Every channel's waveform, in volts; `TableError` where the file tells no even times."""
    refuse_other(path, mapping)
    lines = read_lines(path, limit)
    if not looks("\n".join(lines[:HEADER_LINES]).encode(), path):
        raise TableError(_("%s: no header of an oscilloscope; was it cut off?") % path.name)
    rows = [[cell.strip().strip('"').strip() for cell in line.split(",")] for line in lines]
    facts = facts_of(rows)
    first, at = _first(path, rows)
    heads, units = _heads(rows, first, at, facts)
    table = samples_of(path, rows, first, at)
    if "tInc" in facts and all(CHANNEL.fullmatch(one) for one in heads):
        # Rigol's files of the whole memory have no column of times.
        table = np.column_stack([np.arange(len(table)), table])
        heads, units = ["time", *heads], ["s", *units]
    announced = _whole(facts.get("Record Length", ""))
    if announced and limit is None and len(table) < announced:
        raise TableError(
            _("%(name)s: %(a)d samples are announced, %(b)d are there: the file was cut off")
            % {"name": path.name, "a": announced, "b": len(table)}
        )
    table = table[:announced] if announced else table
    interval = _interval(path, table[:, 0], facts, heads[0])
    whole = conditions_of(mapping, path, facts)
    wanted = [column.source.lower() for column in mapping.of_role("signal")]
    parts = []
    for place in range(1, table.shape[1]):
        name = heads[place]
        if wanted and name.lower() not in wanted and str(place + 1) not in wanted:
            continue
        factor = _factor(path, units[place])
        channel = 0 if table.shape[1] == 2 or len(wanted) == 1 else place - 1
        known = table.shape[1] > 2 and len(wanted) != 1
        volts = table[None, :, place] * factor
        part = waveform_part(path, whole.values, volts, interval, channel, known)
        part.facts = facts
        parts.append(part)
    if not parts:
        raise TableError(
            _("%(name)s: there is no column “%(source)s”; there are %(there)s")
            % {"name": path.name, "source": wanted[0], "there": ", ".join(heads[1:])}
        )
    usual = [f"CH{n}" for n in range(1, len(heads))]
    if len(parts) > 1 and [head.upper() for head in heads[1:]] != usual:
        parts[0].notes.append(_("channels of the oscilloscope: %s") % ", ".join(heads[1:]))
    whole.tell(parts[0])
    return parts


def refuse_other(path: Path, mapping: Mapping) -> None:
    if mapping.kind != "waveform":
        raise TableError(
            _("%(name)s: an oscilloscope's waveform is not what the mapping says (%(kind)s)")
            % {"name": path.name, "kind": mapping.kind}
        )


def facts_of(rows: list[list[str]]) -> dict[str, str]:
    """What the header says: ``key,value`` in the first columns, ``key = value`` in any."""
    facts: dict[str, str] = {}
    for row in rows[:HEADER_LINES]:
        if len(row) > 1 and row[0] and not is_number(row[0]) and row[1]:
            facts.setdefault(row[0].rstrip(":"), row[1])
        for cell in row:
            key, sign, value = cell.partition("=")
            if sign and is_number(value):
                facts.setdefault(key.strip(), value.strip())
    if len(rows) > 1 and "Increment" in rows[0]:
        at = rows[0].index("Increment")
        facts["Increment"] = rows[1][at] if at < len(rows[1]) else ""
    return facts


def _first(path: Path, rows: list[list[str]]) -> tuple[int, list[int]]:
    """The first row of samples, and the columns that the times and signals stand in."""
    probed = [row for row in rows[len(rows) // 2 :] if any(row)][:50]
    width = max((len(row) for row in probed), default=0)
    numeric = [
        place
        for place in range(width)
        if probed and all(place < len(row) and is_number(row[place]) for row in probed)
    ]
    if len(numeric) < 2:
        raise TableError(_("%s: no samples; was the file cut off?") % path.name)
    for number, row in enumerate(rows):
        if all(place < len(row) and is_number(row[place]) for place in numeric):
            return number, numeric
    raise TableError(_("%s: no samples; was the file cut off?") % path.name)


def _heads(
    rows: list[list[str]], first: int, at: list[int], facts: dict[str, str]
) -> tuple[list[str], list[str]]:
    """Names and units of the columns of samples."""
    heads = ["time"] + [f"CH{n}" for n in range(1, len(at))]
    units = ["s"] + [""] * (len(at) - 1)
    if len(at) == 2 and facts.get("Source"):
        heads[1] = facts["Source"]
    for row in rows[max(0, first - 3) : first]:
        cells = [row[place] if place < len(row) else "" for place in at]
        if all(cells):
            named = [re.fullmatch(r"(.*?)\s*[\[(]?\s*([mµun]?V|[mµun]?s|Volt|Second)?\s*[\])]?", c)
                     for c in cells]  # fmt: skip
            heads = [n[1] or c for n, c in zip(named, cells, strict=True) if n]
            units = [(n[2] or u) if n else u for n, u in zip(named, units, strict=True)]
    said = next(
        (row for row in rows[:HEADER_LINES] if row[0].lower().startswith("vertical units")), None
    )
    if said is not None:
        cells = [part for cell in said[1:] for part in cell.split() if part]  # CH1:V CH2:V
        given = [re.sub(r"(?i)^ch\d:", "", cell) for cell in cells]
        given = given if len(given) >= len(at) - 1 else given[:1] * (len(at) - 1)
        if len(at) == 2:
            given = given[:1]
        units[1:] = [one or two for one, two in zip(given, units[1:], strict=False)] or units[1:]
    return heads, units


def _factor(path: Path, unit: str) -> float:
    """From a channel's unit to volts."""
    if not unit:
        return 1.0
    found = read_unit(unit)
    if found is None or found.base != "V":
        raise TableError(
            _("%(name)s: the vertical unit %(unit)s is no voltage")
            % {"name": path.name, "unit": unit}
        )
    return found.factor


def _interval(path: Path, times: Floats, facts: dict[str, str], head: str) -> float:
    """Time between samples [s], by the column of times and by the header; they must agree."""
    said = [facts[key] for key in ("Sample Interval", "Increment", "tInc") if key in facts]
    stated = float(said[0]) if said and is_number(said[0]) else math.nan
    steps = np.diff(times)
    if np.all(steps == 1) and stated > 0:
        return stated  # a column of sample numbers
    unit = read_unit(facts.get("Horizontal Units", "").lower() or "s")
    factor = unit.factor if unit is not None and unit.base == "s" else 1.0
    found = sample_interval(times[None, :], path.name) * factor
    if stated > 0 and not math.isclose(found, stated, rel_tol=0.01):
        raise TableError(
            _("%(name)s: the samples are %(a)g s apart, %(b)g s are announced")
            % {"name": path.name, "a": found, "b": stated}
        )
    return stated if stated > 0 else found


def _whole(text: str) -> int:
    found = re.search(r"\d[\d.eE+]*", text)
    try:
        count = round(float(found[0])) if found else 0
    except (ValueError, OverflowError):
        return 0
    return count if count <= MAX_SAMPLES else 0


FORMAT = Format(
    "tektronix",
    "Oscilloscope CSV (Tektronix, Siglent, Rigol)",
    "waveform",
    looks,
    read,
    "CSV as Tektronix, Siglent and Rigol oscilloscopes save it (Record Length, Sample Interval; X, "
    "Start, Increment): one waveform a channel.",
    DARK,
)

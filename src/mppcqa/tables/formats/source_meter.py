"""Buffers of source meters (Keithley 2400 and its kin) as they answer READ? and TRAC:DATA?.

All points stand in one line, V,I,V,I… or V,I,R,t,status,…, in volts, amperes, ohms and seconds, as
SCPI's ``FORM:ELEM`` says.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from mppcqa.tables.curves import curve_of
from mppcqa.tables.errors import TableError
from mppcqa.tables.formats.base import Format
from mppcqa.tables.mapping import Mapping
from mppcqa.tables.measured import NAN, Floats, Measured, at_condition
from mppcqa.tables.parts import conditions_of
from mppcqa.tables.text import looks_cut, read_lines
from mppcqa.tables.words import say as _

ELEMENTS = (2, 3, 4, 5)
LEAST = 12
SENT_FOR_NONE = 9e37
CUT = re.compile("[,;\t][^,;\t]*$")
"""The last number of a look, which may break off in it."""


def looks(start: bytes, path: Path) -> bool:
    text = start.decode("latin-1").strip()
    first, _end, rest = text.partition("\n")
    if rest.strip() or first.count(",") + first.count(";") + first.count("\t") < LEAST - 1:
        return False
    try:
        _numbers(CUT.sub("", first) if len(start) >= 4096 else first)
    except ValueError:
        return False
    return True


def _numbers(line: str) -> Floats:
    mark = "," if "," in line else ";" if ";" in line else "\t"
    return np.array([float(cell) for cell in line.strip().strip(mark).split(mark)], float)


def read(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """The one curve of a buffer."""
    if mapping.kind != "iv":
        raise TableError(
            _("%(name)s: a source meter's buffer is a curve, not what the mapping says (%(kind)s)")
            % {"name": path.name, "kind": mapping.kind}
        )
    lines = [line for line in read_lines(path, limit) if line.strip()]
    try:
        (line,) = lines
        values = _numbers(line)
    except ValueError:
        raise TableError(
            _("%s: a source meter's buffer is one line of numbers") % path.name
        ) from None
    cells = re.split("[,;\t]", line.strip().strip(",;\t"))
    if looks_cut(cells[0], cells[1:-1]) or looks_cut(cells[-1], cells[:-1]):
        raise TableError(_("%s: its first or last number is not whole: it was cut off") % path.name)
    table = _points(values)
    if table is None:
        raise TableError(
            _(
                "%(name)s: %(n)d numbers in one line are no points V,I,V,I… nor V,I,R,t,status: "
                "the bias must rise or fall. Was the file cut off?"
            )
            % {"name": path.name, "n": len(values)}
        )
    table = np.where(np.abs(table) > SENT_FOR_NONE, np.nan, table)
    whole = conditions_of(mapping, path, {})
    part = whole.tell(at_condition(whole.values))
    part.bias_v = NAN
    part.curve, said = curve_of(table[:, 0], table[:, 1], np.full(len(table), NAN), path.name)
    part.notes += said
    part.notes.append(
        _("%(n)d points of %(k)d numbers each; V and A as source meters send them")
        % {"n": len(table), "k": table.shape[1]}
    )
    return [part]


def _points(values: Floats) -> Floats | None:
    """The numbers as (points, elements): the first an even sweep, the second a current."""
    for width in ELEMENTS:
        if len(values) % width or len(values) // width < 3:
            continue
        table = values.reshape(-1, width)
        steps = np.diff(table[:, 0])
        rising = max((steps > 0).mean(), (steps < 0).mean())
        current = table[:, 1][np.abs(table[:, 1]) < SENT_FOR_NONE]
        tame = np.abs(np.diff(steps)).max(initial=0) <= 3 * np.abs(steps).max()
        if rising >= 0.9 and tame and len(current) and np.abs(current).max() < 1.1:
            return table
    return None


FORMAT = Format(
    "source_meter",
    "Source meter buffer (V, I in one line)",
    "iv",
    looks,
    read,
    "One line of V,I,V,I… or V,I,R,t,status as Keithley source meters send their buffer.",
)

"""Rows of samples as oscilloscopes write them, cut cells and lines told."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.measured import Floats
from mppcqa.tables.text import refuse_cut
from mppcqa.tables.words import say as _


def samples_of(path: Path, rows: list[list[str]], first: int, at: list[int]) -> Floats:
    """Times and signals (samples, columns); `TableError` names the first bad line."""
    found: list[list[float]] = []
    for number in range(first, len(rows)):
        row = rows[number]
        if not any(row):
            continue
        try:
            found.append([float(row[place]) for place in at])
        except (IndexError, ValueError):
            if not any(is_number(cell) for cell in row) and number == len(rows) - 1:
                break
            raise TableError(
                _("%(name)s: line %(line)d is no sample: “%(text)s”")
                % {"name": path.name, "line": number + 1, "text": ",".join(row)[:40]}
            ) from None
    table = np.array(found, float).reshape(-1, len(at))
    bad = np.flatnonzero(~np.isfinite(table).all(axis=1))
    if len(bad):
        raise TableError(
            _("%(name)s: sample %(n)d is not finite") % {"name": path.name, "n": int(bad[0]) + 1}
        )
    if len(table) < 2:
        raise TableError(_("%s: no samples; was the file cut off?") % path.name)
    refuse_cut(path, [[row[place] for place in at] for row in rows[first:] if len(row) > max(at)])
    return table


def is_number(text: str) -> bool:
    """Whether a cell is a number as instruments write it."""
    try:
        float(text)
    except ValueError:
        return False
    return True

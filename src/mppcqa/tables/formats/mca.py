"""Spectra of multichannel analysers, a line of counts a bin: ORTEC .spe/.chn text, Amptek .mca.

ORTEC's ASCII form has ``$DATA:`` with the first and last bin, then the counts (Maestro's manual);
Amptek's has ``<<DATA>>``, the counts, ``<<END>>``, with keys above as ``KEY - value``.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.formats.base import Format, lines_at, refuse_other_kind
from mppcqa.tables.histogram import spread_counts
from mppcqa.tables.mapping import Mapping
from mppcqa.tables.measured import Floats, Measured, at_condition
from mppcqa.tables.parts import conditions_of
from mppcqa.tables.text import ends_with_line, read_lines
from mppcqa.tables.words import say as _

AMPTEK, ORTEC = "<<PMCA SPECTRUM>>", "$DATA:"
LEAST_CHANNELS = 64
MARK = re.compile(r"\$[A-Z_]+:")


def looks(start: bytes, path: Path) -> bool:
    lines = [line.strip() for line in lines_at(start, 200)]
    return lines[0] == AMPTEK or (bool(MARK.fullmatch(lines[0])) and ORTEC in lines)


def read(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """The one histogram of a file, its bins by their numbers."""
    refuse_other_kind(path, mapping, "spectrum", FORMAT.title)
    lines = [line.strip() for line in read_lines(path, limit)]
    counts, facts = _of_amptek(path, lines) if AMPTEK in lines[:1] else _of_ortec(path, lines)
    first = int(facts.pop("first bin", "0"))
    centres = np.arange(first, first + len(counts), dtype=float)
    whole = conditions_of(mapping, path, facts)
    part = whole.tell(at_condition(whole.values))
    part.charges = spread_counts(centres, counts, path.name)[:, None]
    part.facts = facts
    part.notes.append(_("a histogram: its counts were spread evenly over their bins"))
    return [part]


def _of_amptek(path: Path, lines: list[str]) -> tuple[Floats, dict[str, str]]:
    if "<<DATA>>" not in lines or "<<END>>" not in lines:
        raise TableError(_("%s: its counts have no end: the file was cut off") % path.name)
    begin, end = lines.index("<<DATA>>"), lines.index("<<END>>")
    pairs = [line.partition(" - ") for line in lines[1:begin]]
    facts = {key: value.strip() for key, mark, value in pairs if mark and value.strip()}
    rows = lines[begin + 1 : end]
    if len(rows) & (len(rows) - 1) or len(rows) < LEAST_CHANNELS:
        raise TableError(
            _(
                "%(name)s: %(n)d counts are no power of two, as Amptek's are: lines were lost or "
                "added"
            )
            % {"name": path.name, "n": len(rows)}
        )
    return _counts(path, rows, begin + 2), facts


def _of_ortec(path: Path, lines: list[str]) -> tuple[Floats, dict[str, str]]:
    begin = lines.index(ORTEC) if ORTEC in lines else -1
    bins = lines[begin + 1].split() if 0 <= begin < len(lines) - 1 else []
    if len(bins) != 2 or not all(one.isdecimal() for one in bins):
        raise TableError(_("%s: $DATA: does not say its bins; was the file cut off?") % path.name)
    first, last = map(int, bins)
    rows = lines[begin + 2 : begin + 3 + last - first]
    if len(rows) != last - first + 1 or any(MARK.fullmatch(row) for row in rows):
        there = next((n for n, row in enumerate(rows) if MARK.fullmatch(row)), len(rows))
        raise TableError(
            _("%(name)s: %(a)d bins are announced, %(b)d are there: the file was cut off")
            % {"name": path.name, "a": last - first + 1, "b": there}
        )
    after = lines[begin + 3 + last - first :]
    if not after and not ends_with_line(path):
        raise TableError(_("%s: its counts have no end: the file was cut off") % path.name)
    if after and after[0] and not MARK.fullmatch(after[0]):
        raise TableError(
            _("%(name)s: more than the %(a)d bins that are announced")
            % {"name": path.name, "a": last - first + 1}
        )
    facts = {
        line.strip("$:").lower(): lines[at + 1]
        for at, line in enumerate(lines[:begin])
        if MARK.fullmatch(line)
    }
    return _counts(path, rows, begin + 3), facts | {"first bin": str(first)}


def _counts(path: Path, rows: list[str], line: int) -> Floats:
    for offset, row in enumerate(rows):
        if not row.isdecimal():
            raise TableError(
                _("%(name)s: line %(line)d is no count: “%(text)s”")
                % {"name": path.name, "line": line + offset, "text": row[:40]}
            )
    return np.array(rows, float)


FORMAT = Format(
    "mca",
    "Multichannel analyser spectrum (ORTEC .spe, Amptek .mca)",
    "spectrum",
    looks,
    read,
    "Counts a bin as ORTEC's Maestro (.spe) and Amptek's programs (.mca) write them as text.",
)

"""Events of PETsys (TOFPET2) as convert_raw_to_singles and its kin write them as text.

Columns without headings, by the manual: time [ps], energy, channel; of groups and coincidences the
number of hits and the place in the group stand before them, of coincidences twice. Which of them a
file holds stands in its name alone.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.formats.base import Format, lines_at, refuse_other_kind
from mppcqa.tables.mapping import Mapping
from mppcqa.tables.measured import Measured, at_condition
from mppcqa.tables.parts import LARGEST_SAMPLE, by_channel, conditions_of
from mppcqa.tables.text import ends_with_line, read_lines
from mppcqa.tables.words import say as _

KINDS = {"single": (3, (1,)), "group": (5, (3,)), "coinc": (10, (3, 8))}
"""Columns of a kind, and which of them (from 0) are energies; the channel follows each."""
NAME = re.compile(r"(?i)(single|group|coinc)")
CHANNELS = 64
MOST_CHANNELS = 2**31
"""No number of a channel is so large; a file with one is none of these."""
NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")


def _kind(path: Path) -> tuple[int, tuple[int, ...]] | None:
    found = NAME.search(path.name)
    return KINDS[found[1].lower()] if found else None


def looks(start: bytes, path: Path) -> bool:
    kind = _kind(path)
    if kind is None or b"\0" in start:
        return False
    rows = [line.split() for line in lines_at(start, 20)[:-1] if line.strip()]
    times = [row[energy - 1] for row in rows for energy in kind[1] if len(row) == kind[0]]
    whole = all(len(row) == kind[0] and all(map(NUMBER.fullmatch, row)) for row in rows)
    return bool(rows) and whole and all(time.lstrip("-").isdecimal() for time in times)


def read(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """Charges of each channel, in their order; chips follow one another, 64 channels each."""
    refuse_other_kind(path, mapping, "charge", FORMAT.title)
    kind = _kind(path)
    if kind is None:
        raise TableError(
            _("%s: its name does not say whether it holds singles, groups or coincidences")
            % path.name
        )
    if limit is None and not ends_with_line(path):
        raise TableError(_("%s: its last line has no end; was the file cut off?") % path.name)
    width, energies = kind
    found = []
    for number, line in enumerate(read_lines(path, limit), 1):
        words = line.split()
        if not words:
            continue
        if len(words) != width or not all(map(NUMBER.fullmatch, words)):
            raise TableError(
                _("%(name)s: line %(line)d is no row of %(n)d numbers; was the file cut off?")
                % {"name": path.name, "line": number, "n": width}
            )
        found += [(float(words[at]), float(words[at + 1])) for at in energies]
    table = np.array(found, float).reshape(-1, 2)
    if (np.abs(table[:, 0]) > LARGEST_SAMPLE).any():
        raise TableError(_("%s: an energy in it is no reading") % path.name)
    told = table[:, 1]
    if not len(table) or not ((told >= 0) & (told < MOST_CHANNELS) & (told == np.rint(told))).all():
        raise TableError(_("%s: the column of channels does not hold channels") % path.name)
    channel = told.astype(np.int64)
    chips, place = np.unique(channel // CHANNELS, return_inverse=True)
    whole = conditions_of(mapping, path, {})
    part = whole.tell(at_condition(whole.values))
    numbers = channel % CHANNELS + CHANNELS * place.reshape(-1)
    part.charges, part.channels = by_channel(table[:, 0].astype(np.float32), numbers, None)
    part.channel_known = True
    part.notes.append(
        _("chips %s follow one another, 64 channels each") % ", ".join(map(str, chips.tolist()))
    )
    return [part]


FORMAT = Format(
    "petsys",
    "PETsys events as text",
    "charge",
    looks,
    read,
    "Text of PETsys' convert_raw_to_singles, …_group or …_coincidence, by the file's name: "
    "energies by channel.",
)

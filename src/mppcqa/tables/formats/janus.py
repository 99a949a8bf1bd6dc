"""Lists of CAEN's Janus (A5202/DT5202, FERS-5200) as text: an event's channels below one another.

Format of Janus 3: remarks with ``//``, a heading, and rows in which the time stamp and the number
of the trigger stand only with the first channel of an event.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.formats.base import Format, lines_at
from mppcqa.tables.mapping import Mapping
from mppcqa.tables.measured import Measured, at_condition
from mppcqa.tables.parts import by_channel, conditions_of
from mppcqa.tables.text import read_lines, refuse_cut_line
from mppcqa.tables.words import say as _

GAINS = ("HG", "LG", "PHA_HG", "PHA_LG", "ToT_ns", "ToT", "ToA_ns", "ToA")
CHANNELS = 64
LARGEST = 1e6
"""Of charges: its converters have 13 bits."""


def looks(start: bytes, path: Path) -> bool:
    lines = lines_at(start)
    if not any("janus" in line.lower() for line in lines[:12] if line.startswith("//")):
        return any(_is_heading(line.split()) for line in lines[:30])
    return any(_is_heading(line.split()) for line in lines)


def _is_heading(words: list[str]) -> bool:
    plain = [re.sub(r"\W|_", "", word).lower() for word in words]
    return {"brd", "ch"} <= set(plain) and any(word.startswith("tstamp") for word in plain)


def read(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """Charges of an event's channels; the high gain where the mapping does not name the other."""
    lines = read_lines(path, limit)
    if limit is None:
        refuse_cut_line(path, [line for line in lines[-100:] if re.match(r"\s*[-\d]", line)])
    heading = next((at for at, line in enumerate(lines) if _is_heading(line.split())), -1)
    if heading < 0:
        raise TableError(_("%s: no heading with Brd and Ch; is it a list of Janus?") % path.name)
    heads = [re.sub(r"\W", "", word) for word in lines[heading].split()]
    at = _gain(path, heads, mapping)
    facts = _facts(lines[:heading])
    events, boards, channels, values = _rows(path, lines, heading, heads, at)
    several = sorted(set(boards.tolist()))
    place = np.searchsorted(several, boards)
    charges, names = by_channel(values, channels + CHANNELS * place, events)
    whole = conditions_of(mapping, path, facts)
    part = whole.tell(at_condition(whole.values))
    part.charges, part.channels, part.facts, part.channel_known = charges, names, facts, True
    others = [head for head in heads if head in GAINS and head != heads[at]]
    part.notes.append(_("charges are %s") % heads[at])
    if others:
        part.notes.append(_("Columns that are not used: %s.") % ", ".join(others))
    if len(several) > 1:
        part.notes.append(
            _("boards %s follow one another, 64 channels each") % ", ".join(map(str, several))
        )
    return [part]


def _gain(path: Path, heads: list[str], mapping: Mapping) -> int:
    """Place of the column that is the charge."""
    if mapping.kind != "charge":
        raise TableError(
            _("%(name)s: a list of Janus holds charges, not what the mapping says (%(kind)s)")
            % {"name": path.name, "kind": mapping.kind}
        )
    if "Counts" in heads and not set(heads) & set(GAINS):
        raise TableError(
            _("%(name)s is a list of Janus in the mode of %(mode)s, which has no charges")
            % {"name": path.name, "mode": "counting"}
        )
    wanted = [column.source for column in mapping.of_role("charge")] or list(GAINS[:4])
    for name in wanted:
        if name in heads:
            return heads.index(name)
    raise TableError(
        _("%(name)s: there is no column “%(source)s”; there are %(there)s")
        % {"name": path.name, "source": wanted[0], "there": ", ".join(heads)}
    )


def _rows(
    path: Path, lines: list[str], heading: int, heads: list[str], at: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Event, board, channel and charge of each row."""
    width = len(heads)
    plain = [head.lower().replace("_", "") for head in heads]
    board, channel = plain.index("brd"), plain.index("ch")
    lead = min(board, channel)
    found: list[tuple[int, int, int, float]] = []
    event = -1
    for number in range(heading + 1, len(lines)):
        words = lines[number].split()
        if not words or words[0].startswith("//"):
            continue
        try:
            if len(words) == width:
                event += 1
                row = words
            elif len(words) == width - lead and event >= 0:
                row = [""] * lead + words
            else:
                raise ValueError
            found.append((event, int(row[board]), int(row[channel]), _number(row[at])))
        except ValueError:
            raise TableError(
                _("%(name)s: line %(line)d is no row of Janus: “%(text)s”; was the file cut off?")
                % {"name": path.name, "line": number + 1, "text": lines[number].strip()[:40]}
            ) from None
    if not found:
        raise TableError(_("%s: the table holds no line") % path.name)
    table = np.array(found, float)
    if (table[:, 2] >= CHANNELS).any() or (table[:, 2] < 0).any():
        raise TableError(_("%s: a board of Janus has channels 0 to 63") % path.name)
    return (
        table[:, 0],
        table[:, 1].astype(int),
        table[:, 2].astype(int),
        table[:, 3].astype(np.float32),
    )


def _number(text: str) -> float:
    """A charge, NaN for none; `ValueError` for what no converter gives."""
    value = float("nan") if text in ("-", "--") else float(text)
    if abs(value) > LARGEST:
        raise ValueError(text)
    return value


def _facts(lines: list[str]) -> dict[str, str]:
    found = {}
    for line in lines:
        key, colon, value = line.strip("/ *").partition(":")
        if colon:
            found[key.strip()] = value.strip()
        elif words := re.match(r"(Janus Release|File Format Version)\s+(.+)", key):
            found[words[1]] = words[2]
    return found


FORMAT = Format(
    "janus",
    "CAEN Janus list",
    "charge",
    looks,
    read,
    "Text lists of CAEN's Janus (A5202/DT5202, FERS): charges of each event by channel; the high "
    "gain, unless a mapping names LG.",
)

"""Lists of CAEN's Janus (A5202/DT5202, FERS-5200) as binary, of spectroscopy with or without times.

Format of Janus 3 and 4 (CAEN, UM7946, and outputfiles.c of its source): a header of 25 bytes, then
events: size, board, time stamp, number of the trigger, mask of channels, and of each channel its
number, a byte that says what follows (1 low gain, 2 high gain, 16 time of arrival, 32 time over
threshold), and these. The header says whether times are in nanoseconds (floats) or in steps.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.formats.base import Format, refuse_other_kind
from mppcqa.tables.formats.janus_events import CHANNELS, LEAST, hits, missing
from mppcqa.tables.mapping import Mapping
from mppcqa.tables.measured import Measured, at_condition
from mppcqa.tables.parts import by_channel, conditions_of
from mppcqa.tables.words import say as _

HEADER = struct.Struct("<2B3BHHBHBfQ")
BOARDS = (5202,)
SPECTROSCOPY, TIMING, BOTH, COUNTING = 1, 2, 3, 4
MODES = {TIMING: "timing", COUNTING: "counting"}


def looks(start: bytes, path: Path) -> bool:
    if len(start) < HEADER.size:
        return False
    header = HEADER.unpack_from(start)
    return header[5] in BOARDS and header[7] & 0x0F in (1, 2, 3, 4) and header[9] in (0, 1)


def read(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """Charges of an event's channels; the high gain where the mapping does not name the other."""
    refuse_other_kind(path, mapping, "charge", FORMAT.title)
    with path.open("rb") as file:
        data = np.frombuffer(file.read(-1 if limit is None else limit), np.uint8)
    if len(data) < HEADER.size:
        raise TableError(_("%s: its header is not whole: the file was cut off") % path.name)
    header = HEADER.unpack_from(data)
    mode, steps = header[7] & 0x0F, header[9] == 0
    if mode in MODES:
        raise TableError(
            _("%(name)s is a list of Janus in the mode of %(mode)s, which has no charges")
            % {"name": path.name, "mode": MODES[mode]}
        )
    starts, sizes = _events(path, data, limit is not None)
    event, board, channel, low, high = hits(path, data, starts, sizes, 4 if steps else 0)
    wanted = [column.source.upper().removeprefix("PHA_") for column in mapping.of_role("charge")]
    gain = wanted[0] if wanted and wanted[0] in ("LG", "HG") else ""
    name, charge = (
        ("LG", low) if gain == "LG" or (not gain and np.isnan(high).all()) else ("HG", high)
    )
    there = np.isfinite(charge)
    if not there.any():
        raise TableError(_("%(name)s: no charges of %(gain)s") % {"name": path.name, "gain": name})
    several, place = np.unique(board, return_inverse=True)
    numbers = channel + CHANNELS * place.reshape(-1)
    facts = {
        "data format": f"{header[0]}.{header[1]}",
        "Janus": ".".join(map(str, header[2:5])),
        "board": str(header[5]),
        "run": str(header[6]),
    }
    whole = conditions_of(mapping, path, facts)
    whole.doubts += [text] if (text := missing(data, starts, sizes, 4 if steps else 0)) else []
    part = whole.tell(at_condition(whole.values))
    part.charges, part.channels = by_channel(charge[there], numbers[there], event[there])
    part.facts, part.channel_known = facts, True
    part.notes.append(_("charges are %s") % name)
    if len(several) > 1:
        listed = ", ".join(map(str, several.tolist()))
        part.notes.append(_("boards %s follow one another, 64 channels each") % listed)
    return [part]


def _events(path: Path, data: Any, cut: bool) -> tuple[Any, Any]:
    """Where events begin, and their sizes [bytes]."""
    starts: list[int] = []
    sizes: list[int] = []
    raw, at = data.tobytes(), HEADER.size
    while at + 2 <= len(raw):
        size = raw[at] | raw[at + 1] << 8
        if size < LEAST or at + size > len(raw):
            if cut and at + size > len(raw):
                break
            raise TableError(
                _("%(name)s: event %(n)d claims %(size)d bytes: the file was cut off or changed")
                % {"name": path.name, "n": len(starts) + 1, "size": size}
            )
        starts.append(at)
        sizes.append(size)
        at += size
    if not starts:
        raise TableError(_("%s: nothing was found in it") % path.name)
    return np.array(starts, np.int64), np.array(sizes, np.int64)


FORMAT = Format(
    "janus_binary",
    "CAEN Janus binary list",
    "charge",
    looks,
    read,
    "Binary lists of CAEN's Janus (A5202/DT5202, FERS) in the modes of spectroscopy: charges of "
    "each event by channel; the high gain, unless a mapping names LG.",
    text=False,
)

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
from mppcqa.tables.mapping import Mapping
from mppcqa.tables.measured import Charges, Measured, at_condition
from mppcqa.tables.parts import by_channel, conditions_of
from mppcqa.tables.words import say as _

HEADER = struct.Struct("<2B3BHHBHBfQ")
BOARDS = (5202,)
CHANNELS = 64
SPECTROSCOPY, TIMING, BOTH, COUNTING = 1, 2, 3, 4
MODES = {TIMING: "timing", COUNTING: "counting"}
LOW, HIGH, ARRIVAL, OVER = 1, 2, 16, 32
UNKNOWN = 0xFF - LOW - HIGH - ARRIVAL - OVER
LEAST = 2 + 1 + 8 + 8 + 8
RELATIVE = 8
"""Bytes of a second time stamp, which some runs have."""


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
    event, board, channel, low, high = _hits(path, data, starts, sizes, 4 if steps else 0)
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


def _hits(path: Path, data: Any, starts: Any, sizes: Any, step: int) -> tuple[Any, ...]:
    """Event, board, channel, low and high gain of each channel of each event.

    Goes through the channels of all events at once; `step` is 4 where times are in steps.
    """
    relative = _relative(data, starts, sizes, step)
    at = starts + LEAST + relative
    end = starts + sizes
    padded = np.concatenate([data, np.zeros(16, np.uint8)])
    live = np.arange(len(starts))
    masks = _masks(data, starts, relative)
    found: list[tuple[Any, ...]] = []
    for _n in range(CHANNELS + 1):
        live = live[at[live] < end[live]]
        if not len(live):
            break
        here = at[live]
        channel, kind = padded[here], padded[here + 1]
        odd = (channel >= CHANNELS) | ((kind & UNKNOWN) != 0)
        here = here + 2
        values: list[Charges] = []
        for bit in (LOW, HIGH):
            has = (kind & bit) != 0
            number = padded[here].astype(np.float32) + 256.0 * padded[here + 1]
            values.append(np.where(has, number, np.nan).astype(np.float32))
            here = here + 2 * has
        here = here + 4 * ((kind & ARRIVAL) != 0) + (2 if step else 4) * ((kind & OVER) != 0)
        odd |= here > end[live]
        bit = np.left_shift(np.uint64(1), np.minimum(channel, CHANNELS - 1).astype(np.uint64))
        odd |= (masks[live] & bit) == 0
        masks[live] &= ~bit
        if odd.any():
            raise TableError(_broken(path, int(live[np.flatnonzero(odd)[0]])))
        found.append((live, padded[starts[live] + 2], channel.astype(np.int64), *values))
        at[live] = here
    if len(live) and (at[live] < end[live]).any():
        raise TableError(_broken(path, int(live[0])))
    if masks.any():
        raise TableError(_broken(path, int(np.flatnonzero(masks)[0])))
    event, board, channel, low, high = (np.concatenate(x) for x in zip(*found, strict=True))
    if len(np.unique(board)) > 1:  # boards answer one trigger each on its own
        event = _words(data, starts + LEAST - 16 + relative)[event]
    order = np.lexsort((channel, event))
    return event[order].astype(float), board[order], channel[order], low[order], high[order]


def _masks(data: Any, starts: Any, relative: int) -> Any:
    """The mask of channels of each event (n,) uint64."""
    return _words(data, starts + LEAST - 8 + relative)


def _words(data: Any, places: Any) -> Any:
    """Numbers of 64 bits (n,) at some places."""
    at = places[:, None] + np.arange(8)
    return data[np.minimum(at, len(data) - 1)].copy().view("<u8").reshape(-1)


def _broken(path: Path, event: int) -> str:
    return _("%(name)s: event %(n)d does not hold what its size says: it is damaged") % {
        "name": path.name,
        "n": event + 1,
    }


def _relative(data: Any, starts: Any, sizes: Any, step: int) -> int:
    """Bytes of a second time stamp: by the mask of channels of the first event."""
    raw = data[starts[0] : starts[0] + sizes[0]].tobytes()
    for more in (0, RELATIVE):
        at = LEAST + more
        if len(raw) < at:
            break
        mask = int.from_bytes(raw[at - 8 : at], "little")
        channels = [n for n in range(CHANNELS) if mask >> n & 1]
        said = []
        while at + 2 <= len(raw):
            kind = raw[at + 1]
            said.append(raw[at])
            at += 2 + 2 * (kind & 1) + (kind & 2) + 4 * (kind >> 4 & 1)
            at += (2 if step else 4) * (kind >> 5 & 1)
        if at == len(raw) and said == channels:
            return more
    return 0


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

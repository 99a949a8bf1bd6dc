"""Waveforms of the DRS4 evaluation board as its program DRSOsc writes them: binary (.dat), or XML.

Format of the board's manual (PSI, rev. 5.1): ``DRS2`` where there are scalers, ``TIME`` with the
widths of each channel's 1024 cells [ns], then events of 16-bit samples over 1 V around the middle
of the range. The cells of this chip differ in width; samples are set on even steps here.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.formats.base import Format, refuse_other_kind
from mppcqa.tables.formats.drs4_xml import CHANNELS, Wave, broken, waves_of_xml
from mppcqa.tables.formats.oscilloscope import DARK
from mppcqa.tables.mapping import Mapping
from mppcqa.tables.measured import Floats, Measured
from mppcqa.tables.parts import conditions_of, waveform_part
from mppcqa.tables.words import say as _

CELLS = 1024
EVENT = struct.Struct("<I8H")
EVENT_BYTES = 4 + EVENT.size


def looks(start: bytes, path: Path) -> bool:
    binary = start[:4] == b"TIME" or (start[:4] == b"DRS2" and start[4:8] == b"TIME")
    return binary or b"<DRSOSC>" in start[:1000]


def read(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """Waveforms of each channel, in volts on even steps of time."""
    refuse_other_kind(path, mapping, "waveform", FORMAT.title)
    with path.open("rb") as file:
        start = file.read(1000)
    found = waves_of_xml(path) if b"<DRSOSC>" in start else _of_binary(path, limit)
    if not found:
        raise TableError(_("%s: nothing was found in it") % path.name)
    whole = conditions_of(mapping, path, {})
    parts = []
    for channel, waves in sorted(found.items()):
        volts, interval = _even(path, waves)
        part = waveform_part(path, whole.values, volts, interval, channel, len(found) > 1)
        part.notes.append(_("samples were set on even steps: the cells of a DRS4 differ in width"))
        parts.append(part)
    whole.tell(parts[0])
    return parts


def _even(path: Path, waves: list[Wave]) -> tuple[Floats, float]:
    """Waveforms (n, samples) on even steps, and the step [s]."""
    lengths = {len(times) for times, _volts in waves}
    if len(lengths) > 1:
        raise TableError(_("%s: its waveforms have different lengths") % path.name)
    spans = np.array([(times[-1] - times[0]) / (len(times) - 1) for times, _volts in waves])
    step = float(f"{np.median(spans):.6g}")
    rising = all((np.diff(times) > 0).all() for times, _volts in waves)
    if not rising or not 0 < step < 1e-3:
        raise TableError(_("%s: times of samples do not rise: it is damaged") % path.name)
    grid = np.arange(lengths.pop()) * step
    return np.stack([np.interp(grid, times - times[0], volts) for times, volts in waves]), step


def _of_binary(path: Path, limit: int | None) -> dict[int, list[Wave]]:
    data = path.read_bytes() if limit is None else path.open("rb").read(limit)
    scalers = data[:4] == b"DRS2"
    at, widths = _widths(path, data, 8 if scalers else 4)
    found: dict[int, list[Wave]] = {}
    number = 0
    while at < len(data):
        number += 1
        board = -1
        if data[at : at + 4] != b"EHDR" or at + EVENT_BYTES > len(data):
            raise TableError(broken(path, number))
        middle = struct.unpack_from("<h", data, at + EVENT_BYTES - 2)[0] / 1000
        at += EVENT_BYTES
        last = -1
        while data[at : at + 2] == b"B#":
            board += 1
            cell = (
                struct.unpack_from("<H", data, at + 6)[0] if data[at + 4 : at + 6] == b"T#" else -1
            )
            at += 8
            while data[at : at + 1] == b"C":
                channel = CHANNELS * board + _channel(path, data, at, number)
                begin = at + 4 + (4 if scalers else 0)
                at = begin + 2 * CELLS
                if at > len(data) and limit is not None:
                    return found
                # A channel that comes again is of an event whose header is lost.
                known = channel in widths and channel > last and 0 <= cell < CELLS
                if at > len(data) or not known:
                    raise TableError(broken(path, number))
                last = channel
                raw = np.frombuffer(data, "<u2", CELLS, begin)
                times = np.concatenate([[0.0], np.cumsum(np.roll(widths[channel], -cell))[:-1]])
                found.setdefault(channel, []).append((times * 1e-9, raw / 65536 - 0.5 + middle))
        if board < 0:
            raise TableError(broken(path, number))
    return found


def _widths(path: Path, data: bytes, at: int) -> tuple[int, dict[int, Floats]]:
    """Where events begin, and widths [ns] of the cells of each channel."""
    widths: dict[int, Floats] = {}
    board = -1
    while data[at : at + 4] != b"EHDR":
        if data[at : at + 2] == b"B#":
            board, at = board + 1, at + 4
        elif data[at : at + 1] == b"C" and board >= 0 and at + 4 + 4 * CELLS <= len(data):
            channel = CHANNELS * board + _channel(path, data, at, 0)
            widths[channel] = np.frombuffer(data, "<f4", CELLS, at + 4).astype(float)
            if not np.isfinite(widths[channel]).all() or not (widths[channel] > -1).all():
                raise TableError(broken(path, 0))
            at += 4 + 4 * CELLS
        else:
            raise TableError(broken(path, 0))
    return at, widths


def _channel(path: Path, data: bytes, at: int, event: int) -> int:
    text = data[at + 1 : at + 4]
    if not text.isdigit() or not 1 <= int(text) <= CHANNELS:
        raise TableError(broken(path, event))
    return int(text) - 1


FORMAT = Format(
    "drs4",
    "DRS4 evaluation board (DRSOsc)",
    "waveform",
    looks,
    read,
    "Waveforms of the DRS4 evaluation board, binary or XML, on even steps of time.",
    DARK,
    text=False,
)

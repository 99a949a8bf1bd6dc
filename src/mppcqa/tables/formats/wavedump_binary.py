"""Waveforms of CAEN's WaveDump as binary: six numbers of 32 bits before the samples of each event.

Format of WaveDump's manual (UM2091): size of the event with its header [bytes], board, pattern,
channel, number of the event, time tag; then samples of 16 bits, or of 32-bit floats where the
digitizer's own corrections were applied (x742). One file holds one channel.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.formats.base import Format, refuse_other_kind
from mppcqa.tables.mapping import Mapping
from mppcqa.tables.measured import Measured
from mppcqa.tables.parts import conditions_of, waveform_part
from mppcqa.tables.stored import Stored, read_array
from mppcqa.tables.words import say as _

HEADER = 24
LARGEST_EVENT = 20_000_000
MOST_BITS = 16_383
"""Digitizers that WaveDump reads have 14 bits at most; the upper half of a float is more."""


def looks(start: bytes, path: Path) -> bool:
    if len(start) < HEADER:
        return False
    size, board, _pattern, channel, first, _tag = _numbers(start)
    if not HEADER + 4 <= size <= LARGEST_EVENT or size % 2 or board > 255 or channel > 63:
        return False
    if path.stat().st_size == size:
        return True
    with path.open("rb") as file:
        file.seek(size)
        second = file.read(HEADER)
    if len(second) < HEADER:
        return False
    again, board_, _pattern, channel_, number, _tag = _numbers(second)
    return (again, board_, channel_) == (size, board, channel) and number > first


def _numbers(header: bytes) -> list[int]:
    numbers: list[int] = np.frombuffer(header[:HEADER], "<u4").tolist()
    return numbers


def read(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """Waveforms of one channel, in ADC counts; they stay in the file until they are written."""
    refuse_other_kind(path, mapping, "waveform", FORMAT.title)
    with path.open("rb") as file:
        start = file.read(HEADER)
        if len(start) < HEADER:
            raise TableError(_("%s: no whole event; was the file cut off?") % path.name)
        size, board, _pattern, channel, _first, _tag = _numbers(start)
        if not HEADER + 4 <= size <= LARGEST_EVENT:
            raise TableError(
                _("%(name)s: an event of %(n)d bytes can't be read")
                % {"name": path.name, "n": size}
            )
        samples = np.frombuffer(file.read(size - HEADER), "<u2")
    kind = _kind(samples)
    whole, rest = divmod(path.stat().st_size, size)
    if rest:
        raise TableError(
            _(
                "%(name)s: %(n)d events of %(size)d bytes and %(rest)d bytes more: the file was "
                "cut off, or its events differ in length (save them with one record length)"
            )
            % {"name": path.name, "n": whole, "size": size, "rest": rest}
        )
    event = np.dtype(
        [("header", "<u4", (6,)), ("samples", kind, ((size - HEADER) // kind.itemsize,))]
    )
    facts = {"board": str(board), "channel": str(channel), "events": str(whole)}
    given = conditions_of(mapping, path, facts)
    waves = Stored(
        (whole, event["samples"].shape[0]), kind, _reader(path, event, (size, board, channel))
    )
    part = waveform_part(path, given.values, waves, given["sample_s"], channel, False)
    part.facts = facts
    return [given.tell(part)]


def _kind(samples: Any) -> np.dtype[Any]:
    """Whether samples are whole numbers or floats, by those of the first event."""
    if len(samples) % 2 == 0 and len(samples) and samples.max() > MOST_BITS:
        floats = samples.view("<f4")
        if np.isfinite(floats).all() and np.abs(floats).max() < 1e6:
            return np.dtype("<f4")
    return np.dtype("<u2")


def _reader(path: Path, event: np.dtype[Any], due: tuple[int, int, int]) -> Any:
    place = path.resolve()  # the name may be a link that is gone by then

    def read_some(first: int, end: int) -> Any:
        """Samples of some events, whose headers must be those of the first event but for time."""
        found = read_array(place, event, end - first, first * event.itemsize)
        odd = np.flatnonzero((found["header"][:, [0, 1, 3]] != due).any(axis=1))
        if len(odd) or len(found) < end - first:
            at = first + int(odd[0] if len(odd) else len(found)) + 1
            raise TableError(
                _(
                    "%(name)s: event %(n)d has not the size, board and channel of the first: it is "
                    "damaged, or holds records of several lengths"
                )
                % {"name": path.name, "n": at}
            )
        return found["samples"]

    return read_some


FORMAT = Format(
    "wavedump_binary",
    "CAEN WaveDump binary",
    "waveform",
    looks,
    read,
    "Binary of CAEN's WaveDump (wave0.dat) with its headers; the time between samples is the "
    "digitizer's and has to be given (sample_s).",
    text=False,
)

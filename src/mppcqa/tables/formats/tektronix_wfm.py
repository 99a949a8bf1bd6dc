"""Waveforms as Tektronix oscilloscopes save them as .wfm of the versions 1 to 3.

Layout of Tektronix 077-0220 (Performance Oscilloscope Reference Waveform File Format): version 2
has two bytes more before the vertical axis, version 3 four more in each of its views.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.formats.base import Format, refuse_other_kind
from mppcqa.tables.formats.oscilloscope import DARK, MAX_SAMPLES
from mppcqa.tables.mapping import Mapping
from mppcqa.tables.measured import Measured
from mppcqa.tables.parts import conditions_of, waveform_part
from mppcqa.tables.unreadable import named
from mppcqa.tables.words import say as _

ORDERS = {b"\x0f\x0f": "<", b"\xf0\xf0": ">"}
KINDS = {0: "i2", 1: "i4", 2: "u4", 4: "f4", 5: "f8", 6: "u1", 7: "i1"}
MOST_FRAMES = 1_000_000
HEADERS = 840


def looks(start: bytes, path: Path) -> bool:
    """Whether it is one that holds samples; others are named by `unreadable`."""
    mark = start[2:9] == b":WFM#00" and start[9:10] in (b"1", b"2", b"3") and start[:2] in ORDERS
    return mark and len(start) > HEADERS and _plain(start)


def _plain(data: bytes) -> bool:
    order, version = ORDERS[data[:2]], int(data[9:10])
    counts = struct.unpack_from(order + "3I", data, 114)
    stored = struct.unpack_from(order + "I", data, _vertical(version) + 76)
    return counts == (1, 1, 2) and stored == (0,)


def _vertical(version: int) -> int:
    return 168 if version > 1 else 166


def read(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """Frames of one channel, in volts."""
    refuse_other_kind(path, mapping, "waveform", FORMAT.title)
    data = path.read_bytes()
    if not looks(data[:4096], path):
        raise TableError(_("%(name)s is %(what)s") % {"name": path.name, "what": named(path)})
    try:
        volts, step, facts = _frames(data)
    except (ValueError, struct.error) as error:
        raise TableError(f"{path.name} ({named(path)}): {error}") from None
    given = conditions_of(mapping, path, {})
    part = waveform_part(path, given.values, volts, step, 0, False)
    part.facts = facts
    return [given.tell(part)]


def _frames(data: bytes) -> tuple[Any, float, dict[str, str]]:
    """Frames (n, samples) [V], the step [s], facts; `ValueError` says what is wrong."""
    order, version = ORDERS[data[:2]], int(data[9:10])
    vertical = _vertical(version)
    horizontal = vertical + 312 + (8 if version == 3 else 0)
    curve = vertical + 624 + (16 if version == 3 else 0)

    def values(kind: str, at: int) -> tuple[Any, ...]:
        return struct.unpack_from(order + kind, data, at)

    rest = values("i", 11)[0]
    if rest and 15 + rest != len(data):
        raise ValueError(_("it is not as long as it says: the file was cut off or changed"))
    frames = 1 if values("I", 78)[0] == 0 else values("I", 72)[0] + 1
    (scale, offset), (step, _first) = values("2d", vertical), values("2d", horizontal)
    unit, time = _text(data, vertical + 20), _text(data, horizontal + 20)
    code = values("I", vertical + 72)[0]
    kind = np.dtype(order + KINDS.get(code, "u8"))
    if time != "s" or unit not in ("V", "") or code not in KINDS or data[15] != kind.itemsize:
        raise ValueError(
            _("samples %(code)d of %(n)d bytes in “%(unit)s” by “%(time)s” can't be read")
            % {"code": code, "n": data[15], "unit": unit, "time": time}
        )
    if not (math.isfinite(scale) and scale != 0 and math.isfinite(offset) and 0 < step < 1):
        raise ValueError(_("times or scales in it can't be so: it is damaged"))
    (buffer,) = values("I", 16)
    before, low, high, after, end = values("5I", curve + 10)
    ordered = before <= low < high <= after <= end and not (low | high | end) % kind.itemsize
    if not ordered or frames > MOST_FRAMES or frames * (high - low) > MAX_SAMPLES * kind.itemsize:
        raise ValueError(_("its samples have no place in it: it is damaged"))
    if buffer < curve + 30 or buffer + frames * end > len(data):
        raise ValueError(
            _("%(a)d samples are announced, %(b)d are there: the file was cut off")
            % {
                "a": frames * (high - low) // kind.itemsize,
                "b": max(0, len(data) - buffer) // kind.itemsize,
            }
        )
    width = end // kind.itemsize
    raw = np.frombuffer(data, kind, frames * width, buffer).reshape(frames, width)
    raw = raw[:, low // kind.itemsize : high // kind.itemsize]
    facts = {"format": f"WFM#00{version}", "frames": str(frames)}
    return (raw * scale + offset).astype(np.float32), float(step), facts


def _text(data: bytes, at: int) -> str:
    return data[at : at + 20].split(b"\0")[0].decode("latin-1").strip()


FORMAT = Format(
    "tektronix_wfm",
    "Tektronix .wfm waveform",
    "waveform",
    looks,
    read,
    "Waveforms of Tektronix oscilloscopes as .wfm of the versions 1 to 3, FastFrame as well, in "
    "volts.",
    DARK,
    text=False,
)

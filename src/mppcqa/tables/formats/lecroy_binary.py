"""Waveforms as LeCroy oscilloscopes save them as binary (.trc), by their template LECROY_2_3."""

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
from mppcqa.tables.units import read_unit
from mppcqa.tables.words import say as _

MARK = b"WAVEDESC"
LEAST = 346
"""Bytes of the descriptor."""


def looks(start: bytes, path: Path) -> bool:
    return MARK in start[:64]


def read(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """Segments of a trace, in volts."""
    refuse_other_kind(path, mapping, "waveform", FORMAT.title)
    data = path.read_bytes()
    begin = data.find(MARK, 0, 64)
    if begin < 0 or len(data) < begin + LEAST:
        raise TableError(
            _("%s: no whole descriptor of a LeCroy trace; was it cut off?") % path.name
        )
    low_first = data[begin + 34] == 1

    def value(kind: str, at: int) -> Any:
        return struct.unpack_from(("<" if low_first else ">") + kind, data, begin + at)[0]

    wide = value("h", 32)
    lengths = [value("i", at) for at in range(36, 64, 4)]
    count, segments = value("i", 116), value("i", 144)
    gain, zero = value("f", 156), value("f", 160)
    interval = float(f"{value('f', 176):.7g}")
    stated = lengths[6]  # bytes of the array of samples
    dtype = np.dtype(("<" if low_first else ">") + "i2") if wide == 1 else np.dtype("i1")
    whole = segments * (count // segments) == count if segments > 0 else False
    sizes = wide in (0, 1) and whole and 2 <= count <= MAX_SAMPLES
    if not sizes or stated != count * dtype.itemsize or min(lengths) < 0 or lengths[0] < LEAST:
        raise TableError(
            _("%(name)s: %(n)d samples in %(k)d segments and %(b)d bytes do not fit together")
            % {"name": path.name, "n": count, "k": segments, "b": stated}
        )
    first = begin + sum(lengths[:6])
    rest = len(data[first + stated + max(0, value("i", 64)) :].strip(b"\r\n"))
    if rest or not _fits(data, begin):
        raise TableError(
            _("%(name)s: %(n)d bytes more than its descriptor tells of: it is damaged")
            % {"name": path.name, "n": rest}
        )
    if first + stated > len(data):
        raise TableError(
            _("%(name)s: %(a)d samples are announced, %(b)d are there: the file was cut off")
            % {"name": path.name, "a": count, "b": max(0, len(data) - first) // dtype.itemsize}
        )
    unit = _text(data, begin + 196, 48)
    if unit and (known := read_unit(unit)) is not None and known.base != "V":
        raise TableError(
            _("%(name)s: the vertical unit %(unit)s is no voltage")
            % {"name": path.name, "unit": unit}
        )
    if not (math.isfinite(gain) and gain != 0 and math.isfinite(zero) and 0 < interval < 1):
        raise TableError(
            _("%(name)s: a gain of %(gain)g V and steps of %(step)g s can't be so: it is damaged")
            % {"name": path.name, "gain": gain, "step": interval}
        )
    raw = np.frombuffer(data, dtype, count, first).reshape(segments, -1)
    volts = (raw * np.float64(gain) - zero).astype(np.float32)
    facts = {
        "instrument": _text(data, begin + 76, 16),
        "channel": f"C{value('H', 344) + 1}",
        "segments": str(segments),
    }
    given = conditions_of(mapping, path, facts)
    part = waveform_part(path, given.values, volts, interval, 0, False)
    part.facts = facts
    return [given.tell(part)]


def _fits(data: bytes, begin: int) -> bool:
    """Whether the length before the descriptor, ``#9000000123``, is that of the file."""
    digits = data[1:2]
    if data[:1] != b"#" or not digits.isdigit():
        return begin == 0
    said = data[2 : 2 + int(digits)]
    last = begin + int(said) if said.isdigit() and len(said) + 2 == begin else -1
    return 0 < last <= len(data) and not data[last:].strip(b"\r\n")


def _text(data: bytes, at: int, length: int) -> str:
    return data[at : at + length].split(b"\0")[0].decode("latin-1").strip()


FORMAT = Format(
    "lecroy_binary",
    "LeCroy binary waveform (.trc)",
    "waveform",
    looks,
    read,
    "Binary traces of LeCroy oscilloscopes (.trc), one or many segments, in volts.",
    DARK,
    text=False,
)

"""Waveforms as LeCroy oscilloscopes save them as text: LECROY…, segments, Time,Ampl."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.formats.base import Format
from mppcqa.tables.formats.oscilloscope import DARK, MAX_SAMPLES, refuse_other
from mppcqa.tables.formats.sample_rows import samples_of
from mppcqa.tables.mapping import Mapping
from mppcqa.tables.measured import Measured
from mppcqa.tables.parts import conditions_of, waveform_part
from mppcqa.tables.sampling import sample_interval
from mppcqa.tables.text import read_lines
from mppcqa.tables.words import say as _


def looks(start: bytes, path: Path) -> bool:
    return start[:6].upper() == b"LECROY"


def read(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """Segments of a LeCroy file: ``Segments,N,SegmentSize,M``, then times and amplitudes."""
    refuse_other(path, mapping)
    lines = read_lines(path, limit)
    if not lines or not lines[0].upper().startswith("LECROY"):
        raise TableError(_("%s: a LeCroy file begins with LECROY") % path.name)
    row = lines[1].split(",") if len(lines) > 1 else []
    try:
        segments, samples = int(row[1]), int(row[3])
    except (IndexError, ValueError):
        raise TableError(_("%s: line 2 must be Segments,N,SegmentSize,M") % path.name) from None
    if segments < 1 or samples < 2 or segments * samples > MAX_SAMPLES:
        raise TableError(
            _("%(name)s: %(a)d segments of %(b)d samples can't be read")
            % {"name": path.name, "a": segments, "b": samples}
        )
    starts = [n for n, line in enumerate(lines[: segments + 2000]) if _is_head(line)]
    if not starts:
        raise TableError(_("%s: no line Time,Ampl before the samples") % path.name)
    rows = [line.split(",") for line in lines]
    table = samples_of(path, rows, starts[0] + 1, [0, 1])
    times, volts = table[:, 0], table[:, 1]
    if limit is not None:
        segments = max(1, min(segments, len(times) // samples))
        samples = min(samples, len(times))
    if len(times) < segments * samples:
        raise TableError(
            _("%(name)s: %(a)d x %(b)d samples are announced, %(c)d are there: it was cut off")
            % {"name": path.name, "a": segments, "b": samples, "c": len(times)}
        )
    used, shape = segments * samples, (segments, samples)
    facts = {"instrument": lines[0], "segments": str(segments)}
    if len(lines) > 3:
        facts["trigger"] = lines[3]
    interval = sample_interval(times[:used].reshape(shape), path.name)
    whole = conditions_of(mapping, path, {})
    waveforms = np.asarray(volts[:used].reshape(shape))
    part = waveform_part(path, whole.values, waveforms, interval, 0, False)
    part.facts = facts
    return [whole.tell(part)]


def _is_head(line: str) -> bool:
    return line.lower().startswith("time") and "," in line and not line.lower().startswith("timeb")


FORMAT = Format(
    "lecroy",
    "LeCroy ASCII waveform",
    "waveform",
    looks,
    read,
    "Text as LeCroy oscilloscopes save it (LECROY…, Time,Ampl), one or many segments; bias and "
    "temperature from the file's name (58V, 20C) where it has them.",
    DARK,
)

"""Waveforms as oscilloscopes of LeCroy and Tektronix save them as text."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mppcqa.runfile.foreign.mapping import ForeignError, Mapping
from mppcqa.runfile.foreign.measured import Floats, Measured
from mppcqa.runfile.foreign.text import cells, read_lines

MAX_SAMPLES = 200_000_000


def read_lecroy(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """Segments of a LeCroy file: ``Segments,N,SegmentSize,M``, then times and amplitudes."""
    lines = read_lines(path, limit)
    if not lines[0].upper().startswith("LECROY"):
        raise ForeignError(f"{path.name}: a LeCroy file begins with LECROY, not {lines[0][:30]!r}")
    row = cells(lines[1], ",") if len(lines) > 1 else []
    try:
        segments, samples = int(row[1]), int(row[3])
    except (IndexError, ValueError):
        raise ForeignError(f"{path.name}: line 2 must be Segments,N,SegmentSize,M") from None
    if segments < 1 or samples < 2 or segments * samples > MAX_SAMPLES:
        raise ForeignError(f"{path.name}: {segments} segments of {samples} samples can't be read")
    starts = [n for n, line in enumerate(lines[:2000]) if line.lower().startswith("time")]
    if not starts:
        raise ForeignError(f"{path.name}: no line Time,Ampl before the samples")
    times, volts = _pairs(lines, starts[0] + 1, 0, 1, path.name)
    if limit is not None:
        segments = max(1, min(segments, len(times) // samples))
        samples = min(samples, len(times))
    if len(times) < segments * samples:
        raise ForeignError(
            f"{path.name}: {segments} x {samples} samples are announced, {len(times)} are there: "
            "the file was cut off"
        )
    used = segments * samples
    shape = (segments, samples)
    facts = {"instrument": lines[0], "segments": str(segments)}
    if len(lines) > 3:
        facts["trigger"] = lines[3]
    return [
        _measured(path, mapping, times[:used].reshape(shape), volts[:used].reshape(shape), facts)
    ]


def read_tektronix(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """A Tektronix file: facts in the first columns, time and volts in the last two."""
    lines = read_lines(path, limit)
    facts: dict[str, str] = {}
    for line in lines[:40]:
        row = cells(line, ",")
        if row[0] and len(row) > 1:
            facts[row[0]] = row[1]
    try:
        announced = round(float(facts["Record Length"]))
        interval = float(facts["Sample Interval"])
    except (KeyError, ValueError):
        raise ForeignError(
            f"{path.name}: a Tektronix file begins with Record Length and Sample Interval"
        ) from None
    if not 2 <= announced <= MAX_SAMPLES:
        raise ForeignError(f"{path.name}: a record of {announced} samples can't be read")
    first = next((n for n, line in enumerate(lines) if _samples_begin(line)), len(lines))
    times, volts = _pairs(lines, first, -2, -1, path.name)
    if limit is None and len(times) < announced:
        raise ForeignError(
            f"{path.name}: {announced} samples are announced, {len(times)} are there: "
            "the file was cut off"
        )
    times, volts = times[:announced], volts[:announced]
    found = _measured(path, mapping, times[None, :], volts[None, :], facts)
    if not math.isclose(found.sample_s, interval, rel_tol=0.01):
        raise ForeignError(
            f"{path.name}: the samples are {found.sample_s:g} s apart, {interval:g} s are announced"
        )
    found.sample_s = interval
    return [found]


def _samples_begin(line: str) -> bool:
    row = cells(line, ",")
    try:
        float(row[-2])
        float(row[-1])
    except (IndexError, ValueError):
        return False
    return True


def _pairs(
    lines: list[str], first: int, time_at: int, volts_at: int, name: str
) -> tuple[Floats, Floats]:
    """Times and amplitudes from two columns; `ForeignError` names the first bad line."""
    rows: list[tuple[float, float]] = []
    for at in range(first, len(lines)):
        if not lines[at].strip():
            continue
        row = lines[at].split(",")
        try:
            rows.append((float(row[time_at]), float(row[volts_at])))
        except (IndexError, ValueError):
            raise ForeignError(f"{name}: line {at + 1} is no sample: {lines[at][:40]!r}") from None
    table = np.array(rows, float).reshape(-1, 2)
    bad = np.flatnonzero(~np.isfinite(table).all(axis=1))
    if len(bad):
        raise ForeignError(f"{name}: sample {int(bad[0]) + 1} is not finite")
    if len(table) < 2:
        raise ForeignError(f"{name}: no samples; was the file cut off?")
    return table[:, 0], table[:, 1]


def sample_interval(times: Floats, name: str) -> float:
    """Seconds between samples of waveforms (n, samples); `ForeignError` where they are uneven."""
    steps = np.diff(times, axis=1)
    interval = float(np.median(steps))
    # Times are rounded to some digits: a lost sample shows as a step of twice the interval.
    if interval <= 0 or np.abs(steps - interval).max() > 0.5 * interval:
        where = np.argwhere(np.abs(steps - interval) > 0.5 * interval)
        place = f" at sample {int(where[0][1]) + 2}" if len(where) else ""
        raise ForeignError(f"{name}: the samples are not evenly spaced in time{place}")
    return float((times[0, -1] - times[0, 0]) / (times.shape[1] - 1))


def _measured(
    path: Path, mapping: Mapping, times: Floats, volts: NDArray[np.float64], facts: dict[str, str]
) -> Measured:
    return Measured(
        bias_v=mapping.condition("bias_v", path, facts),
        temperature_c=mapping.condition("temperature_c", path, facts),
        light=mapping.condition("light", path, facts),
        waveforms=volts.astype(np.float32),
        sample_s=sample_interval(times, path.name),
        facts=facts,
    )

"""Charge histograms of CAEN's HERA software."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from mppcqa.runfile.foreign.mapping import ForeignError, Mapping
from mppcqa.runfile.foreign.measured import Floats, Measured
from mppcqa.runfile.foreign.text import cells, read_lines

END = "*** End of Header ***"
MAX_EVENTS = 50_000_000


def read_hera(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """The histogram of a HERA file, its counts spread evenly over their bins.

    The conditions are those of the channel whose digitizer status is on.
    """
    lines = read_lines(path, limit)
    ends = [number for number, line in enumerate(lines) if line.strip() == END]
    if not ends:
        raise ForeignError(f"{path.name}: no line {END!r}; is it a file of HERA, and whole?")
    header = header_of(lines[: ends[0]])
    rows = []
    for at in range(ends[0] + 1, len(lines)):
        line = lines[at].strip()
        if not line or line.startswith("ADC"):
            continue
        row = [float_or_nan(cell) for cell in cells(line, "\t") if cell]
        if len(row) < 2 or not all(math.isfinite(one) for one in row[:2]):
            raise ForeignError(f"{path.name}: line {at + 1}: expected ADC channel and counts")
        rows.append(row[:2])
    table = np.array(rows, float).reshape(-1, 2)
    found = Measured(
        bias_v=mapping.condition("bias_v", path, header),
        temperature_c=mapping.condition("temperature_c", path, header),
        light=mapping.condition("light", path, header),
        charges=spread_counts(table[:, 0], table[:, 1], path.name)[:, None],
        gate_s=_gate(header),
        facts=header,
    )
    found.notes.append("a histogram: its counts were spread evenly over their bins")
    return [found]


def header_of(lines: list[str]) -> dict[str, str]:
    """``key: value`` lines; of the two channels' blocks that of the one that was recorded."""
    common: dict[str, str] = {}
    blocks: dict[str, dict[str, str]] = {}
    block: str | None = None
    for line in lines:
        key, colon, value = line.partition(":")
        if line.lstrip().startswith("dV/dT"):
            key, value, colon = "dV/dT", line.split("dV/dT")[1], ":"
        key = key.strip().replace("\ufffd", "°")
        if not colon:
            continue
        if key == "Ch." or line.startswith("Ch.:"):
            block = line.partition(":")[2].strip()
            blocks[block] = {}
        elif key.endswith("settings"):
            block = None
        elif block is not None:
            blocks[block][key] = value.strip()
        else:
            common[key] = value.strip()
    on = [name for name in blocks if common.get(f"Channel {name} Status", "").lower() == "on"]
    for name in on[:1] or list(blocks)[:1]:
        common |= {"Recorded channel": name, **blocks[name]}
    return common


def float_or_nan(text: str) -> float:
    """A number with point or comma; NaN where it is none."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return math.nan


def spread_counts(centres: Floats, counts: Floats, name: str) -> np.ndarray:
    """Charges (events,) of a histogram: those of a bin stand evenly across it.

    A histogram keeps no events; evenly spread charges give the same counts in the same bins and
    no false spikes in others. Raises `ForeignError` for bins that are not even or counts that are
    not whole numbers of at least zero.
    """
    if len(centres) < 5:
        raise ForeignError(f"{name}: {len(centres)} bins are no spectrum; was the file cut off?")
    steps = np.diff(centres)
    width = float(np.median(steps))
    if width <= 0 or np.abs(steps - width).max() > 0.01 * width:
        at = int(np.abs(steps - width).argmax()) + 1
        raise ForeignError(f"{name}: the bins are not evenly spaced at bin {at + 1} of the table")
    if (counts < 0).any() or (counts != np.round(counts)).any():
        at = int(np.flatnonzero((counts < 0) | (counts != np.round(counts)))[0])
        raise ForeignError(f"{name}: bin {at + 1} has {counts[at]:g} counts; whole numbers are due")
    total = counts.sum()
    if total > MAX_EVENTS or total < 1:
        raise ForeignError(f"{name}: {total:g} events; 1 to {MAX_EVENTS} can be taken in")
    whole = counts.astype(np.int64)
    start = np.repeat(np.cumsum(whole) - whole, whole)
    place = (np.arange(whole.sum()) - start + 0.5) / np.repeat(whole, whole)
    values = np.repeat(centres, whole) + (place - 0.5) * width
    return values.astype(np.float32)


def _gate(header: dict[str, str]) -> float:
    """Gate in seconds from ``Gate Width|Pre|Hold`` in ns; NaN where it is not said."""
    found = re.match(r"\s*(\d+(?:[.,]\d+)?)", header.get("Gate Width|Pre|Hold", ""))
    return float_or_nan(found.group(1)) * 1e-9 if found else math.nan

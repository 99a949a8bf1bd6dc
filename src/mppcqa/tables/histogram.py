"""Histograms of charges, taken in as charges."""

from __future__ import annotations

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.measured import Floats

MAX_EVENTS = 50_000_000
MAX_BINS = 1_000_000


def spread_counts(centres: Floats, counts: Floats, name: str) -> np.ndarray:
    """Charges (events,) of a histogram: those of a bin stand evenly across it.

    A histogram keeps no events; evenly spread charges give the same counts in the same bins and
    no false spikes in others. Raises `TableError` for bins that are not even or counts that are
    not whole numbers of at least zero.
    """
    if len(centres) < 5:
        raise TableError(f"{name}: {len(centres)} bins are no spectrum; was the file cut off?")
    steps = np.diff(centres)
    width = float(np.median(steps))
    if width <= 0 or np.abs(steps - width).max() > 0.01 * width:
        at = int(np.abs(steps - width).argmax()) + 1
        raise TableError(f"{name}: the bins are not evenly spaced at bin {at + 1} of the table")
    if (counts < 0).any() or (counts != np.round(counts)).any():
        at = int(np.flatnonzero((counts < 0) | (counts != np.round(counts)))[0])
        raise TableError(f"{name}: bin {at + 1} has {counts[at]:g} counts; whole numbers are due")
    total = counts.sum()
    if total > MAX_EVENTS or total < 1:
        raise TableError(f"{name}: {total:g} events; 1 to {MAX_EVENTS} can be taken in")
    whole = counts.astype(np.int64)
    start = np.repeat(np.cumsum(whole) - whole, whole)
    place = (np.arange(whole.sum()) - start + 0.5) / np.repeat(whole, whole)
    values = np.repeat(centres, whole) + (place - 0.5) * width
    return values.astype(np.float32)

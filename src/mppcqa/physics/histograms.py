"""Histograms of charges, many channels at once."""

from __future__ import annotations

import numpy as np
from numba import get_num_threads, njit, prange
from numpy.typing import ArrayLike, NDArray

from mppcqa.physics._model import Floats

Counts = NDArray[np.int64]
Charges = NDArray[np.float64] | NDArray[np.float32]

SAMPLE = 1024
"""Charges a channel that tell where most of them lie."""
MARGIN = 0.03


def histogram_charges(charges: ArrayLike, bins: int = 460) -> tuple[Counts, Floats, Counts]:
    """Histogram each column of charges (events, channels) over its own range.

    Returns counts (channels, bins), edges (channels, bins + 1) and how many charges a channel
    were not finite and left out (channels,). The range is that of the charges with a margin of
    empty bins; of charges farther out than the width of the central 99.8 %, it ends there and
    they are counted in the outermost bin. ValueError for another shape than (events, channels).

    >>> import numpy as np
    >>> counts, edges, bad = histogram_charges([[1.0, 5.0], [2.0, float("nan")]], bins=10)
    >>> counts.sum(axis=1).tolist(), edges.shape, bad.tolist()
    ([2, 1], (2, 11), [0, 1])
    """
    values = _columns(charges)
    edges = _edges([values], bins)
    counts, bad = _count(values, edges)
    return counts, edges, bad


def histogram_pairs(
    light: ArrayLike, dark: ArrayLike, bins: int = 460
) -> tuple[Counts, Counts, Floats, Counts]:
    """Histogram charges with light and in the dark (events, channels) in the same bins.

    Returns counts with light and in the dark (channels, bins), edges (channels, bins + 1) and how
    many charges a channel were not finite (channels,). See `histogram_charges`.

    >>> light, dark, edges, bad = histogram_pairs([[1.0], [2.0]], [[0.0]], bins=10)
    >>> int(light.sum()), int(dark.sum()), edges.shape
    (2, 1, (1, 11))
    """
    lit, unlit = _columns(light), _columns(dark)
    if lit.shape[1] != unlit.shape[1]:
        raise ValueError(f"light has {lit.shape[1]} channels and dark has {unlit.shape[1]}")
    edges = _edges([lit, unlit], bins)
    lights, bad_light = _count(lit, edges)
    darks, bad_dark = _count(unlit, edges)
    return lights, darks, edges, bad_light + bad_dark


def _columns(charges: ArrayLike) -> Charges:
    values = np.asarray(charges)
    if values.dtype not in (np.float32, np.float64):
        values = values.astype(float)
    if values.ndim != 2:
        raise ValueError(f"charges must be (events, channels), not {values.shape}")
    return np.ascontiguousarray(values)


def _edges(parts: list[Charges], bins: int) -> Floats:
    threads = max(get_num_threads(), 1)
    filled = [part for part in parts if len(part)]
    channels = parts[0].shape[1]
    low, high = np.full(channels, np.inf), np.full(channels, -np.inf)
    begin, end = low.copy(), high.copy()
    for part in filled:
        least, most = _extent(part, threads)
        low, high = np.minimum(low, least), np.maximum(high, most)
        some = part[:: len(part) // SAMPLE + 1].astype(float)
        some[~np.isfinite(some)] = np.nan
        some.sort(axis=0)  # what is not finite comes last
        number = np.isfinite(some).sum(axis=0)
        at = np.arange(channels)
        has = number > 0
        first = some[(0.001 * number).astype(int), at]
        last = some[np.maximum(np.ceil(0.999 * number).astype(int) - 1, 0), at]
        begin = np.where(has, np.fmin(begin, first), begin)
        end = np.where(has, np.fmax(end, last), end)
    width = end - begin
    wide = np.isfinite(width) & (width > 0)
    low = np.where(wide, np.maximum(low, begin - width), low)
    high = np.where(wide, np.minimum(high, end + width), high)
    empty = ~(low <= high)
    low, high = np.where(empty, 0.0, low), np.where(empty, 1.0, high)
    margin = MARGIN * np.maximum(high - low, 1e-9)
    low, span = low - margin, high - low + 2 * margin
    found: Floats = low[:, None] + span[:, None] * (np.arange(bins + 1) / bins)
    return found


def _count(values: Charges, edges: Floats) -> tuple[Counts, Counts]:
    threads = max(get_num_threads(), 1)
    bins = edges.shape[1] - 1
    scale = bins / (edges[:, -1] - edges[:, 0])
    counts, bad = _fill(values, edges[:, 0].copy(), scale, bins, threads)
    return counts.sum(axis=0, dtype=np.int64), bad.sum(axis=0, dtype=np.int64)


@njit(cache=True, parallel=True)
def _extent(values, threads):  # type: ignore[no-untyped-def]
    """Least and greatest finite value of each column."""
    n, channels = values.shape
    found = np.empty((threads, 2, channels))
    for t in prange(threads):
        low = np.full(channels, np.inf, values.dtype)
        high = np.full(channels, -np.inf, values.dtype)
        for i in range(t * n // threads, (t + 1) * n // threads):
            for c in range(channels):
                x = values[i, c]
                low[c] = x if x < low[c] else low[c]  # a NaN is neither less nor more
                high[c] = x if x > high[c] else high[c]
        for c in range(channels):
            if np.isinf(low[c]) or np.isinf(high[c]):
                low[c], high[c] = np.inf, -np.inf
                for i in range(t * n // threads, (t + 1) * n // threads):
                    x = values[i, c]
                    if np.isfinite(x):
                        low[c], high[c] = min(low[c], x), max(high[c], x)
        found[t, 0, :] = low
        found[t, 1, :] = high
    ends = found[0].copy()
    for t in range(1, threads):
        ends[0] = np.minimum(ends[0], found[t, 0])
        ends[1] = np.maximum(ends[1], found[t, 1])
    return ends


@njit(cache=True, parallel=True)
def _fill(values, low, scale, bins, threads):  # type: ignore[no-untyped-def]
    n, channels = values.shape
    counts = np.zeros((threads, channels, bins), np.int32)
    bad = np.zeros((threads, channels), np.int32)
    for t in prange(threads):
        mine = counts[t]
        for i in range(t * n // threads, (t + 1) * n // threads):
            for c in range(channels):
                x = float(values[i, c])
                if np.isfinite(x):
                    at = (x - low[c]) * scale[c]
                    mine[c, int(min(max(at, 0.0), bins - 1.0))] += 1
                else:
                    bad[t, c] += 1
    return counts, bad

"""Histograms of charges, many channels at once."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mppcqa.physics._arrays import Floats
from mppcqa.physics._cores import cores, on_all_cores
from mppcqa.physics._kept import njit

Counts = NDArray[np.int64]
Charges = NDArray[np.float64] | NDArray[np.float32]

SAMPLE = 1024
"""Charges a channel that tell where most of them lie."""
MARGIN = 0.03
LEAST_LEVELS = 20
LEAST_OFTEN, OFTEN = 4, 20
"""Fewer levels are enough where charges are that many times as many: a pedestal of few codes."""
NEAR = 50
"""That many pairs of different neighbours in the sample, within so many times the least distance,
must tell a digitizer's step."""
OFF_STEP = 0.02
"""How far from whole steps, in steps, distances may be: charges are rounded to single precision."""
MOST_CODES = 16
"""Codes a bin, of more of which one that is never given makes no difference."""
LOST_SURE, LOST_MORE = 20, 5
"""Events of both neighbours from which an empty code is one that is never given; and of further
ones where there are two."""
BLOCK = 512
"""Charges whose places are worked out at once."""
WORTH_A_THREAD = 200_000
"""Charges; fewer are done before a thread has begun."""


def histogram_charges(charges: ArrayLike, bins: int = 460) -> tuple[Counts, Floats, Counts]:
    """Histogram each column of charges (events, channels) over its own range.

    Returns counts (channels, bins), edges (channels, bins + 1) and how many charges a channel
    were not finite and left out (channels,). The range is that of the charges with a margin of
    empty bins; of charges farther out than the width of the central 99.8 %, it ends there and
    they are counted in the outermost bin. Charges that come in steps, as a digitizer's do, get bins
    of whole steps with the levels in their middle; where such a bin holds several codes, of which
    the digitizer never gives one, what its neighbours got of it is laid back (`_lay_back`).
    ValueError for another shape than (events, channels).

    >>> import numpy as np
    >>> counts, edges, bad = histogram_charges([[1.0, 5.0], [2.0, float("nan")]], bins=10)
    >>> counts.sum(axis=1).tolist(), edges.shape, bad.tolist()
    ([2, 1], (2, 11), [0, 1])
    """
    values = _columns(charges)
    edges, codes = _edges([values], bins)
    counts, bad = _count(values, edges, codes)
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
    edges, codes = _edges([lit, unlit], bins)
    lights, bad_light = _count(lit, edges, codes)
    darks, bad_dark = _count(unlit, edges, codes)
    return lights, darks, edges, bad_light + bad_dark


def _columns(charges: ArrayLike) -> Charges:
    values = np.asarray(charges)
    if values.dtype not in (np.float32, np.float64):
        values = values.astype(float)
    if values.ndim != 2:
        raise ValueError(f"charges must be (events, channels), not {values.shape}")
    return np.ascontiguousarray(values)


def _edges(parts: list[Charges], bins: int) -> tuple[Floats, NDArray[np.int64]]:
    """Edges (channels, bins + 1), and how many codes a bin holds (channels,); 0 without a step."""
    channels = parts[0].shape[1]
    low, high = np.full(channels, np.inf), np.full(channels, -np.inf)
    begin, end = low.copy(), high.copy()
    step, level = np.zeros(channels), np.zeros(channels)
    for part in (part for part in parts if len(part)):
        ends = np.array(_side_by_side(part, _extent))
        low, high = (
            np.minimum(low, ends[:, 0].min(axis=0)),
            np.maximum(high, ends[:, 1].max(axis=0)),
        )
        some = np.ascontiguousarray(part[:: len(part) // SAMPLE + 1].T, float)
        some[~np.isfinite(some)] = np.nan
        some.sort(axis=1)  # what is not finite comes last
        number = np.isfinite(some).sum(axis=1)
        at = np.arange(channels)
        has = number > 0
        first = some[at, (0.001 * number).astype(int)]
        last = some[at, np.maximum(np.ceil(0.999 * number).astype(int) - 1, 0)]
        begin = np.where(has, np.fmin(begin, first), begin)
        end = np.where(has, np.fmax(end, last), end)
        fresh = step == 0
        step, level = np.where(fresh, _step(some), step), np.where(fresh, some[:, 0], level)
    width = end - begin
    wide = np.isfinite(width) & (width > 0)
    low = np.where(wide, np.maximum(low, begin - width), low)
    high = np.where(wide, np.minimum(high, end + width), high)
    empty = ~(low <= high)
    low, high = np.where(empty, 0.0, low), np.where(empty, 1.0, high)
    margin = MARGIN * np.maximum(high - low, 1e-9)
    low, span = low - margin, high - low + 2 * margin
    low, span, codes = _on_steps(low, span, bins, step, level)
    found: Floats = low[:, None] + span[:, None] * (np.arange(bins + 1) / bins)
    return found, codes


def _step(ordered: Floats) -> Floats:
    """Step of the digitizer (channels,) in ascending values (channels, n); zero where none is."""
    apart = np.diff(ordered, axis=1)
    apart[~(apart > 0)] = np.inf
    step = apart.min(axis=1, initial=np.inf)
    different = apart < NEAR * step[:, None]
    apart[~different] = 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        number = np.rint(apart / step[:, None])
        step = apart.sum(axis=1) / number.sum(axis=1)
        off = np.abs(apart / step[:, None] - number).max(axis=1, initial=0.0)
    levels = different.sum(axis=1)
    often = np.isfinite(ordered).sum(axis=1) >= OFTEN * levels
    enough = (levels >= LEAST_LEVELS) | ((levels >= LEAST_OFTEN) & often)
    found: Floats = np.where(enough & (off < OFF_STEP), step, 0.0)
    return found


def _on_steps(
    low: Floats, span: Floats, bins: int, step: Floats, level: Floats
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Beginning, span and codes a bin where bins are whole steps and levels lie in their middle.

    With other bins, some hold a level more than their neighbours: a comb that no model has.
    """
    has = step > 0
    step = np.where(has, step, 1.0)
    level = np.where(has, level, 0.0)
    edge = level + (np.floor((low - level) / step + 0.5) - 0.5) * step
    steps = np.maximum(np.ceil((low + span - edge) / (bins * step)), 1.0)
    codes = np.where(has, np.minimum(steps, MOST_CODES + 1), 0).astype(np.int64)
    return np.where(has, edge, low), np.where(has, steps * step * bins, span), codes


def _count(values: Charges, edges: Floats, codes: NDArray[np.int64]) -> tuple[Counts, Counts]:
    bins = edges.shape[1] - 1
    several = np.where((codes > 1) & (codes <= MOST_CODES), codes, 1)
    fine = bins * int(several.max(initial=1))
    low, scale = edges[:, 0].copy(), bins * several / (edges[:, -1] - edges[:, 0])
    parts = _side_by_side(values, lambda rows: _fill(rows, low, scale, fine))
    counts: Counts = np.sum(np.array(parts), axis=0, dtype=np.int64)
    bad = counts[:, fine]
    if fine == bins:
        return np.ascontiguousarray(counts[:, :bins]), bad
    found = np.empty((len(counts), bins), np.int64)
    for row, one, number in zip(found, counts, several, strict=True):
        own = one[: bins * number].copy()
        own[-1] += one[bins * number : fine].sum()
        if number > 1:
            _lay_back(own)
        row[:] = own.reshape(bins, number).sum(axis=1)
    return found, bad


def _lay_back(counts: Counts) -> None:
    """Give codes (codes,) that are never given their events, which both neighbours have, in place.

    Such a code has none while both neighbours have many. The three share what they have as a
    parabola through the logarithms of the two beyond on either side says.
    """
    middle, inner = counts[3:-3], np.minimum(counts[2:-4], counts[4:-2])
    lost = np.flatnonzero((middle == 0) & (inner >= LOST_SURE)) + 3
    if len(lost) >= 2:
        lost = np.flatnonzero((middle == 0) & (inner >= LOST_MORE)) + 3
    for k in lost:
        beside = np.log(np.maximum(counts[k + np.array([-3, -2, 2, 3])], 0.5))
        bend = (beside[[0, 3]].mean() - beside[[1, 2]].mean()) / 5
        slope = (2 * (beside[2] - beside[1]) + 3 * (beside[3] - beside[0])) / 26
        share = np.exp(np.clip([bend - slope, 0.0, bend + slope], -3, 3))
        whole = counts[k - 1] + counts[k + 1]
        ends = np.rint(whole * np.cumsum(share) / share.sum()).astype(np.int64)
        counts[k - 1 : k + 2] = np.diff(ends, prepend=0)


def _side_by_side(values: Charges, work: Callable[[Charges], Any]) -> list[Any]:
    """What `work` finds in pieces of the events, one a core."""
    number = max(1, min(cores(), values.size // WORTH_A_THREAD))
    cuts = [t * len(values) // number for t in range(number + 1)]
    return on_all_cores(work, [values[first:last] for first, last in pairwise(cuts)])


@njit(cache=True, nogil=True)
def _extent(values):  # type: ignore[no-untyped-def]
    """Least and greatest finite value of each column, (2, channels); infinite where none is."""
    n, channels = values.shape
    low = np.full(channels, np.inf, values.dtype)
    high = np.full(channels, -np.inf, values.dtype)
    for i in range(n):
        for c in range(channels):
            x = values[i, c]
            low[c] = x if x < low[c] else low[c]  # a NaN is neither less nor more
            high[c] = x if x > high[c] else high[c]
    ends = np.empty((2, channels))
    for c in range(channels):
        if np.isinf(low[c]) or np.isinf(high[c]):
            low[c], high[c] = np.inf, -np.inf
            for i in range(n):
                x = values[i, c]
                if np.isfinite(x):
                    low[c], high[c] = min(low[c], x), max(high[c], x)
        ends[0, c], ends[1, c] = low[c], high[c]
    return ends


@njit(cache=True, nogil=True)
def _fill(values, low, scale, bins):  # type: ignore[no-untyped-def]
    """Counts (channels, bins + 1); the last bin counts what is not finite."""
    n, channels = values.shape
    flat = values.reshape(-1)
    counts = np.zeros(channels * (bins + 1), np.int32)
    # Places of a block of events first, which the compiler does several at a time, then the counts.
    size = max(1, min(BLOCK // max(channels, 1), n)) * channels
    lows, scales = np.empty(size), np.empty(size)
    first, place = np.empty(size, np.int32), np.empty(size, np.int32)
    for i in range(size):
        c = i % channels
        lows[i], scales[i], first[i] = low[c], scale[c], c * (bins + 1)
    top = bins - 1.0
    for begin in range(0, n * channels, max(size, 1)):
        part = flat[begin : min(begin + size, n * channels)]
        for i in range(part.size):
            x = np.float64(part[i])
            at = (x - lows[i]) * scales[i]
            at = at if at > 0.0 else 0.0
            at = at if at < top else top
            at = at if x - x == 0.0 else np.float64(bins)
            place[i] = first[i] + np.int32(at)
        for i in range(part.size):
            counts[place[i]] += 1
    return counts.reshape(channels, bins + 1)

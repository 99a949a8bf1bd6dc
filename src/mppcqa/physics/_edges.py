"""The pulse finder, compiled: edges of waveforms after their pulses' fall was taken out.

d[n] = y[n] - q y[n - w], with q the fall of a pulse in w samples, is flat outside pulses whatever
pulse went before (single-pole deconvolution), and a pulse makes it a plateau of w samples. Two
pulses that are further apart than the plateau stand apart in d although they overlap in y.
"""

from __future__ import annotations

import numpy as np

from mppcqa.physics._kept import njit

FINE = 8
"""Points a sample in the table of the plateau's own fall."""


@njit(cache=True, fastmath=True)
def _difference(y, w, q, sign, d):  # type: ignore[no-untyped-def]
    """Fill d with the difference from sample w on."""
    for n in range(w, y.size):
        d[n] = sign * (np.float32(y[n]) - q * np.float32(y[n - w]))


@njit(cache=True, fastmath=True)
def _centre(d, w, middle, reach):  # type: ignore[no-untyped-def]
    """Mean of the samples of d near `middle`; the fraction of samples that are."""
    total = np.float32(0.0)
    number = np.float32(0.0)
    for n in range(w, d.size):
        x = d[n] - middle
        near = np.float32(abs(x) < reach)
        total += near * x
        number += near
    fraction = number / max(d.size - w, 1)
    return middle + total / max(number, np.float32(1.0)), fraction


@njit(cache=True)
def _lost_centre(d, w, reach):  # type: ignore[no-untyped-def]
    """The same for a waveform whose baseline lies elsewhere than that of the batch."""
    return _centre(d, w, np.float32(np.median(d[w:])), reach)


@njit(cache=True)
def _tail(table, at):  # type: ignore[no-untyped-def]
    """Plateau's height `at` samples after half its rise, per unit of amplitude."""
    place = at * FINE
    if place < 0 or place >= table.size - 1:
        return 0.0
    low = int(place)
    return table[low] + (place - low) * (table[low + 1] - table[low])


@njit(cache=True, nogil=True)
def find_edges(  # type: ignore[no-untyped-def]
    begin, end, samples, good, w, q, sign, middle, noise, threshold, table, times, heights, counts
):
    """Fill times [samples] and heights (n, most) and counts (n,) of the edges above `threshold`,
    of the waveforms from `begin` to before `end`.

    `table` is the plateau of a pulse of unit height, `FINE` points a sample from half its rise.
    """
    length = samples.shape[1]
    most = times.shape[1]
    for i in range(begin, end):
        counts[i] = 0
        if not good[i]:
            continue
        d = np.empty(length, np.float32)
        _difference(samples[i], w, q, sign, d)
        centre, fraction = _centre(d, w, np.float32(middle), np.float32(3 * noise))
        if fraction < 0.5:
            centre, fraction = _lost_centre(d, w, np.float32(3 * noise))
        cut = np.float32(centre + threshold)
        last = length - w - 1
        # What stands above the threshold already began before the search does.
        at = w
        while at < last and d[at] > cut:
            at += 1
        found = 0
        before_time, before_height = -1e9, 0.0
        while at < last:
            if d[at] <= cut:
                at += 1
                continue
            rest = before_height * _tail(table, at - before_time)
            if d[at] - centre - 1.2 * rest <= threshold:
                at += 1
                continue
            height = d[at] - centre - rest
            top = at
            for k in range(at + 1, min(at + w + 1, last + w)):
                h = d[k] - centre - before_height * _tail(table, k - before_time)
                if h > height:
                    height, top = h, k
                elif k > at + 2 and h < 0.5 * height:
                    break
            # Time where half the height is passed; a pulse that was hidden until now begins here.
            half = centre + 0.5 * height
            k = top
            while k > at and d[k - 1] > half:
                k -= 1
            time = np.float64(k)
            low = d[k - 1]
            if low < half < d[k]:
                time = k - (d[k] - half) / (d[k] - low)
            if found < most:
                times[i, found] = time
                heights[i, found] = height
                found += 1
            before_time, before_height = time, height
            at = max(at, int(time)) + w + 1
        counts[i] = found

"""Starting values from the spectra themselves, compiled."""

from __future__ import annotations

from math import exp, log, sqrt

import numpy as np

from mppcqa.physics._apart import BOOL, INT, NOTHING, REAL, REAL1, REAL2, apart, once, several
from mppcqa.physics._fourier import fft
from mppcqa.physics._scratch import numbers

SIGNIFICANT = 5.0
"""Rise of the transform, or of a peak, in standard deviations, from which it counts."""
CANDIDATES = 12
UNKNOWN_DARK = 0.02
"""Dark counts a gate to begin with where no dark spectrum tells them."""


@apart(several(REAL, REAL), REAL1, INT, BOOL)
def first_peak(counts, n, highest):  # type: ignore[no-untyped-def]
    """Position and width of the leftmost prominent peak, or of the highest one, in bins."""
    total = 0.0
    for j in range(n):
        total += counts[j]
    smooth = numbers(n)
    for j in range(n):
        for i in range(max(j - 1, 0), min(j + 2, n)):
            smooth[j] += counts[i] / 3
    # A peak is one once the counts have fallen from it by more than they scatter.
    least = max(25.0, 2e-4 * total)
    peak = 0
    found = False
    for j in range(n if not highest else 0):
        if smooth[j] > smooth[peak]:
            peak = j
        three = 3 * smooth[peak]
        if three >= least and 3 * smooth[j] < three - SIGNIFICANT * sqrt(three):
            found = True
            break
    if not found:
        for j in range(n):
            peak = j if smooth[j] > smooth[peak] else peak
    # Width from the left side only: the right one may hold fractions of pulses. The top of the
    # peak is flat against noise, so its centre comes from the bins within half its height.
    top = smooth[peak]
    left = peak
    while left > 0 and smooth[left - 1] > 0.6 * top:
        left -= 1
    right = peak
    while right < n - 1 and smooth[right + 1] > 0.6 * top:
        right += 1
    weight = 0.0
    centre = 0.0
    for j in range(left, right + 1):
        weight += counts[j]
        centre += counts[j] * (j + 0.5)
    q0 = centre / weight if weight > 0 else peak + 0.5
    # Down the left side to its foot, or to the valley before an earlier peak.
    moment = 0.0
    weight = 0.0
    lowest = top
    for j in range(min(int(q0), n - 1), -1, -1):
        lowest = min(lowest, smooth[j])
        if smooth[j] < 0.02 * top or smooth[j] > 1.5 * lowest + 2 * sqrt(lowest) + 1:
            break
        x = q0 - j - 0.5
        moment += counts[j] * x * x
        weight += counts[j]
    s0 = sqrt(max(moment / max(weight, 1.0), 0.0))
    return q0, min(max(s0, 0.4), n / 8)


@apart(REAL, REAL1, INT, REAL, REAL)
def next_peak(code, counts, n, q0, s0):  # type: ignore[no-untyped-def]
    """Distance from the pedestal to the next peak to the right; 0 where none stands out."""
    reach = max(int(0.8 * s0 + 0.5), 1)
    lowest = np.inf
    best = -1.0
    at = -1
    for j in range(int(q0 + 1.5 * s0), n - reach):
        if j - reach < 0:
            continue
        x = 0.0
        for i in range(j - reach, j + reach + 1):
            x += counts[i]
        if at < 0 and x < lowest:
            lowest = x
        noise = sqrt(x + lowest + 1)
        if x - lowest > 0.7 * SIGNIFICANT * noise and x > best:
            best, at = x, j
        if at >= 0 and (best - x > 0.7 * SIGNIFICANT * noise or j - at > 4 * s0 + 3):
            break
    return at + 0.5 - q0 if at >= 0 else 0.0


@apart(INT, REAL1, INT, REAL, REAL, REAL2, REAL1)
def spacings(code, counts, n, q0, s0, circle, found):  # type: ignore[no-untyped-def]
    """Peak spacings in bins from the spectrum's transform, the longest first; how many.

    The light of a pulse has a transform that falls from one at no frequency, and comes back where
    all peaks are in phase again: the first rise is the spacing. The pedestal's width is taken off,
    and what photoelectrons of a width of 7 % add, whose number is the mean over the spacing.
    """
    length = 2
    while length < 2 * n:
        length *= 2
    re = numbers(length)
    im = numbers(length)
    total = 0.0
    for j in range(n):
        re[j] = counts[j]
        total += counts[j]
    re, im = fft(code, re, im, numbers(length), numbers(length), length, 1, circle[0], circle[1])
    mean = 0.0
    for j in range(n):
        mean += counts[j] * (j + 0.5)
    slope = np.pi * 0.07**2 * max(mean / total - q0, 0.0)
    top = int(min(length // 2 - 1, 2.9 / s0 * length / (2 * np.pi)))
    size = numbers(top + 1)
    noise = numbers(top + 1)
    for j in range(top + 1):
        w = 2 * np.pi * j / length
        gain = exp(0.5 * (w * s0) ** 2 + min(slope * w, 3.0))
        size[j] = gain * sqrt(re[j] ** 2 + im[j] ** 2) / total
        noise[j] = gain / sqrt(total)
    k = 0
    lowest = size[0]
    j = 1
    while j < top and k < found.size:
        lowest = min(lowest, size[j])
        if size[j] - lowest < SIGNIFICANT * noise[j]:
            j += 1
            continue
        best = j
        while j < top and size[j] > size[best] - 2.5 * noise[best]:
            if size[j] > size[best]:
                best = j
            j += 1
        if best < top:
            a, b, c = size[best - 1], size[best], size[best + 1]
            bend = a - 2 * b + c
            shift = 0.5 * (a - c) / bend if bend < 0 else 0.0
            spacing = length / (best + min(max(shift, -0.5), 0.5))
            ratio = found[0] / spacing if k > 0 else 0.5
            if abs(ratio - np.floor(ratio + 0.5)) > 0.1:  # not a harmonic of the first
                found[k] = spacing
                k += 1
        lowest = size[j]
    return k


@apart(NOTHING, REAL1, REAL1, INT, BOOL, BOOL, REAL, REAL, REAL, BOOL, REAL1)
def guess(counts, dark, n, has_light, has_dark, q0, s0, gain, simple, theta):  # type: ignore[no-untyped-def]
    """Fill theta (8,) for a pedestal and a spacing, from pedestal fractions and moments."""
    total = 0.0
    pedestal = 0.0
    mean = 0.0
    square = 0.0
    edge = q0 + gain / 2
    for j in range(n):
        c = counts[j]
        total += c
        mean += c * (j + 0.5)
        square += c * (j + 0.5) ** 2
        if j + 0.5 < edge:
            pedestal += c
    mean /= total
    variance = max(square / total - mean * mean, 1e-9)
    nu = 0.0
    if has_dark:
        below = 0.0
        events = 0.0
        for j in range(n):
            events += dark[j]
            if j + 0.5 < edge:
                below += dark[j]
        nu = -log(min(max(below / events, 1e-3), 1 - 0.2 / events))
    above = max((mean - q0) / gain, 1e-3)
    if pedestal >= 20:
        light = -log(min(pedestal / total, 1 - 0.2 / total))
        lam = min(max(1 - light / above, 0.02), 0.5)
    else:
        fano = (variance - s0 * s0) / (gain * gain * above)
        lam = min(max(1 - 1 / sqrt(max(fano, 1.0)), 0.02), 0.5)
        light = above * (1 - lam)
    theta[0], theta[1], theta[2], theta[3] = q0, gain, s0, 0.08 * gain
    theta[5], theta[6], theta[7] = lam, nu, 0.0 if simple else 0.01
    theta[4] = max(light - nu, 0.02) if has_light else 0.0
    if not (has_dark or simple):
        theta[6] = UNKNOWN_DARK
    if not has_light:
        theta[6] = max(light, 1e-4)


@apart(several(INT, INT), REAL1, REAL1, INT, BOOL, REAL, REAL, REAL2, REAL1)
def candidates(code, counts, dark, n, has_dark, q0, s0, circle, gains):  # type: ignore[no-untyped-def]
    """Fill spacings worth a try, likely ones first; how many, and how many of them were seen."""
    k = 0
    found = numbers(2)
    for i in range(spacings(code, counts, n, q0, s0, circle, found)):
        k = _add(gains, k, found[i], n)
    if k == 0:
        k = _add(gains, k, next_peak(code, counts, n, q0, s0), n)
        if has_dark:
            k = _add(gains, k, next_peak(code, dark, n, q0, s0), n)
    seen = k
    if seen == 0:
        for ratio in (7.0, 5.0, 10.0, 14.0, 20.0):
            k = _add(gains, k, ratio * s0, n)
    return k, seen


@once(REAL1, INT, REAL, INT)
def _add(gains, k, gain, n):  # type: ignore[no-untyped-def]
    if not (gain > 2.5 and gain < 0.9 * n) or k >= gains.size:
        return k
    for i in range(k):
        if abs(gains[i] - gain) < 0.06 * gain:
            return k
    gains[k] = gain
    return k + 1

"""Which of a spectrum's bins are fitted, and the grid that they are laid on, compiled."""

from __future__ import annotations

from math import sqrt

import numpy as np

from mppcqa.physics._apart import BOOL, INT, INT1, REAL, REAL1, REAL2, apart, once, several
from mppcqa.physics._kept import inner
from mppcqa.physics._scratch import numbers
from mppcqa.physics._start import CANDIDATES, candidates, first_peak

BINS_A_GAIN = 22
"""About the fit's bins a peak spacing: finer ones add less than 1 % to what is known of it."""
LONGEST = 2048
ALONE_BELOW, DRAWN_BELOW = 1.5, 2.0
"""Peak spacings below the first bin that are kept apart from what lies above the last: where the
pedestal may be missing, and where a baseline or AC coupling draws events down."""
PEAK = 10.0
"""Times what is enough for a tail that a bin holds which is none."""
ALONE = 50.0
"""Times its neighbours that the first bin of a pedestal cut by the ADC can be at most."""
TAIL = 0.01
"""Of the highest bin, that the first bin of a spectrum may hold and be a pedestal's tail."""
FEW = 5e-5
"""Part of the events that may be left to the bin of all that lies beyond."""
LOST = 20.0, 4.0
"""Events on either side of an empty bin from which it is a code that the digitizer never gives; and
of further ones where there are two such."""
RUN = 3
"""Most empty bins that lie side by side."""
FEW_BELOW = 2.0
"""At most so many below where no dark spectrum shows the pedestal: they may be the pedestal."""


@once(REAL1, INT, INT)
def _spike(counts, at, step):  # type: ignore[no-untyped-def]
    """Whether the outermost bin holds what the ADC cut off: far more than the bins inside.

    On the left it would be part of a pedestal, whose other part is beside it: far more than that is
    a pedestal as narrow as the bin.
    """
    inside = 0.0
    for k in range(1, 5):
        j = at + k * step
        if j < 0 or j >= counts.size:
            return False
        inside += counts[j] / 4
    if step > 0 and counts[at] > ALONE * inside:
        return False
    return inside >= 1 and counts[at] > 4 * inside + 5 * sqrt(inside) + 10


@once(REAL1, INT, INT)
def total_of(counts, begin, end):  # type: ignore[no-untyped-def]
    total = 0.0
    for j in range(begin, end):
        total += counts[j]
    return total


@apart(several(INT, INT, REAL, REAL, BOOL, BOOL), REAL1, REAL1, BOOL, BOOL)
def ends(counts, dark, has_dark, has_light):  # type: ignore[no-untyped-def]
    """First and last bin to use, whether charges may lie beyond the bins given, whether the last
    one is what the ADC cut off, and whether the first ones are cut where many events lie.

    A few events on either side are left to the bin of all that lies beyond, so that one of them
    far out does not decide the grid; so is what a saturated ADC heaped into its last bin. The bin
    that makes them enough is left to it as well: where to stop may depend on what was passed, but
    not on what comes next, or the bin beyond holds about an event too few in the mean. But a bin
    of far more than enough is no tail: a pedestal may be as narrow as one bin.
    """
    bins = counts.size
    both = numbers(bins)
    for j in range(bins):
        both[j] = counts[j] + dark[j] if has_dark else counts[j]
    total = total_of(both, 0, bins)
    few = max(2.0, FEW * total)
    few_below = min(few, FEW_BELOW) if has_light and not has_dark else few
    first = 0
    while both[first] == 0:
        first += 1
    last = bins - 1
    while both[last] == 0:
        last -= 1
    top = 0.0
    for j in range(bins):
        top = max(top, both[j])
    lost = first == 0 and both[0] > max(few_below, TAIL * top)
    low_spill = -1.0 if first == 0 and both[0] > few_below else 0.0
    high_spill = -1.0 if last == bins - 1 and both[last] > few else 0.0
    saturated = False
    low, high = first, last
    if _spike(both, first, 1):
        low, low_spill, lost = first + 1, 0.0, False
    if _spike(both, last, -1):
        high, high_spill, saturated = last - 1, 0.0, True
    x = 0.0
    while low_spill >= 0 and x <= few_below and low < high and both[low] <= PEAK * few_below:
        x += both[low]
        low += 1
    x = 0.0
    while (
        high_spill >= 0 and not saturated and x <= few and high > low and both[high] <= PEAK * few
    ):
        x += both[high]
        high -= 1
    return low, high, low_spill, high_spill, saturated, lost


@inner(error_model="numpy")
def _rebin(counts, low, bins, factor, out):  # type: ignore[no-untyped-def]
    """Add up bins by a factor from `low` on, into out."""
    for j in range(bins):
        out[j] = 0.0
    for j in range(bins * factor):
        if low + j < counts.size:
            out[j // factor] += counts[low + j]


@apart(several(INT, INT, INT, REAL, REAL), REAL1, REAL1, INT, INT, REAL, BOOL, BOOL, REAL2, REAL1)
def peaks(code, counts, dark, low, high, events, has_dark, highest, circle, gains):  # type: ignore[no-untyped-def]
    """Fill gains (CANDIDATES,) with spacings worth a try, in coarse bins.

    `highest` says that a pedestal is the highest peak: in the dark, where something is drawn below
    it. Returns how many, how many of them were seen, what a coarse bin is, and the pedestal's place
    and width in those.
    """
    span = high - low + 1
    most = int(min(max(4 * sqrt(events), 128), 1024))
    coarse = (span + most - 1) // most
    m = (span + coarse - 1) // coarse
    lit, unlit = numbers(m), numbers(m)
    _rebin(counts, low, m, coarse, lit)
    if has_dark:
        _rebin(dark, low, m, coarse, unlit)
    q0, s0 = first_peak(code, unlit if has_dark else lit, m, highest)
    found, seen = candidates(code, lit, unlit, m, has_dark, q0, s0, circle, gains)
    return found, seen, coarse, q0, s0


@apart(
    several(INT, INT, INT, INT, INT, REAL, REAL),
    INT,
    BOOL,
    BOOL,
    BOOL,
    BOOL,
    INT,
    INT,
    INT,
    REAL,
    REAL,
    REAL1,
)
def lay_out(span, alone, drawn, saturated, spills, found, seen, coarse, q0, s0, gains):  # type: ignore[no-untyped-def]
    """Size of the grid: raw bins added up to one of it, bins, bins before the first, and length.

    Then how many of its last bins hold what lies below the first, which comes round there: a
    pedestal that may not have been recorded, or what is drawn below it. Then place and width of the
    pedestal in its bins; gains, given in coarse bins, become those too.
    """
    least = gains[0] * coarse
    factor = max(int(least / BINS_A_GAIN + 0.5), 1)
    factor = max(factor, int(np.ceil(span / (0.3 * LONGEST if saturated else 0.8 * LONGEST))))
    ratio = coarse / factor
    q0, s0 = q0 * ratio, s0 * ratio
    longest = 0.0
    for g in range(CANDIDATES):
        gains[g] *= ratio
        if g < found and seen:
            longest = max(longest, gains[g])
    nb = (span + factor - 1) // factor
    if saturated and span % factor:
        nb = span // factor  # the last bin would hold part of what was cut off
    pad = int(6 * s0) + 3
    beyond = (ALONE_BELOW * longest if alone else 0.0) + (DRAWN_BELOW * longest if drawn else 0.0)
    need = beyond + max(pad + nb + 3 + (2.0 if saturated or spills else 0.06) * nb, 7 * longest)
    length = 128
    while length < need and length < LONGEST:
        length *= 2
    below = min(int(beyond), max(length - pad - nb - 3, 0))
    return factor, nb, pad, length, below, q0, s0


@inner(error_model="numpy")
def fill(counts, dark, low, nb, factor, pad, has_dark, low_spill, high_spill, grid, spill):  # type: ignore[no-untyped-def]
    """Lay both spectra on the grid (2, length), and what lies beyond into spill (2, 2)."""
    stop = min(low + nb * factor, counts.size)
    for part in range(2 if has_dark else 1):
        one = counts if part == 0 else dark
        _rebin(one, low, nb, factor, grid[part, pad : pad + nb])
        spill[part, 0] = total_of(one, 0, low) if low_spill >= 0 else -1.0
        spill[part, 1] = total_of(one, stop, one.size) if high_spill >= 0 else -1.0


@inner(error_model="numpy")
def merge(merged, values):  # type: ignore[no-untyped-def]
    """Spread values (length,) evenly over bins that are one, in place.

    Of probabilities, their derivatives and counts alike: the likelihood of the bins is then that of
    their sum.
    """
    for j in range(merged.size):
        if merged[j] > 1:
            x = total_of(values, j, j + merged[j]) / merged[j]
            for i in range(j, j + merged[j]):
                values[i] = x


@apart(INT, REAL1, INT, INT, INT, INT, INT1)
def join(counts, low, nb, factor, pad, merged):  # type: ignore[no-untyped-def]
    """Fill merged (length,) with how many bins of the grid from each on hold what came of codes
    that are never given; returns how many such codes there are.

    Which of its neighbours has the events of such a code is not told: all three are one.
    """
    stop = min(low + nb * factor, counts.size) - 1
    found = 0
    for turn in range(2):
        if turn == 1 and found < 2:
            break
        found = 0
        k = low + 1
        while k < stop:
            end = k
            while end < stop and counts[end] == 0 and end - k < RUN:
                end += 1
            if end > k and min(counts[k - 1], counts[end]) >= LOST[turn]:
                found += 1
                for j in range((k - 1 - low) // factor, (end - low) // factor):
                    merged[pad + j] = 1
            k = end + 1
    # A mark says that a bin is one with the next: from the last on, they add up.
    for j in range(pad + nb - 2, pad - 1, -1):
        if merged[j] > 0:
            merged[j] = max(merged[j + 1], 1) + 1
            merged[j + 1] = 0
    return found

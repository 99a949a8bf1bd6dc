"""Dark counts beside noise that comes in bursts, which may hide them from a start; compiled."""

from __future__ import annotations

from math import sqrt

from mppcqa.physics._apart import BOOL, BOOL1, REAL, REAL1, REAL2, apart, several
from mppcqa.physics._climb import (
    MAX_STEPS,
    N_ALL,
    PART,
    PROBLEM,
    ROOM,
    TABLES,
    WIDER,
    climb,
    put,
    put_square,
)
from mppcqa.physics._kept import inner
from mppcqa.physics._scratch import numbers, table
from mppcqa.physics._start import guess
from mppcqa.physics._summit import BURST, SEPARATION

POOR = 1.3
"""Chi-squared a degree of freedom from which another start is tried."""
CLEAR = 4.0
"""Widths of the pedestal beyond which events are no part of it; and standard deviations by which
events above it must outnumber those as far below."""
PEAK_WIDTH = 0.08
"""Width of a peak over its distance from the pedestal, to look for it with."""
LEFT_OPEN = 0.5
"""By how much the log-likelihood must be higher: what has no separated peaks is no value, and what
explains as much and has some is one only if it is not worse."""


@inner(error_model="numpy")
def _mirrored_peak(counts, low, high, q0, s0):  # type: ignore[no-untyped-def]
    """Distance from a pedestal to where events outnumber those as far below most clearly; or 0.

    Noise of any kind is as much below the pedestal as above, dark counts are above alone. Also how
    many events below are none of the pedestal's own.
    """
    best, at, wild = CLEAR, 0.0, 0.0
    for j in range(low, high):
        if j + 0.5 < q0 - CLEAR * s0:
            wild += counts[j]
        away = j + 0.5 - q0
        if away < CLEAR * s0:
            continue
        reach = max(int(sqrt(0.64 * s0 * s0 + (PEAK_WIDTH * away) ** 2) + 0.5), 1)
        above, below = 0.0, 0.0
        for i in range(j - reach, j + reach + 1):
            if i < high:
                above += counts[i]
            k = int(2 * q0 - i - 0.5)
            if low <= k < high:
                below += counts[k]
        clear = (above - below) / sqrt(above + below + 1)
        if clear > best:
            best, at = clear, away
    return at, wild


@apart(
    several(BOOL, REAL), REAL1, BOOL, REAL, BOOL1, REAL1, REAL1, REAL, REAL, PROBLEM, TABLES, ROOM,
    REAL1, REAL2,
)  # fmt: skip
def through_bursts(  # type: ignore[no-untyped-def]
    code, best, done, log_l, may, lower, upper, chi2, ndf, problem, tables, room, score, fisher
):
    """Climb from the peak that stands above what is below the pedestal, with bursts, where dark
    counts alone are explained poorly or by peaks that are not separated.

    Of a few dark counts and noise in bursts, the shoulders of the pedestal look like peaks of a
    small spacing, and no climb leads from there. Returns as `climb`; `best` is then the better one.
    """
    counts, _, _, low, high, _, free, full, _ = problem
    joined = best[1] < SEPARATION * sqrt(best[2] ** 2 + best[3] ** 2)
    if not may[PART] or not (joined or not done or chi2 > POOR * ndf):
        return done, log_l
    away, wild = _mirrored_peak(counts[0], low, high, best[0], best[2])
    if away < 1.2 * best[1]:
        return done, log_l
    bursts, p = free[PART], room[4]
    moved, kept = numbers(N_ALL), table(2, counts.shape[1])
    other_score, other_fisher = numbers(N_ALL), table(N_ALL, N_ALL)
    lit, nb = counts[0, low:high], high - low
    guess(code, lit, lit, nb, False, False, best[0] - low, best[2], away, not full, moved)
    moved[0] += low
    total = 0.0
    for j in range(nb):
        total += lit[j]
    moved[PART], moved[WIDER] = max(2 * wild / total, 1e-3), max(BURST * away, 1.0)
    for part in range(2):
        put(kept[part], p[part])
    free[PART] = free[WIDER] = True
    ended, new = climb(
        code, moved, lower, upper, problem, tables, room, other_score, other_fisher, MAX_STEPS
    )
    if ended and (new > log_l + LEFT_OPEN or not done):
        put(best, moved)
        put(score, other_score)
        put_square(fisher, other_fisher)
        return ended, new
    free[PART] = free[WIDER] = bursts
    for part in range(2):
        put(p[part], kept[part])
    return done, log_l

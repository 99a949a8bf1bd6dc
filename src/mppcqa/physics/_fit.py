"""One spectrum from raw bins to parameters, and many side by side, compiled."""

from __future__ import annotations

from math import exp, sqrt

import numpy as np

from mppcqa.physics._apart import (
    BOOL,
    BOOL1,
    INT,
    INT1,
    INT2,
    NOTHING,
    REAL,
    REAL1,
    REAL2,
    REAL3,
    apart,
    several,
)
from mppcqa.physics._bins import ends, fill, join, lay_out, merge, peaks, total_of
from mppcqa.physics._bursts import through_bursts
from mppcqa.physics._climb import (
    CROSSTALK,
    KNOWN,
    KNOWN_AS,
    LIGHTS,
    MAX_STEPS,
    N_ALL,
    PROBLEM,
    RATE,
    ROOM,
    ROUND,
    SHIFT,
    TABLES,
    VARIANCE,
    WIDER,
    climb,
    evaluate,
    frequencies,
    make_room,
    put,
    put_square,
)
from mppcqa.physics._few import where_more
from mppcqa.physics._gains import SUSPECT, WIDE, two_gains
from mppcqa.physics._kept import inner
from mppcqa.physics._scratch import flags, numbers, table
from mppcqa.physics._start import CANDIDATES, guess
from mppcqa.physics._summit import (
    BELOW,
    DOUBTED,
    FEW_BINS,
    FEWEST_IN_PEDESTAL,
    GAIN_ONLY,
    LEAST_GAIN,
    LIGHT_STRANGE,
    MISFIT,
    NO_PEAKS,
    OK,
    asked,
    chi_squared,
    judge,
    never_recorded,
    stands_out,
    troubles,
    try_crosstalk,
)

JOINED_GAIN = 10.0
"""Least peak spacing, in bins given, with which an empty bin between full ones is a code that the
digitizer never gives."""
POOR = 1.3
"""Chi-squared a degree of freedom from which a summit is doubted and others are tried."""
FAINT_PEDESTAL = 6.0
"""Mean light above which hardly an event is in the pedestal, and any peak may look like it."""
LOWER = (-1e9, 2.0, 0.01, 0.05, 1e-6, 0.0, 0.0, 0.0, -1e9, -4.0, -0.02, 0.0, 0.3)
UPPER = (1e9, 1e4, 1e4, 1e4, 100.0, 0.9, 5.0, 0.9, 1e9, 4.0, 0.2, 0.3, 1e4)
"""Bounds of the parameters, charges in bins."""
RATE_KNOWN = 0.5
"""Standard deviation of the logarithm of one run's dark counts over the other's: beyond a factor of
two, 8 degC apart, a dark run says nothing of the light's."""
AFTERPULSES_ALONE = 0.02, 0.15
"""Afterpulses an avalanche (Acerbi & Gundacker, NIM A 926 (2019) 16), and how far a device may lie
from that, in dark counts alone: they tell them to 0.05 to 0.2 only, and none at the least. Held
within 0.05, 0.2 and 0.3 of them came out as 0.12 +- 0.04; 0.15 covers none to 0.3."""
OTHER_STEPS = 10
"""Steps that another summit is given to show that it is the higher one."""

START = several(INT, INT, REAL, REAL)
"""How many spacings there are to try, how many of them were seen, place and width of the pedestal
in bins of the grid."""


@apart(NOTHING, REAL1, START, REAL1, PROBLEM, TABLES, ROOM, REAL1, REAL2)
def begin(code, best, start, gains, problem, tables, room, score, fisher):  # type: ignore[no-untyped-def]
    """Fill best (N_ALL,) with where to begin.

    It is the likeliest of the spacings seen, and, where no dark spectrum shows the pedestal and the
    first peak may be a later one, of pedestals one to three spacings below.
    """
    found, _, q0, s0 = start
    counts, lights, parts, low, high, _, _, full, _ = problem
    has_light, has_dark = lights[0] > 0, parts > 1
    lit, unlit, nb = counts[0, low:high], counts[1, low:high], high - low
    trial = numbers(N_ALL)
    best_l = -np.inf
    for g in range(found):
        gain = gains[g]
        for shift in range(0, 4 if has_light and not has_dark else 1):
            first = q0 - shift * gain
            guess(code, lit, unlit, nb, has_light, has_dark, first, s0, gain, not full, trial)
            if shift > 0 and trial[0] < -BELOW * max(s0, 1.0):
                break
            trial[0] += low
            if found == 1 and (has_dark or not has_light or q0 - gain < -BELOW * max(s0, 1.0)):
                put(best, trial)
                break
            n = frequencies(trial, counts.shape[1], tables[0].shape[0])
            log_l = evaluate(code, trial, problem, n, tables, room, score, fisher)
            if log_l > best_l:
                best_l = log_l
                put(best, trial)


@apart(BOOL, REAL1, INT, PROBLEM, REAL2)
def in_doubt(code, best, attempt, problem, p):  # type: ignore[no-untyped-def]
    """Whether a summit is poor, or light alone may have another pedestal (the first two attempts).

    With probabilities p (2, length) of the bins there.
    """
    chi2, ndf = chi_squared(code, problem, p)
    unsure = attempt < 2 and problem[1][0] > 0 and problem[2] == 1
    if unsure and best[4] < FAINT_PEDESTAL:
        unsure = best[0] - best[1] > problem[3] - BELOW * max(best[2], 1.0)
    return unsure or not chi2 < POOR * ndf


@apart(
    several(BOOL, REAL),
    REAL1,
    BOOL,
    REAL,
    START,
    REAL1,
    REAL1,
    REAL1,
    PROBLEM,
    TABLES,
    ROOM,
    REAL1,
    REAL2,
)
def other_summits(  # type: ignore[no-untyped-def]
    code, best, converged, best_l, start, gains, lower, upper, problem, tables, room, score, fisher
):
    """Try other summits where this one is poor, and keep the higher one in `best`.

    Returns whether that climb has ended, and the log-likelihood. A pedestal taken for another peak
    is a summit of its own. So are half and double the true spacing: every second peak is missing,
    or every second one is taken for crosstalk.
    """
    found, seen, q0, s0 = start
    counts, lights, parts, low, high, _, free, full, _ = problem
    has_light, has_dark = lights[0] > 0, parts > 1
    lit, unlit, nb = counts[0, low:high], counts[1, low:high], high - low
    p = room[4]
    moved, kept = numbers(N_ALL), table(2, counts.shape[1])
    other_score, other_fisher = numbers(N_ALL), table(N_ALL, N_ALL)
    for attempt in range(5):
        if converged and not in_doubt(code, best, attempt, problem, p):
            break
        first, gain = best[0] - low, best[1]
        if attempt < 2:
            if has_dark or not has_light:
                continue
            first += gain if attempt == 0 else -gain
        elif attempt < 4:
            first = q0
            gain *= 2.0 if attempt == 2 else 0.5
        elif found == seen and converged:
            continue
        else:
            first, gain = q0, gains[0]
        if not LEAST_GAIN < gain < 0.9 * nb or first < -BELOW * max(best[2], 1.0):
            continue
        guess(code, lit, unlit, nb, has_light, has_dark, first, s0, gain, not full, moved)
        moved[0] += low
        moved[VARIANCE] = lights[KNOWN_AS + VARIANCE] if free[VARIANCE] else 0.0
        moved[7] = moved[7] if free[7] else 0.0
        for part in range(parts):
            put(kept[part], p[part])
        done, log_l = climb(
            code, moved, lower, upper, problem, tables, room, other_score, other_fisher, OTHER_STEPS
        )
        if log_l > best_l + 1 and (done or not converged):
            put(best, moved)
            best_l, converged = log_l, done
            put_square(fisher, other_fisher)
        else:
            for part in range(parts):
                put(p[part], kept[part])
    return converged, best_l


@inner(error_model="numpy")
def _join_both(code, counts, dark, low, nb, factor, pad, has_dark, merged, grid):  # type: ignore[no-untyped-def]
    """Make bins one that hold what came of codes never given, see `join`; how many codes."""
    found = 0
    for part in range(2 if has_dark else 1):
        one = counts if part == 0 else dark
        found += join(code, one, low, nb, factor, pad, merged[part])
        merge(merged[part], grid[part])
    return found


@inner(error_model="numpy")
def _set_free(has_light, simple, may, lower, upper, free):  # type: ignore[no-untyped-def]
    """Fill the bounds, and what is fitted from the first step."""
    for k in range(N_ALL):
        lower[k], upper[k] = LOWER[k], UPPER[k]
        free[k] = k < SHIFT
    free[4] = has_light
    free[VARIANCE] = has_light and not simple and may[VARIANCE]
    free[6] = not simple
    free[7] = not simple and may[7]


@inner(error_model="numpy")
def _beforehand(has_light, below, known):  # type: ignore[no-untyped-def]
    """What `_climb.evaluate` takes as lights; `known` of the variance of the light."""
    lights = numbers(LIGHTS)
    lights[0], lights[ROUND] = 1.0 if has_light else 0.0, float(below)
    lights[KNOWN_AS + VARIANCE], lights[KNOWN + VARIANCE] = known[0], known[1]
    lights[KNOWN + RATE] = RATE_KNOWN**-2.0
    if not has_light:
        lights[KNOWN_AS + 7] = AFTERPULSES_ALONE[0]
        lights[KNOWN + 7] = AFTERPULSES_ALONE[1] ** -2.0
    return lights


@inner(error_model="numpy")
def _suspect(best, status, full_of_light, chi2, ndf):  # type: ignore[no-untyped-def]
    """Whether `two_gains` is to be asked."""
    if status not in (OK, GAIN_ONLY) or not full_of_light or best[3] < WIDE * best[1]:
        return False
    return chi2 - ndf >= SUSPECT * sqrt(2.0 * ndf)


@inner(error_model="numpy")
def _to_raw(best, held, covariance, factor, pad, low, grow, theta):  # type: ignore[no-untyped-def]
    """Fill theta with the parameters in raw bins; covariance and held become those of raw bins."""
    for k in range(N_ALL):
        by = factor if k < 4 or k in (SHIFT, WIDER) else 1.0
        held[k] *= by * by * grow
        theta[k] = by * (best[k] - pad if k == 0 else best[k])
        for i in range(N_ALL):
            covariance[k, i] *= by * sqrt(grow)
            covariance[i, k] *= by * sqrt(grow)
    theta[0] += low


@inner(error_model="numpy")
def _with_troubles(  # type: ignore[no-untyped-def]
    code, best, converged, log_l, may, lower, upper, problem, tables, room, score, fisher
):
    """Free what troubles the spectra: it may be why the climb has not ended. As `climb` returns."""
    _, log_l, converged = troubles(
        code, best, log_l, converged, may, lower, upper, problem, tables, room, score, fisher
    )
    if problem[1][0] > 0:
        return converged, log_l
    chi2, ndf = chi_squared(code, problem, room[4])
    return through_bursts(
        code, best, converged, log_l, may, lower, upper, chi2, float(ndf), problem, tables, room,
        score, fisher,
    )  # fmt: skip


@apart(
    several(INT, REAL, INT, REAL),
    REAL1,
    REAL1,
    REAL1,
    BOOL,
    BOOL,
    BOOL,
    BOOL1,
    TABLES,
    REAL1,
    REAL2,
    REAL1,
)
def fit_one(  # type: ignore[no-untyped-def]
    code, counts, dark, known, has_light, has_dark, simple, may, tables, theta, covariance, held
):
    """Fit raw bins; fills theta (N_ALL,) in raw bins, its covariance, and held, see `judge`.

    What `may` (N_ALL,) not be free is held where it does nothing.
    Returns (status, chi2, ndf, events beyond the bins that are fitted).
    """
    events = total_of(counts, 0, counts.size)
    all_events = events + (total_of(dark, 0, dark.size) if has_dark else 0.0)
    alone, drawn = has_light and not has_dark, tables[4].shape[0] > 0
    low, high, low_spill, high_spill, saturated, lost = ends(
        code, counts, dark, has_dark, has_light
    )
    if high - low < 4:
        return FEW_BINS, np.nan, 0, all_events
    gains = numbers(CANDIDATES)
    found, seen, coarse, q0, s0 = peaks(
        code, counts, dark, low, high, all_events, has_dark, drawn and not alone, tables[3], gains
    )
    if found == 0:
        return NO_PEAKS, np.nan, 0, all_events
    factor, nb, pad, length, below, q0, s0 = lay_out(
        code, high - low + 1, alone, drawn, saturated, high_spill < 0, found, seen,
        coarse, q0, s0, gains,
    )  # fmt: skip
    start, grid, spill = (found, seen, q0, s0), table(2, length), table(2, 2)
    fill(counts, dark, low, nb, factor, pad, has_dark, low_spill, high_spill, grid, spill)
    merged, joined = np.zeros((2, length), np.int64), 0
    if gains[0] * factor >= JOINED_GAIN and s0 * factor >= 1:
        joined = _join_both(code, counts, dark, low, nb, factor, pad, has_dark, merged, grid)
    if joined == 0:
        merged = np.zeros((2, 0), np.int64)
    lights, room = _beforehand(has_light, below, known), make_room(length, tables[0].shape[0])
    score, fisher, best = numbers(N_ALL), table(N_ALL, N_ALL), numbers(N_ALL)
    lower, upper, free, none = numbers(N_ALL), numbers(N_ALL), flags(N_ALL), flags(N_ALL)
    _set_free(has_light, simple, may, lower, upper, free)
    parts = 2 if has_dark else 1
    problem = (grid, lights, parts, pad, pad + nb, spill, none, not simple, merged)
    begin(code, best, start, gains, problem, tables, room, score, fisher)
    best[VARIANCE], best[7] = known[0] if free[VARIANCE] else 0.0, best[7] if free[7] else 0.0
    problem = (grid, lights, parts, pad, pad + nb, spill, free, not simple, merged)
    converged, log_l = climb(
        code, best, lower, upper, problem, tables, room, score, fisher, MAX_STEPS
    )
    if not converged or in_doubt(code, best, 0, problem, room[4]):
        converged, log_l = other_summits(
            code, best, converged, log_l, start, gains, lower, upper, problem, tables, room, score,
            fisher,
        )  # fmt: skip
    if not simple:
        converged, log_l = _with_troubles(
            code, best, converged, log_l, may, lower, upper, problem, tables, room, score, fisher
        )
    chi2, ndf = chi_squared(code, problem, room[4])
    lost = lost or events * exp(-best[4] - best[6]) < FEWEST_IN_PEDESTAL
    lost = lost or best[VARIANCE] > LIGHT_STRANGE or not stands_out(grid[0], pad, pad + nb, best)
    unseen, drop = alone and lost, -1.0
    if converged and not simple and best[CROSSTALK] <= lower[CROSSTALK]:
        converged, log_l, drop = try_crosstalk(
            code, best, converged, log_l, lower, upper, problem, tables, room, score, fisher
        )
        chi2, ndf = chi_squared(code, problem, room[4])
    if converged and alone and not simple and not unseen:
        better = never_recorded(code, best, lower, upper, problem, tables, room)
        unseen = better > -asked(events, tables[2][2] > 0)
    if converged and not simple:
        where_more(code, best, lower, upper, problem, tables, room, fisher)
    status = judge(
        code, best, converged, problem, all_events, chi2, ndf, seen > 0, unseen, drop, lower,
        upper, score, fisher, held, covariance,
    )  # fmt: skip
    if _suspect(best, status, has_light and not simple, chi2, ndf) and two_gains(
        code, best, lower, problem, tables, room, chi2, ndf
    ):
        status = MISFIT
    grow = chi2 / ndf if chi2 - ndf > DOUBTED * sqrt(2.0 * ndf) else 1.0
    _to_raw(best, held, covariance, factor, pad, low, grow, theta)
    all_events -= total_of(grid[0], pad, pad + nb) + total_of(grid[1], pad, pad + nb)
    return status, chi2, ndf, all_events


@apart(
    NOTHING,
    REAL2,
    REAL2,
    REAL2,
    INT1,
    BOOL,
    BOOL,
    BOOL,
    BOOL1,
    INT2,
    TABLES,
    REAL2,
    REAL3,
    REAL2,
    REAL1,
    INT1,
    INT1,
    REAL1,
)
def fit_all(  # type: ignore[no-untyped-def]
    code, counts, dark, known, todo, has_light, has_dark, simple, may, reach, tables, theta,
    covariance, held, chi2, ndf, status, left_out,
):  # fmt: skip
    """Fit the spectra whose numbers are in `todo`, each in its bins reach[i, 0] to reach[i, 1]."""
    for i in todo:
        first, end = reach[i, 0], reach[i, 1]
        status[i], chi2[i], ndf[i], left_out[i] = fit_one(
            code, counts[i, first:end], dark[i if has_dark else 0, first:end], known[i], has_light,
            has_dark, simple, may, tables, theta[i], covariance[i], held[i],
        )  # fmt: skip
        theta[i, 0] += first

"""One spectrum from raw bins to parameters, and many side by side, compiled."""

from __future__ import annotations

import numpy as np

from mppcqa.physics._apart import (
    BOOL,
    INT,
    INT1,
    NOTHING,
    REAL,
    REAL1,
    REAL2,
    REAL3,
    apart,
    several,
)
from mppcqa.physics._bins import ends, fill, lay_out, peaks, total_of
from mppcqa.physics._climb import (
    KNOWN,
    KNOWN_AS,
    MAX_STEPS,
    N_ALL,
    PROBLEM,
    ROOM,
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
from mppcqa.physics._kept import njit
from mppcqa.physics._start import CANDIDATES, guess
from mppcqa.physics._summit import (
    BELOW,
    DOUBTED,
    FEW_BINS,
    FEWEST_IN_PEDESTAL,
    LEAST_GAIN,
    LIGHT_STRANGE,
    NO_PEAKS,
    chi_squared,
    judge,
    never_recorded,
    stands_out,
    troubles,
)

POOR = 1.3
"""Chi-squared a degree of freedom from which a summit is doubted and others are tried."""
FAINT_PEDESTAL = 6.0
"""Mean light above which hardly an event is in the pedestal, and any peak may look like it."""
LOWER = (-1e9, 2.0, 0.01, 0.05, 1e-6, 0.0, 0.0, 0.0, -1e9, -4.0, -0.02, 0.0, 0.3)
UPPER = (1e9, 1e4, 1e4, 1e4, 100.0, 0.9, 5.0, 0.9, 1e9, 4.0, 0.2, 0.3, 1e4)
"""Bounds of the parameters, charges in bins."""
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
    counts, lights, parts, low, high, _, _, full = problem
    has_light, has_dark = lights[0] > 0, parts > 1
    lit, unlit, nb = counts[0, low:high], counts[1, low:high], high - low
    trial = np.zeros(N_ALL)
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
    counts, lights, parts, low, high, _, free, full = problem
    has_light, has_dark = lights[0] > 0, parts > 1
    lit, unlit, nb = counts[0, low:high], counts[1, low:high], high - low
    p = room[4]
    moved, kept = np.zeros(N_ALL), np.empty((2, counts.shape[1]))
    other_score, other_fisher = np.empty_like(score), np.empty_like(fisher)
    for attempt in range(5):
        chi2, ndf = chi_squared(code, problem, p)
        unsure = attempt < 2 and has_light and not has_dark
        if unsure and best[4] < FAINT_PEDESTAL:
            unsure = best[0] - best[1] > low - BELOW * max(best[2], 1.0)
        if converged and chi2 < POOR * ndf and not unsure:
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
        moved[VARIANCE] = lights[KNOWN_AS] if free[VARIANCE] else 0.0
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


@njit(cache=True, error_model="numpy")
def _to_raw(best, held, covariance, factor, pad, low, grow, theta):  # type: ignore[no-untyped-def]
    """Fill theta with the parameters in raw bins; covariance and held become those of raw bins."""
    for k in range(N_ALL):
        by = factor if k < 4 or k in (SHIFT, WIDER) else 1.0
        held[k] *= by * by * grow
        theta[k] = by * (best[k] - pad if k == 0 else best[k])
        for i in range(N_ALL):
            covariance[k, i] *= by * np.sqrt(grow)
            covariance[i, k] *= by * np.sqrt(grow)
    theta[0] += low


@apart(
    several(INT, REAL, INT, REAL),
    REAL1,
    REAL1,
    REAL1,
    BOOL,
    BOOL,
    BOOL,
    TABLES,
    REAL1,
    REAL2,
    REAL1,
)
def fit_one(  # type: ignore[no-untyped-def]
    code, counts, dark, known, has_light, has_dark, simple, tables, theta, covariance, held
):
    """Fit raw bins; fills theta (N_ALL,) in raw bins, its covariance, and held, see `judge`.

    Returns (status, chi2, ndf, events beyond the bins that are fitted).
    """
    events = total_of(counts, 0, counts.size)
    all_events = events + (total_of(dark, 0, dark.size) if has_dark else 0.0)
    alone = has_light and not has_dark
    low, high, low_spill, high_spill, saturated, lost = ends(
        code, counts, dark, has_dark, has_light
    )
    if high - low < 4:
        return FEW_BINS, np.nan, 0, all_events
    gains = np.zeros(CANDIDATES)
    found, seen, coarse, q0, s0 = peaks(
        code, counts, dark, low, high, all_events, has_dark, tables[3], gains
    )
    if found == 0:
        return NO_PEAKS, np.nan, 0, all_events
    factor, nb, pad, length, q0, s0 = lay_out(
        code, high - low + 1, alone, saturated, high_spill < 0, found, seen, coarse, q0, s0, gains
    )
    start = (found, seen, q0, s0)
    grid, spill = np.zeros((2, length)), np.zeros((2, 2))
    fill(counts, dark, low, nb, factor, pad, has_dark, low_spill, high_spill, grid, spill)
    lights = np.zeros(4)
    lights[0] = 1.0 if has_light else 0.0
    lights[KNOWN_AS], lights[KNOWN] = known[0], known[1]
    parts = 2 if has_dark else 1
    room = make_room(length, tables[0].shape[0])
    score, fisher = np.zeros(N_ALL), np.zeros((N_ALL, N_ALL))
    lower, upper, best = np.empty(N_ALL), np.empty(N_ALL), np.zeros(N_ALL)
    free, none = np.ones(N_ALL, np.bool_), np.zeros(N_ALL, np.bool_)
    for k in range(N_ALL):
        lower[k], upper[k] = LOWER[k], UPPER[k]
        if k >= SHIFT:
            free[k] = False
    free[4] = has_light
    free[VARIANCE] = has_light and not simple
    free[6] = free[7] = not simple

    problem = (grid, lights, parts, pad, pad + nb, spill, none, not simple)
    begin(code, best, start, gains, problem, tables, room, score, fisher)
    best[VARIANCE] = known[0] if free[VARIANCE] else 0.0
    problem = (grid, lights, parts, pad, pad + nb, spill, free, not simple)
    converged, log_l = climb(
        code, best, lower, upper, problem, tables, room, score, fisher, MAX_STEPS
    )
    converged, log_l = other_summits(
        code, best, converged, log_l, start, gains, lower, upper, problem, tables, room, score,
        fisher,
    )  # fmt: skip
    if not simple:
        # What troubles a spectrum may be why the climb has not ended.
        _, log_l, converged = troubles(
            code, best, log_l, converged, lower, upper, problem, tables, room, score, fisher
        )
    chi2, ndf = chi_squared(code, problem, room[4])
    faint = events * np.exp(-best[4] - best[6]) < FEWEST_IN_PEDESTAL
    strange = best[VARIANCE] > LIGHT_STRANGE or not stands_out(grid[0], pad, pad + nb, best)
    unseen = alone and (lost or faint or strange)
    if converged and alone and not simple and not unseen:
        unseen = never_recorded(code, best, s0, events, lower, upper, problem, tables, room)
    status = judge(
        code, best, converged, problem, all_events, chi2, ndf, seen > 0, unseen, lower, upper,
        score, fisher, held, covariance,
    )  # fmt: skip
    grow = chi2 / ndf if chi2 - ndf > DOUBTED * np.sqrt(2.0 * ndf) else 1.0
    _to_raw(best, held, covariance, factor, pad, low, grow, theta)
    for part in range(parts):
        all_events -= total_of(grid[part], pad, pad + nb)
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
    code, counts, dark, known, todo, has_light, has_dark, simple, tables, theta, covariance, held,
    chi2, ndf, status, left_out,
):  # fmt: skip
    """Fit the spectra whose numbers are in `todo`."""
    for i in todo:
        status[i], chi2[i], ndf[i], left_out[i] = fit_one(
            code, counts[i], dark[i if has_dark else 0], known[i], has_light, has_dark, simple,
            tables, theta[i], covariance[i], held[i],
        )  # fmt: skip

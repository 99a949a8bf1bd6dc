"""One spectrum from raw bins to parameters, and many side by side, compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

from mppcqa.physics._climb import (
    MAX_STEPS,
    climb,
    evaluate,
    frequencies,
    make_room,
    put,
    put_square,
    solve,
)
from mppcqa.physics._model import N_PARAMETERS
from mppcqa.physics._start import CANDIDATES, candidates, first_peak, guess

OK, FEW_EVENTS, NO_PEAKS, NOT_CONVERGED, BAD_COUNTS, FEW_BINS, MISFIT, NO_SIGNAL = range(8)

BINS_A_GAIN = 22
"""About the fit's bins a peak spacing: finer ones add less than 1 % to what is known of it."""
LONGEST = 2048
PEAK = 10.0
"""Times what is enough for a tail that a bin holds which is none."""
ALONE = 50.0
"""Times its neighbours that the first bin of a pedestal cut by the ADC can be at most."""
POOR = 1.3
"""Chi-squared a degree of freedom from which a summit is doubted and others are tried."""
SURE = 8.0
"""Standard deviations by which chi-squared must be in excess before a spectrum is refused."""
STRANGE = 0.015
"""Excess of chi-squared an event from which the spectrum is not that of one device.

It is the mean square of the relative misfit, which no number of events makes greater: a model that
is only nearly right, as for afterpulses of other delays than those given, stays below it.
"""
STRANGE_WIDE = 0.006
"""The same where photoelectrons are so wide that two gains may be taken for a spread of one."""
SPREAD = 0.06
"""That width in gains: half of what two devices 12 % apart differ by."""
STRANGE_SIMPLE = 0.06
"""The same for the simple model, which leaves dark counts and afterpulses to the misfit."""
FAINT_PEDESTAL = 6.0
"""Mean light above which hardly an event is in the pedestal, and any peak may look like it."""
LOWER = (-1e9, 2.0, 0.01, 0.05, 1e-6, 0.0, 0.0, 0.0)
UPPER = (1e9, 1e4, 1e4, 1e4, 100.0, 0.9, 5.0, 0.9)
"""Bounds of the parameters, charges in bins."""
OTHER_STEPS = 10
"""Steps that another summit is given to show that it is the higher one."""
SEPARATION = 2.0
"""Peaks closer than this many widths can't be told from one another."""
LEAST_GAIN = 2.5
"""Bins a peak spacing, fewer of which show no peaks."""
VAGUE = 0.1
"""A gain known no better than this fraction is none."""


@njit(cache=True, error_model="numpy")
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
    return inside >= 1 and counts[at] > 4 * inside + 5 * np.sqrt(inside) + 10


@njit(cache=True, error_model="numpy")
def _ends(counts, dark, has_dark):  # type: ignore[no-untyped-def]
    """First and last bin to use, and whether charges may lie beyond the bins given.

    A few events on either side are left to the bin of all that lies beyond, so that one of them
    far out does not decide the grid; so is what a saturated ADC heaped into its last bin. The bin
    that makes them enough is left to it as well: where to stop may depend on what was passed, but
    not on what comes next, or the bin beyond holds about an event too few in the mean. But a bin
    of far more than enough is no tail: a pedestal may be as narrow as one bin.
    """
    bins = counts.size
    both = np.empty(bins)
    for j in range(bins):
        both[j] = counts[j] + dark[j] if has_dark else counts[j]
    total = _sum(both, 0, bins)
    few = max(2.0, 5e-5 * total)
    first = 0
    while both[first] == 0:
        first += 1
    last = bins - 1
    while both[last] == 0:
        last -= 1
    low_spill = -1.0 if first == 0 and both[0] > few else 0.0
    high_spill = -1.0 if last == bins - 1 and both[last] > few else 0.0
    saturated = False
    low, high = first, last
    if _spike(both, first, 1):
        low, low_spill = first + 1, 0.0
    if _spike(both, last, -1):
        high, high_spill, saturated = last - 1, 0.0, True
    x = 0.0
    while low_spill >= 0 and x <= few and low < high and both[low] <= PEAK * few:
        x += both[low]
        low += 1
    x = 0.0
    while (
        high_spill >= 0 and not saturated and x <= few and high > low and both[high] <= PEAK * few
    ):
        x += both[high]
        high -= 1
    return low, high, low_spill, high_spill, saturated


@njit(cache=True, error_model="numpy")
def _sum(counts, begin, end):  # type: ignore[no-untyped-def]
    total = 0.0
    for j in range(begin, end):
        total += counts[j]
    return total


@njit(cache=True, error_model="numpy")
def _rebin(counts, low, bins, factor, out):  # type: ignore[no-untyped-def]
    """Add up bins by a factor from `low` on, into out."""
    for j in range(bins):
        out[j] = 0.0
    for j in range(bins * factor):
        if low + j < counts.size:
            out[j // factor] += counts[low + j]


@njit(cache=True, error_model="numpy")
def _inverse(fisher, free, covariance):  # type: ignore[no-untyped-def]
    """Covariance of the free parameters, zero for the others; False where there is none."""
    rows = np.empty(N_PARAMETERS, np.int64)
    m = 0
    for k in range(N_PARAMETERS):
        for i in range(N_PARAMETERS):
            covariance[k, i] = 0.0
        if free[k]:
            rows[m] = k
            m += 1
    scale = np.empty(m)
    for a in range(m):
        scale[a] = np.sqrt(max(fisher[rows[a], rows[a]], 1e-300))
    for c in range(m):
        matrix = np.empty((m, m))
        for a in range(m):
            for b in range(m):
                matrix[a, b] = fisher[rows[a], rows[b]] / scale[a] / scale[b]
        unit = np.zeros(m)
        unit[c] = 1.0
        if not solve(matrix, unit, m):
            return False
        for a in range(m):
            covariance[rows[a], rows[c]] = unit[a] / scale[a] / scale[c]
    return True


@njit(cache=True, error_model="numpy")
def _chi2(counts, p, low, high, spill):  # type: ignore[no-untyped-def]
    """Pearson's chi-squared and bins, over bins of at least 10 expected events."""
    total = 0.0
    events = 0.0
    for j in range(low, high):
        total += p[j]
        events += counts[j]
    chi2 = 0.0
    bins = -1
    for j in range(low, high):
        expected = p[j] / total * events
        if expected >= 10:
            chi2 += (counts[j] - expected) ** 2 / expected
            bins += 1
    return chi2, bins


@njit(cache=True, error_model="numpy")
def fit_one(  # type: ignore[no-untyped-def]
    counts, dark, has_light, has_dark, simple, ray_dark, ray_after, late, circle, theta, covariance
):
    """Fit raw bins; fills theta (8,) in raw bins and its covariance; (status, chi2, ndf)."""
    bins = counts.size
    events = _sum(counts, 0, bins)
    dark_events = _sum(dark, 0, bins) if has_dark else 0.0
    low, high, low_spill, high_spill, saturated = _ends(counts, dark, has_dark)
    if high - low < 4:
        return FEW_BINS, np.nan, 0
    span = high - low + 1
    pedestal_counts = dark if has_dark else counts
    most = int(min(max(4 * np.sqrt(events + dark_events), 128), 1024))
    coarse = (span + most - 1) // most
    m = (span + coarse - 1) // coarse
    some = np.zeros(m)
    _rebin(pedestal_counts, low, m, coarse, some)
    q0, s0 = first_peak(some, m)
    lit, unlit = np.zeros(m), np.zeros(m)
    _rebin(counts, low, m, coarse, lit)
    if has_dark:
        _rebin(dark, low, m, coarse, unlit)
    gains = np.zeros(CANDIDATES)
    found, seen = candidates(lit, unlit, m, has_dark, q0, s0, circle, gains)
    if found == 0:
        return NO_PEAKS, np.nan, 0

    least = gains[0] * coarse
    factor = max(int(least / BINS_A_GAIN + 0.5), 1)
    factor = max(factor, int(np.ceil(span / (0.45 * LONGEST if saturated else 0.8 * LONGEST))))
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
    need = max(pad + nb + 3 + (0.8 if saturated or high_spill < 0 else 0.06) * nb, 7 * longest)
    length = 128
    while length < need and length < LONGEST:
        length *= 2
    grid = np.zeros((2, length))
    lit, unlit = grid[0, pad : pad + nb], grid[1, pad : pad + nb]
    _rebin(counts, low, nb, factor, lit)
    if has_dark:
        _rebin(dark, low, nb, factor, unlit)
    lights = np.zeros(2)
    lights[0] = 1.0 if has_light else 0.0
    parts = 2 if has_dark else 1
    spill = np.zeros((2, 2))
    stop = min(low + nb * factor, bins)
    for part in range(parts):
        one = counts if part == 0 else dark
        spill[part, 0] = _sum(one, 0, low) if low_spill >= 0 else -1.0
        spill[part, 1] = _sum(one, stop, bins) if high_spill >= 0 else -1.0
    free = np.ones(N_PARAMETERS, np.bool_)
    free[4] = has_light
    free[6] = not simple and (has_dark or not has_light)
    free[7] = not simple
    full = not simple
    tables = (ray_dark, ray_after, late, circle)
    room = make_room(length, ray_dark.shape[0])
    none = np.zeros(N_PARAMETERS, np.bool_)
    score, fisher = np.zeros(N_PARAMETERS), np.zeros((N_PARAMETERS, N_PARAMETERS))
    lower, upper = np.empty(N_PARAMETERS), np.empty(N_PARAMETERS)
    for k in range(N_PARAMETERS):
        lower[k], upper[k] = LOWER[k], UPPER[k]

    # Where to begin: the likeliest of the spacings seen, and, where no dark spectrum shows the
    # pedestal and the first peak may be a later one, of pedestals one or two spacings below.
    best = np.zeros(N_PARAMETERS)
    trial = np.zeros(N_PARAMETERS)
    best_l = -np.inf
    problem = (grid, lights, parts, pad, pad + nb, spill, none, full)
    tries = 0
    for g in range(found):
        for shift in range(0, 4 if has_light and not has_dark else 1):
            guess(
                lit,
                unlit,
                nb,
                has_light,
                has_dark,
                q0 - shift * gains[g],
                s0,
                gains[g],
                simple,
                trial,
            )
            if shift > 0 and trial[4] < 3.5 + shift:
                break
            trial[0] += pad
            tries += 1
            if found == 1 and (has_dark or not has_light or trial[4] < 4.0):
                put(best, trial)
                break
            n = frequencies(trial, length, ray_dark.shape[0])
            log_l = evaluate(trial, problem, n, tables, room, score, fisher)
            if log_l > best_l:
                best_l = log_l
                put(best, trial)
    problem = (grid, lights, parts, pad, pad + nb, spill, free, full)
    converged, best_l = climb(best, lower, upper, problem, tables, room, score, fisher, MAX_STEPS)
    moved, kept = np.empty(N_PARAMETERS), np.empty((2, length))
    other_score, other_fisher = np.empty_like(score), np.empty_like(fisher)
    chi2, ndf = 0.0, 0
    for attempt in range(6):
        chi2, ndf = 0.0, 0
        for k in range(N_PARAMETERS):
            ndf -= 1 if free[k] else 0
        for part in range(parts):
            c, b = _chi2(grid[part], room[4][part], pad, pad + nb, spill[part])
            chi2 += c
            ndf += b
        ndf = max(ndf, 1)
        unsure = attempt < 2 and has_light and not has_dark and best[4] > FAINT_PEDESTAL
        if attempt == 5 or (converged and chi2 < POOR * ndf and not unsure):
            break
        # A pedestal taken for another peak is a summit of its own. So are half and double the true
        # spacing: every second peak is missing, or every second one is taken for crosstalk.
        first, gain = best[0] - pad, best[1]
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
        if not LEAST_GAIN < gain < 0.9 * nb or first < -0.5 * nb:
            continue
        guess(lit, unlit, nb, has_light, has_dark, first, s0, gain, simple, moved)
        moved[0] += pad
        for part in range(parts):
            put(kept[part], room[4][part])
        done, log_l = climb(
            moved, lower, upper, problem, tables, room, other_score, other_fisher, OTHER_STEPS
        )
        if log_l > best_l + 1 and (done or not converged):
            put(best, moved)
            best_l, converged = log_l, done
            put_square(fisher, other_fisher)
        else:
            for part in range(parts):
                put(room[4][part], kept[part])
    # A parameter at its bound is known not to lie beyond: the others are as if it were held there,
    # and its own uncertainty is the one that it would have inside.
    inside, held = np.empty(N_PARAMETERS, np.bool_), np.zeros(N_PARAMETERS)
    at_bounds = 0
    for k in range(N_PARAMETERS):
        inside[k] = free[k] and best[k] > lower[k]
        at_bounds += 1 if free[k] and not inside[k] else 0
    if converged and at_bounds > 0 and _inverse(fisher, free, covariance):
        for k in range(N_PARAMETERS):
            if free[k] and not inside[k]:
                held[k] = covariance[k, k]
    strange = STRANGE_WIDE if best[3] > SPREAD * best[1] else STRANGE
    if simple:
        strange = STRANGE_SIMPLE
    status = OK
    if not converged or not _inverse(fisher, inside, covariance):
        status = NOT_CONVERGED if seen > 0 else NO_PEAKS
    elif best[1] < max(SEPARATION * np.sqrt(best[2] ** 2 + best[3] ** 2), LEAST_GAIN):
        status = NO_PEAKS
    elif not covariance[1, 1] < (VAGUE * best[1]) ** 2:
        status = NO_SIGNAL
    elif chi2 - ndf > max(SURE * np.sqrt(2.0 * ndf), strange * (events + dark_events)):
        status = MISFIT
    for k in range(N_PARAMETERS):
        covariance[k, k] += held[k]
        theta[k] = best[k] - pad if k == 0 else best[k]
        theta[k] *= factor if k < 4 else 1.0
        for i in range(N_PARAMETERS):
            covariance[k, i] *= (factor if k < 4 else 1.0) * (factor if i < 4 else 1.0)
    theta[0] += low
    return status, chi2, ndf


@njit(cache=True, nogil=True, error_model="numpy")
def fit_all(  # type: ignore[no-untyped-def]
    counts,
    dark,
    todo,
    has_light,
    has_dark,
    simple,
    ray_dark,
    ray_after,
    late,
    circle,
    theta,
    covariance,
    chi2,
    ndf,
    status,
):
    """Fit the spectra whose numbers are in `todo`."""
    for i in todo:
        status[i], chi2[i], ndf[i] = fit_one(
            counts[i], dark[i if has_dark else 0], has_light, has_dark, simple,
            ray_dark, ray_after, late, circle, theta[i], covariance[i],
        )  # fmt: skip

"""What a summit of the likelihood is worth: troubles looked for, chi-squared, status; compiled."""

from __future__ import annotations

from math import erfc

import numpy as np

from mppcqa.physics._apart import BOOL, BOOL1, INT, NOTHING, REAL, REAL1, REAL2, apart, several
from mppcqa.physics._climb import (
    FIRST_BOUNDED,
    KNOWN,
    MAX_STEPS,
    N_ALL,
    PART,
    PROBLEM,
    RATE,
    ROOM,
    SHIFT,
    TABLES,
    VARIANCE,
    WIDER,
    climb,
    evaluate,
    frequencies,
    put,
    solve,
)
from mppcqa.physics._kept import njit
from mppcqa.physics._model import NORMAL
from mppcqa.physics._start import guess

(
    OK, FEW_EVENTS, NO_PEAKS, NOT_CONVERGED, BAD_COUNTS, FEW_BINS, MISFIT, NO_SIGNAL, GAIN_ONLY,
    IMPOSSIBLE,
) = range(10)  # fmt: skip

SURE = 6.5
"""Standard deviations by which chi-squared must be in excess before a spectrum is refused."""
STRANGE = 0.006
"""Excess of chi-squared an event from which the spectrum is not that of one device.

It is the mean square of the relative misfit, which no number of events makes greater: a model that
is only nearly right, as for afterpulses of other delays than those given, stays below it.
"""
STRANGE_WIDE = 0.004
"""The same where photoelectrons are so wide that two gains may be taken for a spread of one."""
SPREAD = 0.06
"""That width in gains: half of what two devices 12 % apart differ by."""
STRANGE_SIMPLE = 0.06
"""The same for the simple model, which leaves dark counts and afterpulses to the misfit."""
BELOW = 3.0
"""Widths, or bins where these are more, that a pedestal may lie below the first bin: one farther
out is in no event."""
FEWEST_IN_PEDESTAL = 20.0
"""Events expected there, fewer of which don't tell which peak of a light spectrum is the first."""
TROUBLED = 3.0
"""Standard deviations from which what may trouble a spectrum is fitted with the rest."""
BURST = 0.35
"""Width in gains that the noise of bursts is looked for with."""
ROUNDS = 5
"""Troubles that are freed, one after the other."""
UNLIKELY = 4.0
"""Gain in log-likelihood by which a light spectrum must be better explained with the pedestal that
it shows than as one whose pedestal was never recorded."""
UNLIKELY_UNKNOWN = 8.0
"""Times that, however many events, where the pulse is not known: what the wrong one misses weighs
as much."""
TO_TELL = (4_000.0, 12_000.0)
"""Events below which nothing more is asked than that it be no worse, and from which on all of it:
few events seldom tell the two apart."""
DOUBTED = 3.0
"""Standard deviations of chi-squared beyond its degrees of freedom from which uncertainties grow
with its ratio to these."""
LIGHT_STRANGE = 0.08
"""Variance of the light over its mean's square from which it is no light: a spectrum without its
pedestal looks like that."""
MOST_ALONE = 0.3
"""Afterpulses of dark counts alone, beyond which they stand for something else."""
SEPARATION = 2.0
"""Peaks closer than this many widths can't be told from one another."""
LEAST_GAIN = 2.5
"""Bins a peak spacing, fewer of which show no peaks."""
VAGUE = 0.1
"""A gain known no better than this fraction is none."""


@apart(BOOL, REAL2, BOOL1, REAL2)
def inverse(code, fisher, free, covariance):  # type: ignore[no-untyped-def]
    """Covariance of the free parameters, zero for the others; False where there is none."""
    rows = np.empty(N_ALL, np.int64)
    m = 0
    for k in range(N_ALL):
        for i in range(N_ALL):
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
        if not solve(code, matrix, unit, m):
            return False
        for a in range(m):
            covariance[rows[a], rows[c]] = unit[a] / scale[a] / scale[c]
    return True


@njit(cache=True, error_model="numpy")
def _chi2(counts, p, low, high):  # type: ignore[no-untyped-def]
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


@apart(several(REAL, INT), PROBLEM, REAL2)
def chi_squared(problem, p):  # type: ignore[no-untyped-def]
    """Pearson's chi-squared of a problem with probabilities p (2, length), and its freedom."""
    counts, _, parts, low, high, _, free, _ = problem
    chi2, ndf = 0.0, 0
    for k in range(N_ALL):
        ndf -= 1 if free[k] else 0
    for part in range(parts):
        c, b = _chi2(counts[part], p[part], low, high)
        chi2 += c
        ndf += b
    return chi2, max(ndf, 1)


@apart(REAL, REAL1, REAL2, BOOL1, INT, REAL2, REAL1)
def excess(code, score, fisher, free, k, matrix, vector):  # type: ignore[no-untyped-def]
    """How many standard deviations parameter k is away from where it is held, signed.

    Its score over what its information is once the free parameters have had their share (the
    score test of Rao, Proc. Camb. Phil. Soc. 44 (1948) 50).
    """
    m = 0
    for i in range(N_ALL):
        if free[i]:
            vector[m] = fisher[i, k]
            n = 0
            for j in range(N_ALL):
                if free[j]:
                    matrix[m, n] = fisher[i, j]
                    n += 1
            matrix[m, m] = matrix[m, m] * (1 + 1e-10) + 1e-12
            m += 1
    if not solve(code, matrix, vector, m):
        return 0.0
    information, rest = fisher[k, k], score[k]
    m = 0
    for i in range(N_ALL):
        if free[i]:
            information -= fisher[i, k] * vector[m]
            rest -= score[i] * vector[m]
            m += 1
    if not information > 1e-9 * fisher[k, k]:
        return 0.0
    return rest / np.sqrt(information)


@apart(
    several(INT, REAL, BOOL),
    REAL1,
    REAL,
    BOOL,
    REAL1,
    REAL1,
    PROBLEM,
    TABLES,
    ROOM,
    REAL1,
    REAL2,
)
def troubles(code, best, log_l, done, lower, upper, problem, tables, room, score, fisher):  # type: ignore[no-untyped-def]
    """Free what troubles the spectra, the worst first, and climb on.

    Returns how many were freed, the log-likelihood, and whether the last climb came to its end.
    The Fisher information is left with what was looked for and not freed in it.

    All of them together would cost every spectrum some of its certainty; each that is seen is
    fitted, and those that are not seen do less than the statistical uncertainty.
    """
    free, has_dark = problem[6], problem[2] > 1
    length, most = problem[0].shape[1], tables[0].shape[0]
    matrix, vector = np.empty((N_ALL, N_ALL)), np.empty(N_ALL)
    freed = 0
    held = np.empty(N_ALL, np.bool_)
    for _ in range(ROUNDS):
        if not free[PART]:
            best[PART], best[WIDER] = 0.0, max(BURST * best[1], 1.0)
        for k in range(N_ALL):
            held[k] = free[k]
        if has_dark:
            free[SHIFT] = free[RATE] = True
        free[PART] = True
        n = min(frequencies(best, length, most), most)
        evaluate(code, best, problem, n, tables, room, score, fisher)
        worst, most_off = -1, 1.0
        for k in range(SHIFT, WIDER):
            if not free[k] or held[k]:
                continue
            away = excess(code, score, fisher, held, k, matrix, vector)
            if k != PART:
                away = abs(away)
            away /= TROUBLED
            if away > most_off:
                worst, most_off = k, away
        for k in range(N_ALL):
            free[k] = held[k]
        if worst < 0:
            return freed, log_l, done
        freed += 1
        free[worst] = True
        if worst == PART:
            free[WIDER] = True
            best[PART] = 0.01
        done, log_l = climb(
            code, best, lower, upper, problem, tables, room, score, fisher, MAX_STEPS
        )
    return freed, log_l, done


@apart(BOOL, REAL1, REAL, REAL, REAL1, REAL1, PROBLEM, TABLES, ROOM)
def never_recorded(code, best, s0, events, lower, upper, problem, tables, room):  # type: ignore[no-untyped-def]
    """Whether light alone is as likely with the first peak that of one photoelectron: of a trigger
    on the signal itself, or of a range that begins above the pedestal."""
    counts, lights, parts, low, high, spill, free, full = problem
    cut = np.empty((2, 2))
    for part in range(2):
        cut[part, 0], cut[part, 1] = -1.0, spill[part, 1]
    late = tables[2]
    score, fisher, moved = np.empty(N_ALL), np.empty((N_ALL, N_ALL)), np.empty(N_ALL)
    put(moved, best)
    lit, unlit = counts[0, low:high], counts[1, low:high]
    first = best[0] - low - best[1]
    guess(code, lit, unlit, high - low, True, False, first, s0, best[1], not full, moved)
    moved[0] += low
    problem = (counts, lights, parts, low, high, cut, free, full)
    n = frequencies(best, counts.shape[1], tables[0].shape[0])
    shown = evaluate(code, best, problem, n, tables, room, score, fisher)
    _, log_l = climb(code, moved, lower, upper, problem, tables, room, score, fisher, MAX_STEPS)
    asked = min(max((events - TO_TELL[0]) / (TO_TELL[1] - TO_TELL[0]), 0.0), 1.0)
    if late[2] == 0:
        asked = UNLIKELY_UNKNOWN
    return log_l > shown - UNLIKELY * asked and abs(moved[1] - best[1]) < 0.2 * best[1]


@njit(cache=True, error_model="numpy")
def stands_out(counts, low, high, best):  # type: ignore[no-untyped-def]
    """Whether there are more events at a pedestal than halfway from it to the next peak.

    What a baseline with pulses in it takes off some events lies below the pedestal, and falls
    steadily; a pedestal one spacing too low is laid on it.
    """
    here, between = 0.0, 0.0
    for j in range(low, high):
        x = (j + 0.5 - best[0]) / best[1]
        if abs(x) < 0.2:
            here += counts[j]
        elif abs(x - 0.5) < 0.2:
            between += counts[j]
    return here > between


@njit(cache=True, error_model="numpy")
def _square_above(a):  # type: ignore[no-untyped-def]
    """Mean square of a number that is not negative, of a normal distribution of width 1 whose
    middle lies `a` below zero."""
    if a > 6:
        return 2 / (a * a)
    rest = 0.5 * erfc(a / np.sqrt(2.0))
    return 1 + a * a - a * NORMAL * np.exp(-0.5 * a * a) / rest


@apart(NOTHING, REAL1, REAL2, BOOL1, BOOL1, REAL, REAL2, REAL1)
def add_held(score, fisher, free, inside, known, covariance, held):  # type: ignore[no-untyped-def]
    """Add to a covariance of parameters inside their bounds what those that are held leave open.

    A parameter at its bound may lie anywhere above, as its score and information say, and the
    others go with it. `held` takes the part of variances that comes from what is known of the light
    beforehand, of the information `known`, which more events do not lessen.
    """
    more = np.zeros((N_ALL, N_ALL))
    moves = np.empty(N_ALL)
    for k in range(N_ALL):
        if inside[k] or not free[k]:
            continue
        information = fisher[k, k]
        for i in range(N_ALL):
            moves[i] = 0.0
            if inside[i]:
                for j in range(N_ALL):
                    if inside[j]:
                        moves[i] -= covariance[i, j] * fisher[j, k]
                information += moves[i] * fisher[i, k]
        information = max(information, 1e-9 * fisher[k, k] + 1e-12)
        variance = _square_above(max(-score[k] / np.sqrt(information), 0.0)) / information
        moves[k] = 1.0
        for i in range(N_ALL):
            for j in range(N_ALL):
                more[i, j] += moves[i] * moves[j] * variance
    for i in range(N_ALL):
        for j in range(N_ALL):
            covariance[i, j] += more[i, j]
    if free[VARIANCE]:
        for i in range(N_ALL):
            held[i] = covariance[i, VARIANCE] ** 2 * known


@apart(
    INT, REAL1, BOOL, PROBLEM, REAL, REAL, INT, BOOL, BOOL, REAL1, REAL1, REAL1, REAL2, REAL1, REAL2
)  # fmt: skip
def judge(  # type: ignore[no-untyped-def]
    code, best, converged, problem, events, chi2, ndf, seen, unseen, lower, upper, score, fisher,
    held, covariance,
):  # fmt: skip
    """Status of a summit; fills covariance (N_ALL, N_ALL) and held (N_ALL,), see `add_held`."""
    free, low, full = problem[6], problem[3], problem[7]
    inside = np.empty(N_ALL, np.bool_)
    too_much = False
    for k in range(N_ALL):
        inside[k] = free[k] and best[k] > lower[k]
        too_much = too_much or (FIRST_BOUNDED <= k < SHIFT and free[k] and best[k] >= upper[k])
    if problem[1][0] == 0 and best[7] > MOST_ALONE:
        too_much = True
    strange = STRANGE_WIDE if best[3] > SPREAD * best[1] else STRANGE
    if not full:
        strange = STRANGE_SIMPLE
    if not converged or not inverse(code, fisher, inside, covariance):
        return NOT_CONVERGED if seen else NO_PEAKS
    add_held(code, score, fisher, free, inside, problem[1][KNOWN], covariance, held)
    if best[1] < max(SEPARATION * np.sqrt(best[2] ** 2 + best[3] ** 2), LEAST_GAIN):
        return NO_PEAKS
    if not covariance[1, 1] < (VAGUE * best[1]) ** 2:
        return NO_SIGNAL
    if chi2 - ndf > max(SURE * np.sqrt(2.0 * ndf), strange * events):
        return MISFIT
    if too_much:
        return IMPOSSIBLE
    if unseen or best[0] < low - BELOW * max(best[2], 1.0):
        return GAIN_ONLY
    return OK

"""What a summit of the likelihood is worth: troubles looked for, chi-squared, status; compiled."""

from __future__ import annotations

from math import erfc, exp, sqrt

from mppcqa.physics._apart import BOOL, BOOL1, INT, NOTHING, REAL, REAL1, REAL2, apart, several
from mppcqa.physics._climb import (
    CROSSTALK,
    FIRST_BOUNDED,
    KNOWN,
    KNOWN_AS,
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
from mppcqa.physics._kept import inner
from mppcqa.physics._model import NORMAL
from mppcqa.physics._scratch import flags, numbers, places, table

(
    OK, FEW_EVENTS, NO_PEAKS, NOT_CONVERGED, BAD_COUNTS, FEW_BINS, MISFIT, NO_SIGNAL, GAIN_ONLY,
    IMPOSSIBLE, NO_LIGHT,
) = range(11)  # fmt: skip

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
UNLIKELY = 5.5
"""Gain in log-likelihood by which a light spectrum must be better explained with the pedestal that
it shows than as one whose pedestal was never recorded."""
UNLIKELY_UNKNOWN = 32.0
"""The same, however many events, where the pulse is not known: what the wrong one misses weighs
as much."""
TO_TELL = (3_500.0, 12_000.0)
"""Events below which nothing more is asked than that it be no worse, and from which on all of it:
few events seldom tell the two apart."""
DOUBTED = 3.0
"""Standard deviations of chi-squared beyond its degrees of freedom from which uncertainties grow
with its ratio to these."""
LIGHT_STRANGE = 0.08
"""Variance of the light over its mean's square from which it is no light: a spectrum without its
pedestal looks like that."""
MOST_ALONE, MOST_CHILDREN_ALONE = 0.3, 0.6
"""Afterpulses and crosstalk children of dark counts alone, beyond which they are something else."""
SEPARATION = 2.0
"""Peaks closer than this many widths can't be told from one another."""
LEAST_GAIN = 2.5
"""Bins a peak spacing, fewer of which show no peaks."""
LIT = 5.0
"""Standard deviations by which light must lie above none: else the spectrum is one of dark counts,
whose gain hangs on how the gate cuts them."""
WIDTH_UNKNOWN = 0.5
"""Uncertainty in gains of the width of a photoelectron beyond which dark counts alone show no peak
of their own; then their gain is none where one of the next two says that there are bursts."""
MOST_BURSTS = 2.0
"""Events in bursts for each dark count."""
BURSTS_MISSED = 1.2
"""Standard deviations that chi-squared lies in excess."""
BRIGHTER = 1.3
"""Times the light that light would be whose pedestal was not recorded; from where pulses that come
by moments begin, one climb in ten ended far below the summit."""
TRIED = 0.05
"""Crosstalk children with which what is more than none is tried."""
VAGUE, VAGUE_ALONE = 0.1, 0.03
"""A gain known no better than this fraction is none; the second where the pedestal is not there, so
that peaks alone tell it: 172 such gains (seed 500 of `benchmarks.truth`) were known to 0.8 %, but
for what a digitizer left of a spectrum, 2 % of its events, which had any spacing."""


@apart(BOOL, REAL2, BOOL1, REAL2)
def inverse(code, fisher, free, covariance):  # type: ignore[no-untyped-def]
    """Covariance of the free parameters, zero for the others; False where there is none."""
    rows = places(N_ALL)
    m = 0
    for k in range(N_ALL):
        for i in range(N_ALL):
            covariance[k, i] = 0.0
        if free[k]:
            rows[m] = k
            m += 1
    scale = numbers(m)
    for a in range(m):
        scale[a] = sqrt(max(fisher[rows[a], rows[a]], 1e-300))
    for c in range(m):
        matrix = table(m, m)
        for a in range(m):
            for b in range(m):
                matrix[a, b] = fisher[rows[a], rows[b]] / scale[a] / scale[b]
        unit = numbers(m)
        unit[c] = 1.0
        if not solve(code, matrix, unit, m):
            return False
        for a in range(m):
            covariance[rows[a], rows[c]] = unit[a] / scale[a] / scale[c]
    return True


@inner(error_model="numpy")
def _chi2(counts, p, low, high, merged):  # type: ignore[no-untyped-def]
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
            if merged.size > 0 and merged[j] > 1:
                bins -= merged[j] - 1
    return chi2, bins


@apart(several(REAL, INT), PROBLEM, REAL2)
def chi_squared(problem, p):  # type: ignore[no-untyped-def]
    """Pearson's chi-squared of a problem with probabilities p (2, length), and its freedom."""
    counts, _, parts, low, high, _, free, _, merged = problem
    chi2, ndf = 0.0, 0
    for k in range(N_ALL):
        ndf -= 1 if free[k] else 0
    for part in range(parts):
        c, b = _chi2(counts[part], p[part], low, high, merged[part])
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
    return rest / sqrt(information)


@apart(
    several(INT, REAL, BOOL),
    REAL1,
    REAL,
    BOOL,
    BOOL1,
    REAL1,
    REAL1,
    PROBLEM,
    TABLES,
    ROOM,
    REAL1,
    REAL2,
)
def troubles(code, best, log_l, done, may, lower, upper, problem, tables, room, score, fisher):  # type: ignore[no-untyped-def]
    """Free what troubles the spectra, the worst first, of what `may` be freed, and climb on.

    Returns how many were freed, the log-likelihood, and whether the last climb came to its end.
    The Fisher information is left with what was looked for and not freed in it.

    All of them together would cost every spectrum some of its certainty; each that is seen is
    fitted, and those that are not seen do less than the statistical uncertainty.
    """
    free, has_dark = problem[6], problem[2] > 1
    length, most = problem[0].shape[1], tables[0].shape[0]
    matrix, vector = table(N_ALL, N_ALL), numbers(N_ALL)
    freed = 0
    held = flags(N_ALL)
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
            if not free[k] or held[k] or not may[k]:
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


@apart(REAL, REAL1, REAL1, REAL1, PROBLEM, TABLES, ROOM)
def never_recorded(code, best, lower, upper, problem, tables, room):  # type: ignore[no-untyped-def]
    """By how much the log-likelihood of light alone is higher with the first peak that of one
    photoelectron: of a trigger on the signal itself, or of a range that begins above the pedestal.
    """
    counts, lights, parts, low, high, spill, free, full, merged = problem
    cut = table(2, 2)
    for part in range(2):
        cut[part, 0], cut[part, 1] = -1.0, spill[part, 1]
    score, fisher, moved = numbers(N_ALL), table(N_ALL, N_ALL), numbers(N_ALL)
    put(moved, best)
    moved[0] -= best[1]
    moved[4] *= BRIGHTER
    moved[VARIANCE] = lights[KNOWN_AS + VARIANCE]
    problem = (counts, lights, parts, low, high, cut, free, full, merged)
    n = frequencies(best, counts.shape[1], tables[0].shape[0])
    shown = evaluate(code, best, problem, n, tables, room, score, fisher)
    _, log_l = climb(code, moved, lower, upper, problem, tables, room, score, fisher, MAX_STEPS)
    return log_l - shown if abs(moved[1] - best[1]) < 0.2 * best[1] else -1e9


@inner(error_model="numpy")
def asked(events, known):  # type: ignore[no-untyped-def]
    """By how much it must be lower for the pedestal to be taken as recorded."""
    if not known:
        return UNLIKELY_UNKNOWN
    part = (events - TO_TELL[0]) / (TO_TELL[1] - TO_TELL[0])
    return UNLIKELY * min(max(part, 0.0), 1.0)


@inner(error_model="numpy")
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


@inner(error_model="numpy")
def _square_above(a):  # type: ignore[no-untyped-def]
    """Mean square of a number that is not negative, of a normal distribution of width 1 whose
    middle lies `a` below zero."""
    if a > 6:
        return 2 / (a * a)
    rest = 0.5 * erfc(a / sqrt(2.0))
    return 1 + a * a - a * NORMAL * exp(-0.5 * a * a) / rest


@apart(
    several(BOOL, REAL, REAL),
    REAL1,
    BOOL,
    REAL,
    REAL1,
    REAL1,
    PROBLEM,
    TABLES,
    ROOM,
    REAL1,
    REAL2,
)
def try_crosstalk(code, best, done, log_l, lower, upper, problem, tables, room, score, fisher):  # type: ignore[no-untyped-def]
    """Climb with some crosstalk where there came out none.

    Where afterpulses may stand for crosstalk the likelihood bends less than at its bound. Returns
    whether the climb has ended, the log-likelihood, and by how much it is lower with `TRIED`; where
    that is higher, the summit is looked for from there.
    """
    free = problem[6]
    p, kept = room[4], table(2, problem[0].shape[1])
    trial, other_score = numbers(N_ALL), numbers(N_ALL)
    other_fisher = table(N_ALL, N_ALL)
    for part in range(2):
        put(kept[part], p[part])
    put(trial, best)
    trial[CROSSTALK] = TRIED
    free[CROSSTALK] = False
    _, lower_l = climb(
        code, trial, lower, upper, problem, tables, room, other_score, other_fisher, MAX_STEPS
    )
    free[CROSSTALK] = True
    if lower_l > log_l:
        put(best, trial)
        done, log_l = climb(
            code, best, lower, upper, problem, tables, room, score, fisher, MAX_STEPS
        )
        return done, log_l, -1.0
    for part in range(2):
        put(p[part], kept[part])
    return done, log_l, log_l - lower_l


@apart(NOTHING, REAL1, REAL2, BOOL1, BOOL1, REAL1, REAL, REAL2, REAL1)
def add_held(score, fisher, free, inside, lights, drop, covariance, held):  # type: ignore[no-untyped-def]
    """Add to a covariance of parameters inside their bounds what those that are held leave open.

    A parameter at its bound may lie anywhere above, as its score and information say, and the
    others go with it. `held` takes the part of variances that comes from what is known beforehand
    (`lights`), which more events do not lessen. `drop` is from
    `try_crosstalk`, below zero where it was not tried.
    """
    more = table(N_ALL, N_ALL)
    moves = numbers(N_ALL)
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
        down = max(-score[k], 0.0)
        if k == CROSSTALK and drop >= 0:
            bend = 2 * (drop - down * TRIED) / TRIED**2
            if bend < 0.01 * information:
                down = min(down, max(drop / TRIED, 1.0))
            information = min(information, max(bend, 0.01 * information))
        variance = _square_above(down / sqrt(information)) / information
        moves[k] = 1.0
        for i in range(N_ALL):
            for j in range(N_ALL):
                more[i, j] += moves[i] * moves[j] * variance
    for i in range(N_ALL):
        for j in range(N_ALL):
            covariance[i, j] += more[i, j]
        held[i] = 0.0
    for k in range(N_ALL):
        if free[k] and lights[KNOWN + k] > 0:
            for i in range(N_ALL):
                held[i] += covariance[i, k] ** 2 * lights[KNOWN + k]


@apart(
    INT, REAL1, BOOL, PROBLEM, REAL, REAL, INT, BOOL, BOOL, REAL, REAL1, REAL1, REAL1, REAL2, REAL1,
    REAL2,
)  # fmt: skip
def judge(  # type: ignore[no-untyped-def]
    code, best, converged, problem, events, chi2, ndf, seen, unseen, drop, lower, upper, score,
    fisher, held, covariance,
):  # fmt: skip
    """Status of a summit; fills covariance (N_ALL, N_ALL) and held (N_ALL,), see `add_held`."""
    free, low, full = problem[6], problem[3], problem[7]
    inside = flags(N_ALL)
    too_much = False
    for k in range(N_ALL):
        inside[k] = free[k] and best[k] > lower[k]
        too_much = too_much or (FIRST_BOUNDED <= k < SHIFT and free[k] and best[k] >= upper[k])
    if problem[1][0] == 0 and (best[7] > MOST_ALONE or best[CROSSTALK] > MOST_CHILDREN_ALONE):
        too_much = True
    strange = STRANGE_WIDE if best[3] > SPREAD * best[1] else STRANGE
    if not full:
        strange = STRANGE_SIMPLE
    if not converged or not inverse(code, fisher, inside, covariance):
        return NOT_CONVERGED if seen else NO_PEAKS
    add_held(code, score, fisher, free, inside, problem[1], drop, covariance, held)
    if best[1] < max(SEPARATION * sqrt(best[2] ** 2 + best[3] ** 2), LEAST_GAIN):
        return NO_PEAKS
    if not covariance[1, 1] < (VAGUE * best[1]) ** 2:
        return NO_SIGNAL
    buried = free[PART] and best[PART] > MOST_BURSTS * best[6]
    buried = buried or chi2 - ndf > BURSTS_MISSED * sqrt(2.0 * ndf)
    if problem[1][0] == 0 and buried and covariance[3, 3] > (WIDTH_UNKNOWN * best[1]) ** 2:
        return NO_SIGNAL
    if chi2 - ndf > max(SURE * sqrt(2.0 * ndf), strange * events):
        return MISFIT
    if too_much:
        return IMPOSSIBLE
    if full and free[4] and best[4] < LIT * sqrt(covariance[4, 4]):
        return NO_LIGHT
    if unseen or best[0] < low - BELOW * max(best[2], 1.0):
        return GAIN_ONLY if covariance[1, 1] < (VAGUE_ALONE * best[1]) ** 2 else NO_PEAKS
    return OK

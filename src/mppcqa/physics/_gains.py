"""Whether a spectrum is one of a single gain, compiled.

Half of the events of a device, half of another's of a gain an eighth higher: the peaks of both lie
within one another, and each pair passes for one as wide. But a photoelectron's width adds up as the
root of their number, two gains move apart as the number itself. Of the mixture of two gains, as far
above as below the one fitted, the score is taken, and what the free parameters could do instead is
taken off it (the score test of Rao, Proc. Camb. Phil. Soc. 44 (1948) 50).
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from mppcqa.physics._apart import BOOL, INT, REAL, REAL1, apart
from mppcqa.physics._climb import (
    KNOWN,
    KNOWN_AS,
    N_ALL,
    PROBLEM,
    ROOM,
    TABLES,
    evaluate,
    frequencies,
    put,
)
from mppcqa.physics._scratch import flags, numbers, table
from mppcqa.physics._summit import inverse

WIDE = 0.06
"""Width of a photoelectron in gains below which it is of one: two that are 12 % apart look so
wide, and those of less are within 6 % of either."""
SUSPECT = 1.0
"""Standard deviations of chi-squared in excess below which nothing is looked for."""
OF_TWO = 3.5
"""Standard deviations from which it is of two. Of some 1,900 ordinary pairs and light spectra one
had that, 3.7; of two devices had 3.9 to 6.7 (seeds 601 and 72 of `benchmarks.truth`)."""
APART = 0.06
"""Half of the difference between both gains, over their mean."""
ENOUGH = 5.0
"""Events expected in a bin that is looked at: a stray one where none is expected tells nothing."""


@apart(BOOL, REAL1, REAL1, PROBLEM, TABLES, ROOM, REAL, INT)
def two_gains(code, best, lower, problem, tables, room, chi2, ndf):  # type: ignore[no-untyped-def]
    """Whether the spectra are those of two gains more likely than of the one at the summit.

    To be asked of light, of photoelectrons beyond `WIDE` and chi-squared beyond `SUSPECT`.
    """
    counts, lights, parts, low, high, _, free, full, merged = problem
    length, most = counts.shape[1], tables[0].shape[0]
    none, inside = flags(N_ALL), flags(N_ALL)
    for k in range(N_ALL):
        inside[k] = free[k] and best[k] > lower[k]
    cut = np.full((2, 2), -1.0)
    score, fisher = numbers(N_ALL), table(N_ALL, N_ALL)
    moved, both, one = numbers(N_ALL), table(2, length), table(2, length)
    still = (counts, lights, parts, low, high, cut, none, full, merged)
    n = min(int(1.1 * frequencies(best, length, most)), most)
    for side in range(2):
        put(moved, best)
        moved[1] *= 1 + APART if side == 0 else 1 - APART
        evaluate(code, moved, still, n, tables, room, score, fisher)
        for part in range(parts):
            for j in range(low, high):
                both[part, j] += 0.5 * room[4][part, j]
    real = (counts, lights, parts, low, high, cut, inside, full, merged)
    evaluate(code, best, real, n, tables, room, score, fisher)
    covariance = table(N_ALL, N_ALL)
    if not inverse(code, fisher, inside, covariance):
        return False
    away, information = 0.0, 0.0
    for part in range(parts):
        total, events, whole, here, square = 0.0, 0.0, 0.0, 0.0, 0.0
        for j in range(low, high):
            one[part, j] = max(room[4][part, j], 1e-12)
            total += one[part, j]
            events += counts[part, j]
        for j in range(low, high):
            x = one[part, j]
            d = both[part, j] - x if events * x > ENOUGH * total else 0.0
            whole += d
            here += counts[part, j] * d / x
            square += d * d / x
            # What would have come of the mixture, and so how each parameter's score moves with it.
            one[part, j] = events / total * (x + d)
        away += here - events * whole / total
        information += events / total * (square - whole * whole / total)
    fake, other = numbers(N_ALL), table(N_ALL, N_ALL)
    mixed = (one, lights, parts, low, high, cut, inside, full, merged)
    evaluate(code, best, mixed, n, tables, room, fake, other)
    for k in range(N_ALL):
        if inside[k]:
            fake[k] += lights[KNOWN + k] * (best[k] - lights[KNOWN_AS + k])
    for k in range(N_ALL):
        if not inside[k]:
            continue
        for i in range(N_ALL):
            if inside[i]:
                away -= fake[k] * covariance[k, i] * score[i]
                information -= fake[k] * covariance[k, i] * fake[i]
    if not information > 0:
        return False
    away /= sqrt(information)
    # What chi-squared is too much beside makes the score as much more uncertain.
    return away > OF_TWO * sqrt(max((chi2 - away * away) / ndf, 1.0))

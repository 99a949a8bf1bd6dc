"""What few events tell of crosstalk, compiled."""

from __future__ import annotations

from math import sqrt

from mppcqa.physics._apart import NOTHING, REAL1, REAL2, apart
from mppcqa.physics._climb import (
    CROSSTALK,
    N_ALL,
    PROBLEM,
    ROOM,
    TABLES,
    evaluate,
    frequencies,
    put_square,
)
from mppcqa.physics._scratch import flags, numbers, table
from mppcqa.physics._summit import inverse

FEW = 20.0
"""Standard deviations above none, from which on crosstalk is told by events enough."""
MORE = 2.0
"""Events more, of what tells crosstalk, that the information is taken at."""


@apart(NOTHING, REAL1, REAL1, REAL1, PROBLEM, TABLES, ROOM, REAL2)
def where_more(code, best, lower, upper, problem, tables, room, fisher):  # type: ignore[no-untyped-def]
    """Take the Fisher information at somewhat more crosstalk, where few events tell it.

    Of a dark run with a hundred counts, two or eight of two photoelectrons tell crosstalk. A count
    of n has the standard deviation of what was expected, which is more than n where fewer came than
    that: taken from n alone, a downward fluctuation of three standard deviations looks like one of
    eight. So the information is that of n + 2, or of one standard deviation more where that is
    less; the other parameters go with crosstalk as their covariance says.
    """
    free = problem[6]
    inside = flags(N_ALL)
    for k in range(N_ALL):
        inside[k] = free[k] and (k < CROSSTALK or best[k] > lower[k])
    covariance = table(N_ALL, N_ALL)
    if not inside[CROSSTALK] or not inverse(code, fisher, inside, covariance):
        return
    error = sqrt(covariance[CROSSTALK, CROSSTALK])
    if not error * FEW > best[CROSSTALK]:
        return
    move = error * min(1.0, MORE * error / best[CROSSTALK])
    moved = numbers(N_ALL)
    for k in range(N_ALL):
        along = covariance[k, CROSSTALK] / covariance[CROSSTALK, CROSSTALK] if inside[k] else 0.0
        moved[k] = min(max(best[k] + along * move, lower[k]), upper[k])
    score, other = numbers(N_ALL), table(N_ALL, N_ALL)
    n = frequencies(moved, problem[0].shape[1], tables[0].shape[0])
    evaluate(code, moved, problem, n, tables, room, score, other)
    if inverse(code, other, inside, covariance):
        put_square(fisher, other)

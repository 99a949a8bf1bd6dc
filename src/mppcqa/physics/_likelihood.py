"""Log-likelihood of one spectrum's bins, with its score and Fisher information, compiled."""

from __future__ import annotations

from math import log

from mppcqa.physics._apart import BOOL, BOOL1, INT, INT1, REAL, REAL1, REAL2, apart, once
from mppcqa.physics._model import FLOOR, N_LOCAL
from mppcqa.physics._scratch import numbers, places, table


@once(REAL, INT, INT, BOOL, REAL1, REAL2, REAL1, INT1, INT, REAL1, REAL1, REAL2, fastmath=True)
def _add_spill(spill, start, stop, below, p, dp, missing, rows, m, mine, whole, local):  # type: ignore[no-untyped-def]
    """Add what a bin of all that lies beyond tells; returns its probability."""
    side = numbers(N_LOCAL)
    x = 0.0
    for j in range(start, stop):
        x += p[j]
    for a in range(m):
        if x > FLOOR:
            row = dp[rows[a]]
            for j in range(start, stop):
                side[a] += row[j]
    if below and missing[N_LOCAL] > 0:
        x += missing[N_LOCAL]
        for a in range(m):
            side[a] += missing[rows[a]]
    x = max(x, FLOOR)
    for a in range(m):
        mine[a] += spill / x * side[a]
        whole[a] += side[a]
        for b in range(a + 1):
            local[a, b] += side[a] * side[b] / x
    return x


@apart(REAL, REAL1, INT, INT, REAL1, REAL1, REAL2, REAL1, BOOL1, INT, REAL1, REAL2, fastmath=True)
def add_part(counts, low, high, spill, p, dp, missing, wanted, length, score, fisher):  # type: ignore[no-untyped-def]
    """Fill one spectrum's score (N_LOCAL,) and Fisher information; returns its log-likelihood.

    counts
        (length,) on the grid; the bins low to high - 1 are used.
    spill
        Events that the ADC put into a bin below (0) and above (1) the used ones; negative where
        there is no such bin. Charges outside, with no such bin, were not recorded, and the
        likelihood is that of the recorded ones.
    length
        Where the bins end that lie above the used ones; further ones hold what lies below the grid.
    missing
        (N_LOCAL + 1,): part of the pedestal below the grid, and its derivatives: events that were
        expected there and did not come count against a hypothesis like all others.
    """
    whole = numbers(N_LOCAL)
    mine = numbers(N_LOCAL)
    rows = places(N_LOCAL)
    m = 0
    for k in range(N_LOCAL):
        if wanted[k]:
            rows[m] = k
            m += 1
    events = 0.0
    total = 0.0
    log_l = 0.0
    inverse = numbers(high - low)
    for j in range(low, high):
        x = p[j]
        if x < FLOOR:
            x = FLOOR
            for a in range(m):
                dp[rows[a], j] = 0.0
        inverse[j - low] = 1 / x
        c = counts[j]
        total += x
        if c > 0:
            events += c
            log_l += c * log(x)
    local = table(N_LOCAL, N_LOCAL)
    weighted = numbers(high - low)
    for a in range(m):
        row = dp[rows[a]]
        s = 0.0
        t = 0.0
        for j in range(low, high):
            d = row[j]
            weighted[j - low] = d * inverse[j - low]
            s += counts[j] * weighted[j - low]
            t += d
        mine[a] = s
        whole[a] = t
        for b in range(a + 1):
            other = dp[rows[b]]
            f = 0.0
            for j in range(low, high):
                f += weighted[j - low] * other[j]
            local[a, b] = f
    for part in range(2):
        if spill[part] >= 0:
            start, stop = (0, low) if part == 0 else (high, length)
            x = _add_spill(
                spill[part], start, stop, part == 0, p, dp, missing, rows, m, mine, whole, local
            )
            events += spill[part]
            total += x
            log_l += spill[part] * log(x)
    log_l -= events * log(total)
    for a in range(N_LOCAL):
        score[a] = 0.0
        for b in range(N_LOCAL):
            fisher[a, b] = 0.0
    for a in range(m):
        score[rows[a]] = mine[a] - events * whole[a] / total
        for b in range(a + 1):
            f = events * (local[a, b] - whole[a] * whole[b] / total) / total
            fisher[rows[a], rows[b]] = f
            fisher[rows[b], rows[a]] = f
    return log_l

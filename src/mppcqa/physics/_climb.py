"""Fisher scoring of one spectrum, or of a light and a dark spectrum together; and of many."""

from __future__ import annotations

import numpy as np
from numba import njit

from mppcqa.physics._model import FLOOR, N_PARAMETERS, STRIDE, avalanche, probabilities

MAX_STEPS = 40
TOLERANCE = 0.02
"""A climb ends where the next step promises less than this gain in twice the log-likelihood."""


@njit(cache=True)
def solve(matrix, vector, n):  # type: ignore[no-untyped-def]
    """Solve a positive definite system of n in place by Cholesky; False where it is not one."""
    for i in range(n):
        for j in range(i + 1):
            x = matrix[i, j]
            for k in range(j):
                x -= matrix[i, k] * matrix[j, k]
            if i == j:
                if not x > 0:
                    return False
                matrix[i, i] = np.sqrt(x)
            else:
                matrix[i, j] = x / matrix[j, j]
    for i in range(n):
        x = vector[i]
        for k in range(i):
            x -= matrix[i, k] * vector[k]
        vector[i] = x / matrix[i, i]
    for i in range(n - 1, -1, -1):
        x = vector[i]
        for k in range(i + 1, n):
            x -= matrix[k, i] * vector[k]
        vector[i] = x / matrix[i, i]
    return True


@njit(cache=True, fastmath=True)
def _add_part(counts, low, high, spill, p, dp, wanted, length, score, fisher):  # type: ignore[no-untyped-def]
    """Add one spectrum's score and Fisher information; returns its log-likelihood.

    counts
        (length,) on the grid; the bins low to high - 1 are used.
    spill
        Events that the ADC put into a bin below (0) and above (1) the used ones; negative where
        there is no such bin. Charges outside, with no such bin, were not recorded, and the
        likelihood is that of the recorded ones.
    """
    whole = np.zeros(N_PARAMETERS)
    mine = np.zeros(N_PARAMETERS)
    rows = np.empty(N_PARAMETERS, np.int64)
    m = 0
    for k in range(N_PARAMETERS):
        if wanted[k]:
            rows[m] = k
            m += 1
    events = 0.0
    total = 0.0
    log_l = 0.0
    inverse = np.empty(high - low)
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
            log_l += c * np.log(x)
    local = np.zeros((N_PARAMETERS, N_PARAMETERS))
    weighted = np.empty(high - low)
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
    side = np.zeros(N_PARAMETERS)
    for part in range(2):
        if spill[part] < 0:
            continue
        start, stop = (0, low) if part == 0 else (high, length)
        x = 0.0
        for j in range(start, stop):
            x += max(p[j], 0.0)
        x = max(x, FLOOR)
        for a in range(m):
            side[a] = 0.0
            for j in range(start, stop):
                side[a] += dp[rows[a], j]
        events += spill[part]
        total += x
        log_l += spill[part] * np.log(x)
        for a in range(m):
            mine[a] += spill[part] / x * side[a]
            whole[a] += side[a]
            for b in range(a + 1):
                local[a, b] += side[a] * side[b] / x
    log_l -= events * np.log(total)
    for a in range(m):
        score[rows[a]] += mine[a] - events * whole[a] / total
        for b in range(a + 1):
            f = events * (local[a, b] - whole[a] * whole[b] / total) / total
            fisher[rows[a], rows[b]] += f
            if a != b:
                fisher[rows[b], rows[a]] += f
    return log_l


@njit(cache=True)
def evaluate(theta, problem, tables, room, score, fisher):  # type: ignore[no-untyped-def]
    """Log-likelihood, score (8,) and Fisher information (8, 8) of a problem at theta.

    problem
        (counts (2, length), lights (2,), parts, low, high, spill (2, 2), free, n, full)
    tables
        (dark (2, m, m), after (2, m, m), late (2,), circle (2, c)), see `_pulse.ray_matrices`
    room
        Scratch arrays, see `make_room`.
    """
    counts, lights, parts, low, high, spill, free, n, full = problem
    dark, after, late, circle = tables
    b, d, work, scratch, x, p, dp = room
    length = counts.shape[1]
    step = 2 * np.pi / length
    avalanche(theta, step, n, dark, after, late, full, b[0], b[1], d[0], d[1], work)
    score[:] = 0.0
    fisher[:] = 0.0
    log_l = 0.0
    wanted = np.empty(N_PARAMETERS, np.bool_)
    for part in range(parts):
        for k in range(N_PARAMETERS):
            wanted[k] = free[k] and not (k == 4 and lights[part] == 0)
        probabilities(
            theta, lights[part], wanted, step, n, length, (b[0], b[1], d[0], d[1]), full,
            p[part], dp, scratch, x, circle,
        )  # fmt: skip
        log_l += _add_part(
            counts[part], low, high, spill[part], p[part], dp, wanted, length, score, fisher
        )
    return log_l


@njit(cache=True)
def make_room(length, n):  # type: ignore[no-untyped-def]
    """Scratch arrays of one thread, for grids of that length and n frequencies."""
    more = n + 4 * STRIDE
    return (
        np.zeros((2, N_PARAMETERS - 3, more)),
        np.zeros((2, N_PARAMETERS - 3, more)),
        np.zeros((2, 9, more)),
        np.zeros((2, N_PARAMETERS + 2, n)),
        np.zeros((2, length)),
        np.zeros((2, length)),
        np.zeros((N_PARAMETERS, length)),
    )


@njit(cache=True)
def climb(theta, low_bound, high_bound, problem, tables, room, score, fisher, max_steps):  # type: ignore[no-untyped-def]
    """Climb from theta, in place, by damped Fisher scoring; returns (converged, log-likelihood).

    Leaves score and Fisher information of the summit.
    """
    free = problem[6]
    damping = 1e-4
    trial_score = np.empty_like(score)
    trial_fisher = np.empty_like(fisher)
    trial = theta.copy()
    matrix = np.empty_like(fisher)
    vector = np.empty_like(score)
    moving = np.empty(N_PARAMETERS, np.int64)
    log_l = evaluate(theta, problem, tables, room, score, fisher)
    for _ in range(max_steps):
        m = 0
        for k in range(N_PARAMETERS):
            stuck = (theta[k] <= low_bound[k] and score[k] < 0) or (
                theta[k] >= high_bound[k] and score[k] > 0
            )
            if free[k] and not stuck:
                moving[m] = k
                m += 1
        for a in range(m):
            vector[a] = score[moving[a]]
            for b in range(m):
                matrix[a, b] = fisher[moving[a], moving[b]]
            matrix[a, a] = matrix[a, a] * (1 + damping) + 1e-12
        if m == 0:
            return True, log_l
        if not solve(matrix, vector, m):
            damping = max(damping, 1e-3) * 10
            if damping > 1e8:
                return False, log_l
            continue
        trial[:] = theta
        promise = 0.0
        cut = False
        for a in range(m):
            k = moving[a]
            size = vector[a]
            limit = 0.2
            if k == 0:
                limit = 0.3 * theta[1]
            elif k < 5:
                limit = 0.35 * theta[k]
            if abs(size) > limit:
                size = limit if size > 0 else -limit
                cut = True
            x = min(max(theta[k] + size, low_bound[k]), high_bound[k])
            promise += (x - theta[k]) * score[k]
            trial[k] = x
        if promise < TOLERANCE and not cut and damping < 1e-2:
            theta[:] = trial
            return True, log_l + 0.5 * promise
        new = evaluate(trial, problem, tables, room, trial_score, trial_fisher)
        if new >= log_l - 1e-10 * abs(log_l):
            theta[:] = trial
            score[:] = trial_score
            fisher[:] = trial_fisher
            log_l = new
            damping *= 0.1
        else:
            damping = max(damping, 1e-3) * 20
            if damping > 1e8:
                return False, log_l
    return False, log_l

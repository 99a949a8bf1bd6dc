"""Fisher scoring of one spectrum, or of a light and a dark spectrum together; and of many."""

from __future__ import annotations

import numpy as np
from numba import njit

from mppcqa.physics._model import (
    BEFORE,
    BLOCK,
    FLOOR,
    LANES,
    N_PARAMETERS,
    avalanche,
    fade,
    probabilities,
    to_bins,
    transforms,
)

MAX_STEPS = 60
TOLERANCE = 0.02
"""A climb ends where the next step promises less than this gain in twice the log-likelihood."""
HIGHEST = 5.0
"""Frequency times width of the narrowest peak up to which the transform is kept: 4e-6 is left."""
LEAST_HIGHEST = 4.0
"""The same where the frequencies run out, and widths are held."""
IDLE_GAIN = 0.05
IDLE_STEPS = 3
"""A climb ends too after so many steps of less gain than that."""
SPARE = 1.06
"""More frequencies than are needed, to need no others later."""
NOISE = 0.002
"""By how much rounding may lower a log-likelihood."""
NOISE_OF_MORE = 1.0
"""By how much more frequencies may."""
LEAST_WIDTH = 0.05
"""Of a photoelectron, in bins."""
NARROW = 0.8
"""Bins; fractions of a pulse have edges, which are kept that sharp however wide the peaks are."""


@njit(cache=True, error_model="numpy")
def put(to, of):  # type: ignore[no-untyped-def]
    """Copy an array; assignments of slices take long to compile, for what they would say."""
    for i in range(of.size):
        to[i] = of[i]


@njit(cache=True, error_model="numpy")
def put_square(to, of):  # type: ignore[no-untyped-def]
    """Copy a matrix."""
    for i in range(of.shape[0]):
        for j in range(of.shape[1]):
            to[i, j] = of[i, j]


@njit(cache=True, error_model="numpy")
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


@njit(cache=True, fastmath=True, error_model="numpy")
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
            x += p[j]
        for a in range(m):
            side[a] = 0.0
            if x > FLOOR:
                row = dp[rows[a]]
                for j in range(start, stop):
                    side[a] += row[j]
        x = max(x, FLOOR)
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


@njit(cache=True, error_model="numpy")
def frequencies(theta, length, most):  # type: ignore[no-untyped-def]
    """How many frequencies the narrowest peaks need, at most `most`."""
    width = np.sqrt(theta[2] ** 2 + min(theta[3], NARROW) ** 2)
    return min(most, int(HIGHEST * length / (2 * np.pi * width)) + 2)


@njit(cache=True, error_model="numpy")
def evaluate(theta, problem, n, tables, room, score, fisher):  # type: ignore[no-untyped-def]
    """Log-likelihood, score (8,) and Fisher information (8, 8) of a problem at theta.

    problem
        (counts (2, length), lights (2,), parts, low, high, spill (2, 2), free, full)
    n
        Frequencies to use, see `frequencies`.
    tables
        (dark, after, late (2,), circle (2, c)), see `_pulse.ray_matrices`
    room
        Scratch arrays, see `make_room`. The fifth takes the probabilities of the parts' bins.
    """
    counts, lights, parts, low, high, spill, free, full = problem
    dark, after, late, circle = tables
    transformed, averaged, rows, flat, p, dp = room
    length = counts.shape[1]
    step = 2 * np.pi / length
    b, d, z, scratch = transformed[0:10], transformed[10:20], transformed[20:24], transformed[24:29]
    avalanche(theta, step, n, dark, after, late, full, b, d, averaged[0:10], averaged[10:20], z)
    fade(step, n, length, scratch[4])
    for k in range(N_PARAMETERS):
        score[k] = 0.0
        for i in range(N_PARAMETERS):
            fisher[k, i] = 0.0
    wanted = np.empty((2, N_PARAMETERS), np.bool_)
    left = np.empty((2, N_PARAMETERS))
    weight = np.empty(2)
    first = np.zeros(3, np.int64)
    for part in range(parts):
        for k in range(N_PARAMETERS):
            wanted[part, k] = free[k] and not (k == 4 and lights[part] == 0)
        count, weight[part] = transforms(
            theta, lights[part], wanted[part], step, n, scratch[4], b, d, scratch, rows,
            first[part], left[part],
        )  # fmt: skip
        first[part + 1] = first[part] + count
    found = to_bins(rows, first[parts], n, length, flat, circle)
    log_l = 0.0
    for part in range(parts):
        probabilities(
            theta, wanted[part], found, first[part], weight[part], left[part], length, p[part], dp
        )
        log_l += _add_part(
            counts[part], low, high, spill[part], p[part], dp, wanted[part], length, score, fisher
        )
    return log_l


@njit(cache=True, error_model="numpy")
def make_room(length, n):  # type: ignore[no-untyped-def]
    """Scratch arrays of one thread, for grids up to that length and n frequencies."""
    return (
        np.empty((29, n)),
        np.empty((20, BEFORE + n + 2 * BLOCK), np.float32),
        np.empty((2 * LANES, 2, n)),
        np.empty((4, length * LANES)),
        np.empty((2, length)),
        np.empty((N_PARAMETERS, length)),
    )


@njit(cache=True, error_model="numpy")
def climb(theta, low_bound, high_bound, problem, tables, room, score, fisher, max_steps):  # type: ignore[no-untyped-def]
    """Climb from theta, in place, by damped Fisher scoring; returns (converged, log-likelihood).

    Leaves score and Fisher information of the summit. The frequencies that there are hold the
    narrowest peak's width from below, by that of a photoelectron: `low_bound` follows.
    """
    free = problem[6]
    length, most = problem[0].shape[1], tables[0].shape[0]
    least = LEAST_HIGHEST * length / (2 * np.pi * most)
    # Another number of frequencies is another function, by a little: it only grows.
    n = min(int(SPARE * frequencies(theta, length, most)), most)
    damping = 1e-4
    idle = 0
    trial_score = np.empty_like(score)
    trial_fisher = np.empty_like(fisher)
    trial = np.empty_like(theta)
    matrix = np.empty_like(fisher)
    vector = np.empty_like(score)
    moving = np.empty(N_PARAMETERS, np.int64)
    log_l = evaluate(theta, problem, n, tables, room, score, fisher)
    for _ in range(max_steps):
        low_bound[3] = np.sqrt(max(least**2 - theta[2] ** 2, LEAST_WIDTH**2))
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
        put(trial, theta)
        promise = 0.0
        cut = False
        for a in range(m):
            k = moving[a]
            size = vector[a]
            limit = 0.2
            if k == 0:
                limit = 0.3 * theta[1]
            elif k < 5:
                limit = (0.5 if k == 2 else 0.35) * theta[k]
            if abs(size) > limit:
                size = limit if size > 0 else -limit
                cut = True
            x = min(max(theta[k] + size, low_bound[k]), high_bound[k])
            promise += (x - theta[k]) * score[k]
            trial[k] = x
        trial[3] = max(trial[3], np.sqrt(max(least**2 - trial[2] ** 2, LEAST_WIDTH**2)))
        if promise < TOLERANCE and not cut and damping < 1e-2:
            put(theta, trial)
            return True, log_l + 0.5 * promise
        need = frequencies(trial, length, most)
        slack = NOISE
        if need > n:
            n = min(int(SPARE * need), most)
            slack = NOISE_OF_MORE
        new = evaluate(trial, problem, n, tables, room, trial_score, trial_fisher)
        if new >= log_l - slack:
            # Of a pedestal within one bin, place and width are a flat ridge with steep sides: what
            # is left to gain there is less than steps promise.
            idle = idle + 1 if new - log_l < IDLE_GAIN and trial[2] < 1.0 else 0
            put(theta, trial)
            put(score, trial_score)
            put_square(fisher, trial_fisher)
            log_l = new
            damping *= 0.1
            if idle >= IDLE_STEPS:
                return True, log_l
        else:
            damping = max(damping, 1e-3) * 20
            if damping > 1e8:
                return False, log_l
    return False, log_l

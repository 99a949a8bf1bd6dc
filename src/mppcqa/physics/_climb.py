"""Fisher scoring of one spectrum, or of a light and a dark spectrum together; and of many."""

from __future__ import annotations

from math import exp, sqrt

import numpy as np

from mppcqa.physics._apart import (
    BOOL,
    BOOL1,
    INT,
    INT2,
    REAL,
    REAL1,
    REAL2,
    REAL3,
    SINGLE2,
    apart,
    several,
)
from mppcqa.physics._avalanche import BEFORE, BLOCK, avalanche
from mppcqa.physics._bins import merge
from mppcqa.physics._kept import inner
from mppcqa.physics._likelihood import add_part
from mppcqa.physics._model import (
    BURSTS,
    LANES,
    N_LOCAL,
    N_PARAMETERS,
    fade,
    probabilities,
    to_bins,
    transforms,
)
from mppcqa.physics._scratch import numbers, places, table

N_ALL = 13
"""Parameters of a problem: the eight of `_model`, then what may trouble it, see `OF_ALL`."""
SHIFT, RATE, VARIANCE, PART, WIDER = range(8, 13)
"""How far the dark run's pedestal lies off that of the light; logarithm of its dark counts a gate
over those of the light; and the last three of `_model`."""
ROUND = 4
"""Where `lights` holds how many of the grid's last bins are what lies below its first."""
KNOWN_AS, KNOWN = 5, 5 + N_ALL
"""From where on `lights` holds what is known beforehand of each parameter: its value, and the
information (one over its uncertainty's square) there is of it, zero where nothing is known."""
LIGHTS = 5 + 2 * N_ALL
CROSSTALK = 5
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
LEAST_SHARE = 0.15
"""Of what a step promised; a straight climb keeps half."""
SPARE = 1.06
"""More frequencies than are needed, to need no others later."""
NOISE = 0.002
"""By how much rounding may lower a log-likelihood."""
NOISE_OF_MORE = 1.0
"""By how much more frequencies may."""
LEAST_WIDTH = 0.05
"""Of a photoelectron, in bins."""
FIRST_BOUNDED = 5
"""From this parameter on, bounds are values that may be: no crosstalk, dark counts, afterpulses."""
NARROW = 0.8
"""Bins; fractions of a pulse have edges, which are kept that sharp however wide the peaks are."""


@inner(error_model="numpy")
def put(to, of):  # type: ignore[no-untyped-def]
    """Copy an array; assignments of slices take long to compile, for what they would say."""
    for i in range(of.size):
        to[i] = of[i]


@inner(error_model="numpy")
def put_square(to, of):  # type: ignore[no-untyped-def]
    """Copy a matrix."""
    for i in range(of.shape[0]):
        for j in range(of.shape[1]):
            to[i, j] = of[i, j]


@apart(BOOL, REAL2, REAL1, INT)
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
                matrix[i, i] = sqrt(x)
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


@inner(error_model="numpy")
def _of_part(theta, part, mine, to, by):  # type: ignore[no-untyped-def]
    """Fill one spectrum's own parameters, and how they hang on those of the problem.

    A spectrum's parameter k moves with the problem's `to[k, 0]` by `by[k, 0]`, and, where
    `to[k, 1]` is not negative, with that one by `by[k, 1]`.
    """
    for k in range(N_LOCAL):
        at = k if k < N_PARAMETERS else k - N_PARAMETERS + VARIANCE
        mine[k] = theta[at]
        to[k, 0], to[k, 1] = at, -1
        by[k, 0], by[k, 1] = 1.0, 0.0
    if part == 1:
        factor = exp(theta[RATE])
        mine[0] += theta[SHIFT]
        mine[6] *= factor
        to[0, 1], by[0, 1] = SHIFT, 1.0
        by[6, 0] = factor
        to[6, 1], by[6, 1] = RATE, mine[6]


@inner(error_model="numpy")
def _gather(own_score, own_fisher, wanted, free, to, by, score, fisher):  # type: ignore[no-untyped-def]
    """Add a spectrum's score and Fisher information to those of the problem."""
    for k in range(N_LOCAL):
        if not wanted[k]:
            continue
        for a in range(2):
            i = to[k, a]
            if i < 0 or not free[i]:
                continue
            score[i] += by[k, a] * own_score[k]
            for m in range(N_LOCAL):
                if not wanted[m]:
                    continue
                for b in range(2):
                    j = to[m, b]
                    if j >= 0 and free[j]:
                        fisher[i, j] += by[k, a] * by[m, b] * own_fisher[k, m]


@inner(error_model="numpy")
def frequencies(theta, length, most):  # type: ignore[no-untyped-def]
    """How many frequencies the narrowest peaks need, at most `most`."""
    width = sqrt(theta[2] ** 2 + min(theta[3], NARROW) ** 2)
    return min(most, int(HIGHEST * length / (2 * np.pi * width)) + 2)


PROBLEM = several(REAL2, REAL1, INT, INT, INT, REAL2, BOOL1, BOOL, INT2)
TABLES = several(SINGLE2, SINGLE2, REAL1, REAL2, SINGLE2)
ROOM = several(REAL2, SINGLE2, REAL3, REAL2, REAL2, REAL2)


@apart(REAL, REAL1, PROBLEM, INT, TABLES, ROOM, REAL1, REAL2)
def evaluate(code, theta, problem, n, tables, room, score, fisher):  # type: ignore[no-untyped-def]
    """Log-likelihood, score (N_ALL,) and Fisher information of a problem at theta (N_ALL,).

    What is known beforehand of parameters that are free is in them.

    problem
        (counts (2, length), lights (LIGHTS,), parts, low, high, spill (2, 2), free, full, merged).
        `merged` (2, length) says how many bins from each on are one, see `_bins.merge`; (2, 0)
        where none are.
    n
        Frequencies to use, see `frequencies`.
    tables
        (dark, after, late (4,), circle (2, c), below), see `spectra.tables_of`
    room
        Scratch arrays, see `make_room`. The fifth takes the probabilities of the parts' bins.
    """
    counts, lights, parts, low, high, spill, free, full, merged = problem
    dark, after, late, circle, below = tables
    transformed, averaged, rows, flat, p, dp = room
    length = counts.shape[1]
    step = 2 * np.pi / length
    b, d, z, scratch = transformed[0:10], transformed[10:20], transformed[20:26], transformed[24:32]
    # The avalanche is done with its scratch rows before the spectra use them.
    avalanche(
        code, theta, step, n, dark, after, late, below, full, b, d, averaged[0:10],
        averaged[10:20], z,
    )  # fmt: skip
    fade(step, n, length, scratch[4])
    for k in range(N_ALL):
        score[k] = 0.0
        for i in range(N_ALL):
            fisher[k, i] = 0.0
    wanted = np.empty((2, N_LOCAL), np.bool_)
    own, left = table(2, N_LOCAL), table(2, N_LOCAL)
    to, by = np.empty((2, N_LOCAL, 2), np.int64), np.empty((2, N_LOCAL, 2))
    weight = numbers(2)
    first = places(3)
    for part in range(parts):
        _of_part(theta, part, own[part], to[part], by[part])
        for k in range(N_LOCAL):
            wanted[part, k] = free[to[part, k, 0]] or (to[part, k, 1] >= 0 and free[to[part, k, 1]])
            if lights[part] == 0 and (k == 4 or k == BURSTS - 1):
                wanted[part, k] = False
        count, weight[part] = transforms(
            code, own[part], lights[part], wanted[part], step, n, scratch[4], b, d, scratch, rows,
            first[part], left[part],
        )  # fmt: skip
        first[part + 1] = first[part] + count
    found = to_bins(code, rows, first[parts], n, length, flat, circle)
    lanes = (first[parts] + 1) // 2
    log_l = 0.0
    missing = numbers(N_LOCAL + 1)
    own_score, own_fisher = numbers(N_LOCAL), table(N_LOCAL, N_LOCAL)
    for part in range(parts):
        probabilities(
            code, own[part], wanted[part], found, lanes, first[part], weight[part], left[part],
            length, p[part], dp, missing,
        )  # fmt: skip
        if merged.shape[1] > 0:
            merge(merged[part], p[part])
            for k in range(N_LOCAL):
                if wanted[part, k]:
                    merge(merged[part], dp[k])
        log_l += add_part(
            code, counts[part], low, high, spill[part], p[part], dp, missing, wanted[part],
            length - int(lights[ROUND]), own_score, own_fisher,
        )  # fmt: skip
        _gather(own_score, own_fisher, wanted[part], free, to[part], by[part], score, fisher)
    for k in range(N_ALL):
        known = lights[KNOWN + k]
        if free[k] and known > 0:
            away = theta[k] - lights[KNOWN_AS + k]
            log_l -= 0.5 * known * away**2
            score[k] -= known * away
            fisher[k, k] += known
    return log_l


@inner(error_model="numpy")
def make_room(length, n):  # type: ignore[no-untyped-def]
    """Scratch arrays of one thread, for grids up to that length and n frequencies."""
    return (
        np.empty((32, n)),
        np.empty((20, BEFORE + n + 2 * BLOCK), np.float32),
        np.empty((2 * LANES, 2, n)),
        np.empty((4, length * LANES)),
        np.empty((2, length)),
        np.empty((N_LOCAL, length)),
    )


@apart(several(BOOL, INT), REAL1, REAL1, REAL1, BOOL1, REAL1, REAL2, REAL, REAL1)
def direction(code, theta, low_bound, high_bound, free, score, fisher, damping, step):  # type: ignore[no-untyped-def]
    """Fill step (N_ALL,) of damped Fisher scoring in the bounds; (solved, parameters that move).

    What would cross its bound goes just there, and the others go where that leaves them to: cut off
    alone, it would leave the rest of a step that was right for all of them only together.
    """
    moving = places(N_ALL)
    m = 0
    for k in range(N_ALL):
        stuck = (theta[k] <= low_bound[k] and score[k] < 0) or (
            theta[k] >= high_bound[k] and score[k] > 0
        )
        step[k] = 0.0
        if free[k] and not stuck:
            moving[m] = k
            m += 1
    able = m
    matrix = table(N_ALL, N_ALL)
    vector = numbers(N_ALL)
    while m > 0:
        for a in range(m):
            vector[a] = score[moving[a]]
            for k in range(N_ALL):
                vector[a] -= fisher[moving[a], k] * step[k]
            for b in range(m):
                matrix[a, b] = fisher[moving[a], moving[b]]
            matrix[a, a] = matrix[a, a] * (1 + damping) + 1e-12
        if not solve(code, matrix, vector, m):
            return False, able
        left = 0
        for a in range(m):
            k = moving[a]
            aim = theta[k] + vector[a]
            if k >= FIRST_BOUNDED and not low_bound[k] <= aim <= high_bound[k]:
                step[k] = (low_bound[k] if aim < low_bound[k] else high_bound[k]) - theta[k]
            else:
                moving[left] = k
                left += 1
        if left == m:
            for a in range(m):
                step[moving[a]] = vector[a]
            break
        m = left
    return True, able


@inner(error_model="numpy")
def _longest(k, theta):  # type: ignore[no-untyped-def]
    """Longest step of parameter k, beyond which the information here says little."""
    if k in (0, SHIFT):
        return 0.3 * theta[1]
    if k < 5 or k == WIDER:
        return (0.5 if k == 2 else 0.35) * theta[k]
    return 0.03 if k in (VARIANCE, PART) else 0.2


@apart(several(BOOL, REAL), REAL1, REAL1, REAL1, PROBLEM, TABLES, ROOM, REAL1, REAL2, INT)
def climb(code, theta, low_bound, high_bound, problem, tables, room, score, fisher, max_steps):  # type: ignore[no-untyped-def]
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
    trial_score = numbers(N_ALL)
    trial_fisher = table(N_ALL, N_ALL)
    trial = numbers(N_ALL)
    step = numbers(N_ALL)
    log_l = evaluate(code, theta, problem, n, tables, room, score, fisher)
    for _ in range(max_steps):
        low_bound[3] = sqrt(max(least**2 - theta[2] ** 2, LEAST_WIDTH**2))
        solved, able = direction(
            code, theta, low_bound, high_bound, free, score, fisher, damping, step
        )
        if able == 0:
            return True, log_l
        if not solved:
            damping = max(damping, 1e-3) * 10
            if damping > 1e8:
                return False, log_l
            continue
        put(trial, theta)
        promise = 0.0
        cut = False
        for k in range(N_ALL):
            size = step[k]
            if size == 0.0:
                continue
            limit = _longest(k, theta)
            if abs(size) > limit:
                size = limit if size > 0 else -limit
                cut = True
            x = min(max(theta[k] + size, low_bound[k]), high_bound[k])
            promise += (x - theta[k]) * score[k]
            trial[k] = x
        trial[3] = max(trial[3], sqrt(max(least**2 - trial[2] ** 2, LEAST_WIDTH**2)))
        if promise * (1 + damping) < TOLERANCE and not cut and damping < 10.0:
            put(theta, trial)
            return True, log_l + 0.5 * promise
        need = frequencies(trial, length, most)
        slack = NOISE
        if need > n:
            n = min(int(SPARE * need), most)
            slack = NOISE_OF_MORE
        new = evaluate(code, trial, problem, n, tables, room, trial_score, trial_fisher)
        if new >= log_l - slack:
            # Of a pedestal within one bin, place and width are a flat ridge with steep sides: what
            # is left to gain there is less than steps promise.
            idle = idle + 1 if new - log_l < IDLE_GAIN and trial[2] < 1.0 else 0
            # A few events where hardly any are expected bend the likelihood more than the Fisher
            # information says: full steps would go to and fro across the summit.
            poor = new - log_l < LEAST_SHARE * promise and not cut
            damping = max(4 * damping, 0.5) if poor else 0.1 * damping
            put(theta, trial)
            put(score, trial_score)
            put_square(fisher, trial_fisher)
            log_l = new
            if idle >= IDLE_STEPS:
                return True, log_l
        else:
            damping = max(damping, 1e-3) * 20
            if damping > 1e8:
                return False, log_l
    return False, log_l

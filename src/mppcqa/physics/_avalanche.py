"""Transform of one avalanche and of a dark count, with derivatives, compiled; see `_model`."""

from __future__ import annotations

import numpy as np

from mppcqa.physics._apart import BOOL, INT, NOTHING, REAL, REAL1, REAL2, SINGLE2, apart
from mppcqa.physics._fourier import complex_exp
from mppcqa.physics._kept import inner

REACH = 9
"""Frequencies from its own on that an average draws on: half the stencil of `_pulse` and one."""
BEFORE = 8
"""Negative frequencies that it draws on."""
BLOCK = 32
"""Frequencies are averaged by so many; those without a use are zero."""
VANISHED = 5.5
"""Frequency times width a photoelectron at which an avalanche's transform is gone: 3e-7."""


@inner(fastmath=True, error_model="numpy", forceinline=True)
def _step(z_re, z_im, lam, b_re, b_im, rest_re, rest_im):  # type: ignore[no-untyped-def]
    """One step of Halley's rule towards b = z exp(lam (b - 1) + rest)."""
    x, y = complex_exp(lam * (b_re - 1) + rest_re, lam * b_im + rest_im)
    e_re, e_im = z_re * x - z_im * y, z_re * y + z_im * x
    f_re, f_im = b_re - e_re, b_im - e_im
    s_re, s_im = 1 - lam * e_re, -lam * e_im
    x = 2 * (s_re * s_re - s_im * s_im) + lam * lam * (f_re * e_re - f_im * e_im)
    y = 4 * s_re * s_im + lam * lam * (f_re * e_im + f_im * e_re)
    scale = 2 / (x * x + y * y)
    x, y = x * scale, -y * scale
    p_re, p_im = f_re * s_re - f_im * s_im, f_re * s_im + f_im * s_re
    return b_re - (p_re * x - p_im * y), b_im - (p_re * y + p_im * x)


@apart(NOTHING, REAL2, REAL, REAL2, REAL2, INT, fastmath=True)
def branches(z, lam, b, rest, top):  # type: ignore[no-untyped-def]
    """Solve b = z exp(lam (b - 1) + rest) from near values, at `top` frequencies, in place.

    Two steps, and no loop, around which the compiler would do one frequency at a time. Real and
    imaginary parts are the first two rows of z, b and rest.
    """
    z_re, z_im, b_re, b_im, rest_re, rest_im = z[0], z[1], b[0], b[1], rest[0], rest[1]
    for j in range(top):
        x, y = _step(z_re[j], z_im[j], lam, b_re[j], b_im[j], rest_re[j], rest_im[j])
        b_re[j], b_im[j] = _step(z_re[j], z_im[j], lam, x, y, rest_re[j], rest_im[j])


@apart(NOTHING, SINGLE2, SINGLE2, INT, INT, REAL, SINGLE2, fastmath=True)
def average(matrix, columns, n, top, reach, found):  # type: ignore[no-untyped-def]
    """Averages (rows, n) of the rows of columns, real and imaginary parts by turns.

    From frequency `top` on the columns are zero; `reach` is the largest fraction of a charge.
    """
    rows = found.shape[0] // 2
    for r in range(2 * rows):
        one = columns[r]
        sign = np.float32(1 - 2 * (r % 2))
        one[0] = 0.0
        if r > 0:  # rounding's denormal numbers would take most of the time
            one[BEFORE] = 0.0
        for m in range(1, BEFORE):
            one[BEFORE - m] = sign * one[BEFORE + m]
        for m in range(BEFORE + top, BEFORE + top + BLOCK):
            one[m] = 0.0
    for j in range(n):
        last = (min(int(reach * j) + REACH, top) + BEFORE + BLOCK - 1) // BLOCK * BLOCK
        weights = matrix[j]
        for r in range(rows):
            one, other = columns[2 * r], columns[2 * r + 1]
            x, y = np.float32(0), np.float32(0)
            for m in range(last):
                x += weights[m] * one[m]
                y += weights[m] * other[m]
            found[2 * r, j], found[2 * r + 1, j] = x, y


@apart(NOTHING, REAL, REAL, REAL, REAL, INT, REAL2, SINGLE2, REAL2, INT, fastmath=True)
def derivatives(step, width, lam, alpha, last, b, averaged, slope, top):  # type: ignore[no-untyped-def]
    """Fill rows of b with an avalanche's derivatives up to the `last` of gain, width a
    photoelectron, crosstalk and afterpulses: its slope times that of the logarithm's rest.

    The slope is b / (1 - lam b); its two rows are scratch.
    """
    b_re, b_im, s_re, s_im = b[0], b[1], slope[0], slope[1]
    for j in range(top):
        x, y = 1 - lam * b_re[j], lam * b_im[j]
        scale = 1 / (x * x + y * y)
        s_re[j] = (b_re[j] * x - b_im[j] * y) * scale
        s_im[j] = (b_re[j] * y + b_im[j] * x) * scale
    for k in range(1, last + 1):
        row = 2 * k if k < 4 else 0
        a_re, a_im = averaged[row], averaged[row + 1]
        by = alpha if k < 4 else 1.0
        turn = step if k == 1 else 0.0
        narrow = step * step * width if k == 2 else 0.0
        more = 1.0 if k == 3 else 0.0
        to_re, to_im = b[2 * k], b[2 * k + 1]
        for j in range(top):
            x = more * (b_re[j] - 1) - narrow * j * j
            y = more * b_im[j] + turn * j
            if by != 0.0:
                x += by * a_re[j]
                y += by * a_im[j]
            to_re[j] = s_re[j] * x - s_im[j] * y
            to_im[j] = s_re[j] * y + s_im[j] * x


@apart(
    NOTHING,
    REAL1,
    REAL,
    INT,
    SINGLE2,
    SINGLE2,
    REAL1,
    SINGLE2,
    BOOL,
    REAL2,
    REAL2,
    SINGLE2,
    SINGLE2,
    REAL2,
    fastmath=True,
)
def avalanche(code, theta, step, n, dark, after, late, below, full, b, d, columns, averaged, z):  # type: ignore[no-untyped-def]
    """Transform of an avalanche and of a dark count, and derivatives, at n frequencies.

    Rows of b and d (10, n), real and imaginary parts by turns: the transform (of d, less its value
    at no frequency), then its derivatives by gain, width a photoelectron, crosstalk and
    afterpulses. `full` is 0 where there are neither dark counts nor afterpulses. `late` is
    `PulseShape.dark_afterpulses`, whether the pulse is known, and the largest fraction that the
    gate sees of a charge; `below` the averages over fractions below zero, if any. The other arrays
    are scratch, z (6, n).
    """
    gain, width, lam, alpha = theta[1], theta[3], theta[5], theta[7]
    top = min(n, int(VANISHED / (step * width)) + 2)
    near = lam / (1 + lam)
    slope, rest = z[2:4], z[4:6]
    for j in range(top):
        w = step * j
        x, y = complex_exp(-0.5 * (w * width) ** 2, w * gain)
        z[0, j], z[1, j] = x, y
        p, q = 1 + near * (x - 1), near * y
        b[0, j], b[1, j] = x * p - y * q, x * q + y * p
        rest[0, j] = rest[1, j] = 0.0
    branches(code, z, lam, b, rest, top)
    derivatives(code, step, width, lam, 0.0, 3, b, averaged, slope, top)
    if full:
        for r in range(8):
            for j in range(top):
                columns[r, BEFORE + j] = b[r, j]
        average(code, after, columns, top, top, late[3], averaged[:8])
        whole = averaged[0, 0]
        for j in range(top):
            averaged[0, j] -= whole
        for j in range(top):
            x, y = alpha * averaged[0, j], alpha * averaged[1, j]
            rest[0, j], rest[1, j] = x, y
            p, q = complex_exp(x, y)
            u, v = b[0, j], b[1, j]
            b[0, j], b[1, j] = u * p - v * q, u * q + v * p
        branches(code, z, lam, b, rest, top)
        derivatives(code, step, width, lam, alpha, 4, b, averaged, slope, top)
        _dark_counts(code, lam, alpha, late, dark, below, b, d, columns, averaged, n, top)
    for r in range(10):
        for j in range(top, n):
            b[r, j] = 0.0
        if not full:
            for j in range(n):
                d[r, j] = 0.0


@inner(fastmath=True, error_model="numpy")
def _dark_counts(code, lam, alpha, late, dark, below, b, d, columns, averaged, n, top):  # type: ignore[no-untyped-def]
    """Fill d: dark counts' average, of avalanches with fewer afterpulses than those of light."""
    part = late[0]
    for r in range(10):
        one, other = columns[r], b[r]
        if r < 8:
            for j in range(top):
                one[BEFORE + j] = (1 - part) * one[BEFORE + j] + part * other[j]
        else:
            for j in range(top):
                one[BEFORE + j] = part * other[j]
    average(code, dark, columns, n, top, late[3], averaged)
    if below.shape[0] > 0:
        # At a negative frequency a transform is the conjugate.
        more_of = np.empty_like(averaged)
        average(code, below, columns, n, top, late[3], more_of)
        for r in range(10):
            sign = np.float32(1 - 2 * (r % 2))
            for j in range(n):
                averaged[r, j] += sign * more_of[r, j]
    whole = averaged[0, 0]
    alone = late[1] / (1 - lam)
    more = 1 + alpha * alone
    for r in range(10):
        one, bare, to = averaged[r], averaged[r % 2], d[r]
        by = 0.0
        if r // 2 == 3:
            by = alpha * alone / (1 - lam)
        elif r // 2 == 4:
            by = alone
        less = whole if r % 2 == 0 else 0.0
        own = less if r == 0 else 0.0
        for j in range(n):
            to[j] = more * (one[j] - own) + by * (bare[j] - less)

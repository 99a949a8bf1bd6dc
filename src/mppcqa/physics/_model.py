"""Transform of a charge spectrum with its derivatives, and bin probabilities from it, compiled.

The charge of an event is a sum of independent parts, so the logarithm of its characteristic
function is a sum too:

    log phi(w) = i w q0 - (w s0)^2 / 2 + mu (B(w) - 1) + nu D(w)

noise, a Poisson number mu of avalanches of light, and nu dark counts a gate. B is the transform of
one avalanche with all that it sets off: a Poisson number of crosstalk children, each with its own
(Vinogradov, NIM A 695 (2012) 247), and afterpulses,

    B = z exp(lam (B - 1) + alpha A),  z = exp(i w G - (w s1)^2 / 2),

where A averages B over the fraction of an avalanche that the gate sees of an afterpulse, and D over
the fraction that it sees of a dark count (`_pulse`). A dark count has fewer afterpulses inside the
gate than light, and some from before the gate come without it: D averages (1 - r) B' + r B times
1 + alpha q / (1 - lam), with B' without afterpulses and r and q of `PulseShape.dark_afterpulses`.
That is right to first order for their charge, though not for how it is spread. Afterpulses have
crosstalk but none of their own here: that would be of second order in alpha.

Where the transforms of avalanches have died away, phi is noise times a number W: the charges that
are none, a pedestal as narrow as the noise. Its bins are known without a transform. What is left,
phi less the pedestal's, ends at the frequency where a photoelectron's width ends it, however narrow
the noise; one transform of it gives the rest of the spectrum.

Parameters, charges in bins of the fit's grid: 0 pedestal, 1 gain, 2 pedestal width, 3 width a
photoelectron, 4 mean light, 5 mean crosstalk children an avalanche, 6 dark counts a gate,
7 mean afterpulses an avalanche.
"""

from __future__ import annotations

from math import erf

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mppcqa.physics._fourier import complex_exp, fft

Floats = NDArray[np.float64]

N_PARAMETERS = 8
REACH = 9
"""Frequencies from its own on that an average draws on: half the stencil of `_pulse` and one."""
BEFORE = 8
"""Negative frequencies that it draws on."""
BLOCK = 32
"""Frequencies are averaged by so many; those without a use are zero."""
VANISHED = 5.5
"""Frequency times width a photoelectron at which an avalanche's transform is gone: 3e-7."""
FLOOR = 1e-9
"""Least probability of a bin."""
LANES = 9
"""Transforms side by side, of two real arrays each."""
PLATEAU = 0.8
"""Part of the frequencies that is kept whole; beyond, they fade out, so that nothing rings."""
PEDESTAL = 7.0
"""Widths on either side that a pedestal reaches."""
NORMAL = 1 / np.sqrt(2 * np.pi)


@njit(cache=True, fastmath=True, error_model="numpy", forceinline=True)
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


@njit(cache=True, fastmath=True, error_model="numpy", forceinline=True)
def _tree(z_re, z_im, lam, b_re, b_im, rest_re, rest_im):  # type: ignore[no-untyped-def]
    """Solve b = z exp(lam (b - 1) + rest) from a near value: two steps, and no loop, around which
    the compiler would do one frequency at a time."""
    b_re, b_im = _step(z_re, z_im, lam, b_re, b_im, rest_re, rest_im)
    return _step(z_re, z_im, lam, b_re, b_im, rest_re, rest_im)


@njit(cache=True, fastmath=True, error_model="numpy")
def _average(matrix, columns, n, top, average):  # type: ignore[no-untyped-def]
    """Averages (rows, n) of the rows of columns, real and imaginary parts by turns.

    From frequency `top` on the columns are zero.
    """
    rows = average.shape[0] // 2
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
        last = (min(j + REACH, top) + BEFORE + BLOCK - 1) // BLOCK * BLOCK
        weights = matrix[j]
        for r in range(rows):
            one, other = columns[2 * r], columns[2 * r + 1]
            x, y = np.float32(0), np.float32(0)
            for m in range(last):
                x += weights[m] * one[m]
                y += weights[m] * other[m]
            average[2 * r, j], average[2 * r + 1, j] = x, y


@njit(cache=True, fastmath=True, error_model="numpy")
def avalanche(theta, step, n, dark, after, late, full, b, d, columns, average, z):  # type: ignore[no-untyped-def]
    """Transform of an avalanche and of a dark count, and derivatives, at n frequencies.

    Rows of b and d (10, n), real and imaginary parts by turns: the transform (of d, less its value
    at no frequency), then its derivatives by gain, width a photoelectron, crosstalk and
    afterpulses. `full` is 0 where there are neither dark counts nor afterpulses. `late` is
    `PulseShape.dark_afterpulses`. The other arrays are scratch.
    """
    gain, width, lam, alpha = theta[1], theta[3], theta[5], theta[7]
    top = min(n, int(VANISHED / (step * width)) + 2)
    near = lam / (1 + lam)
    z_re, z_im, s_re, s_im = z[0], z[1], z[2], z[3]
    b_re, b_im = b[0], b[1]
    for j in range(top):
        w = step * j
        x, y = complex_exp(-0.5 * (w * width) ** 2, w * gain)
        z_re[j], z_im[j] = x, y
        p, q = 1 + near * (x - 1), near * y
        b_re[j], b_im[j] = _tree(x, y, lam, x * p - y * q, x * q + y * p, 0.0, 0.0)
    _slopes(lam, b_re, b_im, s_re, s_im, top)
    for k in range(1, 4):
        _derivative(
            k, step, width, b_re, b_im, s_re, s_im, average, 0.0, b[2 * k], b[2 * k + 1], top
        )
    if full:
        part = late[0]
        for r in range(8):
            one, other = columns[r], b[r]
            for j in range(top):
                one[BEFORE + j] = other[j]
        _average(after, columns, top, top, average[:8])
        a_re, a_im = average[0], average[1]
        whole = a_re[0]
        for j in range(top):
            a_re[j] -= whole
        for j in range(top):
            x, y = alpha * a_re[j], alpha * a_im[j]
            p, q = complex_exp(x, y)
            u, v = b_re[j], b_im[j]
            b_re[j], b_im[j] = _tree(z_re[j], z_im[j], lam, u * p - v * q, u * q + v * p, x, y)
        _slopes(lam, b_re, b_im, s_re, s_im, top)
        for k in range(1, 5):
            _derivative(
                k, step, width, b_re, b_im, s_re, s_im, average, alpha, b[2 * k], b[2 * k + 1], top
            )
        for r in range(10):
            one, other = columns[r], b[r]
            if r < 8:
                for j in range(top):
                    one[BEFORE + j] = (1 - part) * one[BEFORE + j] + part * other[j]
            else:
                for j in range(top):
                    one[BEFORE + j] = part * other[j]
        _average(dark, columns, n, top, average)
        whole = average[0, 0]
        alone = late[1] / (1 - lam)
        more = 1 + alpha * alone
        for r in range(10):
            one, bare, to = average[r], average[r % 2], d[r]
            by = 0.0
            if r // 2 == 3:
                by = alpha * alone / (1 - lam)
            elif r // 2 == 4:
                by = alone
            less = whole if r % 2 == 0 else 0.0
            own = less if r == 0 else 0.0
            for j in range(n):
                to[j] = more * (one[j] - own) + by * (bare[j] - less)
    for r in range(10):
        one = b[r]
        for j in range(top, n):
            one[j] = 0.0
        if not full:
            one = d[r]
            for j in range(n):
                one[j] = 0.0


@njit(cache=True, fastmath=True, error_model="numpy")
def _slopes(lam, b_re, b_im, s_re, s_im, n):  # type: ignore[no-untyped-def]
    """b / (1 - lam b)."""
    for j in range(n):
        x, y = 1 - lam * b_re[j], lam * b_im[j]
        scale = 1 / (x * x + y * y)
        s_re[j] = (b_re[j] * x - b_im[j] * y) * scale
        s_im[j] = (b_re[j] * y + b_im[j] * x) * scale


@njit(cache=True, fastmath=True, error_model="numpy")
def _derivative(k, step, width, b_re, b_im, s_re, s_im, average, alpha, to_re, to_im, n):  # type: ignore[no-untyped-def]
    """Derivative of an avalanche's transform: its slope times that of the logarithm's rest."""
    row = 2 * k if k < 4 else 0
    a_re, a_im = average[row], average[row + 1]
    by = alpha if k < 4 else 1.0
    for j in range(n):
        w = step * j
        x, y = 0.0, 0.0
        if by != 0.0:
            x, y = by * a_re[j], by * a_im[j]
        if k == 1:
            y += w
        elif k == 2:
            x -= w * w * width
        elif k == 3:
            x += b_re[j] - 1
            y += b_im[j]
        to_re[j] = s_re[j] * x - s_im[j] * y
        to_im[j] = s_re[j] * y + s_im[j] * x


@njit(cache=True, fastmath=True, error_model="numpy")
def fade(step, n, length, shape):  # type: ignore[no-untyped-def]
    """Fill (n,) what a bin's width and the end of the frequencies leave of each."""
    for j in range(n):
        half = 0.5 * step * max(j, 1e-6)
        _, y = complex_exp(0.0, half)
        u = max(j - PLATEAU * n, 0.0) / ((1 - PLATEAU) * n)
        shape[j] = y / half * (1 - u * u) ** 2 / length


@njit(cache=True, fastmath=True, error_model="numpy")
def transforms(theta, light, wanted, step, n, shape, b, d, scratch, rows, first, left):  # type: ignore[no-untyped-def]
    """Fill rows of transforms from row `first` on: of the spectrum less its pedestal, and of the
    derivatives that are wanted. Returns the number of rows, and the pedestal's weight.

    b and d are from `avalanche`, shape from `fade`; rows is (2 LANES, 2, n). `left` (8,) takes the
    derivatives of the weight's logarithm. scratch is (4, n).
    """
    q0, s0, mu, nu = theta[0], theta[2], theta[4] * light, theta[6]
    phi_re, phi_im, base_re, base_im = scratch[0], scratch[1], scratch[2], scratch[3]
    b_re, b_im, d_re, d_im = b[0], b[1], d[0], d[1]
    last = mu * (b_re[n - 1] - 1) + nu * d_re[n - 1]
    for j in range(n):
        w = step * j
        noise, turn = -0.5 * (w * s0) ** 2, w * (q0 - 0.5)
        x, y = complex_exp(
            noise + mu * (b_re[j] - 1) + nu * d_re[j], turn + mu * b_im[j] + nu * d_im[j]
        )
        phi_re[j], phi_im[j] = x * shape[j], y * shape[j]
        x, y = complex_exp(noise + last, turn)
        base_re[j], base_im[j] = x * shape[j], y * shape[j]
    to_re, to_im = rows[first, 0], rows[first, 1]
    for j in range(n):
        to_re[j], to_im[j] = phi_re[j] - base_re[j], phi_im[j] - base_im[j]
    at = first + 1
    for k in range(N_PARAMETERS):
        left[k] = 0.0
        if not wanted[k]:
            continue
        one_re, one_im = rows[at, 0], rows[at, 1]
        at += 1
        if k == 0:
            for j in range(n):
                one_re[j], one_im[j] = -step * j * to_im[j], step * j * to_re[j]
            continue
        if k == 2:
            for j in range(n):
                x = -((step * j) ** 2) * s0
                one_re[j], one_im[j] = x * to_re[j], x * to_im[j]
            continue
        row = (0, 2, 0, 4, 0, 6, 0, 8)[k]
        by_b, by_d, less = mu, nu, 0.0
        if k == 4:
            by_b, by_d, less = 1.0, 0.0, 1.0
        elif k == 6:
            by_b, by_d = 0.0, 1.0
        b_re, b_im, d_re, d_im = b[row], b[row + 1], d[row], d[row + 1]
        y_end = by_b * (b_re[n - 1] - less) + by_d * d_re[n - 1]
        left[k] = y_end
        for j in range(n):
            x, y = by_b * (b_re[j] - less) + by_d * d_re[j], by_b * b_im[j] + by_d * d_im[j]
            one_re[j] = phi_re[j] * x - phi_im[j] * y - y_end * base_re[j]
            one_im[j] = phi_re[j] * y + phi_im[j] * x - y_end * base_im[j]
    return at - first, np.exp(last)


@njit(cache=True, fastmath=True, error_model="numpy")
def to_bins(rows, count, n, length, room, circle):  # type: ignore[no-untyped-def]
    """Real arrays of the first `count` rows' transforms: flat (length, LANES), of the even rows and
    of the odd ones. room is (4, length * LANES)."""
    x_re, x_im = room[0], room[1]
    for i in range(length * LANES):
        x_re[i] = 0.0
        x_im[i] = 0.0
    for r in range(count, count + count % 2):
        for j in range(n):
            rows[r, 0, j] = rows[r, 1, j] = 0.0
    # Frequencies beyond half the grid's own fold back: the bins are samples of a smooth curve.
    for r in range(0, count, 2):
        a_re, a_im, c_re, c_im = rows[r, 0], rows[r, 1], rows[r + 1, 0], rows[r + 1, 1]
        lane = r // 2
        x_re[lane], x_im[lane] = a_re[0], c_re[0]
        at = 0
        for j in range(1, n):
            at += 1
            if at == length:
                at = 0
            i = at * LANES + lane
            x_re[i] += a_re[j] - c_im[j]
            x_im[i] += a_im[j] + c_re[j]
            i = (length - at) * LANES + lane if at > 0 else lane
            x_re[i] += a_re[j] + c_im[j]
            x_im[i] += c_re[j] - a_im[j]
    return fft(x_re, x_im, room[2], room[3], length, LANES, circle[0], circle[1])


@njit(cache=True, fastmath=True, error_model="numpy")
def probabilities(theta, wanted, found, first, weight, left, length, p, dp):  # type: ignore[no-untyped-def]
    """Fill p (length,) and the wanted rows of dp (8, length).

    Bin j of the grid holds the charges from j to j + 1. found is from `to_bins`, first, weight and
    left from `transforms`.
    """
    q0, s0 = theta[0], theta[2]
    at = first
    for k in range(-1, N_PARAMETERS):
        if k >= 0 and not wanted[k]:
            continue
        to = p if k < 0 else dp[k]
        one = found[at % 2]
        lane = at // 2
        for j in range(length):
            to[j] = one[j * LANES + lane]
        at += 1
    begin = max(int(q0 - PEDESTAL * s0) - 1, 0)
    end = min(int(q0 + PEDESTAL * s0) + 2, length)
    for j in range(begin, end):
        u, v = (j - q0) / s0, (j + 1 - q0) / s0
        inside = 0.5 * weight * (erf(v / np.sqrt(2.0)) - erf(u / np.sqrt(2.0)))
        low, high = NORMAL * np.exp(-0.5 * u * u), NORMAL * np.exp(-0.5 * v * v)
        p[j] += inside
        for k in range(N_PARAMETERS):
            if not wanted[k]:
                continue
            if k == 0:
                dp[k, j] += weight * (low - high) / s0
            elif k == 2:
                dp[k, j] += weight * (u * low - v * high) / s0
            else:
                dp[k, j] += left[k] * inside

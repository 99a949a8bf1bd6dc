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
crosstalk but none of their own here: that would be of second order in alpha. One transform
of phi gives the spectrum.

Parameters, charges in bins of the fit's grid: 0 pedestal, 1 gain, 2 pedestal width, 3 width a
photoelectron, 4 mean light, 5 mean crosstalk children an avalanche, 6 dark counts a gate,
7 mean afterpulses an avalanche.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mppcqa.physics._fourier import fft

Floats = NDArray[np.float64]

N_PARAMETERS = 8
NEWTON_STEPS = 2
REACH = 9
"""Frequencies beyond its own that an average draws on: half the stencil of `_pulse`."""
STRIDE = 4
VANISHED = 5.5
"""Frequency times width a photoelectron at which an avalanche's transform is gone: 3e-7."""
FLOOR = 1e-9
"""Least probability of a bin."""


@njit(cache=True, inline="always")
def _tree(z, lam, b, log_rest):  # type: ignore[no-untyped-def]
    """Solve b = z exp(lam (b - 1) + log_rest) by Halley's rule from a near value."""
    for _ in range(NEWTON_STEPS):
        e = z * np.exp(lam * (b - 1) + log_rest)
        f = b - e
        slope = 1 - lam * e
        b = b - 2 * f * slope / (2 * slope * slope + f * lam * lam * e)
    return b


@njit(cache=True, fastmath=True)
def _average(matrices, re, im, out_re, out_im, columns, n, top):  # type: ignore[no-untyped-def]
    """Average the first columns along the frequency axis, for the first n frequencies.

    From frequency `top` on the columns are zero, and the average is so smooth that every fourth
    one is enough, with a cubic between them.
    """
    j = 0
    while j < n + 3 * STRIDE and j < matrices.shape[1]:
        last = min(j + REACH, top)
        even, odd = matrices[0, j], matrices[1, j]
        for c in range(columns):
            x = 0.0
            y = 0.0
            one, other = re[c], im[c]
            for m in range(last):
                x += even[m] * one[m]
                y += odd[m] * other[m]
            out_re[c, j] = x
            out_im[c, j] = y
        j += 1 if j < top + STRIDE or n <= top else STRIDE
        if n <= top and j >= n:
            return
    for c in range(columns):
        start = top + STRIDE
        while start < n - 1 and start + 2 * STRIDE < matrices.shape[1]:
            for part in range(2):
                out = out_re if part == 0 else out_im
                before, at, after, later = (
                    out[c, start - STRIDE], out[c, start],
                    out[c, start + STRIDE], out[c, start + 2 * STRIDE],
                )  # fmt: skip
                for k in range(1, STRIDE):
                    t = k / STRIDE
                    out[c, start + k] = (
                        -t * (t - 1) * (t - 2) / 6 * before
                        + (t + 1) * (t - 1) * (t - 2) / 2 * at
                        - (t + 1) * t * (t - 2) / 2 * after
                        + (t + 1) * t * (t - 1) / 6 * later
                    )
            start += STRIDE


@njit(cache=True, fastmath=True)
def avalanche(theta, step, n, dark, after, late, full, b_re, b_im, d_re, d_im, work):  # type: ignore[no-untyped-def]
    """Transform of an avalanche and of a dark count, and derivatives, at n frequencies.

    Rows of b and d (5, n): the transform (of d, less its value at no frequency), then its
    derivatives by gain, width a photoelectron, crosstalk and afterpulses. `full` is 0 where there
    are neither dark counts nor afterpulses. `late` is `PulseShape.dark_afterpulses`. `work` is
    scratch (2, 9, n).
    """
    gain, width, lam, alpha = theta[1], theta[3], theta[5], theta[7]
    top = min(n, int(VANISHED / (step * width)) + 2)
    b_re[:, top:n] = 0.0
    b_im[:, top:n] = 0.0
    for j in range(top):
        w = step * j
        z = np.exp(complex(-0.5 * (w * width) ** 2, w * gain))
        b = _tree(z, lam, z * (1 + lam * (z - 1) / (1 + lam)), 0j)
        slope = b / (1 - lam * b)
        b_re[0, j], b_im[0, j] = b.real, b.imag
        b_re[1, j], b_im[1, j] = -w * slope.imag, w * slope.real
        g = -w * w * width
        b_re[2, j], b_im[2, j] = g * slope.real, g * slope.imag
        x = slope * (b - 1)
        b_re[3, j], b_im[3, j] = x.real, x.imag
        b_re[4, j] = b_im[4, j] = 0.0
    if not full:
        return
    a_re, a_im = work[0, :4], work[1, :4]
    c_re, c_im = work[0, 4:], work[1, 4:]
    part = late[0]
    _average(after, b_re, b_im, a_re, a_im, 4, top, top)
    whole = a_re[0, 0]
    for j in range(top):
        w = step * j
        z = np.exp(complex(-0.5 * (w * width) ** 2, w * gain))
        a = complex(a_re[0, j] - whole, a_im[0, j])
        near = complex(b_re[0, j], b_im[0, j])
        b = _tree(z, lam, near * np.exp(alpha * a), alpha * a)
        slope = b / (1 - lam * b)
        for k in range(4):
            c_re[k, j], c_im[k, j] = (1 - part) * b_re[k, j], (1 - part) * b_im[k, j]
        c_re[4, j] = c_im[4, j] = 0.0
        b_re[0, j], b_im[0, j] = b.real, b.imag
        x = slope * complex(alpha * a_re[1, j], w + alpha * a_im[1, j])
        b_re[1, j], b_im[1, j] = x.real, x.imag
        x = slope * complex(alpha * a_re[2, j] - w * w * width, alpha * a_im[2, j])
        b_re[2, j], b_im[2, j] = x.real, x.imag
        x = slope * (b - 1 + alpha * complex(a_re[3, j], a_im[3, j]))
        b_re[3, j], b_im[3, j] = x.real, x.imag
        x = slope * a
        b_re[4, j], b_im[4, j] = x.real, x.imag
        for k in range(5):
            c_re[k, j] += part * b_re[k, j]
            c_im[k, j] += part * b_im[k, j]
    _average(dark, c_re, c_im, d_re, d_im, 5, n, top)
    whole = d_re[0, 0]
    alone = late[1] / (1 - lam)
    for j in range(n):
        d_re[0, j] -= whole
        for d in (d_re, d_im):
            bare = d[0, j]
            for k in range(5):
                d[k, j] *= 1 + alpha * alone
            d[3, j] += alpha * alone / (1 - lam) * bare
            d[4, j] += alone * bare


@njit(cache=True, fastmath=True)
def _pair(re, im, one, other, n, length, x_re, x_im, cosines, sines):  # type: ignore[no-untyped-def]
    """Two real arrays from two transforms (rows of re and im) at once; they stand in x."""
    for j in range(length):
        x_re[j] = 0.0
        x_im[j] = 0.0
    x_re[0] = re[one, 0] - im[other, 0]
    x_im[0] = im[one, 0] + re[other, 0]
    # Frequencies beyond half the grid's own fold back: the bins are samples of a smooth curve.
    at = 0
    for j in range(1, n):
        at += 1
        if at == length:
            at = 0
        x_re[at] += re[one, j] - im[other, j]
        x_im[at] += im[one, j] + re[other, j]
        back = length - at if at > 0 else 0
        x_re[back] += re[one, j] + im[other, j]
        x_im[back] += re[other, j] - im[one, j]
    fft(x_re, x_im, length, cosines, sines)


@njit(cache=True, fastmath=True)
def probabilities(  # type: ignore[no-untyped-def]
    theta, light, wanted, step, n, length, avalanches, full, p, dp, scratch, x, circle
):
    """Fill p (length,) and dp (8, length), for a spectrum with light (1) or without (0).

    Bin j of the grid holds the charges from j to j + 1. `wanted` marks the
    parameters whose derivatives are wanted; the others' rows are left as they are. `avalanches`
    is (b_re, b_im, d_re, d_im) of `avalanche`; scratch (2, 10, n) and x (2, length) are for use
    here.
    """
    b_re, b_im, d_re, d_im = avalanches
    re, im = scratch[0], scratch[1]
    q0, s0, mu, nu = theta[0], theta[2], theta[4] * light, theta[6]
    for j in range(n):
        w = step * j
        half = 0.5 * w
        sinc = np.sin(half) / half if j > 0 else 1.0
        x_re = -0.5 * (w * s0) ** 2 + mu * (b_re[0, j] - 1)
        x_im = w * q0 - half + mu * b_im[0, j]
        if full:
            x_re += nu * d_re[0, j]
            x_im += nu * d_im[0, j]
        size = sinc * np.exp(x_re) / length
        re[0, j] = size * np.cos(x_im)
        im[0, j] = size * np.sin(x_im)
    rows = 1
    order = np.empty(N_PARAMETERS, np.int64)
    for k in range(N_PARAMETERS):
        if not wanted[k]:
            continue
        order[rows - 1] = k
        row = (0, 1, 0, 2, 0, 3, 0, 4)[k]
        for j in range(n):
            w = step * j
            if k == 0:
                lr, li = 0.0, w
            elif k == 2:
                lr, li = -w * w * s0, 0.0
            elif k == 4:
                lr, li = b_re[0, j] - 1, b_im[0, j]
            elif k == 6:
                lr, li = d_re[0, j], d_im[0, j]
            else:
                lr, li = mu * b_re[row, j], mu * b_im[row, j]
                if full:
                    lr += nu * d_re[row, j]
                    li += nu * d_im[row, j]
            re[rows, j] = re[0, j] * lr - im[0, j] * li
            im[rows, j] = re[0, j] * li + im[0, j] * lr
        rows += 1
    if rows % 2:
        re[rows, :n] = 0.0
        im[rows, :n] = 0.0
    for r in range(0, rows, 2):
        _pair(re, im, r, r + 1, n, length, x[0], x[1], circle[0], circle[1])
        for half_ in range(2):
            if r + half_ >= rows:
                continue
            out = p if r + half_ == 0 else dp[order[r + half_ - 1]]
            for j in range(length):
                out[j] = x[half_, j]

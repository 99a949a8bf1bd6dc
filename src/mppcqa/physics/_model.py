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
7 mean afterpulses an avalanche. And what may trouble a spectrum, zero where nothing does: 8
variance v of the light from pulse to pulse over its mean's square (less than zero where few pixels
count Poisson light as binomial), 9 part f of the events with more noise, 10 the width s of that
noise. With x = mu (B - 1), light that varies like a Gaussian is exp(x + v x^2 / 2), and noise that
is wider in a part of the events is 1 - f + f exp(-(w s)^2 / 2) times the noise of the others.
"""

from __future__ import annotations

from math import erf, exp, sqrt

import numpy as np

from mppcqa.physics._apart import (
    BOOL,
    BOOL1,
    INT,
    NOTHING,
    REAL,
    REAL1,
    REAL2,
    REAL3,
    apart,
    several,
)
from mppcqa.physics._fourier import complex_exp, fft
from mppcqa.physics._kept import inner

N_PARAMETERS = 8
N_LOCAL = 11
"""Parameters of one spectrum: those, and what may trouble it."""
LIGHT_VARIANCE, BURSTS, BURST_WIDTH = range(8, 11)
FLOOR = 1e-9
"""Least probability of a bin."""
LANES = 12
"""Most transforms side by side, of two real arrays each."""
PLATEAU = 0.8
"""Part of the frequencies that is kept whole; beyond, they fade out, so that nothing rings."""
PEDESTAL = 7.0
"""Widths on either side that a pedestal reaches."""
NORMAL = 1 / np.sqrt(2 * np.pi)


@inner(fastmath=True, error_model="numpy")
def fade(step, n, length, shape):  # type: ignore[no-untyped-def]
    """Fill (n,) what a bin's width and the end of the frequencies leave of each."""
    for j in range(n):
        half = 0.5 * step * max(j, 1e-6)
        _, y = complex_exp(0.0, half)
        u = max(j - PLATEAU * n, 0.0) / ((1 - PLATEAU) * n)
        shape[j] = y / half * (1 - u * u) ** 2 / length


@apart(REAL, REAL1, REAL, BOOL, REAL, INT, REAL1, REAL2, REAL2, REAL2, REAL2, fastmath=True)
def whole_spectrum(theta, light, bursts, step, n, shape, b, d, scratch, to):  # type: ignore[no-untyped-def]
    """Fill `to` (2, n) with the transform of a spectrum less its pedestal's.

    Returns the logarithm of the part of the events without charge. Fills scratch: the whole
    transform, that of the pedestal, what the light's derivatives are multiplied by (5, 6), and what
    the wider noise of bursts leaves (7).
    """
    q0, s0, mu, nu = theta[0], theta[2], theta[4] * light, theta[6]
    v, part, more = theta[LIGHT_VARIANCE] * light, theta[BURSTS], theta[BURST_WIDTH]
    phi_re, phi_im, base_re, base_im = scratch[0], scratch[1], scratch[2], scratch[3]
    c_re, c_im, wild = scratch[5], scratch[6], scratch[7]
    b_re, b_im, d_re, d_im = b[0], b[1], d[0], d[1]
    x_end = mu * (b_re[n - 1] - 1)
    last = x_end + 0.5 * v * x_end * x_end + nu * d_re[n - 1]
    for j in range(n):
        w = step * j
        noise, turn = -0.5 * (w * s0) ** 2, w * (q0 - 0.5)
        x, y = mu * (b_re[j] - 1), mu * b_im[j]
        # What the light's derivatives are multiplied by: d/dx of x + v x^2 / 2.
        c_re[j], c_im[j] = 1 + v * x, v * y
        p, q = x + 0.5 * v * (x * x - y * y), y + v * x * y
        x, y = complex_exp(noise + p + nu * d_re[j], turn + q + nu * d_im[j])
        phi_re[j], phi_im[j] = x * shape[j], y * shape[j]
        x, y = complex_exp(noise + last, turn)
        base_re[j], base_im[j] = x * shape[j], y * shape[j]
        wild[j] = 1.0
    if part > 0 or bursts:
        for j in range(n):
            x, y = complex_exp(-0.5 * (step * j * more) ** 2, 0.0)
            wild[j] = x
            by = 1 - part + part * x
            phi_re[j], phi_im[j] = by * phi_re[j], by * phi_im[j]
            base_re[j], base_im[j] = (1 - part) * base_re[j], (1 - part) * base_im[j]
    for j in range(n):
        to[0, j], to[1, j] = phi_re[j] - base_re[j], phi_im[j] - base_im[j]
    return last


@apart(REAL, REAL, REAL, REAL, REAL, REAL, REAL2, REAL2, REAL2, REAL2, INT, fastmath=True)
def light_row(by_b, by_d, less, v, x_end, e, f, scratch, to, n):  # type: ignore[no-untyped-def]
    """Fill `to` (2, n): derivative by a parameter of avalanches, or by a number of them.

    e and f (2, n) are how avalanches and dark counts change, by_b and by_d how many there are.
    Returns the derivative of the weight's logarithm.
    """
    phi_re, phi_im, base_re, base_im = scratch[0], scratch[1], scratch[2], scratch[3]
    c_re, c_im = scratch[5], scratch[6]
    e_re, e_im, f_re, f_im, to_re, to_im = e[0], e[1], f[0], f[1], to[0], to[1]
    y_end = by_b * (1 + v * x_end) * (e_re[n - 1] - less) + by_d * f_re[n - 1]
    for j in range(n):
        p, q = by_b * (e_re[j] - less), by_b * e_im[j]
        x = p * c_re[j] - q * c_im[j] + by_d * f_re[j]
        y = p * c_im[j] + q * c_re[j] + by_d * f_im[j]
        to_re[j] = phi_re[j] * x - phi_im[j] * y - y_end * base_re[j]
        to_im[j] = phi_re[j] * y + phi_im[j] * x - y_end * base_im[j]
    return y_end


@apart(REAL, INT, REAL1, REAL, REAL, REAL, REAL2, REAL2, REAL2, INT, fastmath=True)
def trouble_row(k, theta, mu, x_end, step, b, scratch, to, n):  # type: ignore[no-untyped-def]
    """The same by what may trouble a spectrum."""
    part, more = theta[BURSTS], theta[BURST_WIDTH]
    phi_re, phi_im, base_re, base_im = scratch[0], scratch[1], scratch[2], scratch[3]
    wild, to_re, to_im = scratch[7], to[0], to[1]
    if k == LIGHT_VARIANCE:
        y_end = 0.5 * x_end * x_end
        for j in range(n):
            p, q = mu * (b[0, j] - 1), mu * b[1, j]
            x, y = 0.5 * (p * p - q * q), p * q
            to_re[j] = phi_re[j] * x - phi_im[j] * y - y_end * base_re[j]
            to_im[j] = phi_re[j] * y + phi_im[j] * x - y_end * base_im[j]
        return y_end
    left = -1 / (1 - part) if k == BURSTS else 0.0
    for j in range(n):
        x = 1 / (1 - part + part * wild[j])
        if k == BURSTS:
            x *= wild[j] - 1
        else:
            x *= -((step * j) ** 2) * more * part * wild[j]
        to_re[j] = phi_re[j] * x - left * base_re[j]
        to_im[j] = phi_im[j] * x - left * base_im[j]
    return left


@apart(
    several(INT, REAL),
    REAL1,
    REAL,
    BOOL1,
    REAL,
    INT,
    REAL1,
    REAL2,
    REAL2,
    REAL2,
    REAL3,
    INT,
    REAL1,
    fastmath=True,
)
def transforms(code, theta, light, wanted, step, n, shape, b, d, scratch, rows, first, left):  # type: ignore[no-untyped-def]
    """Fill rows of transforms from row `first` on: of the spectrum less its pedestal, and of the
    derivatives that are wanted. Returns the number of rows, and the pedestal's weight.

    theta is (N_LOCAL,). b and d are from `avalanche`, shape from `fade`; rows is (2 LANES, 2, n).
    `left` (N_LOCAL,) takes the derivatives of the weight's logarithm. scratch is (8, n).
    """
    s0, mu, nu, v = theta[2], theta[4] * light, theta[6], theta[LIGHT_VARIANCE] * light
    x_end = mu * (b[0, n - 1] - 1)
    whole = rows[first]
    last = whole_spectrum(code, theta, light, wanted[BURSTS], step, n, shape, b, d, scratch, whole)
    at = first + 1
    for k in range(N_LOCAL):
        left[k] = 0.0
        if not wanted[k]:
            continue
        one = rows[at]
        at += 1
        if k == 0:
            for j in range(n):
                one[0, j], one[1, j] = -step * j * whole[1, j], step * j * whole[0, j]
        elif k == 2:
            for j in range(n):
                x = -((step * j) ** 2) * s0
                one[0, j], one[1, j] = x * whole[0, j], x * whole[1, j]
        elif k >= N_PARAMETERS:
            left[k] = trouble_row(code, k, theta, mu, x_end, step, b, scratch, one, n)
        else:
            row = (0, 2, 0, 4, 0, 6, 0, 8)[k]
            by_b, by_d, less = mu, nu, 0.0
            if k == 4:
                by_b, by_d, less = light, 0.0, 1.0
            elif k == 6:
                by_b, by_d = 0.0, 1.0
            e, f = b[row : row + 2], d[row : row + 2]
            left[k] = light_row(code, by_b, by_d, less, v, x_end, e, f, scratch, one, n)
    return at - first, exp(last) * (1 - theta[BURSTS])


@apart(several(REAL1, REAL1), REAL3, INT, INT, INT, REAL2, REAL2, fastmath=True)
def to_bins(code, rows, count, n, length, room, circle):  # type: ignore[no-untyped-def]
    """Real arrays of the first `count` rows' transforms: flat (length, lanes), of the even rows and
    of the odd ones, with half as many lanes as rows. room is (4, length * LANES)."""
    x_re, x_im = room[0], room[1]
    lanes = (count + 1) // 2
    for i in range(length * lanes):
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
            i = at * lanes + lane
            x_re[i] += a_re[j] - c_im[j]
            x_im[i] += a_im[j] + c_re[j]
            i = (length - at) * lanes + lane if at > 0 else lane
            x_re[i] += a_re[j] + c_im[j]
            x_im[i] += c_re[j] - a_im[j]
    return fft(code, x_re, x_im, room[2], room[3], length, lanes, circle[0], circle[1])


@apart(
    NOTHING,
    REAL1,
    BOOL1,
    several(REAL1, REAL1),
    INT,
    INT,
    REAL,
    REAL1,
    INT,
    REAL1,
    REAL2,
    REAL1,
    fastmath=True,
)
def probabilities(theta, wanted, found, lanes, first, weight, left, length, p, dp, missing):  # type: ignore[no-untyped-def]
    """Fill p (length,), the wanted rows of dp (N_LOCAL, length), and missing (N_LOCAL + 1,).

    Bin j of the grid holds the charges from j to j + 1. found with its lanes is from `to_bins`,
    first, weight and left from `transforms`. The last of `missing` is the part of the pedestal
    below the grid, the others are its derivatives.
    """
    q0, s0 = theta[0], theta[2]
    at = first
    for k in range(-1, N_LOCAL):
        if k >= 0 and not wanted[k]:
            continue
        to = p if k < 0 else dp[k]
        one = found[at % 2]
        lane = at // 2
        for j in range(length):
            to[j] = one[j * lanes + lane]
        at += 1
    begin = max(int(q0 - PEDESTAL * s0) - 1, 0)
    end = min(int(q0 + PEDESTAL * s0) + 2, length)
    for j in range(begin, end):
        u, v = (j - q0) / s0, (j + 1 - q0) / s0
        inside = 0.5 * weight * (erf(v / sqrt(2.0)) - erf(u / sqrt(2.0)))
        low, high = NORMAL * exp(-0.5 * u * u), NORMAL * exp(-0.5 * v * v)
        p[j] += inside
        for k in range(N_LOCAL):
            if not wanted[k]:
                continue
            if k == 0:
                dp[k, j] += weight * (low - high) / s0
            elif k == 2:
                dp[k, j] += weight * (u * low - v * high) / s0
            else:
                dp[k, j] += left[k] * inside
    u = -q0 / s0
    for k in range(N_LOCAL + 1):
        missing[k] = 0.0
    if u > -PEDESTAL:
        outside = 0.5 * weight * (1 + erf(u / sqrt(2.0)))
        density = weight * NORMAL * exp(-0.5 * u * u)
        for k in range(N_LOCAL):
            missing[k] = left[k] * outside
        missing[0] = -density / s0
        missing[2] = -u * density / s0
        missing[N_LOCAL] = outside

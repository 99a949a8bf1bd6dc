"""Fast Fourier transforms of many arrays side by side, compiled; and exp of complex numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mppcqa.physics._apart import INT, REAL1, apart, several
from mppcqa.physics._kept import inner

TURN = 2 * np.pi
LEAST_EXPONENT = -45.0
"""Less than 3e-20 is left there."""


def twiddles(length: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cosines and negative sines of the circle, for transforms up to that length."""
    angle = 2 * np.pi * np.arange(length // 2) / length
    return np.cos(angle), -np.sin(angle)


@inner(fastmath=True, error_model="numpy", forceinline=True)
def complex_exp(x, y):  # type: ignore[no-untyped-def]
    """Real and imaginary part of exp(x + i y), to 1e-10 of its size for x from -25 to 25.

    Sums and products alone, which the compiler does for several numbers at a time in a loop.
    """
    t = max(x, LEAST_EXPONENT) / 256
    e = 1 + t * (1 + t / 2 * (1 + t / 3 * (1 + t / 4 * (1 + t / 5 * (1 + t / 6 * (1 + t / 7))))))
    e *= e
    e *= e
    e *= e
    e *= e
    e *= e
    e *= e
    e *= e
    e *= e
    r = y / TURN
    r = (r - np.floor(r + 0.5)) * (TURN / 4)
    q = r * r
    s = r * (1 - q / 6 * (1 - q / 20 * (1 - q / 42 * (1 - q / 72 * (1 - q / 110 * (1 - q / 156))))))
    s, c = 2 * s * np.sqrt(1 - s * s), 1 - 2 * s * s
    return e * (1 - 2 * s * s), e * 2 * s * c


@inner(fastmath=True, error_model="numpy")
def _quarter(re, im, to_re, to_im, cosines, sines, every):  # type: ignore[no-untyped-def]
    """One step of four: from (q, 4, s) to (4, q, s)."""
    for p in range(re.shape[0]):
        c1, s1 = cosines[p * every], sines[p * every]
        c2, s2 = c1 * c1 - s1 * s1, 2 * c1 * s1
        c3, s3 = c1 * c2 - s1 * s2, c1 * s2 + s1 * c2
        for k in range(re.shape[2]):
            x, y = re[p, 2, k], im[p, 2, k]
            u, v = x * c2 - y * s2, x * s2 + y * c2
            x, y = re[p, 0, k], im[p, 0, k]
            ar, ai, br, bi = x + u, y + v, x - u, y - v
            x, y = re[p, 1, k], im[p, 1, k]
            u, v = x * c1 - y * s1, x * s1 + y * c1
            x, y = re[p, 3, k], im[p, 3, k]
            x, y = x * c3 - y * s3, x * s3 + y * c3
            cr, ci, dr, di = u + x, v + y, v - y, x - u
            to_re[0, p, k], to_im[0, p, k] = ar + cr, ai + ci
            to_re[1, p, k], to_im[1, p, k] = br + dr, bi + di
            to_re[2, p, k], to_im[2, p, k] = ar - cr, ai - ci
            to_re[3, p, k], to_im[3, p, k] = br - dr, bi - di


@apart(several(REAL1, REAL1), REAL1, REAL1, REAL1, REAL1, INT, INT, REAL1, REAL1, fastmath=True)
def fft(re, im, to_re, to_im, n, lanes, cosines, sines):  # type: ignore[no-untyped-def]
    """Forward transforms of (n, lanes) numbers along n, a power of two.

    The arrays are flat. Returns real and imaginary part, in the pair given first or in the other,
    which is scratch. `cosines` and `sines` are from `twiddles` of a length that n divides.
    Stockham's order, by time: what a step writes lies apart, else no two numbers are done at once.
    """
    size = n * lanes
    q, s = 1, size
    while 4 * q <= n:
        q *= 4
    if q < n:
        s //= 2
        for k in range(s):
            a, b = re[k], re[k + s]
            to_re[k], to_re[k + s] = a + b, a - b
            a, b = im[k], im[k + s]
            to_im[k], to_im[k + s] = a + b, a - b
        re, im, to_re, to_im = to_re, to_im, re, im
    q = size // s
    while q < n:
        s //= 4
        _quarter(
            re[:size].reshape((q, 4, s)), im[:size].reshape((q, 4, s)),
            to_re[:size].reshape((4, q, s)), to_im[:size].reshape((4, q, s)),
            cosines, sines, cosines.size // (2 * q),
        )  # fmt: skip
        q *= 4
        re, im, to_re, to_im = to_re, to_im, re, im
    return re, im

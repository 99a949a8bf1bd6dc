"""Fast Fourier transform of one array in place, compiled, for use inside a parallel loop."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


def twiddles(length: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cosines and negative sines of the circle, for transforms up to that length."""
    angle = 2 * np.pi * np.arange(length // 2) / length
    return np.cos(angle), -np.sin(angle)


@njit(cache=True, fastmath=True)
def fft(re, im, n, cosines, sines):  # type: ignore[no-untyped-def]
    """Forward transform of re + i im, the first n values, n a power of two.

    Decimation in frequency, then the order is put right. `cosines` and `sines` are from `twiddles`
    of a length that n divides.
    """
    stride = 2 * cosines.size // n
    half = n // 2
    while half >= 1:
        for start in range(0, n, 2 * half):
            for k in range(half):
                i = start + k
                j = i + half
                ar, ai = re[i], im[i]
                br, bi = re[j], im[j]
                re[i], im[i] = ar + br, ai + bi
                dr, di = ar - br, ai - bi
                c, s = cosines[k * stride], sines[k * stride]
                re[j], im[j] = dr * c - di * s, dr * s + di * c
        half //= 2
        stride *= 2
    j = 0
    for i in range(1, n):
        bit = n >> 1
        while j & bit:
            j ^= bit
            bit >>= 1
        j |= bit
        if i < j:
            re[i], re[j] = re[j], re[i]
            im[i], im[j] = im[j], im[i]

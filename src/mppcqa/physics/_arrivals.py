"""Likelihood of the arrival times of dark pulses with their afterpulses, compiled.

The rate of pulses at t is R + sum over earlier pulses of n (a / tau) exp(-(t - t_j) / tau), n
their photoelectrons (a self-exciting point process: Hawkes, Biometrika 58 (1971) 83), where an
afterpulse counts from `visible` on, when its pixel has recovered to half a photoelectron.
After a pulse nothing is found for `dead`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange


@njit(cache=True, fastmath=True)
def _one(time, size, begin, end, dead, visible, rate, after, tau):  # type: ignore[no-untyped-def]
    """-ln L of the pulses of one waveform, its steady expectation left out."""
    log_l = 0.0
    excited = 0.0
    at = begin
    oldest = 0
    unseen = after * np.exp(-visible / tau)
    for i in range(time.size):
        step = (time[i] - at) / tau
        excited = excited * np.exp(-step) if step < 40 else 0.0
        at = time[i]
        # Earlier pulses join the sum once their afterpulses can be seen.
        while oldest < i and time[oldest] + visible < at:
            age = (at - time[oldest]) / tau
            if age < 40:
                excited += size[oldest] * np.exp(-age)
            oldest += 1
        log_l += np.log(rate + after / tau * excited)
        # What the dead time after this pulse hides is neither expected nor seen.
        hidden = min(dead, end - at)
        log_l += rate * hidden
        if excited > 1e-12:
            log_l -= after * excited * np.expm1(-hidden / tau)
        left = (end - at) / tau
        if at + visible < end:
            log_l -= size[i] * (unseen - (after * np.exp(-left) if left < 40 else 0.0))
    return -log_l


def _all(  # type: ignore[no-untyped-def]
    first, time, size, begin, end, used, dead, visible, rate, after, tau
):
    """-ln L of pulses (time, size in photoelectrons); `first` (n + 1,) tells waveforms apart."""
    total = rate * used * (end - begin)
    for i in prange(first.size - 1):
        part = slice(first[i], first[i + 1])
        total += _one(time[part], size[part], begin, end, dead, visible, rate, after, tau)
    return total


_serial = njit(cache=True)(_all)
_parallel = njit(cache=True, parallel=True)(_all)
WORTH_THREADS = 20_000
"""Pulses from which on a second thread is worth its start."""


def negative_log_likelihood(first: Any, time: Any, *rest: Any) -> float:
    """-ln L of pulses, see `_all`."""
    return float((_parallel if len(time) > WORTH_THREADS else _serial)(first, time, *rest))

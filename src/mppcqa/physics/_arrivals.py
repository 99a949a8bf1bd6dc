"""Likelihood of the arrival times of dark pulses with their afterpulses, compiled.

The rate of pulses at t is R + sum over earlier pulses of n (a / tau) exp(-(t - t_j) / tau), n
their photoelectrons (a self-exciting point process: Hawkes, Biometrika 58 (1971) 83), with a slow
and, where `fast` is not zero, a fast component. An afterpulse counts from `visible` on, when its
pixel has recovered to half a photoelectron; before, a fraction `early` is seen by its crosstalk,
whose pixels are full. After a pulse nothing is found for `dead`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mppcqa.physics._cores import on_all_cores, stretches
from mppcqa.physics._kept import njit


@njit(cache=True, fastmath=True, inline="always")
def _fade(age):  # type: ignore[no-untyped-def]
    return np.exp(-age) if age < 40 else 0.0


@njit(cache=True, fastmath=True, error_model="numpy")
def _one(  # type: ignore[no-untyped-def]
    time, size, begin, end, dead, visible, early, rate, slow, slow_tau, fast, fast_tau
):
    """-ln L of the pulses of one waveform, its steady expectation left out."""
    log_l = 0.0
    of_slow, of_fast = 0.0, 0.0
    at = begin
    oldest = 0
    unseen = (1 - early) * (slow * np.exp(-visible / slow_tau) + fast * np.exp(-visible / fast_tau))
    unseen += early * (slow * np.exp(-dead / slow_tau) + fast * np.exp(-dead / fast_tau))
    part_slow, part_fast = np.expm1(-dead / slow_tau), np.expm1(-dead / fast_tau)
    for i in range(time.size):
        step = time[i] - at
        of_slow *= _fade(step / slow_tau)
        if fast > 0:
            of_fast *= _fade(step / fast_tau)
        at = time[i]
        # Earlier pulses join the sums once their afterpulses can be seen.
        while oldest < i and time[oldest] + visible < at:
            age = at - time[oldest]
            of_slow += size[oldest] * _fade(age / slow_tau)
            if fast > 0:
                of_fast += size[oldest] * _fade(age / fast_tau)
            oldest += 1
        young_slow, young_fast = 0.0, 0.0
        for j in range(oldest, i):
            young_slow += early * size[j] * _fade((at - time[j]) / slow_tau)
            if fast > 0:
                young_fast += early * size[j] * _fade((at - time[j]) / fast_tau)
        log_l += np.log(
            rate
            + slow / slow_tau * (of_slow + young_slow)
            + fast / fast_tau * (of_fast + young_fast)
        )
        # What the dead time after this pulse hides is neither expected nor seen.
        hidden = dead
        if end - at < dead:
            hidden = end - at
            part_slow, part_fast = np.expm1(-hidden / slow_tau), np.expm1(-hidden / fast_tau)
        log_l += rate * hidden - slow * of_slow * part_slow - fast * of_fast * part_fast
        left = end - at
        if left > visible:
            later = slow * _fade(left / slow_tau) + fast * _fade(left / fast_tau)
            log_l -= size[i] * (unseen - later)
    return -log_l


@njit(cache=True, nogil=True, error_model="numpy")
def _some(  # type: ignore[no-untyped-def]
    begins, ends, first, time, size, begin, end, dead, visible, early,
    rate, slow, slow_tau, fast, fast_tau,
):  # fmt: skip
    """-ln L of some waveforms' pulses (time, size in photoelectrons), what is steady left out.

    `first` (n + 1,) tells waveforms apart.
    """
    total = 0.0
    for i in range(begins, ends):
        part = slice(first[i], first[i + 1])
        total += _one(
            time[part], size[part], begin, end, dead, visible, early,
            rate, slow, slow_tau, fast, fast_tau,
        )  # fmt: skip
    return total


WORTH_THREADS = 5_000
"""Pulses a thread for which it is worth its start."""


def negative_log_likelihood(
    first: Any,
    time: Any,
    size: Any,
    begin: float,
    end: float,
    used: int,
    dead: float,
    visible: float,
    early: float,
    rate: float,
    *afterpulses: float,
) -> float:
    """-ln L of pulses (time, size in photoelectrons) of `used` waveforms; `first` (n + 1,) tells
    these apart. `afterpulses` are number and time constant of the slow ones, then of the fast."""
    of_each = len(time) / max(len(first) - 1, 1)
    parts = stretches(len(first) - 1, max(int(WORTH_THREADS / max(of_each, 1e-9)), 1))
    known = first, time, size, begin, end, dead, visible, early, rate, *afterpulses
    return float(
        rate * used * (end - begin) + sum(on_all_cores(lambda p: _some(*p, *known), parts))
    )

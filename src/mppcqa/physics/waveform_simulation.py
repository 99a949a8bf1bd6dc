"""Simulated waveforms of an MPPC, with every avalanche that made them kept beside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mppcqa.physics._arrays import Floats
from mppcqa.physics._cores import on_all_cores, stretches
from mppcqa.physics._kept import njit

DARK, LIGHT, CROSSTALK, AFTERPULSE = range(4)
"""Causes of an avalanche, as numbers in `WaveformTruth.cause`."""
MOST_AVALANCHES = 50_000_000


@dataclass(frozen=True)
class WaveformTruth:
    """The avalanches of a simulation (n,), also those shortly before a waveform begins."""

    waveform: NDArray[np.int64]
    """Number of the waveform."""
    time_s: Floats
    """Time after the first sample; negative before it."""
    amplitude_pe: Floats
    """Amplitude; an afterpulse whose pixel has not recovered has less than one."""
    cause: NDArray[np.int8]
    """`DARK`, `LIGHT`, `CROSSTALK` or `AFTERPULSE`."""

    def in_order(self) -> WaveformTruth:
        """The same, by waveform and in the order of time."""
        order = np.lexsort((self.time_s, self.waveform))
        return WaveformTruth(
            self.waveform[order], self.time_s[order], self.amplitude_pe[order], self.cause[order]
        )

    def count(self, cause: int) -> int:
        """Avalanches of that cause inside the waveforms."""
        return int(((self.cause == cause) & (self.time_s >= 0)).sum())


def dark_rate_at(
    rate_hz: float, temperature_c: float, *, reference_c: float = 20.0, doubling_c: float = 9.0
) -> float:
    """Dark rate [Hz] at a temperature, from that at `reference_c`: it doubles each `doubling_c`.

    Thermal generation halves about every 8 to 10 degC (Acerbi & Gundacker, NIM A 926 (2019) 16).

    >>> dark_rate_at(1e6, 11.0)
    500000.0
    """
    return float(rate_hz * 2.0 ** ((temperature_c - reference_c) / doubling_c))


def simulate_waveforms(
    rng: np.random.Generator,
    n_waveforms: int,
    n_samples: int,
    *,
    sampling_s: float,
    dark_rate_hz: float = 0.0,
    amplitude: float = 200.0,
    crosstalk_probability: float = 0.0,
    afterpulse_probability: float = 0.0,
    afterpulse_time_s: tuple[float, ...] = (15e-9, 80e-9),
    light_pe: float = 0.0,
    light_time_s: float = 0.0,
    rise_s: float = 2e-9,
    decay_s: float = 25e-9,
    recovery_s: float | None = None,
    amplitude_spread: float = 0.03,
    noise: float = 8.0,
    baseline: float = 0.0,
    polarity: int = 1,
) -> tuple[NDArray[np.int16], WaveformTruth]:
    """Waveforms int16 (n_waveforms, n_samples) in ADC counts, and what really happened.

    A pulse is exp(-t / decay_s) - exp(-t / rise_s), its peak `amplitude` ADC counts a
    photoelectron. Dark avalanches come at `dark_rate_hz`, `light_pe` more on average at
    `light_time_s` (pulsed light). Every avalanche has a Poisson number of crosstalk children at
    the same time, with probability `crosstalk_probability` at least one, and with
    `afterpulse_probability` an afterpulse, whose delay is exponential with one of
    `afterpulse_time_s` (each as likely) and whose amplitude has recovered as
    1 - exp(-delay / recovery_s) (default: `decay_s`). `noise` is white, in ADC counts; `polarity`
    -1 turns the pulses over; what passes the range of int16 is cut, as an ADC does.
    The same state of `rng` gives the same waveforms.

    For a temperature take `dark_rate_at`, and amplitude and crosstalk at the overvoltage there.

    >>> import numpy as np
    >>> adc, truth = simulate_waveforms(
    ...     np.random.default_rng(0), 10, 500, sampling_s=2e-9, dark_rate_hz=1e6)
    >>> adc.shape, adc.dtype == np.int16, truth.count(DARK) > 0
    ((10, 500), True, True)
    """
    _check(n_waveforms, n_samples, sampling_s, dark_rate_hz, crosstalk_probability, rise_s, decay_s)
    if not 0 <= afterpulse_probability < 1:
        raise ValueError(f"afterpulse probability {afterpulse_probability} is outside 0 to 1")
    length_s = n_samples * sampling_s
    early_s = 12 * max(decay_s, *(afterpulse_time_s if afterpulse_probability > 0 else (0.0,)))
    if n_waveforms * (dark_rate_hz * (length_s + early_s) + light_pe) > MOST_AVALANCHES:
        raise ValueError(f"more than {MOST_AVALANCHES} avalanches at once: ask for fewer waveforms")
    n_dark = rng.poisson(n_waveforms * dark_rate_hz * (length_s + early_s))
    n_light = rng.poisson(n_waveforms * light_pe)
    waveform = rng.integers(0, max(n_waveforms, 1), n_dark + n_light)
    time_s = np.full(n_dark + n_light, light_time_s)
    time_s[:n_dark] = rng.uniform(-early_s, length_s, n_dark)
    cause = np.full(n_dark + n_light, LIGHT, np.int8)
    cause[:n_dark] = DARK
    truth = _with_correlated(
        rng,
        WaveformTruth(waveform, time_s, np.ones(len(waveform)), cause),
        children=float(-np.log1p(-crosstalk_probability)),
        afterpulse_probability=afterpulse_probability,
        delays_s=np.asarray(afterpulse_time_s, float),
        recovery_s=decay_s if recovery_s is None else recovery_s,
        end_s=length_s,
    )
    truth = truth.in_order()
    size = truth.amplitude_pe * rng.normal(1.0, amplitude_spread, len(truth.time_s))
    peak = np.log(decay_s / rise_s) * rise_s * decay_s / (decay_s - rise_s)
    norm = amplitude / (np.exp(-peak / decay_s) - np.exp(-peak / rise_s))
    first = np.searchsorted(truth.waveform, np.arange(n_waveforms + 1))
    adc = rng.standard_normal((n_waveforms, n_samples), np.float32)
    adc *= noise
    decays = np.array([decay_s, rise_s]) / sampling_s
    time = truth.time_s / sampling_s
    on_all_cores(
        lambda part: _draw(*part, adc, first, time, size * norm, decays, polarity, baseline),
        stretches(n_waveforms),
    )
    limits = np.iinfo(np.int16)
    np.clip(np.rint(adc, out=adc), limits.min, limits.max, out=adc)
    return adc.astype(np.int16), truth


def _check(
    n_waveforms: int,
    n_samples: int,
    sampling_s: float,
    dark_rate_hz: float,
    crosstalk_probability: float,
    rise_s: float,
    decay_s: float,
) -> None:
    if n_waveforms < 0 or n_samples < 1:
        raise ValueError(f"{n_waveforms} waveforms of {n_samples} samples can't be made")
    if not (sampling_s > 0 and decay_s > rise_s > 0):
        raise ValueError("times must be positive and the pulse must fall slower than it rises")
    if dark_rate_hz < 0:
        raise ValueError(f"dark rate {dark_rate_hz} Hz is negative")
    if not 0 <= crosstalk_probability < 0.6:
        raise ValueError(
            f"crosstalk probability {crosstalk_probability} is outside 0 to 0.6: avalanches would "
            "multiply without end"
        )


def _with_correlated(
    rng: np.random.Generator,
    first: WaveformTruth,
    *,
    children: float,
    afterpulse_probability: float,
    delays_s: Floats,
    recovery_s: float,
    end_s: float,
) -> WaveformTruth:
    """All avalanches: the first ones, their crosstalk children and afterpulses, and theirs."""
    generations = [first]
    while len(generations[-1].waveform):
        parent = generations[-1]
        n = len(parent.waveform)
        cross = np.repeat(np.arange(n), rng.poisson(children, n))
        after = np.flatnonzero(rng.random(n) < afterpulse_probability)
        delay = rng.exponential(delays_s[rng.integers(0, len(delays_s), len(after))])
        time = np.concatenate([parent.time_s[cross], parent.time_s[after] + delay])
        size = np.concatenate([np.ones(len(cross)), -np.expm1(-delay / recovery_s)])
        cause = np.repeat(np.array([CROSSTALK, AFTERPULSE], np.int8), [len(cross), len(after)])
        inside = time < end_s
        generations.append(
            WaveformTruth(
                parent.waveform[np.concatenate([cross, after])][inside],
                time[inside],
                size[inside],
                cause[inside],
            )
        )
    return WaveformTruth(
        np.concatenate([part.waveform for part in generations]),
        np.concatenate([part.time_s for part in generations]),
        np.concatenate([part.amplitude_pe for part in generations]),
        np.concatenate([part.cause for part in generations]),
    )


@njit(cache=True, nogil=True)
def _draw(begin, end, adc, first, time, size, decays, polarity, baseline):  # type: ignore[no-untyped-def]
    """Add pulses to rows of adc (n, samples): two exponentials, each carried on by samples."""
    samples = adc.shape[1]
    keep_slow, keep_fast = np.exp(-1 / decays[0]), np.exp(-1 / decays[1])
    for i in range(begin, end):
        slow, fast = 0.0, 0.0
        event, last = first[i], first[i + 1]
        for j in range(samples):
            slow *= keep_slow
            fast *= keep_fast
            while event < last and time[event] <= j:
                past = j - time[event]
                slow += size[event] * np.exp(-past / decays[0])
                fast += size[event] * np.exp(-past / decays[1])
                event += 1
            adc[i, j] += polarity * (slow - fast) + baseline

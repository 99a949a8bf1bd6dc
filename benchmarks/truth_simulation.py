"""A Monte Carlo that follows single avalanches: pixel by pixel, each with its time and its parent.

It shares no formula and no code with `mppcqa.physics`. A pulse is a table made by adding up small
steps of a current; a pixel that has fired gives what it has recharged since; crosstalk and
afterpulses of a weak avalanche are weaker in proportion. Sources: Acerbi & Gundacker, NIM A 926
(2019) 16 for what happens, Otte et al., NIM A 846 (2017) 106 for delayed crosstalk and IV curves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

STEP_NS = 0.05
MOST = 4000
"""Avalanches that are followed in one event."""


@dataclass(frozen=True)
class Device:
    """What happens in a device and its electronics. Times in ns, rates in 1/ns, charges in ADC."""

    gain: float = 40.0
    pe_width: float = 2.5
    crosstalk: float = 0.12
    """Mean children of an avalanche, at once."""
    delayed: float = 0.0
    """Mean children by delayed crosstalk, in another pixel."""
    delayed_ns: float = 10.0
    fast: float = 0.02
    """Mean fast afterpulses of an avalanche."""
    fast_ns: float = 15.0
    slow: float = 0.0
    slow_ns: float = 80.0
    recovery_ns: float = 25.0
    dark_rate: float = 5e-4
    pixels: int = 3600
    decay_ns: float = 25.0
    rise_ns: float = 2.0
    tail_share: float = 0.0
    """Part of a pulse's charge in a slower component."""
    tail_ns: float = 80.0


@dataclass(frozen=True)
class Reading:
    """Gate, light and electronics."""

    gate_ns: float = 150.0
    light: float = 2.0
    light_spread: float = 0.0
    """Standard deviation of the light from pulse to pulse, of its mean."""
    light_at_ns: float = 0.0
    light_jitter_ns: float = 0.0
    pedestal: float = 100.0
    noise: float = 4.0
    bursts: float = 0.0
    """Part of the events in which the noise is `burst_noise` more."""
    burst_noise: float = 16.0
    baseline_ns: float = 0.0
    """Length of a window before the gate, whose mean is taken off."""
    coupling_ns: float = 0.0
    """Time constant of AC coupling; 0 for none."""
    clip: float = np.inf
    step: float = 0.0
    """ADC step; 0 for a digitizer finer than anything else here."""
    missing: float = 0.0
    """Part of the codes that the digitizer never gives."""


def pulse_table(device: Device, length_ns: float) -> np.ndarray:
    """Part of a pulse's whole charge that has come at each step after its start."""
    times = (np.arange(int(max(length_ns, 12 * device.decay_ns) / STEP_NS)) + 0.5) * STEP_NS
    current = np.exp(-times / device.decay_ns) * -np.expm1(-times / max(device.rise_ns, 1e-3))
    current /= current.sum()
    if device.tail_share:
        tail = np.exp(-times / device.tail_ns) * -np.expm1(-times / max(device.rise_ns, 1e-3))
        current = (1 - device.tail_share) * current + device.tail_share * tail / tail.sum()
    return np.concatenate([[0.0], np.cumsum(current)])


def rise_constant(device: Device) -> float:
    """Time constant of the pulse's faster exponential: that of the sum of both rates here."""
    return 1 / (1 / device.decay_ns + 1 / device.rise_ns)


@njit(cache=True, nogil=True)
def _come(table, time):  # type: ignore[no-untyped-def]
    """What has come of a pulse at a time after its start."""
    x = time / STEP_NS
    if x <= 0:
        return 0.0
    i = int(x)
    if i >= table.size - 1:
        return table[-1]
    return table[i] + (x - i) * (table[i + 1] - table[i])


@njit(cache=True, nogil=True)
def _follow(rng, numbers, begin, end, times, pixels, sizes, n):  # type: ignore[no-untyped-def]
    """Follow all avalanches that the first n set off; returns how many there are in the end.

    numbers: crosstalk, delayed, delayed_ns, fast, fast_ns, slow, slow_ns, recovery_ns, pixels,
    relative spread of an avalanche's charge.
    """
    number = int(numbers[8])
    i = 0
    while i < n:
        t, pixel = times[i], pixels[i]
        size = 1.0
        last = -np.inf
        for j in range(i):
            if pixels[j] == pixel and times[j] <= t and times[j] > last:
                last = times[j]
        if last > -np.inf:
            size = -np.expm1(-(t - last) / numbers[7])
        for kind in range(4):
            mean = numbers[(0, 1, 3, 5)[kind]] * size
            if mean <= 0:
                continue
            for _ in range(rng.poisson(mean)):
                when = t
                if kind > 0:
                    when += rng.exponential(numbers[(0, 2, 4, 6)[kind]])
                if when > end or n >= times.size:
                    continue
                times[n] = when
                pixels[n] = pixel if kind > 1 else int(number * rng.random())
                n += 1
        sizes[i] = size * (1 + numbers[9] * rng.standard_normal())
        i += 1
    return n


@njit(cache=True, nogil=True)
def _events(rng, numbers, reading, table, charges):  # type: ignore[no-untyped-def]
    """Charge of each event.

    reading: gate_ns, light, light_spread, light_at_ns, light_jitter_ns, dark_rate, history_ns,
    baseline_ns, coupling_ns.
    """
    gate, before = reading[0], reading[6]
    window, coupling = reading[7], reading[8]
    times, pixels, sizes = np.empty(MOST), np.empty(MOST, np.int64), np.empty(MOST)
    number = int(numbers[8])
    for event in range(charges.size):
        n = 0
        mean = reading[1] * max(1 + reading[2] * rng.standard_normal(), 0.0)
        for _ in range(rng.poisson(mean) if mean > 0 else 0):
            times[n] = reading[3] + reading[4] * rng.standard_normal()
            pixels[n] = int(number * rng.random())
            n += 1
        for _ in range(rng.poisson(reading[5] * (before + gate))):
            times[n] = -before + (before + gate) * rng.random()
            pixels[n] = int(number * rng.random())
            n += 1
        n = _follow(rng, numbers, -before, gate, times, pixels, sizes, n)
        q = 0.0
        for i in range(n):
            t = times[i]
            seen = _come(table, gate - t) - _come(table, -t)
            if window > 0:
                off = _come(table, -t) - _come(table, -window - t)
                seen -= off * gate / window
            if coupling > 0:
                late = np.exp(-max(-t, 0.0) / coupling) - np.exp(-(gate - t) / coupling)
                seen -= late
            q += sizes[i] * seen
        charges[event] = q


def simulate(rng: np.random.Generator, events: int, device: Device, reading: Reading) -> np.ndarray:
    """Charges (events,) in ADC units: one avalanche at the gate's light time makes `gain`."""
    before = 8 * max(device.decay_ns, device.tail_ns if device.tail_share else 0.0)
    before += reading.baseline_ns + 4 * reading.coupling_ns
    table = pulse_table(device, reading.gate_ns + before)
    whole = table[min(int((reading.gate_ns - reading.light_at_ns) / STEP_NS), table.size - 1)]
    if reading.coupling_ns:
        whole += np.expm1(-(reading.gate_ns - reading.light_at_ns) / reading.coupling_ns)
    charges = np.empty(events)
    _events(
        rng,
        numbers_of(device),
        np.array([
            reading.gate_ns, reading.light, reading.light_spread, reading.light_at_ns,
            reading.light_jitter_ns, device.dark_rate, before, reading.baseline_ns,
            reading.coupling_ns,
        ]),
        table,
        charges,
    )  # fmt: skip
    charges *= device.gain / whole
    noise = np.full(events, reading.noise)
    if reading.bursts:
        wild = rng.random(events) < reading.bursts
        noise = np.where(wild, np.hypot(reading.noise, reading.burst_noise), noise)
    charges += reading.pedestal + noise * rng.standard_normal(events)
    charges = np.minimum(charges, reading.clip)
    if reading.step:
        code = np.rint(charges / reading.step)
        if reading.missing:
            lost = rng.random(100_003) < reading.missing
            code += lost[np.mod(code, len(lost)).astype(np.int64)]
        charges = code * reading.step
    return charges


def numbers_of(device: Device) -> np.ndarray:
    """What `_follow` takes."""
    return np.array([
        device.crosstalk, device.delayed, device.delayed_ns, device.fast, device.fast_ns,
        device.slow, device.slow_ns, device.recovery_ns, max(device.pixels, 1),
        device.pe_width / device.gain,
    ])  # fmt: skip


@njit(cache=True, nogil=True)
def _waveforms(rng, numbers, rate, before, pulse, step, samples):  # type: ignore[no-untyped-def]
    """Add the pulses of dark counts to waveforms (n, length); how many of them began within."""
    times, pixels, sizes = np.empty(MOST), np.empty(MOST, np.int64), np.empty(MOST)
    n_waveforms, length = samples.shape
    end = length * step
    number = int(numbers[8])
    for w in range(n_waveforms):
        n = rng.poisson(rate * (before + end))
        for i in range(n):
            times[i] = -before + (before + end) * rng.random()
            pixels[i] = int(number * rng.random())
        # In the order of time, so that a pixel knows when it fired before.
        times[:n] = np.sort(times[:n])
        n = _follow(rng, numbers, -before, end, times, pixels, sizes, n)
        for i in range(n):
            first = max(int(np.ceil(times[i] / step)), 0)
            for k in range(first, length):
                x = (k * step - times[i]) / STEP_NS
                at = int(x)
                if at >= pulse.size - 1:
                    break
                samples[w, k] += sizes[i] * (pulse[at] + (x - at) * (pulse[at + 1] - pulse[at]))


def simulate_dark_waveforms(
    rng: np.random.Generator,
    device: Device,
    *,
    waveforms: int,
    samples: int,
    sampling_ns: float = 2.0,
    amplitude: float = 200.0,
    noise: float = 8.0,
    drift: float = 0.0,
) -> np.ndarray:
    """Waveforms int16; one avalanche peaks at `amplitude`. `drift` moves the baseline slowly."""
    come = pulse_table(device, 12 * device.decay_ns)
    pulse = np.concatenate([[0.0], np.diff(come)])
    pulse *= amplitude / pulse.max()
    wave = np.zeros((waveforms, samples))
    before = 10 * device.decay_ns
    _waveforms(rng, numbers_of(device), device.dark_rate, before, pulse, sampling_ns, wave)
    wave += 500 + noise * rng.standard_normal(wave.shape)
    wave += drift * np.sin(np.linspace(0, 6, samples) + rng.uniform(0, 6, (waveforms, 1)))
    return np.clip(np.rint(wave), -32768, 32767).astype(np.int16)


def simulate_curve(
    rng: np.random.Generator,
    bias_v: np.ndarray,
    *,
    breakdown_v: float,
    spread_v: float = 0.03,
    rate_hz: float = 1e8,
    leakage_a: float = 1e-11,
    leakage_v: float = 12.0,
    noise: float = 0.01,
    floor_a: float = 2e-12,
    pixel_f: float = 90e-15,
) -> np.ndarray:
    """Reverse current [A]: pixels of breakdown voltages that scatter, each counted one by one.

    A pixel over its breakdown discharges its capacitance at a rate that its trigger probability
    gives, and each discharge sets off others; below it the carriers are multiplied a little, as
    in any junction near breakdown (Miller's formula with the exponent 3).
    """
    each = breakdown_v + spread_v * rng.standard_normal(400)
    over = np.maximum(bias_v[:, None] - each, 0.0)
    below = np.clip(bias_v[:, None] / each, 0, 0.9995)
    trigger = -np.expm1(-over / 2.0)
    more = 1 / np.maximum(1 - 0.02 * over - 0.004 * over**2, 0.05)
    geiger = (rate_hz * trigger * pixel_f * over * more).mean(axis=1)
    linear = (1.6e-19 * rate_hz / (1 - below**3)).mean(axis=1)
    leakage = leakage_a * np.exp((bias_v - breakdown_v) / leakage_v)
    current = geiger + linear + leakage
    return current * (1 + noise * rng.standard_normal(len(bias_v))) + floor_a * (
        rng.standard_normal(len(bias_v))
    )

"""Cases of `benchmarks.truth`: what is drawn, what the analysis is told, and what is true.

Each case has a generator of its own, of the seed and its number, so that any one of them can be
made again alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from benchmarks.truth_simulation import (
    Device,
    Reading,
    rise_constant,
    simulate,
    simulate_curve,
    simulate_dark_waveforms,
)
from mppcqa.physics import UNKNOWN_PULSE, PulseShape, histogram_charges, histogram_pairs

KINDS = ("pair", "pair", "pair", "pair", "light", "light", "light", "dark", "waveforms", "iv")
"""A pair of a light and a dark spectrum, one of them alone, dark waveforms, an IV curve."""
STATIONS = 8


@dataclass
class Case:
    """One case before and after its analysis."""

    number: int
    kind: str
    troubles: tuple[str, ...]
    station: int
    truth: dict[str, tuple[float, float]]
    """Range of what is right by quantity: its ends differ where a cause has two names."""
    data: dict[str, Any]
    tellable: bool = True
    """Whether the truth can be had from the data."""
    found: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Value and standard uncertainty by quantity, of good status."""
    fault: str = ""
    region: float = 0.0
    """Where in its region the case lies: dark counts a gate, or what stands for it."""


def station(seed: int, number: int) -> tuple[Device, Reading]:
    """Pulse and gate of one of the stations."""
    rng = np.random.default_rng([seed, 1, number])
    decay = rng.uniform(8, 40)
    device = Device(
        decay_ns=decay,
        rise_ns=rng.uniform(0.5, 3),
        recovery_ns=decay * rng.uniform(0.8, 1.2),
        fast_ns=decay * rng.uniform(0.5, 1.2),
        slow_ns=decay * rng.uniform(2, 5),
    )
    return device, Reading(gate_ns=decay * rng.uniform(4, 10))


def told_pulse(device: Device, reading: Reading, off: float = 1.0) -> PulseShape:
    """What the station says of its pulse; all its decay times are `off` times what is true."""
    gate = reading.gate_ns
    return PulseShape(
        off * device.decay_ns / gate,
        0.0 if off != 1 else rise_constant(device) / gate,
        recovery_per_gate=device.recovery_ns / gate if off == 1 else None,
        afterpulse_delays_per_gate=(device.fast_ns / gate,) if off == 1 else None,
    )


def draw(
    seed: int, number: int, wanted: Callable[[str, list[str]], bool] | None = None
) -> Case | None:
    """Case of that number; every second one has one or two troubles.

    None where `wanted` says no to its kind and troubles: nothing is simulated then.
    """
    rng = np.random.default_rng([seed, 2, number])
    kind = KINDS[int(rng.integers(len(KINDS)))]
    at = int(rng.integers(STATIONS))
    device, reading = station(seed, at)
    gain = rng.uniform(25, 60)
    device = replace(
        device,
        gain=gain,
        pe_width=gain * rng.uniform(0.03, 0.1),
        crosstalk=-np.log1p(-rng.uniform(0.02, 0.3)),
        fast=rng.uniform(0, 0.06),
        dark_rate=10 ** rng.uniform(-2.7, -0.8) / reading.gate_ns,
        pixels=int(rng.choice([1600, 3600, 14400])),
    )
    reading = replace(
        reading, light=rng.uniform(0.5, 6), noise=gain * rng.uniform(0.05, 0.15), step=1.0
    )
    troubled = number % 2 == 1
    names = list(TROUBLES[kind]) if troubled else []
    chosen: list[str] = []
    if troubled:
        how_many = 1 if rng.random() < 0.7 else 2
        chosen = [str(one) for one in rng.choice(names, min(how_many, len(names)), replace=False)]
    if wanted is not None and not wanted(kind, chosen):
        return None
    make = {"waveforms": _waveform_case, "iv": _iv_case}.get(kind, _spectrum_case)
    return make(rng, Case(number, kind, tuple(chosen), at, {}, {}), device, reading)


Change = Callable[[np.random.Generator, Device, Reading], tuple[Device, Reading]]


def _few_pixels(rng: np.random.Generator, d: Device, r: Reading) -> tuple[Device, Reading]:
    return replace(d, pixels=int(rng.integers(100, 400))), r


SIGNAL_CHANGES: dict[str, Change] = {
    "noise bursts": lambda g, d, r: (
        d, replace(r, bursts=g.uniform(0.005, 0.05), burst_noise=d.gain * g.uniform(0.2, 0.6))
    ),
    "light late in the gate": lambda g, d, r: (
        d, replace(r, light_at_ns=r.gate_ns * g.uniform(0.03, 0.15), light_jitter_ns=2 * g.random())
    ),
    "baseline before the gate": lambda g, d, r: (d, replace(r, baseline_ns=r.gate_ns / 2)),
    "AC coupling": lambda g, d, r: (d, replace(r, coupling_ns=r.gate_ns * g.uniform(2, 6))),
    "slow afterpulses": lambda g, d, r: (replace(d, slow=g.uniform(0.01, 0.05)), r),
    "delayed crosstalk": lambda g, d, r: (
        replace(d, delayed=g.uniform(0.01, 0.06), delayed_ns=d.decay_ns * g.uniform(0.2, 1)), r
    ),
    "few pixels": _few_pixels,
    "pulse of two components": lambda g, d, r: (
        replace(d, tail_share=g.uniform(0.05, 0.2), tail_ns=3 * d.decay_ns), r
    ),
    "missing codes": lambda g, d, r: (d, replace(r, missing=0.03)),
    "clipping": lambda g, d, r: (
        d, replace(r, clip=np.floor(r.pedestal + d.gain * (g.uniform(1.5, 3) + r.light)))
    ),
}  # fmt: skip
"""Troubles that a simulation of the same kind makes."""
LIGHT_CHANGES: dict[str, Change] = {
    "unstable light": lambda g, d, r: (d, replace(r, light_spread=g.uniform(0.04, 0.25))),
}
OTHERS = ("pulse told wrongly", "pulse not told", "two devices mixed")
PAIR_ONLY = ("dark run at another temperature", "pedestal moved", "dark run of another bias")
PAIRLESS = ("bright", "pedestal not recorded")
CURVE_TROUBLES = ("leakage", "dark", "noisy", "coarse", "cut short", "steeper end")
WAVE_TROUBLES = ("two components", "drift", "noisy", "few", "afterpulses of 10 ns")
TROUBLES: dict[str, tuple[str, ...]] = {
    "pair": (*SIGNAL_CHANGES, *LIGHT_CHANGES, *OTHERS, *PAIR_ONLY, "light off"),
    "light": (*SIGNAL_CHANGES, *LIGHT_CHANGES, *OTHERS, *PAIRLESS, "light off"),
    "dark": (*SIGNAL_CHANGES, *OTHERS),
    "waveforms": WAVE_TROUBLES,
    "iv": CURVE_TROUBLES,
}
NOT_TELLABLE = {
    "two devices mixed", "dark run of another bias", "light off", "cut short",
    "pedestal not recorded",
}  # fmt: skip


def _spectrum_case(rng: np.random.Generator, case: Case, device: Device, reading: Reading) -> Case:
    events = int(rng.choice([8000, 15000, 30000]))
    has = set(case.troubles)
    for name in case.troubles:
        change = (SIGNAL_CHANGES | LIGHT_CHANGES).get(name)
        if change is not None:
            device, reading = change(rng, device, reading)
    if "bright" in has:
        reading = replace(reading, light=rng.uniform(7, 14))
    if "light off" in has:
        reading = replace(reading, light=0.0)
    if case.kind == "dark":
        reading, events = replace(reading, light=0.0), 2 * events
    unlit, dark_device = replace(reading, light=0.0), device
    if "dark run at another temperature" in has:
        factor = rng.choice([rng.uniform(0.5, 0.85), rng.uniform(1.2, 2)])
        dark_device = replace(device, dark_rate=device.dark_rate * float(factor))
    if "pedestal moved" in has:
        unlit = replace(unlit, pedestal=unlit.pedestal + reading.noise * rng.uniform(0.1, 1))
    if "dark run of another bias" in has:
        dark_device = replace(device, gain=device.gain * rng.uniform(0.7, 0.9))
    lit = simulate(rng, events, device, reading)
    if "two devices mixed" in has:
        other = replace(device, gain=device.gain * rng.uniform(1.12, 1.4))
        lit[::2] = simulate(rng, len(lit[::2]), other, reading)
    if "pedestal not recorded" in has:
        lit = lit[lit > reading.pedestal + 0.5 * device.gain]
    off = float(rng.choice([0.8, 1.25])) if "pulse told wrongly" in has else 1.0
    told: PulseShape | None = told_pulse(device, reading, off)
    if "pulse not told" in has:
        told = UNKNOWN_PULSE
    if case.kind == "pair":
        unlit_charges = simulate(rng, events, dark_device, unlit)
        light, dark, edges, _ = histogram_pairs(lit[:, None], unlit_charges[:, None])
        case.data = {"counts": light[0], "dark": dark[0], "edges": edges[0]}
    else:
        counts, edges, _ = histogram_charges(lit[:, None])
        case.data = {"counts": counts[0], "edges": edges[0]}
    case.data["pulse"] = told
    case.tellable = not (has & NOT_TELLABLE) and not ("bright" in has and case.kind == "light")
    case.truth = _truth(case.kind, device, reading, dark_device.dark_rate)
    case.region = device.dark_rate * reading.gate_ns
    return case


def _truth(
    kind: str, device: Device, reading: Reading, dark_rate: float
) -> dict[str, tuple[float, float]]:
    after = device.fast + device.slow
    # Few pixels: a photon that finds its pixel empty-handed makes no avalanche of its own.
    fired = device.pixels * -np.expm1(-reading.light / device.pixels)
    ranges = {
        "gain": (device.gain, device.gain),
        "crosstalk": (-np.expm1(-device.crosstalk), -np.expm1(-device.crosstalk - device.delayed)),
    }
    if kind in ("pair", "light") and reading.light:
        ranges["light"] = (fired, reading.light)
    if kind in ("pair", "dark"):
        rates = sorted((dark_rate, device.dark_rate))
        ranges["dark_rate"] = (rates[0] * reading.gate_ns, rates[1] * reading.gate_ns)
    if kind == "pair":
        ranges["afterpulses"] = (min(device.fast, after), after + device.delayed)
    return ranges


def _waveform_case(rng: np.random.Generator, case: Case, device: Device, reading: Reading) -> Case:
    has = set(case.troubles)
    device = replace(device, dark_rate=10 ** rng.uniform(-4, -3))
    noise, drift, number = 8.0, 0.0, 150
    if "two components" in has:
        device = replace(device, slow=rng.uniform(0.02, 0.08))
    if "afterpulses of 10 ns" in has:
        device = replace(device, fast_ns=10.0, fast=rng.uniform(0.03, 0.08))
    if "drift" in has:
        drift = 15.0
    if "noisy" in has:
        noise = 25.0
    if "few" in has:
        number = 12
    case.data = {
        "adc": simulate_dark_waveforms(
            rng, device, waveforms=number, samples=2000, noise=noise, drift=drift
        )
    }
    case.truth = {
        "dark_rate": (device.dark_rate * 1e9,) * 2,
        "crosstalk": (-np.expm1(-device.crosstalk),) * 2,
        "afterpulses": (device.fast + device.slow,) * 2,
    }
    case.region = device.dark_rate
    return case


def _iv_case(rng: np.random.Generator, case: Case, device: Device, reading: Reading) -> Case:
    del device, reading
    has = set(case.troubles)
    breakdown = rng.uniform(38, 70)
    settings: dict[str, float] = {
        "spread_v": rng.uniform(0.01, 0.05), "rate_hz": 10 ** rng.uniform(8, 9.3),
        "leakage_a": 10 ** rng.uniform(-12, -11),
    }  # fmt: skip
    step, end = rng.uniform(0.02, 0.1), rng.uniform(2.5, 4.0)
    if "leakage" in has:
        settings["leakage_a"] = 10 ** rng.uniform(-10.5, -9)
    if "dark" in has:
        settings["rate_hz"] = 10 ** rng.uniform(6, 7)
    if "noisy" in has:
        settings["noise"] = rng.uniform(0.03, 0.08)
    if "coarse" in has:
        step = rng.uniform(0.25, 0.5)
    if "cut short" in has:
        end = -0.5
    bias = np.arange(breakdown - rng.uniform(6, 10), breakdown + end, step)
    current = simulate_curve(rng, bias, breakdown_v=breakdown, **settings)
    if "steeper end" in has:
        over = np.maximum(bias - breakdown - end + 0.6, 0)
        current = current * np.exp(3 * over**2)
    case.data = {"bias": bias, "current": current}
    case.truth = {"breakdown": (breakdown, breakdown)}
    case.tellable = not has & NOT_TELLABLE
    case.region = settings["rate_hz"]
    return case

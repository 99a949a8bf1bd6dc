"""Ordinary pairs of `benchmarks.truth` from another simulator than its own: SimSiPM.

SimSiPM (E. Proserpio, MIT licence; `pip install sipm`, a C++ program with Python bindings) is no
dependency: where it isn't installed, `draw` raises `ModuleNotFoundError`. It makes whole waveforms;
the gate, the noise of the electronics and the histogram are made here. Its crosstalk is the mean
number of children of each avalanche (version 2.1.0, counted); to turn delayed crosstalk off turns
the prompt one off too.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.truth_cases import Case
from mppcqa.physics import PulseShape, histogram_pairs

BEFORE = 6.0
"""Decay times that are simulated before the gate."""
EVENTS = 8000
SAMPLING_NS = 0.5


def draw(seed: int, number: int) -> Case:
    """Pair of that number; each has a station of its own."""
    sipm = import_module("SiPM")
    rng = np.random.default_rng([seed, 3, number])
    decay = float(rng.uniform(10, 25))
    gate = decay * float(rng.uniform(4, 8))
    begin = BEFORE * decay
    crosstalk, after = float(rng.uniform(0.02, 0.2)), float(rng.uniform(0.0, 0.05))
    rate, light = float(10 ** rng.uniform(-2.3, -0.9)) / gate, float(rng.uniform(0.5, 5))
    settings = {
        "setSize": 3.0, "setPitch": 50.0, "setSignalLength": begin + gate,
        "setSampling": SAMPLING_NS, "setRiseTime": 1.0, "setFallTimeFast": decay,
        "setRecoveryTime": decay, "setDcr": rate * 1e9, "setXt": crosstalk, "setAp": after,
        "setTauApFastComponent": decay, "setApSlowFraction": 0.0, "setCcgv": 0.05, "setSnr": 80.0,
    }  # fmt: skip
    properties = sipm.SiPMProperties()
    for name, value in settings.items():
        getattr(properties, name)(value)
    properties.setDXtOff()
    for name in ("setXtOn", "setApOn", "setDcrOn"):
        getattr(properties, name)()
    sensor = sipm.SiPMSensor(properties)
    first = round(begin / SAMPLING_NS)

    def charges(mean: float) -> np.ndarray:
        found = np.empty(EVENTS)
        for i, photons in enumerate(rng.poisson(mean, EVENTS)):
            sensor.resetState()
            if photons:
                sensor.addPhotons([begin] * int(photons))
            sensor.runEvent()
            found[i] = np.asarray(sensor.signal().waveform())[first:].sum()
        return found

    whole = _charge_of_one(sipm, settings, begin, first)
    noise = whole * float(rng.uniform(0.05, 0.12))
    lit, unlit = (charges(mean) + noise * rng.standard_normal(EVENTS) for mean in (light, 0.0))
    scale = float(rng.uniform(25, 60)) / whole
    lit, unlit = 100 + scale * lit, 100 + scale * unlit
    light_counts, dark, edges, _ = histogram_pairs(lit[:, None], unlit[:, None])
    case = Case(number, "pair", (), number, {}, {})
    case.data = {
        "counts": light_counts[0], "dark": dark[0], "edges": edges[0],
        "pulse": PulseShape(
            decay / gate, 1.0 / gate, recovery_per_gate=1.0 * decay / gate,
            afterpulse_delays_per_gate=(decay / gate,),
        ),
    }  # fmt: skip
    case.truth = {
        "gain": (scale * whole,) * 2,
        "light": (light,) * 2,
        "crosstalk": (-np.expm1(-crosstalk),) * 2,
        "dark_rate": (rate * gate,) * 2,
    }
    case.region = rate * gate
    return case


def _charge_of_one(sipm: Any, settings: dict[str, float], begin: float, first: int) -> float:
    """Mean charge in the gate of one photoelectron without anything else, and without spread."""
    properties = sipm.SiPMProperties()
    for name, value in settings.items():
        getattr(properties, name)(value)
    properties.setDXtOff()
    properties.setCcgv(0.0)
    properties.setDcrOff()
    properties.setXtOff()
    properties.setApOff()
    sensor = sipm.SiPMSensor(properties)
    sums = []
    for _ in range(400):
        sensor.resetState()
        sensor.addPhotons([begin])
        sensor.runEvent()
        sums.append(np.asarray(sensor.signal().waveform())[first:].sum())
    return float(np.mean(sums))

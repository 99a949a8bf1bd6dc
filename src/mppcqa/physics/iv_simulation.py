"""Simulated current against voltage of an MPPC, reverse and forward, with its truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mppcqa.physics._arrays import Floats
from mppcqa.physics.waveform_simulation import dark_rate_at

ELEMENTARY_CHARGE = 1.602176634e-19
THERMAL_V = 8.617333e-5
"""Boltzmann's constant in V/K."""


@dataclass(frozen=True)
class IvTruth:
    """What a simulated device is like at the temperature of its curve."""

    breakdown_voltage_v: float
    quenching_ohm: float
    temperature_c: float


def simulate_iv(
    rng: np.random.Generator,
    bias_v: ArrayLike,
    *,
    breakdown_voltage_v: float = 70.0,
    temperature_c: float = 20.0,
    reference_c: float = 20.0,
    breakdown_v_per_c: float = 0.056,
    primary_rate_hz: float = 1e6,
    light_rate_hz: float = 0.0,
    pixel_farad: float = 90e-15,
    pixels: int = 3600,
    quenching_ohm: float = 150e3,
    trigger_v: float = 1.8,
    crosstalk_per_v2: float = 0.02,
    spread_v: float = 0.03,
    leakage_ohm: float = 2e12,
    relative_noise: float = 0.004,
    noise_a: float = 5e-12,
    compliance_a: float = float("inf"),
) -> tuple[Floats, IvTruth]:
    """Currents [A] (n,) at bias voltages [V] (n,), positive in reverse, and the truth.

    Reverse: carriers are generated at `primary_rate_hz` (thermal, doubling each 9 degC from
    `reference_c`) and `light_rate_hz`. Below breakdown each counts once, multiplied as Miller has
    it; above, it starts with probability 1 - exp(-dv / trigger_v) an avalanche of charge
    `pixel_farad` dv, with crosstalk and afterpulses 1 / (1 - crosstalk_per_v2 dv^2) as many (Nagy
    et al., NIM A 849 (2017) 55, write the current so). `spread_v` is the spread of breakdown over
    the device. Negative bias is forward: a diode in series with `quenching_ohm` / `pixels`. The
    noise is `noise_a` and `relative_noise` of the current; no current exceeds `compliance_a`.

    >>> import numpy as np
    >>> current, truth = simulate_iv(np.random.default_rng(0), [60, 69, 71, 72], temperature_c=30)
    >>> truth.breakdown_voltage_v
    70.56
    >>> bool(current[3] > current[2] > current[1])
    True
    """
    bias = np.atleast_1d(np.asarray(bias_v, float))
    if bias.ndim != 1 or not np.isfinite(bias).all():
        raise ValueError("bias voltages must be one list of finite numbers")
    if min(pixel_farad, pixels, quenching_ohm, trigger_v, spread_v, leakage_ohm) <= 0:
        raise ValueError("capacitance, pixels, resistances and widths must be positive")
    breakdown = breakdown_voltage_v + breakdown_v_per_c * (temperature_c - reference_c)
    carriers = light_rate_hz + dark_rate_at(primary_rate_hz, temperature_c, reference_c=reference_c)
    reverse = np.maximum(bias, 0.0)
    # A smooth step instead of max(bias - breakdown, 0): not all pixels break down at one voltage.
    dv = spread_v * np.logaddexp(0.0, (reverse - breakdown) / spread_v)
    multiplied = 1 / np.hypot(1 - np.minimum(reverse / breakdown, 1.0) ** 4, 0.004)
    correlated = 1 / np.maximum(1 - crosstalk_per_v2 * dv**2, 0.02)
    avalanche = pixel_farad * dv * -np.expm1(-dv / trigger_v) * correlated
    current = carriers * (ELEMENTARY_CHARGE * multiplied + avalanche) + reverse / leakage_ohm
    current -= _forward(np.maximum(-bias, 0.0), quenching_ohm / pixels, temperature_c)
    current += rng.standard_normal(len(bias)) * np.hypot(noise_a, relative_noise * current)
    current = np.clip(current, -compliance_a, compliance_a)
    return current, IvTruth(breakdown, quenching_ohm, temperature_c)


def _forward(forward_v: Floats, series_ohm: float, temperature_c: float) -> Floats:
    """Current of a diode in series with a resistance: the root of V = n kT ln(1 + I/I0) + I R."""
    thermal = 1.8 * THERMAL_V * (temperature_c + 273.15)
    saturation = 1e-12
    low, high = np.zeros_like(forward_v), forward_v / series_ohm + 1e-30
    for _ in range(80):
        middle = (low + high) / 2
        above = thermal * np.log1p(middle / saturation) + middle * series_ohm > forward_v
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return (low + high) / 2

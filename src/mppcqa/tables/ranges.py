"""What conditions can be: a number outside is in another unit, or a slip."""

from __future__ import annotations

import math

from mppcqa.tables.words import say as _

RANGES = {
    "bias_v": (-3000.0, 3000.0, "V"),
    "overvoltage_v": (-60.0, 60.0, "V"),
    "temperature_c": (-272.0, 150.0, "°C"),
    "light": (0.0, 1e9, ""),
    "gate_s": (1e-10, 1.0, "s"),
    "sample_s": (1e-13, 1.0, "s"),
}
"""Photomultipliers take 2 kV; silicon is measured in liquid helium and annealed at 150 °C."""


def implausible(name: str, value: float) -> str:
    """Why a condition can't be so; empty where it can, or where it is not known."""
    low, high, unit = RANGES.get(name, (-math.inf, math.inf, ""))
    if math.isnan(value) or low <= value <= high:
        return ""
    if name == "temperature_c" and 173 <= value <= 423:
        return _(
            "%(value)g °C is no temperature of a measurement; is it kelvin, %(celsius).2f °C?"
        ) % {"value": value, "celsius": value - 273.15}
    text = _(
        "%(value)g %(unit)s lies outside what is possible (%(low)g to %(high)g); another unit?"
    )
    return text % {"value": value, "unit": unit, "low": low, "high": high}

"""Simulated test program of the PDE stage: ``--config run.json --output run.root``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from mppcqa.physics import simulate_charges
from mppcqa.stages.simulated import (
    AFTERPULSES,
    GATE_S,
    PULSE,
    REFERENCE_PHOTONS,
    Point,
    run_simulation,
)

CALIBRATION_UNCERTAINTY = 0.02


def points(parameters: Mapping[str, Any]) -> Iterator[Point]:
    """For each bias a dark point and one with light."""
    number = 0
    for bias in parameters["bias_v"]:
        for light in (0.0, parameters["light"]):
            yield Point(number, bias, parameters["temperature_c"], light)
            number += 1


def measure(
    rng: np.random.Generator, truth: dict[str, float], point: Point, events: int
) -> np.ndarray:
    """Charges of one channel."""
    return simulate_charges(
        rng,
        events,
        mean_light_pe=truth["pde"] * REFERENCE_PHOTONS * point.light,
        gain=truth["gain_adc"],
        pedestal=120.0,
        pedestal_width=4.5,
        pe_width=0.105 * truth["gain_adc"],
        crosstalk_probability=truth["crosstalk_probability"],
        dark_counts_per_gate=truth["dark_rate_hz"] * GATE_S,
        afterpulses=AFTERPULSES,
        pulse=PULSE,
    )


def reference(rng: np.random.Generator) -> dict[str, Any]:
    """What the reference detector says: the photons, with the error of its calibration."""
    photons = REFERENCE_PHOTONS * rng.normal(1, CALIBRATION_UNCERTAINTY)
    return {
        "reference": {
            "detector": "simulated photodiode",
            "photons_per_pulse": photons,
            "photons_per_pulse_uncertainty": REFERENCE_PHOTONS * CALIBRATION_UNCERTAINTY,
            "position_factor": 1.0,
        }
    }


if __name__ == "__main__":
    run_simulation("pde", points, measure, reference)

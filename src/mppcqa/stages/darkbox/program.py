"""Simulated test program of the Dark Box stage: ``--config run.json --output run.root``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from mppcqa.physics import simulate_charges
from mppcqa.stages.simulated import AFTERPULSES, GATE_S, PULSE, Point, run_simulation

EVENTS_FACTOR = 3
"""Dark counts are rare: random triggers cost little, so three times as many are taken."""


def points(parameters: Mapping[str, Any]) -> Iterator[Point]:
    """A dark point for each bias."""
    for number, bias in enumerate(parameters["bias_v"]):
        yield Point(number, bias, parameters["temperature_c"], 0.0)


def measure(
    rng: np.random.Generator, truth: dict[str, float], point: Point, events: int
) -> np.ndarray:
    """Charges of one channel at random triggers."""
    del point
    return simulate_charges(
        rng,
        EVENTS_FACTOR * events,
        mean_light_pe=0.0,
        gain=truth["gain_adc"],
        pedestal=120.0,
        pedestal_width=4.5,
        pe_width=0.105 * truth["gain_adc"],
        crosstalk_probability=truth["crosstalk_probability"],
        dark_counts_per_gate=truth["dark_rate_hz"] * GATE_S,
        afterpulses=AFTERPULSES,
        pulse=PULSE,
    )


if __name__ == "__main__":
    run_simulation("darkbox", points, measure, lambda rng: {})

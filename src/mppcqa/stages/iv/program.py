"""Simulated test program of the IV stage: ``--config run.json --output run.root``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mppcqa.runfile import RunWriter
from mppcqa.stages.simulated import (
    ChannelTruth,
    Point,
    channel_iv,
    run_simulation,
)

Floats = NDArray[np.float64]

LIGHT_HZ = 2e7
"""Carriers a second and channel that the lamp frees at light setting 1."""
COARSE_STEP_V = 2.0
FORWARD_V: Floats = -np.arange(0.0, 2.01, 0.05)


def points(parameters: Mapping[str, Any]) -> Iterator[Point]:
    """For each temperature a sweep in the dark and one with light."""
    number = 0
    for temperature_c in parameters["temperatures_c"]:
        for light in sorted({0.0, float(parameters["light"])}):
            yield Point(number, parameters["sweep_to_v"], temperature_c, light)
            number += 1


def sweep_v(parameters: Mapping[str, Any], light: float) -> Floats:
    """Voltages of a sweep: coarse from zero, fine about breakdown; forward in the dark."""
    begin, end, step = (parameters[f"sweep_{name}_v"] for name in ("from", "to", "step"))
    if not begin < end:
        raise SystemExit(f"the sweep from {begin} V to {end} V has no length")
    parts = [np.arange(0.0, begin, COARSE_STEP_V), np.arange(begin, end + step / 2, step)]
    if parameters["forward"] and light == 0:
        parts.insert(0, FORWARD_V[:0:-1])
    return np.concatenate(parts)


def record(
    writer: RunWriter,
    rng: np.random.Generator,
    slot: int,
    channels: list[ChannelTruth],
    point: Point,
    parameters: Mapping[str, Any],
) -> None:
    """Sweep every channel of a device, in the dark or with light as the point says."""
    voltage = sweep_v(parameters, point.light)
    for channel, truth in enumerate(channels):
        current, _truth = channel_iv(
            rng,
            truth,
            voltage,
            point.temperature_c,
            light_rate_hz=LIGHT_HZ * point.light,
            compliance_a=parameters["compliance_a"],
        )
        writer.iv(
            slot,
            channel,
            voltage,
            current,
            temperature_c=point.temperature_c,
            light=point.light,
        )


if __name__ == "__main__":
    run_simulation("iv", points, None, lambda rng: {}, record)

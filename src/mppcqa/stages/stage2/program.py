"""Simulated test program of Stage 2: ``--config run.json --output run.root``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from mppcqa.runfile import RunWriter
from mppcqa.stages.pde.program import measure, reference
from mppcqa.stages.simulated import (
    ChannelTruth,
    Point,
    channel_iv,
    channel_staircase,
    channel_waveforms,
    run_simulation,
)

PIXELS = 3600
"""Of a channel of 3 x 3 mm2 with pixels of 50 um."""
SAMPLES = 1000
SAMPLING_S = 2e-9
VOLTS_PER_COUNT = 2.5e-4
IV_LIGHT = 1.0
IV_LIGHT_HZ = 2e7
REVERSE_V = np.concatenate([np.arange(0.0, 66.0, 3.0), np.arange(66.0, 74.01, 0.1)])
FORWARD_V = -np.arange(0.0, 2.01, 0.1)
SENSORS = (
    {"sensor": 0, "name": "box temperature", "unit": "degC"},
    {"sensor": 1, "name": "bias read back", "unit": "V"},
)
SECONDS_A_POINT = 20.0


def points(parameters: Mapping[str, Any]) -> Iterator[Point]:
    """For each temperature and bias a dark point and one at each light setting."""
    number = 0
    for temperature_c in parameters["temperatures_c"]:
        for bias in parameters["bias_v"]:
            for light in (0.0, *parameters["light"]):
                yield Point(number, bias, temperature_c, light)
                number += 1


def meta(rng: np.random.Generator) -> dict[str, Any]:
    """What the file says of its instruments, beside the reference detector."""
    return {
        **reference(rng),
        "pixels": PIXELS,
        "threshold_unit": "V",
        "waveform": {"samples": SAMPLES, "sampling_s": SAMPLING_S, "signal_sign": 1},
        "sensors": list(SENSORS),
        "instruments": [
            {"name": "bias supply", "model": "simulated", "serial": "0"},
            {"name": "digitizer", "model": "simulated", "serial": "0"},
        ],
    }


def record(
    writer: RunWriter,
    rng: np.random.Generator,
    slot: int,
    channels: list[ChannelTruth],
    point: Point,
    parameters: Mapping[str, Any],
) -> None:
    """Dark waveforms of each channel, and what the sensors read at the point."""
    if slot == min(int(row["slot"]) for row in writer.meta["slots"]):
        times = (point.number + np.array([0.0, 0.5])) * SECONDS_A_POINT
        writer.monitor(0, times, point.temperature_c + rng.normal(0, 0.03, 2))
        writer.monitor(1, times, point.bias_v + rng.normal(0, 0.002, 2))
    if point.light != 0:
        return
    for channel, truth in enumerate(channels if _is_scanned(point, parameters) else ()):
        scan = channel_staircase(
            rng, truth, point.bias_v, point.temperature_c, points=parameters["thresholds"]
        )
        writer.staircase(point.number, slot, channel, *scan)
    if not parameters["waveforms"]:
        return
    for channel, truth in enumerate(channels):
        adc, _truth = channel_waveforms(
            rng,
            truth,
            point.bias_v,
            point.temperature_c,
            n_waveforms=parameters["waveforms"],
            n_samples=SAMPLES,
            sampling_s=SAMPLING_S,
        )
        writer.waveforms(point.number, slot, channel, adc, scale_v=VOLTS_PER_COUNT)


def _is_scanned(point: Point, parameters: Mapping[str, Any]) -> bool:
    first, highest = parameters["temperatures_c"][0], max(parameters["bias_v"])
    wanted: int = parameters["thresholds"]
    return wanted > 0 and (point.bias_v, point.temperature_c) == (highest, first)


def record_curves(
    writer: RunWriter,
    rng: np.random.Generator,
    devices: Mapping[int, list[ChannelTruth]],
    parameters: Mapping[str, Any],
) -> None:
    """IV curves of each channel at each temperature: reverse under weak light, and forward."""
    if not parameters["iv"]:
        return
    for temperature_c in parameters["temperatures_c"]:
        for slot, channels in devices.items():
            for channel, truth in enumerate(channels):
                for voltage, rate, light in (
                    (REVERSE_V, IV_LIGHT_HZ, IV_LIGHT),
                    (FORWARD_V, 0.0, 0.0),
                ):
                    current, _truth = channel_iv(
                        rng, truth, voltage, temperature_c, light_rate_hz=rate, compliance_a=0.2
                    )
                    writer.iv(
                        slot, channel, voltage, current, temperature_c=temperature_c, light=light
                    )


if __name__ == "__main__":
    run_simulation("stage2", points, measure, meta, record, record_curves)

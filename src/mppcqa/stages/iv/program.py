"""Simulated test program of the IV stage: ``--config run.json --output run.root``."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mppcqa.runfile import RunWriter
from mppcqa.stages.simulated import (
    Point,
    channel_iv,
    device_truth,
    misbehave,
    write_truth,
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


def main() -> None:
    """Sweep every channel of every device, in the dark and with light."""
    parser = argparse.ArgumentParser(description="simulated iv station")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    config = json.loads(options.config.read_text())
    parameters = config["parameters"]
    fault = parameters.get("simulate_fault", "none")
    all_points = list(points(parameters))
    rng = np.random.default_rng([config["run"], 4])
    meta = {
        **{key: config[key] for key in ("run", "stage", "station", "operator", "slots")},
        "parameters": parameters,
        "program": "mppcqa simulated iv 1",
        "started": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }
    devices = {
        slot["slot"]: device_truth(slot["serial"], slot["channels"]) for slot in meta["slots"]
    }
    total = len(all_points) * len(devices)
    print(f"{len(devices)} devices, {len(all_points)} sweeps of each channel", flush=True)
    if fault == "no_file":
        return
    with RunWriter(options.output, meta) as writer:
        done = 0
        for point in all_points:
            writer.point(
                point.number,
                bias_v=point.bias_v,
                temperature_c=point.temperature_c,
                light=point.light,
            )
            voltage = sweep_v(parameters, point.light)
            for slot, channels in devices.items():
                misbehave(fault, done, total, options.output)
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
                done += 1
                print(
                    f"@progress {done}/{total} {point.temperature_c:g} °C slot {slot}", flush=True
                )
            time.sleep(parameters.get("seconds_a_point", 0.0))
    write_truth(config, devices, all_points)


if __name__ == "__main__":
    main()

"""The simulated station: devices whose truth follows from their serial, and its test program."""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mppcqa.physics import (
    IvTruth,
    PulseShape,
    WaveformTruth,
    simulate_iv,
    simulate_waveforms,
)
from mppcqa.runfile import RunWriter
from mppcqa.stages.contact import CONTACT_FAULTS, contact_check, spectrum_line

GATE_S = 100e-9
DECAY_S = 10e-9
RISE_S = 1.5e-9
WAVEFORM_ADC_PER_GAIN = 3.0
AFTERPULSE_TIMES_S = (15e-9, 80e-9)
PULSE = PulseShape(
    decay_per_gate=DECAY_S / GATE_S,
    rise_per_gate=RISE_S / GATE_S,
    afterpulse_delays_per_gate=tuple(one / GATE_S for one in AFTERPULSE_TIMES_S),
    afterpulse_shares=(1.0, 1.0),
)
PULSE_META = {
    "gate_s": GATE_S,
    "decay_s": DECAY_S,
    "rise_s": RISE_S,
    "recovery_s": DECAY_S,
    "afterpulse_times_s": list(AFTERPULSE_TIMES_S),
}
"""What the run file says of gate and pulse."""
AFTERPULSES = 0.03
REFERENCE_PHOTONS = 10.0
"""Photons a pulse and channel that the simulated light source gives at light setting 1."""


@dataclass(frozen=True)
class ChannelTruth:
    """What one simulated channel is like; at an overvoltage dv in volts and 20 degC.

    Breakdown near 70 V and 56 mV/degC (arXiv:1801.03088); the rest follows dv as MPPCs of this
    generation do in shape.
    """

    breakdown_voltage_v: float
    gain_per_volt: float
    pde_scale: float
    dark_rate_scale: float
    crosstalk_scale: float
    afterpulse_scale: float = 0.012
    quenching_ohm: float = 150e3

    def at(self, bias_v: float, temperature_c: float) -> dict[str, float]:
        """True values at a bias and temperature, by the stages' quantity keys."""
        breakdown = self.breakdown_voltage_v + 0.056 * (temperature_c - 20.0)
        dv = max(bias_v - breakdown, 0.05)
        return {
            "breakdown_voltage_v": breakdown,
            "gain_adc": self.gain_per_volt * dv,
            "pde": self.pde_scale * (1 - np.exp(-dv / 1.3)),
            "dark_rate_hz": self.dark_rate_scale * dv * 2 ** ((temperature_c - 20.0) / 9.0),
            "crosstalk_probability": min(self.crosstalk_scale * dv**2, 0.5),
            "afterpulse_probability": min(self.afterpulse_scale * dv**2, 0.3),
            "quenching_resistance_ohm": self.quenching_ohm,
        }


def device_truth(serial: str, channels: int) -> list[ChannelTruth]:
    """The simulated device of that serial: always the same, whichever station tests it."""
    seed = int.from_bytes(hashlib.sha256(serial.encode()).digest()[:8], "big")
    rng = np.random.default_rng(seed)
    array_breakdown = rng.normal(70.0, 0.15)
    dark_scale = 0.65e6 * rng.lognormal(0, 0.15)
    # From a generator of its own, so that what is added here leaves the rest of a device as it was.
    signal_rng = np.random.default_rng([seed, 1])
    return [
        ChannelTruth(
            breakdown_voltage_v=float(array_breakdown + rng.normal(0, 0.02)),
            gain_per_volt=float(30.0 * rng.normal(1, 0.02)),
            pde_scale=float(0.36 * rng.normal(1, 0.02)),
            dark_rate_scale=float(dark_scale * rng.lognormal(0, 0.08)),
            crosstalk_scale=float(0.030 * rng.lognormal(0, 0.06)),
            afterpulse_scale=float(0.012 * signal_rng.lognormal(0, 0.1)),
            quenching_ohm=float(150e3 * signal_rng.normal(1, 0.02)),
        )
        for _ in range(channels)
    ]


def channel_staircase(
    rng: np.random.Generator,
    truth: ChannelTruth,
    bias_v: float,
    temperature_c: float,
    *,
    points: int,
    seconds: float = 0.2,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Thresholds [V] (points,), counted dark rates [Hz] and their standard uncertainties.

    Avalanches are followed one by one: each fires pixels that fire others, so that a pulse has
    one pixel more for each that crosstalk added.
    """
    values = truth.at(bias_v, temperature_c)
    height = 3e-4 * values["gain_adc"]
    # As many neighbours as let one avalanche stay alone with the true probability.
    mean = -math.log1p(-values["crosstalk_probability"])
    fired = np.ones(rng.poisson(values["dark_rate_hz"] * seconds), np.int64)
    young = fired.copy()
    while young.any():
        young = rng.poisson(mean * young)
        fired += young
    spread = 0.1 * height * np.sqrt(1 + 0.05 * fired)
    heights = np.sort(fired * height + spread * rng.normal(size=len(fired)))
    thresholds = np.linspace(0.3 * height, 4.5 * height, points)
    noise = 2e7 * np.exp(-0.5 * (thresholds / (0.1 * height)) ** 2)
    counts = len(heights) - np.searchsorted(heights, thresholds) + rng.poisson(noise * seconds)
    return thresholds, counts / seconds, np.sqrt(np.maximum(counts, 1)) / seconds


def channel_waveforms(
    rng: np.random.Generator,
    truth: ChannelTruth,
    bias_v: float,
    temperature_c: float,
    *,
    n_waveforms: int,
    n_samples: int,
    sampling_s: float = 2e-9,
    light_pe: float = 0.0,
    light_time_s: float = 0.0,
) -> tuple[NDArray[np.int16], WaveformTruth]:
    """Waveforms int16 (n_waveforms, n_samples) of one channel, and their avalanches.

    One photoelectron peaks at `WAVEFORM_ADC_PER_GAIN` counts a unit of the channel's gain.
    """
    values = truth.at(bias_v, temperature_c)
    return simulate_waveforms(
        rng,
        n_waveforms,
        n_samples,
        sampling_s=sampling_s,
        dark_rate_hz=values["dark_rate_hz"],
        amplitude=WAVEFORM_ADC_PER_GAIN * values["gain_adc"],
        crosstalk_probability=values["crosstalk_probability"],
        afterpulse_probability=values["afterpulse_probability"],
        light_pe=light_pe,
        light_time_s=light_time_s,
        decay_s=DECAY_S,
        rise_s=RISE_S,
        afterpulse_time_s=AFTERPULSE_TIMES_S,
        baseline=200.0,
    )


def channel_iv(
    rng: np.random.Generator,
    truth: ChannelTruth,
    bias_v: NDArray[np.float64],
    temperature_c: float,
    *,
    light_rate_hz: float = 0.0,
    compliance_a: float = float("inf"),
) -> tuple[NDArray[np.float64], IvTruth]:
    """Currents [A] (n,) of one channel at bias voltages (n,), negative ones forward."""
    return simulate_iv(
        rng,
        bias_v,
        breakdown_voltage_v=truth.breakdown_voltage_v,
        temperature_c=temperature_c,
        light_rate_hz=light_rate_hz,
        primary_rate_hz=1.8 * truth.dark_rate_scale,
        quenching_ohm=truth.quenching_ohm,
        crosstalk_per_v2=truth.crosstalk_scale,
        compliance_a=compliance_a,
    )


@dataclass(frozen=True)
class Point:
    """A measuring point of a simulated run."""

    number: int
    bias_v: float
    temperature_c: float
    light: float


Measure = Callable[[np.random.Generator, dict[str, float], Point, int], np.ndarray]
"""(random numbers, true values of a channel, point, events) -> charges (events,)."""


Record = Callable[
    [RunWriter, np.random.Generator, int, list[ChannelTruth], Point, Mapping[str, Any]], None
]
"""(writer, random numbers, slot, its channels, point, parameters)."""
RecordOnce = Callable[
    [RunWriter, np.random.Generator, Mapping[int, list[ChannelTruth]], Mapping[str, Any]], None
]


def run_simulation(
    stage: str,
    points: Callable[[Mapping[str, Any]], Iterator[Point]],
    measure: Measure | None,
    extra: Callable[[np.random.Generator], Mapping[str, Any]],
    record: Record | None = None,
    record_once: RecordOnce | None = None,
) -> None:
    """Body of a simulated test program: reads ``--config``, writes ``--output``.

    Beside the charges, if `measure` gives any, `record` may write more of a device at each point,
    and `record_once` what does not belong to a point, after all of them.

    TERM ends it at once through the default action: there is no hardware to leave safe, and the
    unfinished file keeps its ending ``.part``.
    """
    parser = argparse.ArgumentParser(description=f"simulated {stage} station")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    config = json.loads(options.config.read_text())
    parameters = config["parameters"]
    fault = parameters.get("simulate_fault", "none")
    all_points = list(points(parameters))
    rng = np.random.default_rng([config["run"], len(stage)])
    meta = {
        **{key: config[key] for key in ("run", "stage", "station", "operator", "slots")},
        **{key: config[key] for key in ("run_uuid", "operator_uuid") if key in config},
        "parameters": parameters,
        "program": f"mppcqa simulated {stage} 1",
        "started": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        **(PULSE_META if measure else {}),
        **extra(rng),
    }
    devices = {
        slot["slot"]: device_truth(slot["serial"], slot["channels"]) for slot in meta["slots"]
    }
    print(f"{len(devices)} devices, {len(all_points)} points", flush=True)
    total = len(all_points) * len(devices)
    if fault == "no_file":
        return
    contact_check(config, fault, parameters.get("seconds_a_point", 0.0))
    with RunWriter(options.output, meta) as writer:
        done = 0
        for point in all_points:
            print(f"@monitor temperature={point.temperature_c:.2f} degC", flush=True)
            print(f"@monitor bias={point.bias_v:.3f} V", flush=True)
            writer.point(
                point.number,
                bias_v=point.bias_v,
                temperature_c=point.temperature_c,
                light=point.light,
            )
            for slot, channels in devices.items():
                misbehave(fault, done, total, options.output)
                if measure is not None:
                    columns = [
                        measure(
                            rng,
                            truth.at(point.bias_v, point.temperature_c),
                            point,
                            parameters["events"],
                        )
                        for truth in channels
                    ]
                    writer.charges(point.number, slot, np.stack(columns, axis=1))
                    if columns:
                        print(spectrum_line(f"slot_{slot}", columns[0]), flush=True)
                if record is not None:
                    record(writer, rng, slot, channels, point, parameters)
                done += 1
                print(f"@progress {done}/{total} {point.bias_v:.2f} V slot {slot}", flush=True)
            time.sleep(parameters.get("seconds_a_point", 0.0))
        if record_once is not None:
            record_once(writer, rng, devices, parameters)
    write_truth(config, devices, all_points)


def misbehave(fault: str, done: int, total: int, output: Path) -> None:
    """Do what a simulated fault does, half way through a run."""
    if fault in ("none", *CONTACT_FAULTS) or done < total // 2:
        return
    if fault == "exit":
        print("the bias supply does not answer: check its cable and power", file=sys.stderr)
        raise SystemExit(1)
    if fault == "hang":
        print("waiting for the trigger", flush=True)
        time.sleep(100_000)
    if fault == "half_file":
        # A program that writes in place and claims success: what must never be believed.
        part = output.with_name(output.name + ".part")
        output.write_bytes(part.read_bytes()[: part.stat().st_size // 2])
        sys.stdout.flush()
        os._exit(0)


def write_truth(
    config: Mapping[str, Any], devices: Mapping[int, list[ChannelTruth]], points: list[Point]
) -> None:
    """Keep the truth outside the run file, where the analysis can't see it."""
    if not config.get("truth"):
        return
    serials = {slot["slot"]: slot["serial"] for slot in config["slots"]}
    rows = [
        {
            "serial": serials[slot],
            "channel": channel,
            "point": asdict(point),
            "values": truth.at(point.bias_v, point.temperature_c),
        }
        for slot, channels in devices.items()
        for channel, truth in enumerate(channels)
        for point in points
    ]
    Path(config["truth"]).write_text(json.dumps(rows))

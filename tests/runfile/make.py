"""A run file with everything in it, and what was put there."""

from pathlib import Path
from typing import Any

import numpy as np

from mppcqa.runfile import WHOLE_DEVICE, RunWriter

META: dict[str, Any] = {
    "run": 7,
    "stage": "stage2",
    "station": "s-1",
    "operator": "ana",
    "program": "test 1",
    "started": "2026-11-23T00:00:00Z",
    "gate_s": 1e-7,
    "decay_s": 1e-8,
    "slots": [
        {"slot": 1, "serial": "A-1", "channels": 4},
        {"slot": 3, "serial": "A-2", "channels": 4},
    ],
    "waveform": {"samples": 50, "sampling_s": 2e-9, "first_sample_s": -2e-8},
    "sensors": [
        {"sensor": 0, "name": "box temperature", "unit": "degC"},
        {"sensor": 5, "name": "bias supply", "unit": "V", "slot": 3},
    ],
    "instruments": [
        {
            "name": "reference diode",
            "model": "S1337",
            "serial": "77",
            "calibrated": "2026-01-02",
            "calibration": [
                {"quantity": "responsivity", "value": 0.2, "uncertainty": 0.004, "unit": "A/W"}
            ],
        }
    ],
}
POINTS, SLOTS = (0, 1, 4), (1, 3)


def charges(point: int, slot: int, events: int = 300, channels: int = 4) -> np.ndarray:
    """Charges (events, channels) of a cell."""
    rng = np.random.default_rng([point, slot])
    return rng.normal(slot, 1, (events, channels)).astype(np.float32)


def shapes(point: int, slot: int, channel: int, count: int = 7) -> np.ndarray:
    """Waveforms (count, 50) of a cell."""
    rng = np.random.default_rng([point, slot, channel])
    return rng.integers(-(2**15), 2**15, (count, 50), dtype=np.int16)


def curve(slot: int, channel: int) -> tuple[np.ndarray, np.ndarray]:
    """Voltages and currents of an IV curve."""
    volts = np.linspace(-1, 73, 25)
    return volts, 1e-9 * np.exp(volts / 10) + slot * 1e-9 + channel * 1e-10


def write_everything(path: Path, **options: Any) -> Path:
    """A run file with every tree."""
    with RunWriter(path, META, **options) as writer:
        for point in POINTS:
            writer.point(
                point,
                bias_v=70.0 + point,
                temperature_c=20.5,
                light=float(point > 0),
                bias_read_v=70.01 + point,
                temperature_set_c=20.0,
                time_s=60.0 * point,
            )
            for slot in SLOTS:
                times = point * 60 + np.arange(300) * 1e-3
                writer.charges(point, slot, charges(point, slot), time_s=times)
                for channel in (0, 2):
                    writer.waveforms(
                        point,
                        slot,
                        channel,
                        shapes(point, slot, channel),
                        scale_v=1e-4 * (point + 1),
                        offset_v=0.01,
                        event=np.arange(7) * 3,
                    )
            writer.monitor(0, 60.0 * point, 20.0 + point / 10)
            writer.monitor(5, [60.0 * point + 1, 60.0 * point + 2], [70.0, 70.1])
        for slot in SLOTS:
            for channel in (WHOLE_DEVICE, 0, 3):
                writer.iv(slot, channel, *curve(slot, channel), temperature_c=20.5, light=0.0)
    return path

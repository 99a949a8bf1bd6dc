"""From a run file to fits: what share of the time uproot alone needs to read the same charges."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import uproot

from benchmarks.analysis_spectra import EVENTS, TOY, best_of
from mppcqa.physics import PulseShape, simulate_charges
from mppcqa.runfile import RunFile, RunWriter
from mppcqa.stages.analysis import biases, fit_points

CHANNELS = 16
BIASES = 4


def measure() -> dict[str, Any]:
    """Time to read over time to read, histogram and fit; both from warm page cache."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.root"
        _write(path)
        reading = best_of(5, lambda: _read(path))
        analysing = best_of(5, lambda: _analyse(path))
        size = path.stat().st_size
    return {
        "read_fraction": reading / analysing,
        "read_mb_per_s": size / reading / 1e6,
        "file_spectra_per_second": CHANNELS * BIASES / analysing,
    }


def _write(path: Path) -> None:
    rng = np.random.default_rng(4)
    meta = {
        "run": 1,
        "stage": "pde",
        "station": "benchmark",
        "operator": "benchmark",
        "program": "benchmark",
        "started": "2026-01-01T00:00:00Z",
        "slots": [{"slot": 0, "serial": "A-1", "channels": CHANNELS}],
    }
    with RunWriter(path, meta) as writer:
        for number in range(2 * BIASES):
            light = float(number % 2)
            writer.point(number, bias_v=70.0 + number // 2, temperature_c=20.0, light=light)
            columns = [
                simulate_charges(rng, EVENTS, mean_light_pe=2.0 * light, **TOY)
                for _ in range(CHANNELS)
            ]
            writer.charges(number, 0, np.stack(columns, axis=1))


def _read(path: Path) -> None:
    with uproot.open(path) as file:
        file["charge"].arrays(["point", "slot", "charge"], library="np")


def _analyse(path: Path) -> None:
    with RunFile(path) as run:
        fits = fit_points(run, list(biases(run)), 0, PulseShape())
        assert not any(one.status.any() for one in fits)


if __name__ == "__main__":
    print(json.dumps(measure()))

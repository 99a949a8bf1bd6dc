"""From a run file to fits: what share of the time uproot alone needs to read the same charges."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import uproot

from benchmarks.analysis_spectra import EVENTS, TOY
from mppcqa.physics import PulseShape, histogram_pairs, simulate_charges
from mppcqa.runfile import RunFile, RunWriter
from mppcqa.stages.analysis import biases, fit_points

CHANNELS = 16
BIASES = 4
REPEATS = 9


def measure() -> dict[str, Any]:
    """Time to read over time to read, histogram and fit; both from warm page cache."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.root"
        _write(path)
        size = path.stat().st_size
        jobs: dict[str, Callable[[], Any]] = {
            "uproot": lambda: _read(path),
            "all": lambda: _analyse(path),
            "charges": lambda: _charges(path),
            "histograms": lambda: _histograms(path),
        }
        for job in jobs.values():
            job()
        times: dict[str, list[float]] = {name: [] for name in jobs}
        for _ in range(REPEATS):
            # Side by side, so that what else the machine does falls on all alike.
            for name, job in jobs.items():
                start = time.perf_counter()
                job()
                times[name].append(time.perf_counter() - start)
    typical = {name: float(np.median(found)) for name, found in times.items()}
    print({name: f"{1e3 * found:.1f} ms" for name, found in typical.items()})
    return {
        "read_fraction": typical["uproot"] / typical["all"],
        "read_fraction_best": min(times["uproot"]) / min(times["all"]),
        "read_fraction_without_fit": typical["uproot"] / typical["histograms"],
        "read_mb_per_s": size / typical["uproot"] / 1e6,
        "file_spectra_per_second": CHANNELS * BIASES / typical["all"],
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
            # In whole counts, as a digitizer gives them.
            writer.charges(number, 0, np.rint(np.stack(columns, axis=1)))


def _read(path: Path) -> None:
    with uproot.open(path) as file:
        file["charge"].arrays(["point", "slot", "charge"], library="np")


def _charges(path: Path) -> None:
    with RunFile(path) as run:
        for bias in biases(run):
            for point in (bias.light, bias.dark):
                assert point is not None
                run.charges(point, 0)


def _histograms(path: Path) -> None:
    with RunFile(path) as run:
        for bias in biases(run):
            assert bias.light is not None
            assert bias.dark is not None
            histogram_pairs(run.charges(bias.light, 0), run.charges(bias.dark, 0))


def _analyse(path: Path) -> None:
    with RunFile(path) as run:
        fits = fit_points(run, list(biases(run)), 0, PulseShape())
        assert not any(one.status.any() for one in fits)


if __name__ == "__main__":
    print(json.dumps(measure()))

"""Figures of waveforms and IV curves (`make bench BENCH=analysis_signals`).

Compares with what the independent simulator SimSiPM says really happened, with the breakdown
voltages that the authors of measured IV curves found, and the pulse finder's speed with that of
`np.sum` over the same array in the same run.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mppcqa.physics import (
    IvError,
    WaveformError,
    analyse_dark_waveforms,
    breakdown_from_iv,
    find_pulses,
)

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("MPPCQA_SHARED_DATA", ROOT.parent / "shared" / "data"))
REPEATS = 5
COPIES = 16
TEMPERATURES = {"n30C": -30, "n20C": -20, "n10C": -10, "zeroC": 0, "p10C": 10, "p20C": 20}
AUTHORS = ("relative_derivative", "second_derivative", "square_root")
"""Our names of the authors' three methods: like is compared with like."""


def measure() -> dict[str, float]:
    """All figures of this module by the names of the issue's table."""
    figures = {**waveform_figures(), **iv_figures(), **waveform_speed()}
    figures["failures"] = figures["waveform_failures"] + figures["iv_failures"]
    return figures


def waveform_figures() -> dict[str, float]:
    """Largest biases over the settings of `simsipm/dark_waveforms.npz`.

    True rate: dark counts that happened over the time that was recorded. True crosstalk: the
    probability of at least one child, 1 - exp(-m), with m the children an avalanche that happened.
    """
    rates, crosstalks, failures = [], [], 0
    for waveforms, row in _dark_waveforms():
        counts = row["true_counts"]
        sampling_s = row["sampling_ns"] * 1e-9
        live_s = row["waveforms"] * row["samples"] * sampling_s
        children = counts["nXt"] / (counts["nPhotoelectrons"] + counts["nAp"])
        try:
            found, _ = analyse_dark_waveforms(waveforms, sampling_s)
        except WaveformError as fault:
            print(f"setting {row['set']}: {fault}")
            failures += 1
            continue
        rates.append(abs(found.dark_rate_hz * live_s / counts["nDcr"] - 1))
        crosstalks.append(abs(found.crosstalk_probability + np.expm1(-children)))
        print(f"setting {row['set']}: rate off {rates[-1]:.4f}, crosstalk off {crosstalks[-1]:.4f}")
    return {
        "waveform_dark_rate_bias_max": max(rates),
        "waveform_crosstalk_bias_max": max(crosstalks),
        "waveform_failures": float(failures),
    }


def waveform_speed() -> dict[str, float]:
    """Samples a second of finder (template and calibration included) and whole analysis."""
    rows = list(_dark_waveforms())
    waveforms = np.concatenate([part for part, _ in rows] * COPIES)
    sampling_s = rows[0][1]["sampling_ns"] * 1e-9
    find_pulses(waveforms[:300], sampling_s)
    jobs: dict[str, Callable[[], Any]] = {
        "sum": lambda: np.sum(waveforms),
        "find": lambda: find_pulses(waveforms, sampling_s),
        "analyse": lambda: analyse_dark_waveforms(waveforms, sampling_s),
    }
    best = dict.fromkeys(jobs, float("inf"))
    for _ in range(REPEATS):
        # Side by side, so that what else the machine does falls on all alike.
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            best[name] = min(best[name], time.perf_counter() - start)
    print({name: f"{waveforms.size / t / 1e6:.0f} Msamples/s" for name, t in best.items()})
    return {
        "waveform_fraction_of_memory_bandwidth": best["sum"] / best["find"],
        "waveform_analysis_fraction_of_memory_bandwidth": best["sum"] / best["analyse"],
    }


def iv_figures() -> dict[str, float]:
    """Measured light curves: differences from the authors' values, and the temperature's line.

    The line's residual is the largest of the three methods'.
    """
    folder = DATA / "btl_iv"
    differences: list[float] = []
    points: dict[str, list[tuple[float, float]]] = {method: [] for method in AUTHORS}
    failures = 0
    for path in sorted([*folder.glob("*/light/*.csv"), *folder.glob("p10C/*Orange*.csv")]):
        bias, current = np.loadtxt(path, delimiter=",").T
        theirs = np.array(path.with_name(path.name + "_Fits.txt").read_text().split()[1::2], float)
        temperature = next(TEMPERATURES[part] for part in path.parts if part in TEMPERATURES)
        for method, value in zip(AUTHORS, theirs, strict=True):
            try:
                found = breakdown_from_iv(bias, current, method=method)
            except IvError as fault:
                print(f"{path.name} {method}: {fault}")
                failures += 1
                continue
            points[method].append((temperature, found.voltage_v))
            if np.isfinite(value):
                differences.append(abs(found.voltage_v - value))
    residuals = {}
    for method, rows in points.items():
        t, v = np.array(rows).T
        line = np.polyfit(t, v, 1)
        residuals[method] = float(np.sqrt(np.mean((v - np.polyval(line, t)) ** 2)))
        print(f"{method}: {1e3 * line[0]:.2f} mV/degC, residual {1e3 * residuals[method]:.1f} mV")
    return {
        "iv_median_difference_v": float(np.median(differences)),
        "iv_max_difference_v": float(np.max(differences)),
        "iv_temperature_rms_v": max(residuals.values()),
        "iv_failures": float(failures),
    }


def _dark_waveforms() -> list[tuple[np.ndarray, dict[str, Any]]]:
    adc = np.load(DATA / "simsipm" / "dark_waveforms.npz")["adc"]
    truth = json.loads((DATA / "simsipm" / "dark_waveforms_truth.json").read_text())
    return list(zip(adc, truth, strict=True))


if __name__ == "__main__":
    print(json.dumps(measure()))

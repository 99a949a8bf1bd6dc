"""The simple model elsewhere: iminuit with NumPy and SciPy, spefit in its own environment, and
RooFit with the model of JUNO-TAO's mass test.

All get the same spectra. The peers get starting values near the truth where they have none of
their own; ours finds its own in the time that is counted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from iminuit import Minuit
from scipy.special import gammaln, ndtr

from benchmarks.analysis_spectra import (
    TOY,
    best_of,
    simple_spectra,
    simsipm_spectra,
)
from mppcqa.home import home_folder
from mppcqa.physics import fit_spectra

HERE = Path(__file__).parent
PEAKS = np.arange(40)[:, None]
WIDTHS = ("gain", "pedestal_width", "pe_width")


def measure() -> dict[str, Any]:
    """Ratios of the peers' time a spectrum to ours, and the peers' failures."""
    counts, edges, mean = simple_spectra(200)
    ours = best_of(7, lambda: fit_spectra(counts, edges, model="simple")) / len(counts)
    figures: dict[str, Any] = {"ours_us": ours * 1e6}
    theirs = iminuit_time(counts[:6], edges[:6], mean[:6])
    figures |= {"ratio_iminuit": theirs / ours, "iminuit_ms": theirs * 1e3}
    try:
        figures |= spefit_figures(counts[:40], edges[:40], ours)
    except (OSError, subprocess.SubprocessError) as error:
        print(
            f"spefit could not be measured: {error}. It needs numpy<2, so it gets an environment "
            f"of its own from {HERE / 'peers.txt'}, which a package index must be there for."
        )
        figures |= {"ratio_spefit": None, "failures_spefit": None}
    try:
        figures |= roofit_figures(counts[:12], edges[:12], mean[:12], ours)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"RooFit could not be measured: {error}. It comes with the package root.")
        figures |= {"ratio_roofit": None, "failures_roofit": None}
    return figures


def roofit_figures(
    counts: np.ndarray, edges: np.ndarray, mean: np.ndarray, ours: float
) -> dict[str, Any]:
    """Time, failures and biases of RooFit, which starts near the truth as iminuit does."""
    lit, _, edge, rows, gain, _ = simsipm_spectra()
    light = np.array([row["mean_photoelectrons"] for row in rows])
    near = np.array([TOY["pedestal"] + 0.5, *(1.03 * TOY[name] for name in WIDTHS)])
    starts = np.column_stack([np.tile(near, (len(mean), 1)), 1.03 * mean, np.full(len(mean), 0.1)])
    # Of the independent simulator the widths are not known: some hundredths of its gain.
    guess = np.array([0.0, gain, 0.04 * gain, 0.05 * gain])
    others = np.column_stack([np.tile(guess, (len(lit), 1)), light, np.full(len(lit), 0.1)])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spectra.npz"
        np.savez(
            path,
            counts=counts,
            edges=edges,
            starts=starts,
            simsipm=lit,
            simsipm_edges=edge,
            simsipm_starts=others,
        )
        found = _last_line([sys.executable, HERE / "peer_roofit.py", path])
    crosstalk = np.array([row["crosstalk_probability"] for row in rows])

    def largest(name: str, truth: Any) -> float:
        return float(np.abs(np.array([one[name] for one in found["simsipm"]]) / truth - 1).max())

    children = np.array([one["lam"] for one in found["simsipm"]])
    return {
        "ratio_roofit": found["seconds"] / ours,
        "roofit_ms": found["seconds"] * 1e3,
        "roofit_toys_failed": found["failed"],
        "failures_roofit": found["simsipm_failed"],
        "roofit_simsipm_gain_bias_max": largest("gain", gain),
        "roofit_simsipm_mean_bias_max": largest("mu", light),
        "roofit_simsipm_crosstalk_bias_max": float(np.abs(1 - np.exp(-children) - crosstalk).max()),
    }


def _last_line(command: list[Any]) -> dict[str, Any]:
    """What a program's last line says, one JSON object."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise subprocess.SubprocessError((done.stderr.strip().splitlines() or ["no word"])[-1])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _cost(edge: np.ndarray, count: np.ndarray) -> Callable[..., float]:
    """Twice the negative log-likelihood of a spectrum, in NumPy and SciPy."""
    used = count > 0
    k = PEAKS

    def cost(q0, gain, s0, s1, light, lam):
        rate = light + k * lam
        log_weight = np.log(light) + (k - 1) * np.log(rate) - rate - gammaln(k + 1)
        sigma = np.sqrt(s0**2 + k * s1**2)
        p = (np.exp(log_weight) * np.diff(ndtr((edge - q0 - k * gain) / sigma), axis=1)).sum(0)
        return -2 * (count[used] * np.log(np.maximum(p[used], 1e-12))).sum()

    return cost


def iminuit_time(counts: np.ndarray, edges: np.ndarray, mean: np.ndarray) -> float:
    """Seconds a spectrum of Migrad and Hesse, from starting values 3 % beside the truth."""
    start = time.perf_counter()
    for count, edge, mu in zip(counts, edges, mean, strict=True):
        minuit = Minuit(
            _cost(edge, count),
            q0=TOY["pedestal"] + 0.5,
            gain=1.03 * TOY["gain"],
            s0=1.03 * TOY["pedestal_width"],
            s1=1.03 * TOY["pe_width"],
            light=1.03 * mu,
            lam=0.1,
        )
        minuit.limits["s0", "s1", "light"] = (1e-3, None)
        minuit.limits["lam"] = (0, 0.9)
        minuit.migrad()
        minuit.hesse()
    return (time.perf_counter() - start) / len(counts)


def spefit_figures(counts: np.ndarray, edges: np.ndarray, ours: float) -> dict[str, Any]:
    """Time and failures of spefit on the same spectra, in photoelectrons as it likes them."""
    python = _environment()
    scaled = (edges - TOY["pedestal"]) / TOY["gain"]
    lit, _, edge, _, gain, _ = simsipm_spectra()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spectra.npz"
        np.savez(path, counts=counts, edges=scaled, simsipm=lit, simsipm_edges=edge / gain)
        found = _last_line([python, HERE / "peer_spefit.py", path])
    return {
        "ratio_spefit": found["seconds"] / ours,
        "spefit_ms": found["seconds"] * 1e3,
        "spefit_toys_failed": found["failed"],
        "failures_spefit": found["simsipm_failed"],
        "spefit_simsipm_gain_bias_max": found["simsipm_gain_bias_max"],
    }


def _environment() -> Path:
    """Python of an environment with the peers, made on first use."""
    folder = Path(os.environ.get("MPPCQA_PEERS", home_folder() / "peers"))
    python = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        print(f"making an environment for spefit in {folder}", flush=True)
        venv.create(folder, with_pip=True)
        done = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "-r", HERE / "peers.txt"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise subprocess.SubprocessError(
                (done.stderr.strip().splitlines() or ["pip failed"])[-1]
            )
        (folder / ".ready").touch()
    return python


if __name__ == "__main__":
    print(json.dumps(measure()))

"""From a run file to responses and the pixels that answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mppcqa.runfile import RunFile, RunFileError
from mppcqa.stages import AnalysisResult, Condition, Problem, Result

LEAST_POINTS = 4
FIRST_PIXELS = 3000.0


def analyse(path: Path, settings: Mapping[str, Any]) -> AnalysisResult:
    """Response at each point, and the pixels of each channel at each wavelength."""
    del settings
    done = AnalysisResult(results=[])
    with RunFile(path) as run:
        gain = _gain(run)
        if not gain:
            raise RunFileError(f"{path.name}: parameters must give gain_adc, the charge of 1 p.e.")
        points = {number: Condition(at) for number, at in run.points().items()}
        for slot in run.slots:
            curves: dict[Condition, list[tuple[float, np.ndarray, np.ndarray]]] = defaultdict(list)
            for number, at in points.items():
                charges = run.charges(number, slot["slot"])
                if len(charges) > 1:
                    mean = charges.mean(axis=0, dtype=float)
                    error = charges.std(axis=0, ddof=1, dtype=float) / len(charges) ** 0.5
                    curves[at.without("light")].append((at.get("light", 0.0), mean, error))
            for at, rows in curves.items():
                _of_curve(done, slot["slot"], at, sorted(rows, key=lambda row: row[0]), gain)
    return done


def _gain(run: RunFile) -> float | None:
    """Charge of a photoelectron: from the program's parameters, or an imported file's header."""
    said = run.meta.get("parameters", {}).get("gain_adc")
    for facts in run.meta.get("imported", {}).get("facts", []):
        said = said or facts.get("gain_adc")
    return float(said) if said else None


def _of_curve(done: AnalysisResult, slot: int, at: Condition, rows: list[Any], gain: float) -> None:
    """Values of a device's channels along the light, at one wavelength."""
    # Not when the stage is declared: every process does that, and few of them fit.
    from scipy.optimize import curve_fit

    light = np.array([row[0] for row in rows])
    mean, error = (np.array([row[i] for row in rows]) for i in (1, 2))
    if light[0] != 0 or len(light) < LEAST_POINTS:
        what = f"no response: {LEAST_POINTS} light settings are needed, one of them 0"
        done.problems.append(Problem(slot=slot, channel=None, what=what, condition=at))
        return
    lit = light[1:]
    response = (mean[1:] - mean[0]) / gain
    # The pedestal's mean is common to a channel's points.
    sigma = np.hypot(error[1:], error[0]) / gain
    for channel in range(response.shape[1]):
        done.results.extend(
            Result(
                slot=slot,
                channel=channel,
                quantity="response_pe",
                value=max(float(response[i, channel]), 0.0),
                uncertainty=float(sigma[i, channel]),
                condition=at.but(light=float(lit[i])),
                method="mean charge less pedestal",
            )
            for i in range(len(lit))
        )
        first = (FIRST_PIXELS, max(response[0, channel] / lit[0], 1e-6))
        try:
            found, covariance = curve_fit(
                _saturation,
                lit,
                response[:, channel],
                first,
                sigma[:, channel],
                absolute_sigma=True,
                bounds=(0, np.inf),
            )
        except RuntimeError as fault:
            what = f"no number of pixels: {fault}"
            done.problems.append(Problem(slot=slot, channel=channel, what=what, condition=at))
            continue
        done.results.append(
            Result(
                slot=slot,
                channel=channel,
                quantity="pixels_answering",
                value=float(found[0]),
                uncertainty=float(covariance[0, 0] ** 0.5),
                condition=at,
                method="saturation curve",
            )
        )


def _saturation(light: Any, pixels: float, efficiency: float) -> Any:
    """Pixels that fire of `pixels` at a light; Stoykov et al., JINST 2 (2007) P06005."""
    return pixels * (1 - np.exp(-light * efficiency / pixels))

"""From a run file of the PDE stage to values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mppcqa.physics import SpectrumFits, detection_efficiency
from mppcqa.runfile import RunFile, RunFileError
from mppcqa.stages.analysis import Bias, Values, analyse_spectra, biases
from mppcqa.stages.protocol import AnalysisResult


def analyse(path: Path, settings: Mapping[str, Any]) -> AnalysisResult:
    """PDE, gain, crosstalk and light at each bias; breakdown voltage from the gains.

    The uncertainty of PDE holds the reference detector's calibration, which moves all channels
    and devices that were measured with it together.
    """
    del settings
    with RunFile(path) as run:
        photons, photons_error = _reference(run)
        points = [bias for bias in biases(run) if None not in (bias.light, bias.dark)]
        if not points:
            raise RunFileError(f"{path.name}: no bias was measured both with light and in the dark")

        def values_of(fits: SpectrumFits, bias: Bias) -> Values:
            light, light_error = fits.get("mean_light_pe")
            setting = bias.light_setting
            pde, pde_error, _ = detection_efficiency(
                light, light_error, photons * setting, photons_error * setting
            )
            return {"pde": (pde, pde_error), "mean_light_pe": (light, light_error)}

        return analyse_spectra(run, points, values_of, "joint fit of light and dark spectrum")


def _reference(run: RunFile) -> tuple[float, float]:
    """Photons a pulse and channel at light setting 1, with their standard uncertainty."""
    given = run.meta.get("reference", {})
    try:
        factor = float(given["position_factor"])
        return (
            float(given["photons_per_pulse"]) * factor,
            float(given["photons_per_pulse_uncertainty"]) * factor,
        )
    except (KeyError, TypeError, ValueError):
        raise RunFileError(
            f"{run.path.name}: meta/reference must give photons_per_pulse, its uncertainty "
            "(photons_per_pulse_uncertainty) and position_factor; without them there is no PDE"
        ) from None

"""From a run file of the PDE stage to values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mppcqa import physics
from mppcqa.runfile import RunFile, RunFileError
from mppcqa.stages.analysis import (
    Bias,
    Values,
    analyse_spectra,
    biases,
    calibration_of,
    reference_photons,
)
from mppcqa.stages.common import (
    BREAKDOWN,
    CROSSTALK,
    FIT_MISFIT,
    GAIN,
    GAIN_SPREAD,
    MEAN_LIGHT,
    PDE,
)
from mppcqa.stages.protocol import AnalysisResult

QUANTITIES = (PDE, GAIN, CROSSTALK, MEAN_LIGHT, BREAKDOWN, GAIN_SPREAD, FIT_MISFIT)


def analyse(path: Path, settings: Mapping[str, Any]) -> AnalysisResult:
    """PDE, gain, crosstalk and light at each bias; breakdown voltage from the gains.

    The systematic uncertainty of PDE is the reference detector's calibration, which moves all
    channels and devices that were measured with it together.
    """
    del settings
    with RunFile(path) as run:
        reference = reference_photons(run)
        if reference is None:
            raise RunFileError(
                f"{path.name}: meta/reference must give photons_per_pulse, its uncertainty "
                "(photons_per_pulse_uncertainty) and position_factor; without them there is no PDE"
            )
        points = [bias for bias in biases(run) if None not in (bias.light, bias.dark)]
        if not points:
            raise RunFileError(f"{path.name}: no bias was measured both with light and in the dark")

        def values_of(fits: physics.SpectrumFits, bias: Bias) -> Values:
            light, light_error, own = fits.parts("mean_light_pe")
            photons, photons_error = (part * bias.light_setting for part in reference)
            pde, _, common = physics.detection_efficiency(
                light, light_error, photons, photons_error
            )
            return {
                "pde": (pde, light_error / photons, np.hypot(common, own / photons)),
                "mean_light_pe": (light, light_error, own),
            }

        found = analyse_spectra(run, points, values_of, "joint fit of light and dark spectrum")
        return replace(found, shared=calibration_of(reference))

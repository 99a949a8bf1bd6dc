"""From a run file of the PDE stage to values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from mppcqa import physics
from mppcqa.runfile import RunFile, RunFileError
from mppcqa.stages.analysis import (
    Bias,
    Values,
    analyse_spectra,
    biases,
    pulse_of,
)
from mppcqa.stages.calibrations import Calibrated
from mppcqa.stages.common import (
    BREAKDOWN,
    CROSSTALK,
    FIT_MISFIT,
    GAIN,
    GAIN_SPREAD,
    MEAN_LIGHT,
    PDE,
)
from mppcqa.stages.fitting import SpectraOf, fitting_of
from mppcqa.stages.photons import Counted, pde_of, reference_of
from mppcqa.stages.protocol import AnalysisResult

QUANTITIES = (PDE, GAIN, CROSSTALK, MEAN_LIGHT, BREAKDOWN, GAIN_SPREAD, FIT_MISFIT)


def analyse(
    path: Path, settings: Mapping[str, Any], calibrations: Sequence[Calibrated] = ()
) -> AnalysisResult:
    """PDE, gain, crosstalk and light at each bias; breakdown voltage from the gains.

    `settings` choose the points and how spectra are fitted (`mppcqa.stages.fitting`);
    `calibrations` are those of the run's instruments, see `mppcqa.stages.photons`.

    The systematic uncertainty of PDE is that of the photons, which moves all channels and devices
    that were measured with the same reference together. Where they are not known, it is withheld.
    """
    with RunFile(path) as run:
        reference = reference_of(run, calibrations)
        if reference is None:
            raise RunFileError(
                f"{path.name}: meta/reference must give photons_per_pulse, its uncertainty "
                "(photons_per_pulse_uncertainty) and position_factor, or current_a and "
                "current_uncertainty_a of a photodiode; without them there is no PDE"
            )
        chosen = biases(run, settings["bias_from_v"], settings["bias_to_v"])
        points = [bias for bias in chosen if None not in (bias.light, bias.dark)]
        if not points:
            raise RunFileError(f"{path.name}: no bias was measured both with light and in the dark")
        found = analyse_spectra(
            run,
            points,
            partial(values_of, reference),
            "joint fit of light and dark spectrum",
            fitting_of(settings),
        )
        problems = found.problems + reference.problems
        return replace(found, problems=problems, shared=reference.shared)


def values_of(reference: Counted, fits: physics.SpectrumFits, bias: Bias, slot: int) -> Values:
    """PDE and light of fits at a point; no PDE where the photons are not known."""
    return {
        "mean_light_pe": fits.parts("mean_light_pe"),
        **pde_of(reference, fits, bias, slot),
    }


def spectra(run: RunFile, slot: int) -> SpectraOf:
    """How spectra of a run are read, of whichever device."""
    reference = reference_of(run)
    if reference is None:
        return SpectraOf(pulse=pulse_of(run))
    return SpectraOf(pulse=pulse_of(run), values=partial(values_of, reference, slot=slot))

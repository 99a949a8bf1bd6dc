"""From a run file of the Dark Box stage to values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from mppcqa import physics
from mppcqa.runfile import RunFile
from mppcqa.stages.analysis import Bias, Values, analyse_spectra, biases, pulse_of
from mppcqa.stages.common import BREAKDOWN, CROSSTALK, DARK_RATE, FIT_MISFIT, GAIN, GAIN_SPREAD
from mppcqa.stages.fits import dark_rate_of
from mppcqa.stages.fitting import SpectraOf, fitting_of
from mppcqa.stages.protocol import AnalysisResult

QUANTITIES = (DARK_RATE, GAIN, CROSSTALK, BREAKDOWN, GAIN_SPREAD, FIT_MISFIT)


def analyse(path: Path, settings: Mapping[str, Any]) -> AnalysisResult:
    """Dark rate, gain and crosstalk at each bias; breakdown voltage from the gains.

    `settings` choose the points and how spectra are fitted (`mppcqa.stages.fitting`).
    """
    with RunFile(path) as run:
        chosen = biases(run, settings["bias_from_v"], settings["bias_to_v"])
        dark = [bias for bias in chosen if bias.light is None]
        values = partial(values_of, run.meta["gate_s"])
        return analyse_spectra(run, dark, values, "fit of the dark spectrum", fitting_of(settings))


def values_of(
    gate_s: float, fits: physics.SpectrumFits, bias: Bias, slot: int | None = None
) -> Values:
    """Dark rate of fits at a point."""
    del bias, slot
    return {"dark_rate_hz": dark_rate_of(fits, gate_s)}


def spectra(run: RunFile, slot: int) -> SpectraOf:
    """How spectra of a run are read, of whichever device."""
    del slot
    return SpectraOf(pulse=pulse_of(run), values=partial(values_of, run.meta["gate_s"]))

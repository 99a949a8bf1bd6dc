"""From a run file of the Dark Box stage to values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mppcqa import physics
from mppcqa.runfile import RunFile
from mppcqa.stages.analysis import Bias, Values, analyse_spectra, biases
from mppcqa.stages.common import BREAKDOWN, CROSSTALK, DARK_RATE, FIT_MISFIT, GAIN, GAIN_SPREAD
from mppcqa.stages.fits import dark_rate_of
from mppcqa.stages.protocol import AnalysisResult

QUANTITIES = (DARK_RATE, GAIN, CROSSTALK, BREAKDOWN, GAIN_SPREAD, FIT_MISFIT)


def analyse(path: Path, settings: Mapping[str, Any]) -> AnalysisResult:
    """Dark rate, gain and crosstalk at each bias; breakdown voltage from the gains."""
    del settings
    with RunFile(path) as run:
        gate_s = run.meta["gate_s"]

        def values_of(fits: physics.SpectrumFits, bias: Bias) -> Values:
            del bias
            return {"dark_rate_hz": dark_rate_of(fits, gate_s)}

        dark = [bias for bias in biases(run) if bias.light is None]
        return analyse_spectra(run, dark, values_of, "fit of the dark spectrum")

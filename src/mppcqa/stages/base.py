"""What most stages share: declarations as fields, parameters checked, a program of their own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mppcqa.stages.axes import SHARED_AXES, SUMMED_AXES, Axis
from mppcqa.stages.calibrations import Calibrated
from mppcqa.stages.conditions import ANYWHERE, Condition
from mppcqa.stages.fitting import fitting_of
from mppcqa.stages.foreign import ForeignKind
from mppcqa.stages.parameters import clean_parameters
from mppcqa.stages.protocol import (
    AnalysisResult,
    Chart,
    Demonstration,
    LimitDefault,
    Parameter,
    Quantity,
)
from mppcqa.stages.surveys import Survey

if TYPE_CHECKING:
    from mppcqa.stages.checklist import Step
    from mppcqa.stages.fitting import ReadSpectra

AS_IT_IS = Demonstration()
Analyse = Callable[[Path, Mapping[str, Any]], AnalysisResult]
AnalyseCalibrated = Callable[[Path, Mapping[str, Any], Sequence[Calibrated]], AnalysisResult]


@dataclass(frozen=True, kw_only=True)
class DeclaredStage:
    """A stage made of its declarations; see `mppcqa.stages.protocol.Stage` for their meaning."""

    key: str
    title: str
    description: str
    version: str
    parameters: tuple[Parameter, ...]
    settings: tuple[Parameter, ...] = ()
    axes: tuple[Axis, ...] = (*SHARED_AXES, *SUMMED_AXES)
    typical: Condition = ANYWHERE
    quantities: tuple[Quantity, ...]
    charts: tuple[Chart, ...]
    limits: tuple[LimitDefault, ...]
    program_module: str
    """Module that is the simulated test program; empty where the stage has none."""
    demonstration: Demonstration = AS_IT_IS
    survey: Survey | None = None
    foreign: tuple[ForeignKind, ...] = ()
    checklist: tuple[Step, ...] = ()
    analysis: Analyse | None = None
    """From a run file and all settings, checked, to values."""
    calibrated_analysis: AnalyseCalibrated | None = None
    """In place of it, of a stage that takes the calibrations of the run's instruments as well."""
    spectra: ReadSpectra | None = None
    """How its charge spectra are read, so that one can be fitted on its page with other settings of
    `mppcqa.stages.fitting`; None where it has none, or no such settings."""

    def program(self) -> list[str]:
        return [sys.executable, "-m", self.program_module] if self.program_module else []

    def clean(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return clean_parameters(self.parameters, parameters)

    def clean_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        values = clean_parameters(self.settings, settings)
        fitting_of(values)
        return values

    def analyse(
        self,
        run_file: Path,
        settings: Mapping[str, Any],
        calibrations: Sequence[Calibrated] = (),
    ) -> AnalysisResult:
        cleaned = self.clean_settings(settings)
        if self.calibrated_analysis is not None:
            return self.calibrated_analysis(run_file, cleaned, calibrations)
        if self.analysis is None:
            raise TypeError(f"the stage {self.key} declares no analysis")
        return self.analysis(run_file, cleaned)

"""What most stages share: declarations as fields, parameters checked, a program of their own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mppcqa.stages.axes import SHARED_AXES, SUMMED_AXES, Axis
from mppcqa.stages.conditions import ANYWHERE, Condition
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

AS_IT_IS = Demonstration()
Analyse = Callable[[Path, Mapping[str, Any]], AnalysisResult]


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
    analysis: Analyse
    """From a run file and all settings, checked, to values."""

    def program(self) -> list[str]:
        return [sys.executable, "-m", self.program_module] if self.program_module else []

    def clean(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return clean_parameters(self.parameters, parameters)

    def clean_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        return clean_parameters(self.settings, settings)

    def analyse(self, run_file: Path, settings: Mapping[str, Any]) -> AnalysisResult:
        return self.analysis(run_file, self.clean_settings(settings))

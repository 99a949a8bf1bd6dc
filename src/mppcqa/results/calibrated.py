"""Analyses with the calibrations of the instruments that a run had."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mppcqa.runs.calibrating import calibrated_at

if TYPE_CHECKING:
    from mppcqa.runs.models import Run
    from mppcqa.stages import Stage
    from mppcqa.stages.base import DeclaredStage
    from mppcqa.stages.protocol import AnalysisResult


def analysed(stage: Stage, run: Run, path: Path, settings: Mapping[str, Any]) -> AnalysisResult:
    """What a stage finds in a run's file; one that takes calibrations gets those of that day."""
    if getattr(stage, "calibrated_analysis", None) is None:
        return stage.analyse(path, settings)
    takes = cast("DeclaredStage", stage)
    return takes.analyse(path, settings, calibrated_at(run))

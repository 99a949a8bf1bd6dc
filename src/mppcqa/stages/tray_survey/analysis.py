"""The values of a tray survey come in as numbers; there is no run file to analyse."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mppcqa.runfile import RunFileError
from mppcqa.stages.protocol import AnalysisResult


def analyse(path: Path, settings: Mapping[str, Any]) -> AnalysisResult:
    """Always refuses: surveys are imported with `read_folder`."""
    del settings
    raise RunFileError(
        f"{path.name}: the tray survey has no run files; take its text files in with "
        "`mppcqa import lfhcal FOLDER`"
    )

"""Whether the axes of a run file are in the units that stages declare: nothing is converted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mppcqa.runfile import RunFile, RunFileError
from mppcqa.stages.axes import SUMMED_AXES, Axis
from mppcqa.stages.protocol import Stage
from mppcqa.stages.registry import all_axes, axes_of
from mppcqa.tables.units import conversion


def axis_faults(meta: Mapping[str, Any], stage: Stage | None = None) -> list[str]:
    """Each axis of ``meta["axes"]`` whose unit is another than the one it is declared with.

    Axes are those of the stages that are installed, and of `stage` where it is not. A file that
    says no unit of an axis is taken at its key.
    """
    known: dict[str, Axis] = {axis.key: axis for axis in SUMMED_AXES} | all_axes()
    if stage is not None:
        known |= axes_of([stage])
    rows = meta.get("axes")
    found = []
    for row in rows if isinstance(rows, list) else ():
        axis = known.get(row.get("key", "")) if isinstance(row, Mapping) else None
        if axis is None:
            continue
        given = str(row.get("unit", "")).strip()
        if given and not _same(given, axis.unit):
            due = axis.unit or "no unit"
            found.append(
                f"meta/axes: {axis.key} is in {given} here, and declared in {due}: write its "
                f"values in {due}"
            )
    return found


def file_axis_faults(path: Path, stage: Stage | None = None) -> list[str]:
    """The same of a file; nothing of one that can't be read."""
    try:
        with RunFile(path) as opened:
            return axis_faults(opened.meta, stage)
    except RunFileError:
        return []


def _same(given: str, declared: str) -> bool:
    """Whether two units are one, written in two ways (degC)."""
    if given == declared:
        return True
    found = conversion(given, declared) if declared else None
    return found is not None and not found.changes

"""The stages that are installed: ours, and those that other packages bring.

A package whose stage can't be used is switched off and named; everything else goes on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from mppcqa.plugins import Broken, broken, gather
from mppcqa.stages.axes import SHARED_AXES, Axis
from mppcqa.stages.protocol import Stage
from mppcqa.stages.validation import stage_faults

GROUP = "mppcqa.stages"


class UnknownStage(KeyError, ValueError):
    """There is no such stage here; the message says which there are, and why it is not."""

    def __str__(self) -> str:
        return str(self.args[0])


BrokenStage = Broken
"""A stage of another package that was switched off."""


@dataclass(frozen=True)
class _Found:
    stages: dict[str, Stage]
    broken: list[BrokenStage]


def own_stages() -> tuple[Stage, ...]:
    """The stages of mppcqa itself, in the order in which a device usually passes them."""
    from mppcqa.stages.darkbox import STAGE as DARKBOX
    from mppcqa.stages.inspection import STAGE as INSPECTION
    from mppcqa.stages.iv import STAGE as IV
    from mppcqa.stages.pde import STAGE as PDE
    from mppcqa.stages.stage2 import STAGE as STAGE2
    from mppcqa.stages.tray_survey import STAGE as TRAY_SURVEY

    # Pages open with the first: what has most to show.
    return PDE, DARKBOX, STAGE2, IV, TRAY_SURVEY, INSPECTION


@cache
def _found() -> _Found:
    stages = {stage.key: stage for stage in own_stages()}

    def faults_of(stage: Any) -> list[str]:
        faults = stage_faults(stage)
        if not faults and stage.key not in stages:
            faults = _axis_faults(stage, stages.values())
            if not faults:
                stages[stage.key] = stage
        return faults

    gather(GROUP, faults_of, list(stages))
    return _Found(stages, [one for one in broken() if one.group == GROUP])


def all_stages() -> list[Stage]:
    """Every stage, in the order in which a device usually passes them."""
    return list(_found().stages.values())


def broken_stages() -> list[BrokenStage]:
    """Stages of other packages that are switched off, with what is wrong with them."""
    return list(_found().broken)


def get_stage(key: str) -> Stage:
    """The stage of that key; `UnknownStage` names those that there are."""
    found = _found()
    try:
        return found.stages[key]
    except KeyError:
        pass
    for one in found.broken:
        if key in (one.key, one.name):
            raise UnknownStage(str(one))
    raise UnknownStage(f"there is no stage {key!r}; there are {', '.join(found.stages)}")


@cache
def all_axes() -> dict[str, Axis]:
    """Every axis by its key: those that stages share, then those that a stage brings."""
    return axes_of(all_stages())


def axes_of(stages: Iterable[Stage]) -> dict[str, Axis]:
    """The shared axes and those of some stages, by key."""
    found = {axis.key: axis for axis in SHARED_AXES}
    for stage in stages:
        for axis in stage.axes:
            found.setdefault(axis.key, axis)
    return found


def _axis_faults(stage: Stage, others: Iterable[Stage]) -> list[str]:
    """Axes that have another unit elsewhere: values of both would be taken for the same."""
    there = axes_of(others)
    return [
        f"the axis {axis.key!r} has the unit {axis.unit!r} here and {there[axis.key].unit!r} "
        "elsewhere; give it another key"
        for axis in stage.axes
        if axis.key in there and there[axis.key].unit != axis.unit
    ]


def get_axis(key: str) -> Axis:
    """The axis of that key; one without unit where no stage that is installed declares it."""
    return all_axes().get(key) or Axis(key=key, title=key)

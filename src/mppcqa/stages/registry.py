"""The stages that are installed: ours, and those that other packages bring.

A package whose stage can't be used is switched off and named; everything else goes on.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from mppcqa.stages.axes import SHARED_AXES, Axis
from mppcqa.stages.protocol import Stage
from mppcqa.stages.validation import stage_faults

GROUP = "mppcqa.stages"
logger = logging.getLogger(__name__)


class UnknownStage(KeyError, ValueError):
    """There is no such stage here; the message says which there are, and why it is not."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class BrokenStage:
    """A stage of another package that was switched off."""

    name: str
    """Name of its entry point."""
    value: str
    """Module and object that it names."""
    package: str
    """Package that brings it, with its version."""
    key: str
    """The stage's key as far as it is known."""
    faults: tuple[str, ...]
    details: str = ""
    """Traceback, for whoever wrote it."""

    def __str__(self) -> str:
        faults = "; ".join(self.faults)
        return f"the stage {self.name} ({self.value} of {self.package}) is switched off: {faults}"


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
    found = _Found({stage.key: stage for stage in own_stages()}, [])
    for entry in entry_points(group=GROUP):
        _take_in(entry, found)
    for broken in found.broken:
        logger.error("%s", broken)
    return found


def _take_in(entry: EntryPoint, found: _Found) -> None:
    """A stage of another package, whatever that does when it is loaded or looked at."""
    key = entry.name
    try:
        stage = entry.load()
        key = str(getattr(stage, "key", entry.name))
        faults = stage_faults(stage)
        if not faults and stage.key in found.stages:
            faults = [f"there is a stage called {stage.key!r} already"]
        faults = faults or _axis_faults(stage, found.stages.values())
    except (Exception, SystemExit) as error:
        said = f"{type(error).__name__}: {error}"
        found.broken.append(_broken(entry, key, (said,), traceback.format_exc()))
        return
    if faults:
        found.broken.append(_broken(entry, key, tuple(faults)))
    else:
        found.stages[stage.key] = stage


def _broken(entry: EntryPoint, key: str, faults: tuple[str, ...], details: str = "") -> BrokenStage:
    package = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown package"
    return BrokenStage(entry.name, entry.value, package, key, faults, details)


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
    for broken in found.broken:
        if key in (broken.key, broken.name):
            raise UnknownStage(str(broken))
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


def message_folders() -> list[Path]:
    """Folders ``locale`` of the packages that bring stages; none of them is imported for it."""
    packages = {entry.module.partition(".")[0] for entry in entry_points(group=GROUP)}
    specs = [spec for name in sorted(packages) if (spec := find_spec(name)) is not None]
    places = [Path(place) for spec in specs for place in spec.submodule_search_locations or ()]
    return [place / "locale" for place in places if (place / "locale").is_dir()]

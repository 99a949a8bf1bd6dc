"""The stages that are installed: ours, and those that other packages bring."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from mppcqa.stages.protocol import Stage

GROUP = "mppcqa.stages"


@cache
def _stages() -> dict[str, Stage]:
    from mppcqa.stages.darkbox import STAGE as DARKBOX
    from mppcqa.stages.iv import STAGE as IV
    from mppcqa.stages.pde import STAGE as PDE
    from mppcqa.stages.stage2 import STAGE as STAGE2
    from mppcqa.stages.tray_survey import STAGE as TRAY_SURVEY

    stages = (PDE, DARKBOX, STAGE2, IV, TRAY_SURVEY)
    found: dict[str, Stage] = {stage.key: stage for stage in stages}
    for entry in entry_points(group=GROUP):
        stage = entry.load()
        if not isinstance(stage, Stage):
            raise TypeError(f"{entry.value} (entry point {entry.name}) is no stage")
        if stage.key in found:
            raise ValueError(f"{entry.value}: there is a stage called {stage.key!r} already")
        found[stage.key] = stage
    return found


def all_stages() -> list[Stage]:
    """Every stage, in the order in which a device usually passes them."""
    return list(_stages().values())


def get_stage(key: str) -> Stage:
    """The stage of that key; `KeyError` names those that there are."""
    try:
        return _stages()[key]
    except KeyError:
        raise KeyError(f"there is no stage {key!r}; there are {', '.join(_stages())}") from None

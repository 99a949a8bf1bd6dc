"""The stage that a task works for."""

from __future__ import annotations

from mppcqa.queue.errors import TaskError
from mppcqa.stages import Stage, UnknownStage, get_stage


def task_stage(key: str) -> Stage:
    """The stage; `TaskError` says why it is not to be had, without a traceback in its way."""
    try:
        return get_stage(key)
    except UnknownStage as error:
        raise TaskError(str(error)) from None

"""What can be run: routines by name. A task whose name is not here is refused."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Function = Callable[..., "dict[str, Any] | None"]


@dataclass(frozen=True)
class Routine:
    """A function that runs as a task, and how the queue treats it."""

    name: str
    function: Function
    title: Any
    repeatable: bool
    """True if running it again after a lost attempt does no harm (analysis, report)."""
    hard_limit_s: float
    max_attempts: int
    retry_on: tuple[type[Exception], ...]
    soft_limit_s: float | None
    """After this long the asker is told with a message; the task goes on."""
    schedule: float | str | None
    """Seconds between runs, or a crontab line (UTC), of the shipped schedule."""

    def check_arguments(self, arguments: dict[str, Any]) -> None:
        """Raise `TypeError` where the arguments do not fit the function."""
        inspect.signature(self.function).bind(None, **arguments)

    def again_after(self, attempt: int) -> bool:
        """Whether a task whose attempt was lost is tried again: where that does no harm."""
        return self.repeatable and attempt < self.max_attempts


_routines: dict[str, Routine] = {}


def routine(
    name: str,
    *,
    title: Any,
    repeatable: bool = False,
    hard_limit_s: float = 3600.0,
    max_attempts: int = 3,
    retry_on: tuple[type[Exception], ...] = (),
    soft_limit_s: float | None = None,
    schedule: float | str | None = None,
) -> Callable[[Function], Function]:
    """Declare a function as a routine of the queue.

    The function gets a `mppcqa.queue.Context` and keyword arguments that are plain JSON; what it
    returns (a dict of plain JSON, or None) becomes the task's result. Errors of the classes
    `retry_on` are tried again with growing pauses, at most `max_attempts` times in all. With a
    `schedule` (seconds, or a crontab line in UTC) a schedule is made at the first migration,
    which people can then change or switch off.
    """

    def declare(function: Function) -> Function:
        if name in _routines:
            raise ValueError(f"two routines are called {name!r}")
        _routines[name] = Routine(
            name,
            function,
            title,
            repeatable,
            hard_limit_s,
            max_attempts,
            retry_on,
            soft_limit_s,
            schedule,
        )
        return function

    return declare


def scheduled() -> list[Routine]:
    """Routines that are shipped with a schedule."""
    return [routine for routine in _routines.values() if routine.schedule is not None]


def all_routines() -> list[Routine]:
    """Every declared routine."""
    return list(_routines.values())


def find(name: str) -> Routine | None:
    """The routine of that name, or None."""
    return _routines.get(name)

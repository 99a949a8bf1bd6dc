"""What can be run: routines by name. A task whose name is not here is refused."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

Function = Callable[..., "dict[str, Any] | None"]


@dataclass(frozen=True)
class Parameter:
    """An argument of a routine that a person may give by a form."""

    name: str
    title: Any
    of: str | Callable[[dict[str, Any]], str] = ""
    """The table (``runs.station``) whose row it is, by its key; may follow from those before it."""
    choices: Callable[[], Iterable[tuple[str, Any]]] | None = None
    told: Any = ""
    """What it means, in a sentence."""
    right: str = ""
    """Who lacks this right does not give it."""
    first: bool = False
    """Chosen together with the routine: what the others may be follows from it."""
    kind: type = str
    """Of the value: bool, int, float or str. The routine's own annotation says it."""
    default: Any = inspect.Parameter.empty

    @property
    def needed(self) -> bool:
        """Whether the routine has no value of its own for it."""
        return self.default is inspect.Parameter.empty


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
    """Seconds between runs, or a crontab line, of the shipped schedule."""
    parameters: tuple[Parameter, ...] = ()
    """What a form asks for, in its order."""
    right: str = ""
    """Who may ask for it by a form must have this right as well."""
    not_now: Callable[[], str] | None = None
    """Why none is asked for or begun now; empty while there is nothing in the way."""

    @property
    def by_form(self) -> bool:
        """Whether a person can give all that it needs."""
        known = {one.name: None for one in self.parameters}
        try:
            self.check_arguments(known)
        except TypeError:
            return False
        return True

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
    parameters: tuple[Parameter, ...] = (),
    right: str = "",
    not_now: Callable[[], str] | None = None,
) -> Callable[[Function], Function]:
    """Declare a function as a routine of the queue.

    The function gets a `mppcqa.queue.Context` and keyword arguments that are plain JSON; what it
    returns (a dict of plain JSON, or None) becomes the task's result. Errors of the classes
    `retry_on` are tried again with growing pauses, at most `max_attempts` times in all. With a
    `schedule` (seconds, or a crontab line) a schedule is made at the first migration, which people
    can then change or switch off. With `parameters` people can give its arguments by a form; one
    that needs an argument which is not among them is a step of something else, and in no form.
    While `not_now` gives a reason, none is taken by the queue, and what waits for a station waits
    on.
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
            tuple(_as_declared(one, function) for one in parameters),
            right,
            not_now,
        )
        return function

    return declare


KINDS = {"bool": bool, "int": int, "float": float, "str": str}


def _as_declared(parameter: Parameter, function: Function) -> Parameter:
    """With kind and default as the function has them."""
    own = inspect.signature(function).parameters[parameter.name]
    return replace(parameter, kind=KINDS[str(own.annotation)], default=own.default)


def scheduled() -> list[Routine]:
    """Routines that are shipped with a schedule."""
    return [routine for routine in _routines.values() if routine.schedule is not None]


def all_routines() -> list[Routine]:
    """Every declared routine."""
    return list(_routines.values())


def find(name: str) -> Routine | None:
    """The routine of that name, or None."""
    return _routines.get(name)


def not_now(name: str) -> str:
    """Why no task of a routine is to begin now; empty if one may, or where nobody knows it."""
    known = _routines.get(name)
    return "" if known is None or known.not_now is None else known.not_now()

"""``--json``: what a command answers as JSON, and what it refuses at the same place."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import click

from mppcqa.cli.tables import CONTROL, clean, echo

WANTED = "mppcqa.json"


def json_option(told: str = "Tell it as JSON.") -> Callable[[Any], Any]:
    """The option, given to the command as `as_json`."""

    def noted(context: click.Context, _option: Any, wanted: bool) -> bool:
        context.meta[WANTED] = wanted
        return wanted

    return click.option("--json", "as_json", is_flag=True, callback=noted, help=told)


def json_text(answer: Any) -> str:
    """JSON for reading, with nothing in it that a terminal would obey."""
    text = json.dumps(answer, indent=1, ensure_ascii=False, default=str)
    return CONTROL.sub(lambda one: one[0] if one[0] == "\n" else f"\\u{ord(one[0]):04x}", text)


class Problem(click.ClickException):
    """What was refused, as the API would say it (RFC 9457)."""

    def __init__(self, text: str, problem: Mapping[str, Any]) -> None:
        super().__init__(text)
        self.problem = {"type": "about:blank", "detail": text, **problem}


class Told(click.ClickException):
    """A problem as JSON, at the place of an answer: what reads the one reads the other."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem["detail"]))
        self.problem = problem

    def show(self, file: Any = None) -> None:
        echo(json_text(self.problem), lines=True)


def as_wanted(error: click.ClickException, context: click.Context) -> click.ClickException:
    """A refusal as the command was asked to tell it.

    Words that can't be understood (status 2) stay in words: nothing was asked yet.
    """
    # In what a fault names a terminal may find something to obey.
    error.message = clean(error.message)  # type: ignore[misc]
    if isinstance(error, click.UsageError) or not context.meta.get(WANTED):
        return error
    if not isinstance(error, Problem):
        error = Problem(error.message, {"title": "Refused"})
    return Told(error.problem)

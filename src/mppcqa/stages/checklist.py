"""Stages that people do with their eyes: a checklist instead of a test program.

A stage declares its steps; each answer is one value of the device. What a person said, and the
sums of the photographs with what was marked on them, is one JSON document. It is the stage's run
file: kept as it came, read again by `analyse_checklist`, judged like every other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mppcqa.runfile import RunFileError
from mppcqa.stages.protocol import AnalysisResult, Quantity, Result

DOCUMENT = "mppcqa checklist"
VERSION = 1
MOST_COUNTED = 10_000
MOST_REMARK = 500
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that a person looks at. Its answer is a number, and 0 means: nothing found."""

    key: str
    """Key of its quantity in the database and in exports."""
    title: str
    """English, translated where it is shown; of quantity, field and report."""
    symbol: str
    instruction: str
    """What to do and what to look for; English, translated where it is shown."""
    kind: Literal["choice", "count"]
    """``choice``: the answer's place among `choices`; ``count``: how many there are."""
    choices: tuple[str, ...] = ()
    """The best one first."""
    pictured: bool = False
    """Whether what was found needs a photograph, or else a remark that says why there is none."""

    def number(self, value: Any) -> int:
        """The answer as a number; `ValueError` for what is no answer to this step."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"{self.key}: {value!r} is no whole number")
        most = MOST_COUNTED if self.kind == "count" else len(self.choices) - 1
        if not 0 <= value <= most:
            raise ValueError(f"{self.key}: {value} does not lie between 0 and {most}")
        return value


def quantities_of(steps: Sequence[Step]) -> tuple[Quantity, ...]:
    """One quantity a step: a value of the whole device."""
    return tuple(
        Quantity(
            key=step.key,
            title=step.title,
            symbol=step.symbol,
            unit="",
            scope="device",
            headline=True,
            bounds=(0, MOST_COUNTED if step.kind == "count" else len(step.choices) - 1),
        )
        for step in steps
    )


def checklist_faults(steps: Sequence[Any]) -> list[str]:
    """What is wrong with the steps that a stage declares."""
    faults = []
    for step in steps:
        if not isinstance(step, Step):
            faults.append(f"checklist holds a {type(step).__name__} that is no Step")
        elif step.kind == "choice" and len(step.choices) < 2:
            faults.append(f"the step {step.key!r} has fewer than two choices")
        elif step.kind not in ("choice", "count"):
            faults.append(f"the step {step.key!r} is of no kind that there is: {step.kind!r}")
    return faults


def read_checklist(path: Path, steps: Sequence[Step]) -> dict[str, Any]:
    """The document of a checklist that was filled in; `RunFileError` says what is wrong with it."""
    try:
        found = json.loads(path.read_text())
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise RunFileError(f"{path.name} can't be read as a checklist: {error}") from error
    if not isinstance(found, dict) or found.get("document") != DOCUMENT:
        raise RunFileError(f"{path.name} is no checklist")
    if found.get("version") != VERSION:
        raise RunFileError(f"{path.name} is a checklist of version {found.get('version')!r}")
    answers = found.get("answers")
    known = {step.key: step for step in steps}
    if not isinstance(answers, dict) or not answers.keys() <= known.keys():
        raise RunFileError(f"{path.name} answers steps that the stage has not")
    for key, answer in answers.items():
        try:
            known[key].number(answer.get("value") if isinstance(answer, dict) else None)
        except ValueError as error:
            raise RunFileError(f"{path.name}: {error}") from error
    pictures = found.get("pictures", [])
    if not isinstance(pictures, list) or not all(map(_is_picture, pictures)):
        raise RunFileError(f"{path.name}: its pictures can't be read")
    return found


def _is_picture(one: Any) -> bool:
    return (
        isinstance(one, dict)
        and _SHA256.fullmatch(str(one.get("sha256"))) is not None
        and isinstance(one.get("step"), str)
        and marks_fit(one.get("marks"))
    )


def marks_fit(marks: Any) -> bool:
    """Whether marks are lines ``[x1, y1, x2, y2]`` in parts of the picture's width and height."""
    return isinstance(marks, list) and all(
        isinstance(mark, list)
        and len(mark) == 4
        and all(isinstance(one, int | float) and 0 <= one <= 1 for one in mark)
        for mark in marks
    )


def analyse_checklist(
    steps: Sequence[Step],
) -> Callable[[Path, Mapping[str, Any]], AnalysisResult]:
    """The analysis of a stage with these steps: each answer is a value, counted and so exact."""

    def analyse(path: Path, settings: Mapping[str, Any]) -> AnalysisResult:
        del settings
        answers = read_checklist(path, steps)["answers"]
        return AnalysisResult(
            results=[
                Result(
                    slot=1,
                    channel=None,
                    quantity=step.key,
                    value=float(answers[step.key]["value"]),
                    uncertainty=0.0,
                )
                for step in steps
                if step.key in answers
            ]
        )

    return analyse

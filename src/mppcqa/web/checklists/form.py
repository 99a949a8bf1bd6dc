"""What a filled-in checklist brought: an answer, a remark and photographs with marks a step."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from mppcqa import typed
from mppcqa.limits.checklists import Answer, Picture
from mppcqa.refused import Fault
from mppcqa.stages import Step

LONGEST_MARKS = 100_000


def answers_of(request: HttpRequest, steps: Sequence[Step]) -> dict[str, Answer]:
    """What was sent for each step; what can't be read is no answer."""
    return {
        step.key: Answer(
            value=typed.whole(request.POST.get(f"a-{step.key}"), least=0),
            remark=request.POST.get(f"r-{step.key}", "").strip(),
            pictures=_pictures(request, step.key),
        )
        for step in steps
    }


def _pictures(request: HttpRequest, key: str) -> list[Picture]:
    files = request.FILES.getlist(f"f-{key}")
    marks = _marks(request.POST.get(f"m-{key}", ""))
    return [
        Picture(
            file=file.file,
            size=file.size or 0,
            name=file.name or "",
            marks=marks[at] if at < len(marks) else (),
        )
        for at, file in enumerate(files)
        if file.file is not None
    ]


def _marks(text: str) -> list[Any]:
    """Lines on each picture, as the page's script wrote them; refused later where they are none."""
    if not text or len(text) > LONGEST_MARKS:
        return []
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return []
    if not isinstance(found, list):
        return []
    return [one if isinstance(one, list) and all(isinstance(m, list) for m in one) else [[]]
            for one in found]  # fmt: skip


def once_of(request: HttpRequest) -> uuid.UUID | None:
    """What tells a form that is sent twice from one that is filled in anew."""
    try:
        return uuid.UUID(request.POST.get("once", ""))
    except ValueError:
        return None


def shown(steps: Sequence[Step], answers: dict[str, Answer], faults: Sequence[Fault]) -> list[Any]:
    """Steps for the template, as they were answered, each with its faults."""
    rows = []
    for number, step in enumerate(steps, 1):
        answer = answers.get(step.key, Answer(None))
        rows.append(
            {
                "number": number,
                "step": step,
                "title": _(step.title),
                "instruction": _(step.instruction),
                "choices": [(at, _(one)) for at, one in enumerate(step.choices)],
                "value": answer.value,
                "remark": answer.remark,
                "faults": [one for one in faults if one.field == step.key],
            }
        )
    return rows

"""What tasks found out for a page: the newest result, or the task that is still at it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db import models

from mppcqa.queue.models import OPEN_STATES, State, Task, about_key


def result_of(name: str, about: models.Model) -> tuple[dict[str, Any] | None, Task | None]:
    """Result of the newest task of a routine about an object, and that task if it is open."""
    tasks = Task.objects.filter(name=name, **about_key(about)).order_by("-pk")[:5]
    found: dict[str, Any] | None = None
    newest = next(iter(tasks), None)
    for task in tasks:
        if task.state == State.SUCCEEDED:
            found = task.result
            break
    return found, newest if newest is not None and newest.state in OPEN_STATES else None


def move_table(moves: list[list[Any]]) -> dict[str, Any]:
    """Devices by former (rows) and new (columns) verdict, and how many change."""
    order = ["", "pass", "warning", "incomplete", "fail"]
    n: dict[tuple[str, str], int] = defaultdict(int)
    for old, new, devices in moves:
        n[old, new] += devices
    olds = [one for one in order if any(key[0] == one for key in n)]
    news = [one for one in order if any(key[1] == one for key in n)]
    return {
        "columns": news,
        "rows": [(old, [(n[old, new], old == new) for new in news]) for old in olds],
        "changed": sum(devices for (old, new), devices in n.items() if old != new),
        "total": sum(n.values()),
    }

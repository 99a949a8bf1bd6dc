"""What can be asked for by a form, for who is to choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from mppcqa.queue.schedules import schedulable
from mppcqa.web.asking.fields import may_ask


@dataclass(frozen=True)
class Offer:
    """A routine, or one of the kinds of things that it makes."""

    title: str
    told: str
    query: str


def offers(user: Any) -> list[Offer]:
    """All that a person may ask for, by title."""
    found = []
    for routine in schedulable():
        if not may_ask(routine, user):
            continue
        told = (routine.function.__doc__ or "").strip().partition("\n")[0]
        first = next((one for one in routine.parameters if one.first), None)
        if first is None or first.choices is None:
            query = urlencode({"routine": routine.name})
            found.append(Offer(str(routine.title), told, query))
            continue
        for key, title in first.choices():
            query = urlencode({"routine": routine.name, first.name: key})
            found.append(Offer(f"{routine.title}: {title}", told, query))
    return sorted(found, key=lambda one: one.title)

"""What a person who is bound to an institute or a campaign sees of what is not of one device."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import get_resolver
from django.utils.translation import gettext as _

from mppcqa.inventory.scope import scope_of
from mppcqa.queue.models import Task, TaskGroup
from mppcqa.web.problems import problem

OF_ALL = tuple(
    f"mppcqa.web.{area}"
    for area in (
        "acceptance",
        "statistics",
        "reanalysis",
        "workers",
        "limits",
        "schedules",
        "asking",
        "foreign.batches",
        "bundles.views",
        "tasks.history",
        "signing.all",
    )
)
"""Areas whose pages tell of all devices at once, or choose among all."""


class BoundPersons:
    """Pages that tell of all devices are not for who sees some of them alone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, _arguments: Any, _named: Any
    ) -> HttpResponse | None:
        """The refusal, or None where the page may be shown."""
        if not view.__module__.startswith(OF_ALL) or not scope_of(request.user).bound:
            return None
        text = _("This page tells of all devices, and your account sees some of them alone.")
        return problem(request, 403, _("Not allowed"), text)


def of_all(name: str, viewer: Any) -> bool:
    """Whether the page of this name is refused to who is bound, as the viewer is."""
    return scope_of(viewer).bound and _tells_of_all(name)


@cache
def _tells_of_all(name: str) -> bool:
    parts = [*get_resolver().url_patterns]
    while parts:
        one = parts.pop()
        if getattr(one, "namespace", None) is None:  # the API has names of its own
            parts += getattr(one, "url_patterns", ())
        if getattr(one, "name", None) == name:
            return one.callback.__module__.startswith(OF_ALL)
    raise LookupError(f"there is no page {name}")


def seen_tasks(viewer: Any) -> Any:
    """Tasks that a person sees: titles and logs name devices, so of a bound person the own ones."""
    rows = Task.objects.all()
    return rows.filter(requested_by=viewer.pk) if scope_of(viewer).bound else rows


def seen_of(viewer: Any, tasks: list[Task]) -> list[Task]:
    """Those of these tasks that `seen_tasks` has."""
    if not scope_of(viewer).bound:
        return tasks
    return [one for one in tasks if one.requested_by_id == viewer.pk]


def seen_groups(viewer: Any) -> Any:
    """The same of groups of tasks."""
    rows = TaskGroup.objects.all()
    return rows.filter(requested_by=viewer.pk) if scope_of(viewer).bound else rows

"""The time zone in which pages show moments: UTC, or the one that a person chose at this browser.

Shown alone: what is typed, stored, exported and printed stays in UTC, and says so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

COOKIE = "mppcqa_zone"
KEPT_S = 365 * 86400
UTC = "UTC"
_chosen: ContextVar[ZoneInfo | None] = ContextVar("zone", default=None)


class PersonsZone:
    """Pages of a browser at which a zone was chosen are in that zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = _chosen.set(zone_named(request.COOKIES.get(COOKIE, "")))
        try:
            return self.get_response(request)
        finally:
            _chosen.reset(token)


def zone_named(name: str) -> ZoneInfo | None:
    """A zone of the world by its name, such as ``America/Santiago``; None for UTC and nonsense."""
    return ZoneInfo(name) if name not in ("", UTC) and name in zone_names() else None


@cache
def zone_names() -> frozenset[str]:
    """Every zone that there is."""
    return frozenset(available_timezones())


def here(when: dt.datetime) -> dt.datetime:
    """A moment by the clock of whoever reads."""
    zone = _chosen.get()
    return when if zone is None or timezone.is_naive(when) else when.astimezone(zone)


def zone_name() -> str:
    """The zone of the page, as people call it."""
    zone = _chosen.get()
    return UTC if zone is None else zone.key

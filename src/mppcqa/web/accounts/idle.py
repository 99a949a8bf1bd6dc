"""Sessions end when nobody is there: sooner at a desk, later at a station's console.

What counts is what a person does; parts of pages that follow a measurement by themselves do not.
A console and the board of all stations are still shown after that, for a shift, and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

SEEN = "seen"
NOTE_EVERY_S = 60
"""A session is written at most so often for it."""


class Idle:
    """Ends a session in which nothing was done for longer than the settings say."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            self._look(request)
        return self.get_response(request)

    def _look(self, request: HttpRequest) -> None:
        now, session = time.time(), request.session
        # A session of a program that knew nothing of this begins now.
        idle = now - session.get(SEEN, 0.0) if SEEN in session else None
        if idle is not None and idle > settings.MPPCQA_IDLE_S:
            if not (_is_console(request) and idle < settings.MPPCQA_CONSOLE_S):
                logout(request)
            return
        acts = request.method != "GET" or not request.headers.get("HX-Request")
        if acts and (
            idle is None or not 0 <= idle < min(NOTE_EVERY_S, settings.MPPCQA_IDLE_S / 10)
        ):
            session[SEEN] = now


def _is_console(request: HttpRequest) -> bool:
    path = request.path
    console = path.startswith("/stations/") and path.endswith("/console/")
    return request.method == "GET" and (console or path == "/board/")


@receiver(user_logged_in)
def _begins(request: HttpRequest | None = None, **_named: Any) -> None:
    if request is not None and hasattr(request, "session"):
        request.session[SEEN] = time.time()

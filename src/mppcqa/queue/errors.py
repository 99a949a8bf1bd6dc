"""Errors of the queue; their text is written for the person who asked for the task."""

from __future__ import annotations

from django.db import InterfaceError, OperationalError

from mppcqa.refused import Refused

AWAY = (OperationalError, InterfaceError)
"""What Django raises while the database does not answer."""


class SubmitError(Refused):
    """The task can't be taken: unknown name, arguments that do not fit, or too many of them."""


class TaskError(Exception):
    """A routine's way to fail with a message for people, without a traceback in their way."""


class Stopped(BaseException):
    """Raised inside a routine that must end now; not an `Exception`, so that none swallows it."""

    def __init__(self, state: str, reason: str) -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason

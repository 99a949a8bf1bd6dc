"""Transactions that lost a deadlock are done again: the database undid all of them."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection

P = ParamSpec("P")
T = TypeVar("T")

TIMES = 5
DEADLOCK, LOCK_TIMEOUT = 1213, 1205


def again_after_deadlock(action: Callable[P, T]) -> Callable[P, T]:
    """Call an action that is one transaction again if MariaDB chose it to end a deadlock.

    Inside an outer transaction nothing can be repeated here, so the error goes up.
    """

    @functools.wraps(action)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        for time_left in reversed(range(TIMES)):
            try:
                return action(*args, **kwargs)
            except OperationalError as error:
                lost = bool(error.args) and error.args[0] in (DEADLOCK, LOCK_TIMEOUT)
                if not lost or not time_left or connection.in_atomic_block:
                    raise
                # No secret: only so that two that met do not meet again.
                time.sleep(random.uniform(0.01, 0.1))  # noqa: S311
        raise AssertionError("unreachable")

    return wrapped

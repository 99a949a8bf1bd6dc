"""The task queue: the database knows, Celery carries.

Declare what can run with `routine` in an app's ``tasks`` module; ask for it with `submit`,
`submit_chain` or `submit_group`; stop it with `kill`. States, attempts, logs, progress and locks
are rows and files that pages and the command line read. The names are loaded when first used, so
that this package can be imported before Django is set up.
"""

from __future__ import annotations

import importlib
from typing import Any

_WHERE = {
    "Call": "mppcqa.queue.actions",
    "Context": "mppcqa.queue.context",
    "TaskError": "mppcqa.queue.errors",
    "again": "mppcqa.queue.repeats",
    "group_ended": "mppcqa.queue.transitions",
    "kill": "mppcqa.queue.actions",
    "kill_group": "mppcqa.queue.actions",
    "resume": "mppcqa.queue.repeats",
    "routine": "mppcqa.queue.registry",
    "submit": "mppcqa.queue.actions",
    "submit_chain": "mppcqa.queue.actions",
    "submit_group": "mppcqa.queue.actions",
    "task_ended": "mppcqa.queue.transitions",
}

__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)

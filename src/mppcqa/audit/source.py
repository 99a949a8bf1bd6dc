"""Who acts now, from where and why: set by what begins an action, read when a row is written."""

from __future__ import annotations

import getpass
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path

TERMINAL = "mppcqa.terminal"
"""Where a request of a command at this computer has its log-in: no header becomes such a name."""
MOST = 200
"""Characters of each text."""


@dataclass(frozen=True)
class Source:
    """What an entry of the audit says of its maker."""

    who: int | None = None
    """Number of the account."""
    name: str = ""
    """The account's name then: accounts may be renamed."""
    where: str = ""
    """An address on the network with what was asked for there, a command, or a task."""
    why: str = ""

    def text(self) -> str:
        """As the database keeps it."""
        told = {"who": self.who, "name": self.name, "where": self.where, "why": self.why}
        short = {k: v[:MOST] if isinstance(v, str) else v for k, v in told.items() if v}
        return json.dumps(short, ensure_ascii=False)


Asked = Callable[[], Source]
_acting: ContextVar[Asked | None] = ContextVar("mppcqa_acting", default=None)
request_number: ContextVar[str] = ContextVar("mppcqa_request", default="")
"""Of the request that this thread answers, for the log."""
_why: ContextVar[str] = ContextVar("mppcqa_why", default="")


def log_in() -> str:
    """The name of this process's log-in at this computer, or its number where it has none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user of no name, as in some containers
        return str(os.getuid())


def _this_program() -> Source:
    account = log_in()
    words = [Path(sys.argv[0] or "python").name, *sys.argv[1:3]]
    shown = " ".join(word for word in words if not word.startswith("-"))
    return Source(where=f"{shown} ({account}@{socket.gethostname()})")


_process: Source | None = None


def current() -> Source:
    """Who acts in this thread; the process's own command where nothing else was said."""
    global _process  # found once, when it is first asked for
    asked = _acting.get()
    if asked is None:
        if _process is None:
            _process = _this_program()
        found = _process
    else:
        found = asked()
    why = _why.get()
    return replace(found, why=why) if why else found


@contextmanager
def acting(source: Source | Asked) -> Iterator[None]:
    """What is written inside is of this source; a callable is asked when something is written."""
    token = _acting.set(source if callable(source) else lambda: source)
    try:
        yield
    finally:
        _acting.reset(token)


@contextmanager
def because(why: str) -> Iterator[None]:
    """What is written inside was done for this reason."""
    token = _why.set(why)
    try:
        yield
    finally:
        _why.reset(token)

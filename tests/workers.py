"""Real workers for tests: a subprocess on the test database and the configured broker."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection, connections

import mppcqa
from tests.waiting import PATIENCE_S, stop, until

SOURCE = Path(mppcqa.__file__).resolve().parents[1]


def database_url() -> str:
    """The test database as a child process names it."""
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    login = f"{quote(values['USER'])}:{quote(values['PASSWORD'])}"
    return f"mysql://{login}@{values['HOST']}:{values['PORT'] or 3306}/{values['NAME']}"


def child_environment(**more: str) -> dict[str, str]:
    """Environment in which a child works on the test database."""
    return {
        **os.environ,
        "MPPCQA_DATABASE": database_url(),
        "MPPCQA_HOME": str(settings.MPPCQA_HOME),
        "PYTHONPATH": os.pathsep.join(
            [str(SOURCE), str(SOURCE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        ),
        **more,
    }


@contextmanager
def running_worker(*arguments: str, routines: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """A worker process; `routines` names a module of further routines to load."""
    command = [sys.executable, "-m", "mppcqa.cli", "worker", *arguments]
    if routines:
        # First what `mppcqa worker` does first: the rest is of no use to the process that keeps it.
        code = "from mppcqa.queue.keeper import be_kept; be_kept(); "
        code += "from mppcqa.database import local_files; local_files.allowed = True; "
        code += f"import django; django.setup(); import {routines}; "
        code += "from mppcqa.cli import main; main()"
        command = [sys.executable, "-c", code, "worker", *arguments]
    log = Path(settings.MPPCQA_HOME) / "worker.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=child_environment(MPPCQA_KILL_GRACE_S="0.5"),
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
    try:
        yield process
    finally:
        stop(process)
        connections.close_all()


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE_S, what: str = "") -> None:
    """Return once `condition` holds; fail with the worker's log if it does not."""
    log = Path(settings.MPPCQA_HOME) / "worker.log"
    until(condition, what, seconds=seconds, log=log)

"""Short programs that the queue itself runs: leaving a station's hardware safe."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from django.conf import settings

from mppcqa.queue import forks
from mppcqa.queue.keeper import MARK
from mppcqa.queue.program_user import ProgramUser, ProgramUserFault, program_user
from mppcqa.queue.untrusted import redact_command

MAKE_SAFE_S = 60.0
SETTINGS_FILE = Path("/etc/mppcqa/mppcqa.env")
"""Where a server's settings stand, with their passwords (`mppcqa deployment`)."""
MAX_OUTPUT = 64 * 1024
HANDED = (
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR"),
    # Programs that compute share the cores with what else runs, and keep what they compiled.
    *("NUMBA_NUM_THREADS", "NUMBA_CACHE_DIR"),
    MARK,  # by which it is found, should all that answers for it be killed
)


def program_environment() -> dict[str, str]:
    """What a program gets of this process's environment: no password is among it.

    ``MPPCQA_PROGRAM_VARIABLES`` names what a station's programs need beside that.
    """
    names = (*HANDED, *settings.MPPCQA_PROGRAM_VARIABLES)
    found = {name: os.environ[name] for name in names if name in os.environ}
    return {**found, "PYTHONUNBUFFERED": "1"}


def own_user() -> ProgramUser | None:
    """Who runs test programs here, if another than the worker's user is to; `ProgramUserFault`."""
    return program_user(settings.MPPCQA_PROGRAM_USER, settings.MPPCQA_PROGRAM_FOLDER)


def closed_to_programs() -> list[Path]:
    """What the user of programs must not get into: keys, passwords, the database."""
    home = Path(settings.MPPCQA_HOME)
    found = [home, home / "secret-key", SETTINGS_FILE]
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        found.append(Path(database["NAME"]))
    return found


def make_safe(argv: Sequence[str], log: Callable[[str], None]) -> str:
    """Run a station's make-safe program; what went wrong, or an empty text."""
    if not settings.MPPCQA_TYPED_COMMANDS:
        return (
            "its program is a command that was typed on a page, and this computer runs none "
            "(MPPCQA_TYPED_COMMANDS)"
        )
    log("make safe: " + redact_command(argv))
    try:
        user = own_user()
        # It may take a minute, and a worker's heart waits for it.
        with forks.let():
            done = subprocess.run(  # noqa: S603
                user.command(Path("/"), argv) if user else list(argv),
                env=program_environment() | (user.environment() if user else {}),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=MAKE_SAFE_S,
                check=False,
            )
    except (OSError, subprocess.TimeoutExpired, ProgramUserFault) as error:
        return str(error)
    output = (done.stdout + done.stderr).strip()
    if output:
        log(output[-MAX_OUTPUT:])
    return f"its program ended with exit status {done.returncode}" if done.returncode else ""

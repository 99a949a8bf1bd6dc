"""Short programs that the queue itself runs: leaving a station's hardware safe."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence

from django.conf import settings

from mppcqa.queue.keeper import MARK
from mppcqa.queue.untrusted import redact_command

MAKE_SAFE_S = 60.0
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


def make_safe(argv: Sequence[str], log: Callable[[str], None]) -> str:
    """Run a station's make-safe program; what went wrong, or an empty text."""
    if not settings.MPPCQA_TYPED_COMMANDS:
        return (
            "its program is a command that was typed on a page, and this computer runs none "
            "(MPPCQA_TYPED_COMMANDS)"
        )
    log("make safe: " + redact_command(argv))
    try:
        done = subprocess.run(  # noqa: S603
            list(argv),
            env=program_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=MAKE_SAFE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    output = (done.stdout + done.stderr).strip()
    if output:
        log(output[-MAX_OUTPUT:])
    return f"its program ended with exit status {done.returncode}" if done.returncode else ""

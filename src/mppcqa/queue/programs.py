"""Short programs that the queue itself runs: leaving a station's hardware safe."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence

MAKE_SAFE_S = 60.0


def make_safe(argv: Sequence[str], log: Callable[[str], None]) -> str:
    """Run a station's make-safe program; what went wrong, or an empty text."""
    log("make safe: " + " ".join(argv))
    try:
        done = subprocess.run(  # noqa: S603
            list(argv),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=MAKE_SAFE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    output = (done.stdout + done.stderr).strip()
    if output:
        log(output)
    return f"its program ended with exit status {done.returncode}" if done.returncode else ""

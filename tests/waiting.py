"""Waiting for effects. One patience for all: a busy computer is no fault of the program."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 240.0
"""Far longer than anything takes here; below the 300 s after which pytest ends a test."""


def until(
    condition: Callable[[], bool],
    what: str = "",
    *,
    seconds: float = PATIENCE_S,
    log: Path | None = None,
) -> None:
    """Return once `condition` holds; `AssertionError` with the end of `log` if it does not.

    Nobody waits less than `PATIENCE_S`.
    """
    seconds = max(seconds, PATIENCE_S)
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            tail = log.read_text(errors="replace")[-3000:] if log and log.exists() else ""
            raise AssertionError(f"did not happen in {seconds:.0f} s: {what or condition}\n{tail}")
        time.sleep(0.05)


def free_port() -> int:
    """A port of this computer that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether something takes connections at a port of this computer."""
    try:
        socket.create_connection(("127.0.0.1", port), PATIENCE_S).close()
    except OSError:
        return False
    return True


def wait_for_server(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return once a server listens; `AssertionError` with its log if it ended instead."""

    def up() -> bool:
        assert process.poll() is None, log.read_text(errors="replace")[-3000:]
        return listens(port)

    until(up, f"a server at port {port}", log=log)


def stop(process: subprocess.Popen[bytes]) -> int:
    """TERM, then KILL for what does not go; the exit status."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(PATIENCE_S / 2)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()

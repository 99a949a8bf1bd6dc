"""Children of ``mppcqa run`` and ``mppcqa demo``: started, watched, and stopped together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import click

from mppcqa.cli.tables import echo
from mppcqa.queue import offspring

PATIENCE_S = 10.0
"""How long a child may take to stop before it is killed."""
RESTARTS = 5
"""A child that ends more often than this within a minute is not started again."""
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
"""Where this computer itself reaches what listens at every address of its."""


def usable_cores() -> int:
    """How many cores this process may use; a container or `taskset` may leave it fewer than all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _stop_with_parent() -> None:
    """In the child: ask the kernel for TERM when the parent dies, however it dies."""
    offspring.die_with_parent(signal.SIGTERM)


@dataclass
class Child:
    """One program that should be running."""

    name: str
    command: Sequence[str]
    log: Path
    process: subprocess.Popen[bytes]
    may_end: bool = False
    """Whether it may be asked to end, from a page for instance; it is left so then."""
    ends: deque[float] = field(default_factory=lambda: deque(maxlen=RESTARTS + 1))


class Crew:
    """Starts programs, starts again what ends by itself, stops all when left.

    While it is entered, TERM and Ctrl-C are remembered, and `check` raises `KeyboardInterrupt`.
    """

    def __init__(self, log_folder: Path) -> None:
        self.log_folder = log_folder
        self.children: list[Child] = []
        self._told_to_end = False

    def __enter__(self) -> Self:
        self.log_folder.mkdir(parents=True, exist_ok=True)
        self._former = {
            number: signal.signal(number, self._on_signal)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        return self

    def _on_signal(self, *_: object) -> None:
        # TERM is handled like Ctrl-C, so that a service manager can stop the parent alone. Nothing
        # is raised from here the first time, but by `check`: raised while a module is loaded, in
        # a callback or a finalizer, the exception would be dropped by Python or caught by the
        # module, and we would run on for ever.
        if self._told_to_end:
            raise KeyboardInterrupt
        self._told_to_end = True

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for child in self.children:
            if child.process.poll() is None:
                child.process.terminate()
        deadline = time.monotonic() + PATIENCE_S
        for child in self.children:
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(child.process.pid, signal.SIGKILL)
                child.process.wait()
        if offspring.adopts():
            # Of a child that had to be killed: its keeper can't end what it started any more.
            offspring.end(os.getpid(), 0.0)
        for number, former in self._former.items():
            signal.signal(number, former)

    def start(self, name: str, command: Sequence[str], *, may_end: bool = False) -> None:
        """Start a program; its output goes to a log file named after it."""
        log = self.log_folder / f"{name}.log"
        self.children.append(Child(name, command, log, self._spawn(command, log), may_end))

    def _spawn(self, command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            # A session of its own: Ctrl-C at the terminal reaches the parent alone, which then
            # stops its children in order.
            return subprocess.Popen(  # noqa: S603
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_stop_with_parent,
            )

    def wait_for_port(self, host: str, port: int, seconds: float = 300.0) -> None:
        """Return once something answers at `host`:`port`; `click.ClickException` if it won't.

        Long, for a busy computer; a server that ends instead is given up by `check`.
        """
        deadline = time.monotonic() + seconds
        target = EVERYWHERE.get(host, host)
        while time.monotonic() < deadline:
            self.check()
            try:
                socket.create_connection((target, port), timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise click.ClickException(
            f"the web server did not answer on port {port} within {seconds:.0f} s; "
            f"its log is {self.log_folder / 'web.log'}"
        )

    def watch(self) -> None:
        """Look after the children until interrupted."""
        while True:
            self.check()
            time.sleep(0.5)

    def check(self) -> None:
        """Start again what ended; give up on what ends again and again.

        `KeyboardInterrupt` once the parent was told to end.
        """
        if self._told_to_end:
            raise KeyboardInterrupt
        for child in list(self.children):
            status = child.process.poll()
            if status is None:
                continue
            if status == 0 and child.may_end:
                self.children.remove(child)
                echo(f"{child.name} ended, as it was asked to", err=True)
                continue
            now = time.monotonic()
            child.ends.append(now)
            if len(child.ends) > RESTARTS and now - child.ends[0] < 60:
                raise click.ClickException(
                    f"{child.name} ended {len(child.ends)} times within a minute "
                    f"(last exit status {status}). The end of its log:\n{_tail(child.log)}"
                )
            echo(f"{child.name} ended (exit status {status}); it is started again", err=True)
            time.sleep(min(0.1 * 2 ** len(child.ends), 2))
            child.process = self._spawn(child.command, child.log)


def _tail(path: Path, lines: int = 15) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 8192))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])

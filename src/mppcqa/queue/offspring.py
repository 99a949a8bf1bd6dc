"""All that a process started, by whatever way, and its end.

A program that leaves its session, its group or its parent (``setsid``, a double fork) is out of
reach of a signal to the group. But the kernel gives an orphan to the nearest ancestor that is a
*child subreaper*, so below such a process nothing gets lost. The standard library alone: the
supervisor uses this as a script that sees no package.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
PR_SET_CHILD_SUBREAPER = 36
PATIENCE_S = 5.0
"""What KILL has not ended after so long waits in the kernel, or belongs to another user."""
NAMED = 20
_libc = ctypes.CDLL(None, use_errno=True)
_adopting: set[int] = set()


class Process:
    """A process as the kernel's table has it."""

    __slots__ = ("name", "parent", "pid", "started")

    def __init__(self, pid: int, parent: int, name: str, started: int) -> None:
        self.pid, self.parent, self.name = pid, parent, name
        self.started = started
        """Clock ticks since the computer's start: with the number it is one process for ever."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Process) and self._one() == other._one()

    def __hash__(self) -> int:
        return hash(self._one())

    def _one(self) -> tuple[int, int]:
        return self.pid, self.started

    def __str__(self) -> str:
        return f"{self.name} ({self.pid})"

    __repr__ = __str__


def adopt() -> None:
    """Become a child subreaper: orphans among what this process starts become its children."""
    if _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "this kernel knows no child subreaper")
    _adopting.add(os.getpid())


def adopts() -> bool:
    """Whether this process is one; its forks are not."""
    return os.getpid() in _adopting


def die_with_parent(signum: int) -> None:
    """Ask the kernel for a signal when the parent dies, however it dies."""
    _libc.prctl(PR_SET_PDEATHSIG, signum)


def call_myself(name: str) -> None:
    """Give this process a name (15 bytes at most), where `ps` and others see it."""
    _libc.prctl(PR_SET_NAME, name.encode())


def look(pid: int) -> Process | None:
    """A process that runs, or None; one that has only not been waited for is gone."""
    try:
        with open(f"/proc/{pid}/stat", errors="replace") as file:  # noqa: PTH123
            text = file.read()
    except OSError:
        return None
    # The name stands in brackets and may hold any of them.
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    if fields[0] in "ZX":
        return None
    return Process(pid, int(fields[1]), head.partition("(")[2], int(fields[19]))


def table() -> dict[int, Process]:
    """Every process that runs on this computer."""
    found = (look(int(name)) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208
    return {one.pid: one for one in found if one is not None}


def below(root: int, processes: dict[int, Process] | None = None) -> list[Process]:
    """All that descends from a process and still runs."""
    known = table() if processes is None else processes
    children: dict[int, list[Process]] = {}
    for one in known.values():
        children.setdefault(one.parent, []).append(one)
    found: list[Process] = []
    todo = [root]
    while todo:
        new = children.pop(todo.pop(), [])
        found += new
        todo += [one.pid for one in new]
    return found


def send(process: Process, signum: int) -> None:
    """A signal to this very process, never to one that got its number since."""
    try:
        handle = os.pidfd_open(process.pid)
    except OSError:
        return
    try:
        now = look(process.pid)
        if now is not None and now.started == process.started:
            # Another user's process, such as one that `sudo` started, may refuse.
            with suppress(OSError):
                signal.pidfd_send_signal(handle, signum)
    finally:
        os.close(handle)


def end(
    root: int, grace_s: float, pause: Callable[[float], object] = time.sleep
) -> tuple[list[Process], list[Process]]:
    """End all below a process: TERM, after the grace KILL, until nothing is left.

    Returns what was still there, and what is there still. `pause` waits a number of seconds.
    """
    met: dict[tuple[int, int], Process] = {}
    deadline = time.monotonic() + grace_s
    while left := below(root):
        now = time.monotonic()
        if now > deadline + PATIENCE_S:
            break
        for one in left:
            key = (one.pid, one.started)
            if now >= deadline:
                send(one, signal.SIGKILL)
            elif key not in met:
                send(one, signal.SIGTERM)
            met[key] = one
        pause(0.02)
    return list(met.values()), left


def childless() -> bool:
    """Whether this process has no child, not even one to be waited for."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


def reap() -> dict[int, int]:
    """Wait for every child that has ended: exit statuses by number, as `waitpid` tells them."""
    ended: dict[int, int] = {}
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            ended[pid] = os.waitstatus_to_exitcode(status)
    return ended


def names(processes: Iterable[Process]) -> str:
    """Names and numbers for people; of very many the first ones."""
    known = [str(one) for one in processes]
    more = [f"and {len(known) - NAMED} more"] if len(known) > NAMED else []
    return ", ".join(known[:NAMED] + more)

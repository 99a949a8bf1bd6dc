"""The parent of a worker: nothing that the worker's attempts started outlives them or the worker.

A pool process ends all that its attempt has started, and the supervisor all of its program. When
one of these is killed itself, the kernel gives what it leaves behind to this process, which does
nothing but wait, and ends that. It passes signals on to the worker and ends with its exit status.

Should this process be killed too, its successors find what is left: by a variable in the
environment that all of it inherits, and by the control group where there is one (`boxes`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mppcqa.queue import boxes, offspring
from mppcqa.queue.offspring import Process

MARK = "MPPCQA_KEEPER"
"""The variable: number and start of the keeper that answers for a process."""
GRACE_S = float(os.environ.get("MPPCQA_KILL_GRACE_S", "5"))
"""How long a program may take to leave its hardware safe once it was told to end."""
LOOK_EVERY_S = 5.0
MORE_S = 2.0
"""A supervisor needs a moment after the grace to end its program and to write the log."""
NAME = "keeps "
"""How it is called, with the worker's number behind."""
PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)


def be_kept() -> None:
    """Go on as the child of a keeper: this process becomes it, and starts its command again."""
    if os.environ.get(MARK, "").partition(".")[0] != str(os.getppid()):
        sys.exit(_keep([sys.executable, *sys.orig_argv[1:]]))


def _keep(command: Sequence[str]) -> int:
    """Run a worker as a child and return its exit status, once nothing of it is left."""
    offspring.adopt()
    me = offspring.look(os.getpid())
    assert me is not None  # noqa: S101
    mark = f"{me.pid}.{me.started}"
    box = boxes.make(mark)
    waited_for = {*PASSED_ON, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, waited_for)

    def become_worker() -> None:
        offspring.die_with_parent(signal.SIGKILL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, waited_for)

    worker = subprocess.Popen(  # noqa: S603
        list(command), env={**os.environ, MARK: mark}, preexec_fn=become_worker
    )
    offspring.call_myself(f"{NAME}{worker.pid}")
    keeper = Keeper(me.pid, box)
    status = None
    while status is None:
        told = signal.sigtimedwait(waited_for, keeper.look_in_s())
        # What the terminal sends (Ctrl-C) has reached the worker already.
        if told is not None and told.si_signo in PASSED_ON and told.si_code <= 0:
            os.kill(worker.pid, told.si_signo)
        status = offspring.reap().get(worker.pid)
        keeper.end_strays()
    keeper.end_all()
    return status if status >= 0 else 128 - status


@dataclass
class Keeper:
    """What it has met that nobody answers for."""

    pid: int
    box: boxes.Box | None
    met: dict[tuple[int, int], float] = field(default_factory=dict)

    def look_in_s(self) -> float:
        return 0.1 if self.met else LOOK_EVERY_S

    def end_strays(self) -> None:
        """TERM for who is met first, KILL after the grace."""
        now = time.monotonic()
        met: dict[tuple[int, int], float] = {}
        new = []
        for one in strays(self.pid, self.box):
            key = (one.pid, one.started)
            met[key] = self.met.get(key, now)
            if key not in self.met:
                new.append(one)
                offspring.send(one, signal.SIGTERM)
            elif now > met[key] + GRACE_S + MORE_S:
                offspring.send(one, signal.SIGKILL)
        self.met = met
        if new:
            _say(f"left behind, told to end: {offspring.names(new)}")
        for box in boxes.others(self.box):
            if not _lives(box.owner):
                box.remove()

    def end_all(self) -> None:
        """The worker is gone: all that is left goes as well."""
        there, left = offspring.end(self.pid, GRACE_S)
        offspring.reap()
        if there:
            _say(f"left behind by the worker, ended: {offspring.names(there)}")
        if self.box is not None:
            self.box.leave()
            left += [one for one in map(offspring.look, self.box.end()) if one is not None]
        if left:
            _say(f"could not be ended: {offspring.names(left)}")


def strays(keeper: int | None = None, box: boxes.Box | None = None) -> list[Process]:
    """What workers of this computer left behind: it runs, and no worker answers for it.

    For one keeper without what others that live have still to end.
    """
    processes = offspring.table()
    marks = _marks(processes)
    found: dict[int, Process] = {}
    for mark in set(marks.values()):
        number = int(mark.partition(".")[0])
        if not _lives(mark):
            family = [processes[pid] for pid, one in marks.items() if one == mark]
        elif keeper in (None, number):
            worker = _worker_of(processes[number]) if number in processes else None
            children = [one for one in processes.values() if one.parent == number]
            family = [one for one in children if worker is not None and one.pid != worker]
        else:
            continue
        for one in family:
            found |= {each.pid: each for each in (one, *offspring.below(one.pid, processes))}
    for other in boxes.others(box):
        if not _lives(other.owner):
            found |= {pid: processes[pid] for pid in other.pids() if pid in processes}
    return list(found.values())


def _marks(processes: dict[int, Process]) -> dict[int, str]:
    """Which keeper answers for a process, where its environment says so and may be read."""
    wanted = f"{MARK}=".encode()
    found = {}
    for pid in processes:
        try:
            variables = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        start = variables.find(wanted)
        if start == 0 or (start > 0 and variables[start - 1] == 0):
            text = variables[start + len(wanted) :].partition(b"\0")[0].decode("ascii", "replace")
            if all(part.isdigit() for part in text.split(".")) and text.count(".") == 1:
                found[pid] = text
    return found


def _worker_of(keeper: Process) -> int | None:
    number = keeper.name.removeprefix(NAME)
    return int(number) if number.isdigit() else None


def _lives(mark: str) -> bool:
    pid, _, started = mark.partition(".")
    one = offspring.look(int(pid)) if pid.isdigit() else None
    return one is not None and str(one.started) == started


def _say(text: str) -> None:
    print(f"mppcqa worker: {text}", file=sys.stderr, flush=True)

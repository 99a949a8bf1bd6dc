"""The fault test's promise about processes: none outlives the attempt that started it.

Tasks start families that fork, leave the session, become daemons, drop their environment and ignore
TERM, as a program of the queue and past it, while pool processes, supervisors, workers and the
processes that answer for them are killed. Whenever an attempt is over, its family must be gone.
"""

from __future__ import annotations

import time
from pathlib import Path

import psutil

from benchmarks.chaos_routines import effect, folder
from benchmarks.families import alive, start_family
from mppcqa.queue import Context, routine
from mppcqa.queue.models import State, Task

KINDS = ("program", "popen", "fork")
LOOK_EVERY_S = 0.5


@routine("chaos.leaving", title="Leaving", repeatable=True, max_attempts=60)
def leaving(context: Context, *, seconds: float, kind: str) -> None:
    own = folder() / "families" / f"{context.task.pk}-{context.task.attempt}"
    own.mkdir()
    start_family(context, kind, str(own), seconds)
    effect(context)


def main_processes(worker: int) -> list[psutil.Process]:
    """The main process of a worker, below the process that answers for it."""
    children = psutil.Process(worker).children()
    return sorted(children, key=lambda one: one.create_time())[:1]


def pool_processes(worker: int) -> list[psutil.Process]:
    return [one for main in main_processes(worker) for one in main.children()]


def supervisors(worker: int) -> list[psutil.Process]:
    below = [child for one in pool_processes(worker) for child in one.children()]
    return [one for one in below if any("supervisor.py" in part for part in one.cmdline())]


class Families:
    """Every family that a task has ever started."""

    def __init__(self) -> None:
        self.looked = 0.0
        self.met = 0

    def outliving(self) -> list[str]:
        """What runs now although its attempt was over before we looked."""
        if time.monotonic() < self.looked + LOOK_EVERY_S:
            return []
        self.looked = time.monotonic()
        families = [path for path in self._folders() if alive(path)]
        over = [path for path in families if self._is_over(path)]
        return [f"outlives its attempt: {path.name} {alive(path)}" for path in over if alive(path)]

    def left(self) -> list[str]:
        """What runs at the very end."""
        self.met = len(self._folders())
        left = [f"left: {path.name} {alive(path)}" for path in self._folders() if alive(path)]
        return left if self.met else ["no family was ever there, so nothing is known of processes"]

    def _folders(self) -> list[Path]:
        return list((folder() / "families").iterdir())

    def _is_over(self, path: Path) -> bool:
        number, attempt = map(int, path.name.split("-"))
        task = Task.objects.get(pk=number)
        return task.attempt > attempt or task.state != State.RUNNING

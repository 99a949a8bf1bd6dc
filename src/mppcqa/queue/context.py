"""What a routine gets from the queue: its log, its bar, people's attention, and programs to run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connections, transaction
from django.db.models import QuerySet

from mppcqa.queue.errors import AWAY, Stopped
from mppcqa.queue.logs import LogWriter
from mppcqa.queue.models import Message, State, Task
from mppcqa.queue.notices import notify_attention

SUPERVISOR = Path(__file__).with_name("supervisor.py")
PROGRESS = re.compile(r"@progress\s+(\d+)/(\d+)\s*(.*)")
MESSAGE = re.compile(r"@message\s+(\w+)\s+(.*)")
PROGRESS_EVERY_S = 0.3
MAX_LINE = 4000


class Context:
    """The running attempt, as its routine sees it."""

    def __init__(self, task: Task, log: LogWriter, grace_s: float = 5.0) -> None:
        self.task = task
        self.grace_s = grace_s
        self._log = log
        self._last_progress = 0.0
        self.stop_wanted: tuple[str, str] | None = None
        """State and reason, once somebody asked the attempt to end."""
        self.interruptible = True
        """Whether a signal may still raise `Stopped` in the middle of the routine."""
        self.interrupted = False
        """Whether one has."""
        self._lock = threading.Lock()
        self._supervisor: subprocess.Popen[bytes] | None = None

    def _mine(self) -> QuerySet[Task]:
        return Task.objects.filter(pk=self.task.pk, attempt=self.task.attempt)

    def log(self, text: str) -> None:
        """Append to the attempt's log."""
        self._log.line(text)

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Move the bar. Written at most a few times a second; the last one always."""
        now = time.monotonic()
        if now - self._last_progress < PROGRESS_EVERY_S and done < total:
            return
        self._last_progress = now
        self._write(
            progress_done=max(0, done), progress_total=max(0, total), progress_text=text[:200]
        )

    def _write(self, **fields: object) -> None:
        """What a running program must not end for, should the database be away."""
        try:
            self._mine().update(**fields)
        except AWAY as error:
            self.log(f"the database is away: {error}")
            connections.close_all()

    @property
    def kept(self) -> dict[str, Any] | None:
        """What an earlier attempt of this task kept, if one did."""
        found: dict[str, Any] | None = self.task.result
        return found

    def keep(self, result: dict[str, Any]) -> None:
        """Keep what the next attempt could not find out any more, should this one be lost.

        Plain JSON; it is the task's result until the routine returns the whole.
        """
        self._mine().update(result=result)

    def message(self, level: str, text: str) -> None:
        """Raise a person's attention: level ``info``, ``warning`` or ``error``."""
        self.log(f"{self._attention(level, text)}: {text}")

    def _attention(self, level: str, text: str) -> str:
        known = level if level in Message.Level.values else Message.Level.INFO
        try:
            Message.objects.create(task=self.task, level=known, text=text[:500])
            if known != Message.Level.INFO:
                notify_attention(self.task, text)
        except AWAY as error:
            self.log(f"the database is away: {error}")
            connections.close_all()
        return str(known)

    def check_stopped(self) -> None:
        """Raise `Stopped` if the attempt was asked to end; for long loops in routines."""
        if self.stop_wanted is not None:
            raise Stopped(*self.stop_wanted)

    @contextmanager
    def owning(self) -> Iterator[None]:
        """A transaction that only the owner of the attempt can make.

        For effects that must not come from two attempts: it locks the task's row, and raises
        `Stopped` if the attempt was ended or given to another worker meanwhile.
        """
        with transaction.atomic():
            if not self._mine().filter(state=State.RUNNING).update(attempt=self.task.attempt):
                raise Stopped(State.LOST, "the attempt was ended elsewhere")
            yield

    def run_program(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> int:
        """Run a program under the supervisor and return its exit status.

        Its output goes to the log; lines ``@progress`` and ``@message`` are acted on. However
        this call is left, nothing that the program started is still running.
        """
        self.check_stopped()
        self.log("$ " + " ".join(argv))
        command = [
            *(sys.executable, "-S", "-E", str(SUPERVISOR)),
            *(str(os.getpid()), str(self.grace_s), str(self._log.path)),
            *argv,
        ]
        process = subprocess.Popen(  # noqa: S603
            command,
            cwd=cwd,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        with self._lock:
            self._supervisor = process
        try:
            # The reaper waits for it, should this process die before it.
            self._write(supervisor_id=process.pid)
            if self.stop_wanted is not None:
                process.terminate()
            self._follow(process)
            status = process.wait()
        finally:
            # Not run() or call(): those KILL the supervisor, which then can't clear its group.
            if process.poll() is None:
                process.terminate()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
            with self._lock:
                self._supervisor = None
        self._write(supervisor_id=None)
        self.log(f"program ended with exit status {status}")
        self.check_stopped()
        return status

    def _follow(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None  # noqa: S101
        for raw in iter(lambda: process.stdout.readline(MAX_LINE), b""):  # type: ignore[union-attr]
            # The supervisor has logged these lines; here they are acted on.
            text = raw.decode("utf-8", "replace").rstrip("\r\n")
            if found := PROGRESS.match(text):
                self.progress(int(found[1]), int(found[2]), found[3])
            elif found := MESSAGE.match(text):
                self._attention(found[1], found[2])
            elif text.startswith("@lost "):
                self._log.lost_lines += int(text.split()[1])

    @property
    def runs_program(self) -> bool:
        """Whether a program is running now; it is the one to be stopped then."""
        with self._lock:
            return self._supervisor is not None and self._supervisor.poll() is None

    @property
    def supervisor_id(self) -> int | None:
        """Process that looks after the running program, if one runs."""
        with self._lock:
            return None if self._supervisor is None else self._supervisor.pid

    def stop(self, state: str, reason: str) -> None:
        """Called from the watching thread: end the attempt, its program first."""
        self.stop_wanted = (state, reason)
        with self._lock:
            if self._supervisor is not None and self._supervisor.poll() is None:
                self._supervisor.terminate()

"""What a routine gets from the queue: its log, its bar, people's attention, and programs to run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connections, transaction
from django.db.models import QuerySet

from mppcqa.queue.errors import AWAY, Stopped
from mppcqa.queue.logs import LogWriter
from mppcqa.queue.models import Message, State, Task
from mppcqa.queue.notices import notify_attention
from mppcqa.queue.output import MAX_READ, Odd, Progress, bar, parse
from mppcqa.queue.program_user import ProgramUser
from mppcqa.queue.programs import program_environment
from mppcqa.queue.untrusted import one_line, plain_json, redact_command, told

SUPERVISOR = Path(__file__).with_name("supervisor.py")
PROGRESS_EVERY_S = 0.3
MAX_MESSAGES = 200
MAX_NOTICES = 20
MAX_ODD = 20
"""So many of an attempt are kept, told to its asker, and named in its log; the rest is counted."""


class Context:
    """The running attempt, as its routine sees it."""

    def __init__(self, task: Task, log: LogWriter, grace_s: float = 5.0) -> None:
        self.task = task
        self.grace_s = grace_s
        self._log = log
        self._last_progress = 0.0
        self._pending: dict[str, object] | None = None
        self._counts: Counter[str] = Counter()
        self.stop_wanted: tuple[str, str] | None = None
        """State and reason, once somebody asked the attempt to end."""
        self.interruptible = True
        """Whether a signal may still raise `Stopped` in the middle of the routine."""
        self.interrupted = False
        """Whether one has."""
        self._afterwards: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._supervisor: subprocess.Popen[bytes] | None = None

    def _mine(self) -> QuerySet[Task]:
        return Task.objects.filter(pk=self.task.pk, attempt=self.task.attempt)

    def log(self, text: str) -> None:
        """Append to the attempt's log."""
        self._log.line(text)

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Move the bar. Written at most a few times a second; the last one always."""
        done, total = bar(done, total)
        self._pending = {
            "progress_done": done,
            "progress_total": total,
            "progress_text": one_line(text, 200),
        }
        if time.monotonic() - self._last_progress > PROGRESS_EVERY_S:
            self.settle()

    def settle(self) -> None:
        """Write where the bar stands."""
        pending, self._pending = self._pending, None
        if pending is not None:
            self._last_progress = time.monotonic()
            self._write(**pending)

    def _write(self, **fields: object) -> None:
        """What a running program must not end for, should the database be away."""
        with self._going_on():
            self._mine().update(**fields)

    @contextmanager
    def _going_on(self) -> Iterator[None]:
        """Whatever the database says to this, the attempt goes on."""
        try:
            yield
        except AWAY as error:
            self.log(f"the database is away: {error}")
            connections.close_all()
        except DatabaseError as error:
            self.log(f"the database did not take this: {error}")

    @property
    def kept(self) -> dict[str, Any] | None:
        """What an earlier attempt of this task kept, if one did."""
        found: dict[str, Any] | None = self.task.result
        return found

    def keep(self, result: dict[str, Any]) -> None:
        """Keep what the next attempt could not find out any more, should this one be lost.

        Plain JSON; it is the task's result until the routine returns the whole.
        """
        plain_json(result)
        self._mine().update(result=result)

    def message(self, level: str, text: str) -> None:
        """Raise a person's attention: level ``info``, ``warning`` or ``error``."""
        self.log(f"{self._attention(level, text)}: {text}")

    def _attention(self, level: str, text: str) -> str:
        known = Message.Level(level) if level in Message.Level.values else Message.Level.INFO
        self._counts["messages"] += 1
        if self._counts["messages"] == MAX_MESSAGES:
            text = f"further messages of this attempt are only in its log; this one is: {text}"
        if self._counts["messages"] > MAX_MESSAGES:
            return str(known)
        text = told(text, 500)
        with self._going_on():
            Message.objects.create(task=self.task, level=known, text=text)
            if known != Message.Level.INFO:
                self._counts["notices"] += 1
                if self._counts["notices"] <= MAX_NOTICES:
                    notify_attention(self.task, text)
        return str(known)

    def check_stopped(self) -> None:
        """Raise `Stopped` if the attempt was asked to end; for long loops in routines."""
        if self.stop_wanted is not None:
            raise Stopped(*self.stop_wanted)

    def afterwards(self, what: Callable[[], None]) -> None:
        """Have something done that may take long, once the station is safe; no stop ends it."""
        self._afterwards.append(what)

    def finish(self) -> None:
        """Do what was put off."""
        while self._afterwards:
            try:
                self._afterwards.pop(0)()
            except Exception as error:  # how the attempt ended is known already
                self.message("error", f"after its end: {type(error).__name__}: {error}")

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
        user: ProgramUser | None = None,
    ) -> int:
        """Run a program under the supervisor, as that user; return its exit status.

        Its output goes to the log; lines ``@progress`` and ``@message`` are acted on. However
        this call is left, nothing that the program started is still running. Should somebody kill
        the supervisor, how the program ended is not known, and the attempt is lost.
        """
        self.check_stopped()
        self.log("$ " + redact_command(argv) + (f"  (as {user.name})" if user else ""))
        around = program_environment()
        if user is not None:
            argv, cwd = user.command(cwd or Path("/"), argv), Path("/")
            around |= user.environment()
        command = [
            *(sys.executable, "-S", "-E", str(SUPERVISOR)),
            *(str(os.getpid()), str(self.grace_s), str(self._log.path)),
            *argv,
        ]
        process = subprocess.Popen(  # noqa: S603
            command,
            cwd=cwd,
            env={**around, **(env or {})},
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
        if status >= 0:
            self.log(f"program ended with exit status {status}")
        elif self.stop_wanted is None:
            # The supervisor's own end: of a program that was killed it says 128 and more.
            name = signal.Signals(-status).name
            self.stop_wanted = (
                State.LOST,
                f"the program's supervisor was killed ({name}), and its program with it; what "
                "the program had said last may be missing in the log",
            )
        self.check_stopped()
        return status

    def _follow(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None  # noqa: S101
        for raw in iter(lambda: process.stdout.readline(MAX_READ), b""):  # type: ignore[union-attr]
            # The supervisor has logged these lines; here they are acted on.
            if raw.startswith(b"@lost "):
                self._log.lost_lines += int(raw.split()[1])
                continue
            try:
                asked = parse(raw)
            except Odd as error:
                self._tell_odd(str(error))
                continue
            if isinstance(asked, Progress):
                if asked.done > asked.total:
                    self._tell_odd(f"@progress {asked.done}/{asked.total} is more than all")
                self.progress(asked.done, asked.total, asked.text)
            elif asked is not None:
                self._attention(asked.level, asked.text)

    def _tell_odd(self, what: str) -> None:
        """A line that the queue can't use, in the log; of very many the first ones."""
        self._counts["odd"] += 1
        if self._counts["odd"] <= MAX_ODD:
            self.log(f"the program said something odd: {what}")
        if self._counts["odd"] == MAX_ODD:
            self.log("further odd lines of the program are not named")

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

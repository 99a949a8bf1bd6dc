"""The thread beside running attempts: it renews the lease and looks whether one should end."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from django.db import DatabaseError, connections
from django.utils import timezone

from mppcqa.queue.context import Context
from mppcqa.queue.ends import write_end
from mppcqa.queue.late import resume
from mppcqa.queue.leases import LEASE, RENEW_EVERY_S
from mppcqa.queue.leftovers import end_offspring
from mppcqa.queue.models import State, Task
from mppcqa.queue.shipping import ship

LOOK_EVERY_S = 0.2


@dataclass
class Guarded:
    """An attempt that is being looked after."""

    context: Context
    limit_s: float
    soft_s: float | None
    started: float = field(default_factory=time.monotonic)
    renewed: float = field(default_factory=time.monotonic)
    asked_at: float | None = None
    resting: bool = False

    def rest(self) -> None:
        """The routine has ended: from now on only the lease is renewed."""
        self.resting = True

    def look(self) -> None:
        now = time.monotonic()
        if not self.resting and self.asked_at is None:
            self._keep_time(now)
        try:
            if not self.resting and self.asked_at is None:
                self._ask(now)
            if now - self.renewed > RENEW_EVERY_S:
                self._renew()
                ship(self.context.task.pk, self.context.task.attempt)
                self.renewed = now
        except DatabaseError:
            # The database is away for a while; the lease outlasts a short absence.
            connections.close_all()
        if self.asked_at is not None and not self.resting:
            self._insist(now - self.asked_at)

    def _keep_time(self, now: float) -> None:
        """The limits hold also while the database is away."""
        ran_s = now - self.started
        if ran_s > self.limit_s:
            text = f"ran longer than its limit of {self.limit_s:.0f} s and was stopped"
            self.context.stop(State.TIMED_OUT, text)
            self.asked_at = now
            return
        if self.soft_s is not None and ran_s > self.soft_s:
            text = f"runs longer than the {self.soft_s:.0f} s that are usual"
            self.soft_s = None
            self.context.message("warning", text)

    def _ask(self, now: float) -> None:
        """Tell the attempt to end if a person or the reaper wants it to."""
        row = (
            Task.objects.filter(pk=self.context.task.pk)
            .values("state", "attempt", "host", "process_id", "kill_requested_at", "kill_reason")
            .first()
        )
        if row is None or row["attempt"] != self.context.task.attempt:
            self.context.stop(State.LOST, "the attempt was given to another worker")
        elif row["state"] == State.LOST and self._resume(now, row):
            return
        elif row["state"] != State.RUNNING:
            self.context.stop(row["state"], "the attempt was ended elsewhere")
        elif row["kill_requested_at"] is not None:
            self.context.stop(State.KILLED, row["kill_reason"])
        else:
            return
        self.asked_at = now

    def _resume(self, now: float, row: Mapping[str, Any]) -> bool:
        """Go on after this computer was cut off, unless the task was run again meanwhile."""
        context = self.context
        owner = {"host": socket.gethostname(), "process_id": os.getpid()}
        if row["host"] == owner["host"] and row["process_id"] != owner["process_id"]:
            return False  # a reaper of this computer took it and has made the station safe
        if not resume(context.task, **owner, supervisor_id=context.supervisor_id):
            return False
        text = "given up as lost while the database was out of reach; it goes on"
        context.message("info", text)
        self.renewed = now
        return True

    def _renew(self) -> None:
        Task.objects.filter(
            pk=self.context.task.pk, attempt=self.context.task.attempt, state=State.RUNNING
        ).update(lease_until=timezone.now() + LEASE)

    def _insist(self, waited_s: float) -> None:
        """Wake the routine if it computes; end this process if it does not listen."""
        if waited_s < self.context.grace_s + 2:
            # A program's supervisor clears up by itself; interrupting the wait would not help.
            main = threading.main_thread().ident
            if main is not None and not self.context.runs_program:
                signal.pthread_kill(main, signal.SIGUSR1)
            return
        assert self.context.stop_wanted is not None  # noqa: S101
        state, reason = self.context.stop_wanted
        self.context.log(f"did not end by itself within {waited_s:.0f} s: process killed")
        end_offspring(self.context, 2.0)
        write_end(self.context.task, State(state), {"error_text": reason})
        os.kill(os.getpid(), signal.SIGKILL)


class Watch:
    """Looks after one attempt after the other while entered."""

    def __init__(self) -> None:
        self._guarded: Guarded | None = None
        self._looking = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    @contextmanager
    def over(self, context: Context, limit_s: float, soft_s: float | None) -> Iterator[Guarded]:
        """Look after this attempt within the block."""
        guarded = self._guarded = Guarded(context, limit_s, soft_s)
        try:
            yield guarded
        finally:
            context.interruptible = False
            with self._looking:
                self._guarded = None

    def _run(self) -> None:
        try:
            while not self._done.wait(LOOK_EVERY_S):
                with self._looking:
                    if self._guarded is not None:
                        self._guarded.look()
        finally:
            connections.close_all()

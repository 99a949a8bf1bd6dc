"""The thread beside running attempts: it renews the lease and looks whether one should end."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

from django.db import DatabaseError, connections
from django.utils import timezone

from mppcqa.queue.context import Context
from mppcqa.queue.leases import LEASE, RENEW_EVERY_S
from mppcqa.queue.models import State, Task
from mppcqa.queue.shipping import ship
from mppcqa.queue.transitions import move

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
        try:
            if not self.resting:
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

    def _ask(self, now: float) -> None:
        """Tell the attempt to end if a person, the clock or the reaper wants it to."""
        if self.asked_at is not None:
            return
        ran_s = now - self.started
        if self.soft_s is not None and ran_s > self.soft_s:
            text = f"runs longer than the {self.soft_s:.0f} s that are usual"
            self.soft_s = None
            self.context.message("warning", text)
        row = (
            Task.objects.filter(pk=self.context.task.pk)
            .values("state", "attempt", "kill_requested_at", "kill_reason")
            .first()
        )
        if row is None or row["attempt"] != self.context.task.attempt:
            self.context.stop(State.LOST, "the attempt was given to another worker")
        elif row["state"] != State.RUNNING:
            self.context.stop(row["state"], "the attempt was ended elsewhere")
        elif row["kill_requested_at"] is not None:
            self.context.stop(State.KILLED, row["kill_reason"])
        elif ran_s > self.limit_s:
            text = f"ran longer than its limit of {self.limit_s:.0f} s and was stopped"
            self.context.stop(State.TIMED_OUT, text)
        else:
            return
        self.asked_at = now

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
        move(
            self.context.task,
            State.RUNNING,
            State(state),
            expected_attempt=self.context.task.attempt,
            error_text=reason,
        )
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

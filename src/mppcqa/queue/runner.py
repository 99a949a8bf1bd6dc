"""One attempt at a task, in a worker's pool process."""

from __future__ import annotations

import datetime as dt
import logging
import os
import resource
import signal
import socket
import threading
import time
import traceback
from types import FrameType
from typing import Any

from django.db import DatabaseError, connections
from django.utils import timezone

from mppcqa.queue.context import Context
from mppcqa.queue.errors import Stopped, TaskError
from mppcqa.queue.logs import LogWriter, log_path
from mppcqa.queue.models import Attempt, Lane, State, Task
from mppcqa.queue.programs import make_safe
from mppcqa.queue.registry import Routine, find
from mppcqa.queue.shipping import ship
from mppcqa.queue.transitions import move

logger = logging.getLogger(__name__)

LEASE = dt.timedelta(seconds=30)
RENEW_EVERY_S = 5.0
LOOK_EVERY_S = 0.2
GRACE_S = float(os.environ.get("MPPCQA_KILL_GRACE_S", "5"))


def run_attempt(task_id: int, attempt: int, worker: str) -> None:
    """Own the attempt if it is still to be had, run it, and write how it ended.

    A message that came twice, too late or from nowhere finds no row to own and does nothing.
    """
    now = timezone.now()
    owned = move(
        task_id,
        State.QUEUED,
        State.RUNNING,
        expected_attempt=attempt,
        worker=worker,
        host=socket.gethostname(),
        process_id=os.getpid(),
        started_at=now,
        lease_until=now + LEASE,
        progress_done=0,
        progress_total=0,
        progress_text="",
        supervisor_id=None,
    )
    if not owned:
        logger.info("attempt %s of task %s is not to be had", attempt, task_id)
        return
    task = Task.objects.get(pk=task_id)
    Attempt.objects.create(task=task, number=attempt, worker=worker, started_at=now)
    log = LogWriter(log_path(task_id, attempt))
    context = Context(task, log, GRACE_S)
    context.log(f"attempt {attempt} of {task.name} on {worker}")
    try:
        state, fields = _run(context, find(task.name))
        if context.stop_wanted is not None:
            _make_safe(context)
        if fields.get("error_text"):
            context.log(fields["error_text"])
        context.log(f"ended: {State(state).value}")
        if log.lost_lines:
            context.message("warning", f"{log.lost_lines} lines of the log could not be written")
        fields["peak_memory_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        move(task_id, State.RUNNING, state, expected_attempt=attempt, **fields)
        ship(task_id, attempt)
    finally:
        log.close()


def _run(context: Context, routine: Routine | None) -> tuple[State, dict[str, Any]]:
    """The routine itself; returns the final state and what to write beside it."""
    if routine is None:
        text = f"this worker has no routine called {context.task.name!r}; is it up to date?"
        return State.FAILED, {"error_class": "UnknownRoutine", "error_text": text}
    former = signal.signal(signal.SIGUSR1, _interrupt(context))
    watch = _Watch(context, routine.hard_limit_s, routine.soft_limit_s)
    watch.start()
    try:
        result = routine.function(context, **context.task.arguments)
        context.check_stopped()
    except (Exception, Stopped) as error:
        context.interruptible = False
        if context.stop_wanted is not None:
            # Whatever the interrupt became on its way up. It may have struck in the middle of a
            # query, and then the connection is of no more use.
            connections.close_all()
            state, reason = context.stop_wanted
            return State(state), {"error_text": reason}
        if isinstance(error, TaskError):
            return State.FAILED, {"error_class": "TaskError", "error_text": str(error)}
        if isinstance(error, routine.retry_on):
            return _retry(context, routine, error)
        text = traceback.format_exc()
        context.log(text)
        return State.FAILED, {
            "error_class": type(error).__name__,
            "error_text": f"{type(error).__name__}: {error}",
            "traceback": text,
        }
    finally:
        context.interruptible = False
        watch.finish()
        signal.signal(signal.SIGUSR1, former)
    return State.SUCCEEDED, {"result": result, "exit_status": 0, "error_text": ""}


def _retry(context: Context, routine: Routine, error: Exception) -> tuple[State, dict[str, Any]]:
    """An error that may pass by itself: wait a while and try again, a bounded number of times."""
    task = context.task
    fields = {"error_class": type(error).__name__, "error_text": f"{error}"}
    if task.attempt >= routine.max_attempts:
        return State.FAILED, fields
    Attempt.objects.filter(task=task, number=task.attempt).update(
        ended_at=timezone.now(), state=State.FAILED, error_text=str(error)
    )
    Lane.objects.filter(holder_id=task.pk).update(holder=None, held_since=None)
    delay = dt.timedelta(seconds=2**task.attempt)
    context.log(f"{error}; tried again in {delay.total_seconds():.0f} s")
    return State.WAITING, {**fields, "not_before": timezone.now() + delay, "lease_until": None}


def _interrupt(context: Context) -> Any:
    def handler(signum: int, frame: FrameType | None) -> None:
        del signum, frame
        # Once: a second interrupt would strike while the end of the attempt is written.
        if context.interruptible:
            context.interruptible = False
            context.check_stopped()

    return handler


class _Watch(threading.Thread):
    """Renews the lease, and looks whether the attempt should end."""

    def __init__(self, context: Context, limit_s: float, soft_s: float | None) -> None:
        super().__init__(daemon=True)
        self.soft_s = soft_s
        self.context = context
        self.limit_s = limit_s
        self._done = threading.Event()
        self._main = threading.main_thread().ident

    def finish(self) -> None:
        self._done.set()
        self.join()

    def run(self) -> None:
        started = renewed = time.monotonic()
        asked_at: float | None = None
        try:
            while not self._done.wait(LOOK_EVERY_S):
                now = time.monotonic()
                try:
                    if asked_at is None:
                        asked_at = self._ask(now - started, now)
                    if self.soft_s is not None and now - started > self.soft_s:
                        text = f"runs longer than the {self.soft_s:.0f} s that are usual"
                        self.soft_s = None
                        self.context.message("warning", text)
                    if now - renewed > RENEW_EVERY_S:
                        self._renew()
                        ship(self.context.task.pk, self.context.task.attempt)
                        renewed = now
                except DatabaseError:
                    # The database is away for a while; the lease outlasts a short absence.
                    connections.close_all()
                if asked_at is not None:
                    self._insist(now - asked_at)
        finally:
            connections.close_all()

    def _ask(self, ran_s: float, now: float) -> float | None:
        """Tell the attempt to end if a person, the clock or the reaper wants it to."""
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
            return None
        return now

    def _renew(self) -> None:
        Task.objects.filter(
            pk=self.context.task.pk, attempt=self.context.task.attempt, state=State.RUNNING
        ).update(lease_until=timezone.now() + LEASE)

    def _insist(self, waited_s: float) -> None:
        """Wake the routine if it computes; end this process if it does not listen."""
        if waited_s < GRACE_S + 2:
            # A program's supervisor clears up by itself; interrupting the wait would not help.
            if self._main is not None and not self.context.runs_program:
                signal.pthread_kill(self._main, signal.SIGUSR1)
        else:
            assert self.context.stop_wanted is not None  # noqa: S101
            state, reason = self.context.stop_wanted
            self.context.log(f"did not end by itself within {waited_s:.0f} s: process killed")
            move(
                self.context.task.pk,
                State.RUNNING,
                State(state),
                expected_attempt=self.context.task.attempt,
                error_text=reason,
            )
            os.kill(os.getpid(), signal.SIGKILL)


def _make_safe(context: Context) -> None:
    """After a stop, let the station's program leave the hardware safe (bias off)."""
    lane = Lane.objects.filter(name=context.task.lane).first()
    if lane is None or not lane.make_safe:
        return
    problem = make_safe(lane.make_safe, context.log)
    if problem:
        context.message(
            "error",
            f"{lane.name} was not made safe: {problem}. Check it by hand before the next run.",
        )

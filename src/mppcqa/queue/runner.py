"""One attempt at a task, in a worker's pool process."""

from __future__ import annotations

import datetime as dt
import logging
import os
import resource
import signal
import socket
import time
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any

from django.db import connections
from django.utils import timezone

from mppcqa.audit.source import Source, acting
from mppcqa.queue.context import Context
from mppcqa.queue.dispatch import hold_back, is_gone, queued_in, refuse, wake
from mppcqa.queue.ends import write_end
from mppcqa.queue.errors import AWAY, Stopped, TaskError
from mppcqa.queue.keeper import GRACE_S
from mppcqa.queue.leases import LEASE, in_use_here, lane_lock
from mppcqa.queue.leftovers import end_offspring
from mppcqa.queue.logs import LogWriter, log_path
from mppcqa.queue.models import DEFAULT_LANE, Lane, State, Task, Worker
from mppcqa.queue.obstacles import obstacle
from mppcqa.queue.programs import make_safe
from mppcqa.queue.registry import Routine, find
from mppcqa.queue.transitions import begin
from mppcqa.queue.untrusted import plain_json
from mppcqa.queue.watch import Watch

logger = logging.getLogger(__name__)

CANDIDATES = 4
"""Processes that look in the same moment try a few tasks before they look again."""
HOST = socket.gethostname()


class AskedToEnd(Exception):
    """Somebody wants this worker to take no more tasks."""


def work(
    worker: str,
    queues: list[str],
    stopping: Callable[[], bool],
    end: Callable[[], None] = lambda: None,
) -> int:
    """Take queued tasks, the most urgent first, until none is left; returns how many.

    Called with each message of the broker, whatever it says: the database decides what there is.
    `end` is called where the database says that this worker shall take no more.
    """
    done = 0
    with Watch() as watch:
        while not stopping():
            try:
                task = claim(worker, queues)
                if task is None:
                    return done
                context = run_attempt(task, watch)
                done += 1
                if context.interrupted:
                    _leave(queues)
            except AskedToEnd:
                end()
                break
            except AWAY as error:
                # The reaper sends again, once the database is back.
                logger.warning("the database is away: %s", error)
                connections.close_all()
                return done
    _call_others(queues)
    return done


def _call_others(queues: list[str]) -> None:
    """This process takes no more; somebody else must."""
    if queued_in(queues).exists():
        for queue in queues:
            wake(queue)


def _leave(queues: list[str]) -> None:
    """End this process; the pool starts a new one.

    An interrupt may have struck in the middle of an import, or of anything else that must not be
    left half done, and what runs next in this process would find it so.
    """
    _call_others(queues)
    os.kill(os.getpid(), signal.SIGKILL)


def claim(worker: str, queues: list[str]) -> Task | None:
    """Become the owner of the next attempt; `AskedToEnd` if this worker shall take no more."""
    while candidates := list(queued_in(queues)[:CANDIDATES]):
        for task in candidates:
            if task.lane != DEFAULT_LANE and not _may_start(task):
                continue
            now = timezone.now()
            if begin(
                task,
                worker,
                host=HOST,
                process_id=os.getpid(),
                started_at=now,
                lease_until=now + LEASE,
                lease_s=None,
                progress_done=0,
                progress_total=0,
                progress_text="",
                supervisor_id=None,
            ):
                return task
        if Worker.objects.filter(name=worker, drain=True).exists():
            raise AskedToEnd
    return None


def _may_start(task: Task) -> bool:
    """A station may have been closed or removed since the task was queued for it."""
    lane = Lane.objects.filter(name=task.lane).first()
    if lane is None and is_gone(task.lane):
        refuse(task)
        return False
    if lane is None or not lane.exclusive:
        return True
    # A former program of a computer that was cut off has the first claim; see `late`.
    if not obstacle(task, lane) and not in_use_here(lane.name):
        return True
    hold_back(task)
    return False


def run_attempt(task: Task, watch: Watch) -> Context:
    """Run an attempt that this process owns, and write how it ended."""
    started = time.monotonic()
    log = LogWriter(log_path(task.pk, task.attempt))
    context = Context(task, log, GRACE_S)
    context.log(f"attempt {task.attempt} of {task.name} on {task.worker}")
    try:
        with acting(_source(task)):
            state, fields = _look_after(context, find(task.name), watch)
        context.settle()
        if fields.get("error_text"):
            context.log(fields["error_text"])
        context.log(f"ended: {State(state).value}")
        if log.lost_lines:
            context.message("warning", f"{log.lost_lines} lines of the log could not be written")
        fields["peak_memory_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        fields["run_s"] = round(time.monotonic() - started, 3)
        write_end(task, state, fields)
    finally:
        log.close()
    return context


def _source(task: Task) -> Source:
    """What the audit says of what a task changes: it acts for who asked for it."""
    by = task.requested_by
    name = by.get_username() if by is not None else ""
    return Source(task.requested_by_id, name, f"task {task.pk} {task.name} on {task.worker}")


def _look_after(
    context: Context, routine: Routine | None, watch: Watch
) -> tuple[State, dict[str, Any]]:
    """The routine with its watch; returns the final state and what to write beside it."""
    task = context.task
    if routine is None:
        text = f"this worker has no routine called {task.name!r}; is it up to date?"
        return State.FAILED, {"error_class": "UnknownRoutine", "error_text": text}
    # Read beforehand: the database may be away when the station must be made safe.
    lane = None if task.lane == DEFAULT_LANE else Lane.objects.filter(name=task.lane).first()
    former = signal.signal(signal.SIGUSR1, _interrupt(context))
    limit_s = task.limit_s or routine.hard_limit_s
    try:
        with watch.over(context, limit_s, routine.soft_limit_s) as guarded:
            with lane_lock(lane, context.log):
                ended = _run(context, routine)
                guarded.rest()
                stopped = context.stop_wanted is not None
                end_offspring(context, GRACE_S if stopped else 0.0)
                if stopped:
                    _make_safe(context, lane)
                    end_offspring(context, 0.0)
                context.finish()
            return ended
    except Stopped as stop:  # while it waited for the station
        return State(stop.state), {"error_text": stop.reason}
    finally:
        signal.signal(signal.SIGUSR1, former)


def _run(context: Context, routine: Routine) -> tuple[State, dict[str, Any]]:
    try:
        result = routine.function(context, **context.task.arguments)
        context.check_stopped()
        _check_result(context, result)
    except (Exception, Stopped) as error:
        context.interruptible = False
        if context.stop_wanted is not None:
            # Whatever the interrupt became on its way up. It may have struck in the middle of a
            # query, and then the connection is of no more use.
            connections.close_all()
            return _stopped(context, routine, *context.stop_wanted)
        if isinstance(error, AWAY):
            connections.close_all()
        if isinstance(error, TaskError):
            return State.FAILED, {"error_class": "TaskError", "error_text": str(error)}
        if isinstance(error, routine.retry_on) or (isinstance(error, AWAY) and routine.repeatable):
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
    return State.SUCCEEDED, {"result": result, "exit_status": 0, "error_text": ""}


def _stopped(
    context: Context, routine: Routine, state: str, reason: str
) -> tuple[State, dict[str, Any]]:
    if state != State.LOST:
        return State(state), {"error_text": reason}
    new = State.WAITING if routine.again_after(context.task.attempt) else State.LOST
    return new, {
        "error_class": "SupervisorGone",
        "error_text": reason,
        "attempt_state": State.LOST,
    }


def _check_result(context: Context, result: Any) -> None:
    try:
        plain_json(result)
    except (TypeError, ValueError) as error:
        name = context.task.name
        raise TaskError(
            f"{name} returned a result that is not plain JSON, or too much: {error}"
        ) from error


def _retry(context: Context, routine: Routine, error: Exception) -> tuple[State, dict[str, Any]]:
    """An error that may pass by itself: wait a while and try again, a bounded number of times."""
    task = context.task
    fields = {"error_class": type(error).__name__, "error_text": f"{error}"}
    if task.attempt >= routine.max_attempts:
        return State.FAILED, fields
    delay = dt.timedelta(seconds=2**task.attempt)
    context.log(f"{error}; tried again in {delay.total_seconds():.0f} s")
    return State.WAITING, {**fields, "not_before": timezone.now() + delay}


def _interrupt(context: Context) -> Any:
    def handler(signum: int, frame: FrameType | None) -> None:
        del signum, frame
        # Once: a second interrupt would strike while the end of the attempt is written.
        if context.interruptible:
            context.interruptible = False
            context.interrupted = context.stop_wanted is not None
            context.check_stopped()

    return handler


def _make_safe(context: Context, lane: Lane | None) -> None:
    """After a stop, let the station's program leave the hardware safe (bias off)."""
    if lane is None or not lane.make_safe:
        return
    problem = make_safe(lane.make_safe, context.log)
    if problem:
        context.message(
            "error",
            f"{lane.name} was not made safe: {problem}. Check it by hand before the next run.",
        )

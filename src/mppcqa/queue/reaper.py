"""Finds what a dead worker, a lost message or a broker's absence left behind, and mends it."""

from __future__ import annotations

import datetime as dt
import logging
import os
import signal
import socket

import psutil
from django.db.models import Count, Q
from django.dispatch import Signal
from django.utils import timezone

from mppcqa.audit.chain import seal
from mppcqa.queue import leases
from mppcqa.queue.dispatch import dispatch, is_gone, refuse, send
from mppcqa.queue.ends import deliver_left
from mppcqa.queue.history import tally
from mppcqa.queue.leftovers import has_ended
from mppcqa.queue.logs import note
from mppcqa.queue.models import FINAL_STATES, Lane, Message, State, Task, Worker
from mppcqa.queue.programs import MAKE_SAFE_S, make_safe
from mppcqa.queue.registry import find
from mppcqa.queue.shipping import ship
from mppcqa.queue.transitions import expire, move, overdue
from mppcqa.queue.untrusted import told

RESEND_AFTER = dt.timedelta(seconds=5)
SUPERVISOR_S = 30.0
"""A supervisor that is still alive so long after its lease ran out is told to end."""
WORKER_GONE_AFTER = dt.timedelta(seconds=30)
SUPERVISOR = "supervisor.py"
went_round = Signal()
"""Sent after each round, every few seconds and by several processes: rooms above look then whether
something of theirs is due. Whatever takes longer than a query is for a task."""
logger = logging.getLogger(__name__)


def reap() -> dict[str, int]:
    """One round; safe at any time, in any number of places. Returns what was done."""
    done = {
        "delivered": deliver_left(),
        "lost": _end_lost_attempts(),
        "unlocked": _free_locks(),
        "refused": _refuse_stranded(),
        "expired": _end_overdue(),
        "queued": dispatch(),
        "called": _call_again(),
        "tallied": tally(),
    }
    _forget_workers()
    done["sealed"] = seal()
    for receiver, answer in went_round.send_robust(None):
        if isinstance(answer, Exception):
            logger.error("%s failed", receiver, exc_info=answer)
    return done


def _end_lost_attempts() -> int:
    count = 0
    running = list(Task.objects.filter(state=State.RUNNING))
    leases.forget_all_but({task.pk for task in running})
    for task in running:
        waited_s = leases.unrenewed_s(task)
        late = waited_s > leases.length_s(task)
        mine = task.host == socket.gethostname()
        if not late and (not mine or _alive(task.process_id)):
            continue
        # Its program gets its grace to leave the hardware safe; only then may another begin.
        if mine and _supervises(task.supervisor_id):
            if waited_s > leases.LEASE.total_seconds() + SUPERVISOR_S:
                os.kill(task.supervisor_id or 0, signal.SIGTERM)
            continue
        if mine and not _alive(task.process_id) and not has_ended(task):
            continue
        count += _give_up(task, mine)
    return count


def _alive(process_id: int | None) -> bool:
    """Whether a process of this host is alive."""
    if process_id is None:
        return True
    try:
        return bool(psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _supervises(process_id: int | None) -> bool:
    """Whether that process of this host is a supervisor of ours; numbers are used again."""
    if process_id is None or not _alive(process_id):
        return False
    try:
        return any(part.endswith(SUPERVISOR) for part in psutil.Process(process_id).cmdline())
    except psutil.Error:
        return False


def _claim(task: Task) -> bool:
    """Become the owner of a lost attempt, so that one reaper alone makes its station safe."""
    now = timezone.now()
    mine = {
        "lease_until": now + dt.timedelta(seconds=MAKE_SAFE_S),
        "process_id": os.getpid(),
        "host": socket.gethostname(),
        "supervisor_id": None,
    }
    rows = Task.objects.filter(
        pk=task.pk,
        state=State.RUNNING,
        attempt=task.attempt,
        lease_until=task.lease_until,
        process_id=task.process_id,
    )
    return bool(rows.update(**mine))


def _make_station_safe(task: Task, mine: bool) -> bool:
    """Run the station's program, or say that somebody must look. False if another reaper does."""
    lane = Lane.objects.filter(name=task.lane).first()
    if lane is None or not lane.make_safe:
        return True
    if not _claim(task):
        return False
    if mine:
        problem = make_safe(lane.make_safe, lambda text: None)
    else:
        problem = "its computer does not answer"
    if problem:
        Message.objects.create(
            task=task,
            level=Message.Level.ERROR,
            text=told(
                f"{lane.name} was not made safe: {problem}. Check it by hand before the next run.",
                500,
            ),
        )
    return True


def _give_up(task: Task, mine: bool) -> bool:
    """The attempt's worker is gone: killed as asked, again if that does no harm, else lost."""
    if not _make_station_safe(task, mine):
        return False
    text = f"the worker {task.worker} went away while it ran this"
    routine = find(task.name)
    lost = {"run_s": None, "error_class": "WorkerGone", "error_text": text}
    if task.kill_requested_at is not None:
        new, lost = State.KILLED, {"error_text": task.kill_reason}
    elif routine is not None and routine.again_after(task.attempt):
        new = State.WAITING
    else:
        new = State.LOST
    number = task.attempt
    if mine:
        # On another computer the line would come to lie in the midst of what is shipped from there.
        note(task.pk, number, text)
        ship(task.pk, number)
    return move(
        task,
        State.RUNNING,
        new,
        expected_attempt=number,
        attempt_state=State.LOST,
        **lost,
    )


def _free_locks() -> int:
    """A lock whose holder has ended is nobody's."""
    held = Lane.objects.filter(Q(holder__state__in=FINAL_STATES))
    return held.update(holder=None, held_since=None)


def _refuse_stranded() -> int:
    """End what was queued for a station that is gone, so that it does not wait for ever."""
    rows = Task.objects.filter(state=State.QUEUED, lane__contains=":").order_by()
    gone = [lane for lane in set(rows.values_list("lane", flat=True)) if is_gone(lane)]
    stranded = list(rows.filter(lane__in=gone)) if gone else []
    for task in stranded:
        refuse(task)
    return len(stranded)


def _end_overdue() -> int:
    """What did not begin in time ends, and says so."""
    rows = Task.objects.filter(overdue(), state__in=(State.WAITING, State.QUEUED))
    return sum(expire(task) for task in list(rows.order_by("pk")))


def _call_again() -> int:
    """A message may have been lost with its broker; a second one does no harm.

    Only where a process is free and yet did not take what has been queued for a while: behind busy
    workers a queue is just long.
    """
    now = timezone.now()
    # A time in the future comes from a clock that was set back meanwhile.
    stale = Q(queued_at__lt=now - RESEND_AFTER) | Q(queued_at__gt=now + RESEND_AFTER)
    rows = Task.objects.filter(stale, state=State.QUEUED).order_by().values_list("served_by")
    left = dict(rows.annotate(number=Count("id")))
    if not left:
        return 0
    count = 0
    for queue, free in _free_processes().items():
        for _ in range(min(free, left.get(queue, 0))):
            if not send(queue):
                return count
            count += 1
    return count


def _free_processes() -> dict[str, int]:
    """Processes of live workers that run nothing, by broker queue."""
    busy = dict(
        Task.objects.filter(state=State.RUNNING)
        .order_by()
        .values_list("worker")
        .annotate(number=Count("id"))
    )
    free: dict[str, int] = {}
    for worker in Worker.taking():
        for queue in worker.lanes:
            number = worker.concurrency - busy.get(worker.name, 0)
            free[queue] = free.get(queue, 0) + max(0, number)
    return free


def _forget_workers() -> None:
    gone = timezone.now() - WORKER_GONE_AFTER
    Worker.objects.filter(heartbeat_at__lt=gone, stopped_at=None).update(stopped_at=timezone.now())

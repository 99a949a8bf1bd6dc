"""Finds what a dead worker, a lost message or a broker's absence left behind, and mends it."""

from __future__ import annotations

import datetime as dt
import os
import socket

import psutil
from django.db.models import Count, Q
from django.utils import timezone

from mppcqa.queue.dispatch import dispatch, send
from mppcqa.queue.logs import note
from mppcqa.queue.models import FINAL_STATES, Attempt, Lane, Message, State, Task, Worker
from mppcqa.queue.programs import MAKE_SAFE_S, make_safe
from mppcqa.queue.registry import find
from mppcqa.queue.transitions import move

RESEND_AFTER = dt.timedelta(seconds=5)
SUPERVISOR_TIME = dt.timedelta(seconds=30)
WORKER_GONE_AFTER = dt.timedelta(seconds=30)


def reap() -> dict[str, int]:
    """One round; safe at any time, in any number of places. Returns what was done."""
    done = {
        "lost": _end_lost_attempts(),
        "unlocked": _free_locks(),
        "sent_again": _send_again(),
        "queued": dispatch(),
    }
    _forget_workers()
    return done


def _end_lost_attempts() -> int:
    now = timezone.now()
    expired = Q(lease_until__lt=now)
    here = Q(host=socket.gethostname())
    count = 0
    for task in Task.objects.filter(expired | here, state=State.RUNNING):
        late = task.lease_until is None or task.lease_until < now
        mine = task.host == socket.gethostname()
        if not late and (not mine or _alive(task.process_id)):
            continue
        # Its program gets its grace to leave the hardware safe; only then may another begin.
        # A hanging owner can't hold things up for ever: a late lease counts double then.
        overdue = task.lease_until is None or task.lease_until < now - SUPERVISOR_TIME
        if mine and task.supervisor_id and _alive(task.supervisor_id) and not overdue:
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


def _claim(task: Task) -> bool:
    """Become the owner of a lost attempt, so that one reaper alone makes its station safe."""
    now = timezone.now()
    return bool(
        Task.objects.filter(
            pk=task.pk,
            state=State.RUNNING,
            attempt=task.attempt,
            lease_until=task.lease_until,
            process_id=task.process_id,
        ).update(
            lease_until=now + SUPERVISOR_TIME + dt.timedelta(seconds=MAKE_SAFE_S),
            process_id=os.getpid(),
            host=socket.gethostname(),
        )
    )


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
            text=f"{lane.name} was not made safe: {problem}. Check it by hand before the next run."[
                :500
            ],
        )
    return True


def _give_up(task: Task, mine: bool) -> bool:
    """The attempt's worker is gone: killed as asked, again if that does no harm, else lost."""
    if not _make_station_safe(task, mine):
        return False
    if task.kill_requested_at is not None:
        return move(
            task.pk,
            State.RUNNING,
            State.KILLED,
            expected_attempt=task.attempt,
            error_text=task.kill_reason,
        )
    routine = find(task.name)
    text = f"the worker {task.worker} went away while it ran this"
    if routine is None or not routine.repeatable or task.attempt >= routine.max_attempts:
        return move(
            task.pk, State.RUNNING, State.LOST, expected_attempt=task.attempt, error_text=text
        )
    again = move(
        task.pk,
        State.RUNNING,
        State.WAITING,
        expected_attempt=task.attempt,
        lease_until=None,
        error_text=text,
    )
    if again:
        Attempt.objects.filter(task=task, number=task.attempt).update(
            ended_at=timezone.now(), state=State.LOST, error_text=text
        )
        Lane.objects.filter(holder_id=task.pk).update(holder=None, held_since=None)
        note(task.pk, task.attempt, text)
    return again


def _free_locks() -> int:
    """A lock whose holder has ended is nobody's."""
    held = Lane.objects.filter(Q(holder__state__in=FINAL_STATES))
    return held.update(holder=None, held_since=None)


def _send_again() -> int:
    """A message may have been lost with its broker; a second one does no harm.

    Only where a process is free and yet did not take it: behind busy workers a queue is just long.
    """
    late = timezone.now() - RESEND_AFTER
    stale = Task.objects.filter(state=State.QUEUED).filter(Q(sent_at=None) | Q(sent_at__lt=late))
    tasks = list(stale.order_by("priority", "id")[:200])
    if not tasks:
        return 0
    lanes = {lane.name: lane for lane in Lane.objects.all()}
    free = _free_processes()
    count = 0
    for task in tasks:
        lane = lanes.get(task.lane) or Lane(name=task.lane)
        if task.sent_at is not None and lane.broker_queue not in free:
            continue
        sent = Task.objects.filter(pk=task.pk, state=State.QUEUED, sent_at=task.sent_at)
        if sent.update(sent_at=timezone.now()):
            send([(task.pk, task.attempt, task.priority)], lane)
            count += 1
    return count


def _free_processes() -> set[str]:
    """Broker queues that a live worker with a free process serves."""
    busy = dict(
        Task.objects.filter(state=State.RUNNING)
        .order_by()
        .values_list("worker")
        .annotate(number=Count("id"))
    )
    return {
        queue
        for worker in Worker.objects.filter(stopped_at=None)
        if busy.get(worker.name, 0) < worker.concurrency
        for queue in worker.lanes
    }


def _forget_workers() -> None:
    gone = timezone.now() - WORKER_GONE_AFTER
    Worker.objects.filter(heartbeat_at__lt=gone, stopped_at=None).update(stopped_at=timezone.now())

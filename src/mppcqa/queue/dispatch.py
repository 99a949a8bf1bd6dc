"""From waiting to queued, and the messages that wake the workers.

A queued task stands in the database, which keeps the order; a message says no more than "there is
work in this queue". Whoever takes it goes on until nothing is queued there. So priorities hold on
every transport, a lost, doubled or forged message does no harm, and a burst of short tasks costs
the broker a few messages, not one each.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from celery import current_app
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.dispatch import receiver
from django.utils import timezone
from kombu.exceptions import OperationalError

from mppcqa.queue.models import REMOTE_PREFIX, Lane, State, Task, Worker, lane_title
from mppcqa.queue.obstacles import obstacle
from mppcqa.queue.transitions import TOLD, may_go_on, move, overdue

logger = logging.getLogger(__name__)

CELERY_NAME = "mppcqa.queue.work"
REAP_NAME = "mppcqa.queue.reap"
BATCH = 500
"""Most waiting tasks that one look queues."""
LEAST_MESSAGES = 16
COUNT_EVERY_S = 5.0


def dispatch() -> int:
    """Queue every waiting task that may start; returns how many. Safe to call at any time."""
    closed = Lane.objects.filter(~Q(maintenance="") | Q(exclusive=True, holder__isnull=False))
    ready = (
        Task.objects.filter(state=State.WAITING)
        .exclude(lane__in=closed.values("name"))
        .filter(Q(after=None) | Q(after__state=State.SUCCEEDED))
        .filter(Q(not_before=None) | Q(not_before__lte=timezone.now()))
        .exclude(overdue())
        .order_by("priority", "id")
        .only("lane", "attempt", "requested_by", "override", *TOLD)
    )
    tasks = list(ready[:BATCH])
    if not tasks:
        return 0
    lanes = {lane.name: lane for lane in Lane.objects.filter(name__in={one.lane for one in tasks})}
    queued: Counter[str] = Counter()
    shared: dict[str, list[int]] = {}
    for task in tasks:
        lane = lanes.get(task.lane) or Lane(name=task.lane)
        if lane.pk is None and is_gone(task.lane):
            refuse(task)
        elif lane.exclusive:
            queued[lane.broker_queue] += _queue_exclusive(task, lane)
        else:
            shared.setdefault(lane.broker_queue, []).append(task.pk)
    for queue, ids in shared.items():
        rows = Task.objects.filter(pk__in=ids, state=State.WAITING)
        queued[queue] += rows.update(state=State.QUEUED, **_queued(queue))
    for queue, number in queued.items():
        if not queue.startswith(REMOTE_PREFIX):
            wake(queue, number)
    return queued.total()


@receiver(may_go_on, dispatch_uid="queue.dispatch")
def _go_on(**_named: Any) -> None:
    dispatch()


def _queued(queue: str) -> dict[str, Any]:
    return {"queued_at": timezone.now(), "served_by": queue}


def is_gone(lane: str) -> bool:
    """Whether a lane must be there and is not: ``kind:name`` is a thing that may be removed."""
    return ":" in lane and not Lane.objects.filter(name=lane).exists()


def refuse(task: Task) -> None:
    """End a task whose station is gone."""
    move(
        task,
        (State.WAITING, State.QUEUED),
        State.FAILED,
        error_class="NoSuchLane",
        error_text=f"{lane_title(task.lane)} is not there any more; ask again for another one",
    )


def _queue_exclusive(task: Task, lane: Lane) -> int:
    """Take the lane's lock, then queue the task."""
    if obstacle(task, lane):
        return 0
    with transaction.atomic():
        free = Lane.objects.filter(pk=lane.pk, holder=None, maintenance="")
        if not free.update(holder=task, held_since=timezone.now()):
            return 0
        if move(
            task,
            State.WAITING,
            State.QUEUED,
            expected_attempt=task.attempt,
            **_queued(lane.broker_queue),
        ):
            return 1
        # Somebody was first, or killed it: give back the lock that we took for it.
        transaction.set_rollback(True)
    return 0


def hold_back(task: Task) -> bool:
    """Let a queued task wait again, its station free; False if it is not queued any more."""
    with transaction.atomic():
        if not move(task, State.QUEUED, State.WAITING, expected_attempt=task.attempt):
            return False
        Lane.objects.filter(holder_id=task.pk).update(holder=None, held_since=None)
    return True


def queued_in(queues: list[str]) -> QuerySet[Task]:
    """What the workers of these broker queues take next, in order."""
    rows = Task.objects.filter(state=State.QUEUED, served_by__in=queues).exclude(overdue())
    return rows.order_by("priority", "id")


@dataclass
class _Processes:
    """How many processes serve a queue, looked up now and then."""

    number: int = 0
    until: float = 0.0


_processes: dict[str, _Processes] = {}


def processes(queue: str) -> int:
    """Pool processes of live workers that serve a broker queue."""
    known = _processes.setdefault(queue, _Processes())
    if time.monotonic() > known.until:
        rows = Worker.taking().values_list("lanes", "concurrency")
        known.number = sum(number for lanes, number in rows if queue in lanes)
        known.until = time.monotonic() + COUNT_EVERY_S
    return known.number


def wake(queue: str, number: int = 1) -> None:
    """Call workers for `number` tasks that were queued.

    Where enough are queued already, enough have been called: a process ends its turn only when
    nothing is queued.
    """
    limit = max(LEAST_MESSAGES, 2 * processes(queue))
    there = _count(queue, limit + number)
    for _ in range(min(number, limit - (there - number))):
        if not send(queue):
            return


def _count(queue: str, at_most: int) -> int:
    # Asked with each submission: written out, it costs a fifth of what it does through the ORM.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM (SELECT 1 FROM queue_task WHERE state = %s AND served_by = %s "
            "LIMIT %s) AS some",
            [State.QUEUED.value, queue, at_most],
        )
        return int(cursor.fetchone()[0])


def send(queue: str) -> bool:
    """One message; a broker that is away is no error: the reaper sends again."""
    try:
        current_app.send_task(
            CELERY_NAME,
            queue=queue,
            ignore_result=True,
            # Once more, for a connection that the broker closed while it lay unused.
            retry=True,
            retry_policy={"max_retries": 1, "interval_start": 0, "interval_max": 0},
        )
    except (OperationalError, OSError) as error:
        logger.warning("the broker did not take a message for %s: %s", queue, error)
        return False
    return True

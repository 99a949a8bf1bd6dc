"""From waiting to queued: what is ready gets its lane and a message to the workers.

Only a window of tasks a lane is at the broker at any time; the rest wait in the database, which
keeps their order. So priorities hold on every transport, and a lost or doubled message is cheap.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from celery import current_app
from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone
from kombu.exceptions import OperationalError

from mppcqa.queue.models import Lane, State, Task
from mppcqa.queue.transitions import move

logger = logging.getLogger(__name__)

CELERY_NAME = "mppcqa.queue.attempt"
WINDOW = 64
"""Most tasks of a shared lane that are at the broker and not started."""


def dispatch(*, ended: bool = False) -> int:
    """Queue every waiting task that may start; returns how many. Safe to call at any time.

    With `ended` (a task has just ended) a window that is still half full is left alone, so that
    a long queue is refilled in batches.
    """
    ready = Task.objects.filter(state=State.WAITING)
    if not ready.exists():
        return 0
    lanes = {lane.name: lane for lane in Lane.objects.all()}
    at_broker = dict(
        Task.objects.filter(state=State.QUEUED)
        .order_by()
        .values_list("lane")
        .annotate(number=Count("id"))
    )
    limit = WINDOW // 2 if ended else WINDOW
    full = [name for name, number in at_broker.items() if number >= limit and name not in lanes]
    closed = [lane.name for lane in lanes.values() if lane.maintenance]
    held = [lane.name for lane in lanes.values() if lane.exclusive and lane.holder_id]
    now = timezone.now()
    ready = (
        ready.exclude(lane__in=[*full, *closed, *held])
        .filter(Q(after=None) | Q(after__state=State.SUCCEEDED))
        .filter(Q(not_before=None) | Q(not_before__lte=now))
        .order_by("priority", "id")
    )
    started = 0
    for task in ready[: 2 * WINDOW]:
        lane = lanes.get(task.lane) or Lane(name=task.lane)
        if not lane.exclusive and at_broker.get(task.lane, 0) >= WINDOW:
            continue
        if _queue(task, lane):
            at_broker[task.lane] = at_broker.get(task.lane, 0) + 1
            started += 1
    return started


def obstacle(task: Task, lane: Lane) -> str:
    """Why a lane that is free would still not take this task; empty if it does."""
    from django.utils.translation import gettext as _

    if lane.maintenance:
        return _("%(lane)s is out of service: %(why)s") % {
            "lane": lane.name,
            "why": lane.maintenance,
        }
    now = timezone.now()
    if (
        lane.reserved_by_id is not None
        and (lane.reserved_until is None or lane.reserved_until > now)
        and task.requested_by_id != lane.reserved_by_id
    ):
        return _("%(lane)s is reserved for %(person)s") % {
            "lane": lane.name,
            "person": lane.reserved_by,
        }
    if lane.calibrated_until and lane.calibrated_until < now.date() and not task.override:
        return _("the calibration of %(lane)s ended on %(day)s") % {
            "lane": lane.name,
            "day": lane.calibrated_until,
        }
    return ""


def why_waiting(task: Task) -> str:
    """What a waiting task waits for, for the person who looks; empty if it does not wait."""
    from django.utils.translation import gettext as _

    if task.state == State.QUEUED:
        return _("the next free worker of lane %(lane)s") % {"lane": task.lane}
    if task.state != State.WAITING:
        return ""
    if task.after is not None and task.after.state != State.SUCCEEDED:
        return _("task %(number)d before it") % {"number": task.after.pk}
    if task.not_before and task.not_before > timezone.now():
        return _("its time, %(time)s UTC") % {"time": f"{task.not_before:%Y-%m-%d %H:%M:%S}"}
    lane = Lane.objects.select_related("holder").filter(name=task.lane).first()
    if lane is not None and (text := obstacle(task, lane)):
        return text
    if lane is not None and lane.holder is not None:
        return _("%(lane)s, which task %(number)d holds") % {
            "lane": lane.name,
            "number": lane.holder.pk,
        }
    return _("tasks before it in lane %(lane)s") % {"lane": task.lane}


def _queue(task: Task, lane: Lane) -> bool:
    """Take the lane's lock if it has one, then queue the task."""
    if lane.pk is not None and obstacle(task, lane):
        return False
    number = task.attempt + 1
    now = timezone.now()
    with transaction.atomic():
        if lane.exclusive:
            free = Lane.objects.filter(pk=lane.pk, holder=None, maintenance="")
            if not free.update(holder=task, held_since=now):
                return False
        queued = move(
            task.pk,
            State.WAITING,
            State.QUEUED,
            expected_attempt=task.attempt,
            attempt=number,
            queued_at=now,
            sent_at=now,
        )
        if not queued:
            # Somebody was first, or killed it: give back the lock that we took for it.
            transaction.set_rollback(True)
            return False
        transaction.on_commit(lambda: send([(task.pk, number, task.priority)], lane))
    return True


def send(attempts: Iterable[tuple[int, int, int]], lane: Lane) -> None:
    """Tell the workers: (task, attempt, priority) each.

    A broker that is away is no error: the reaper sends again.
    """
    for task_id, attempt, priority in attempts:
        try:
            current_app.send_task(
                CELERY_NAME,
                kwargs={"task": task_id, "attempt": attempt},
                queue=lane.broker_queue,
                # RabbitMQ counts the other way: the highest number is first.
                priority=9 - min(priority, 9),
                ignore_result=True,
                # Once more, for a connection that the broker closed while it lay unused.
                retry=True,
                retry_policy={"max_retries": 1, "interval_start": 0, "interval_max": 0},
            )
        except (OperationalError, OSError) as error:
            logger.warning("the broker did not take task %s: %s", task_id, error)
            Task.objects.filter(pk=task_id, attempt=attempt).update(sent_at=None)

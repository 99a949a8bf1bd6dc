"""Why a task does not start yet, in words for the person who looks."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.queue.models import REMOTE_PREFIX, Lane, State, Task, Worker, lane_title
from mppcqa.queue.registry import not_now


def obstacle(task: Task, lane: Lane) -> str:
    """Why a lane that is free would still not take this task; empty if it does."""
    if lane.maintenance:
        return _("%(lane)s is out of service: %(why)s") % {
            "lane": lane,
            "why": lane.maintenance,
        }
    now = timezone.now()
    if lane.is_reserved and task.requested_by_id != lane.reserved_by_id:
        return _("%(lane)s is reserved for %(person)s") % {
            "lane": lane,
            "person": lane.reserved_by,
        }
    if lane.calibrated_until and lane.calibrated_until < now.date() and not task.override:
        return _("the calibration of %(lane)s ended on %(day)s") % {
            "lane": lane,
            "day": lane.calibrated_until,
        }
    return not_now(task.name)


def why_waiting(task: Task, known: Known | None = None) -> str:
    """What a waiting task waits for; empty if it does not wait.

    For a list of tasks pass one `Known`, which reads lanes and workers once.
    """
    known = known or Known()
    if task.state == State.QUEUED:
        if task.served_by.startswith(REMOTE_PREFIX):
            return _("the computer of %(lane)s") % {"lane": lane_title(task.lane)}
        if task.served_by not in known.processes:
            return _("a worker for %(lane)s: none is running") % {"lane": lane_title(task.lane)}
        return _("the next free worker of lane %(lane)s") % {"lane": lane_title(task.lane)}
    if task.state != State.WAITING:
        return ""
    if task.after is not None and task.after.state != State.SUCCEEDED:
        return _("task %(number)d before it") % {"number": task.after.pk}
    if task.not_before and task.not_before > timezone.now():
        return _("its time, %(time)s UTC") % {"time": f"{task.not_before:%Y-%m-%d %H:%M:%S}"}
    lane = known.lanes.get(task.lane)
    if lane is not None and (text := obstacle(task, lane)):
        return text
    if lane is not None and lane.holder_id is not None:
        return _("%(lane)s, which task %(number)d holds") % {
            "lane": lane,
            "number": lane.holder_id,
        }
    return _("tasks before it in lane %(lane)s") % {"lane": lane_title(task.lane)}


class Known:
    """Lanes and served queues, read once for a page full of tasks."""

    def __init__(self) -> None:
        rows = Lane.objects.select_related("reserved_by").defer("make_safe")
        self.lanes = {lane.name: lane for lane in rows}
        self.processes: dict[str, int] = {}
        """Pool processes of workers that take tasks, by broker queue."""
        live = Worker.taking().values_list("lanes", "concurrency")
        for names, number in live:
            for name in names:
                self.processes[name] = self.processes.get(name, 0) + number

    def queue_of(self, lane: str) -> str:
        """Broker queue of a lane."""
        return (self.lanes.get(lane) or Lane(name=lane)).broker_queue

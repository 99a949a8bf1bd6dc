"""When waiting tasks will start, by how long their like took: the queue played forward."""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Iterable

from django.utils import timezone

from mppcqa.queue.history import Durations, durations, merged
from mppcqa.queue.models import Task
from mppcqa.queue.obstacles import Known, obstacle

WEEKS = 12


class Medians:
    """Median run times of the last weeks, by routine, topic and lane; read once."""

    def __init__(self) -> None:
        since = (timezone.now() - dt.timedelta(weeks=WEEKS)).date()
        rows = durations(since)
        self._exact = {(one.name, one.topic, one.lane): one for one in rows}
        self._by_name = merged(rows)

    def of(self, task: Task) -> float | None:
        """Median [s] of tasks like this, else of the same routine; None where none succeeded."""
        candidates: tuple[Durations | None, ...] = (
            self._exact.get((task.name, task.topic, task.lane)),
            self._by_name.get(task.name),
        )
        for found in candidates:
            if found is not None and found.median_s is not None:
                return found.median_s
        return None


def estimated_starts(
    running: Iterable[Task], waiting: Iterable[Task], known: Known, medians: Medians
) -> dict[int, dt.datetime]:
    """Start by task, for those that can be told; `waiting` in the order in which they start.

    A task is left out if it waits for a person, if no worker serves it, or if the run time of
    something before it is not known.
    """
    now = timezone.now()
    busy: dict[str, list[float]] = {}
    ends: dict[int, float | None] = {}
    lane_free: dict[str, float | None] = {}
    for task in running:
        median = medians.of(task)
        left = None if median is None else max(0.0, median - (task.seconds or 0.0))
        ends[task.pk] = lane_free[task.lane] = left
        busy.setdefault(task.served_by, []).append(0.0 if left is None else left)
    starts: dict[int, dt.datetime] = {}
    for task in waiting:
        median = medians.of(task)
        start = _start(task, median or 0.0, known, busy, ends, lane_free)
        end = None if start is None or median is None else start + median
        ends[task.pk] = end
        lane = known.lanes.get(task.lane)
        if lane is not None and lane.exclusive:
            lane_free[task.lane] = end
        if start is not None:
            starts[task.pk] = now + dt.timedelta(seconds=start)
    return starts


def _start(
    task: Task,
    takes_s: float,
    known: Known,
    busy: dict[str, list[float]],
    ends: dict[int, float | None],
    lane_free: dict[str, float | None],
) -> float | None:
    """Seconds from now; takes a place in the processes' calendar."""
    lane = known.lanes.get(task.lane)
    if lane is not None and obstacle(task, lane):
        return None
    queue = task.served_by or known.queue_of(task.lane)
    number = known.processes.get(queue, 0)
    if not number:
        return None
    earliest = 0.0
    if lane is not None and lane.exclusive and task.lane in lane_free:
        free = lane_free[task.lane]
        if free is None:
            return None
        earliest = free
    if task.after_id is not None and task.after_id in ends:
        end = ends[task.after_id]
        if end is None:
            return None
        earliest = max(earliest, end)
    if task.not_before is not None:
        earliest = max(earliest, (task.not_before - timezone.now()).total_seconds())
    calendar = busy.setdefault(queue, [])
    if len(calendar) < number:
        calendar += [0.0] * (number - len(calendar))
    heapq.heapify(calendar)
    start = max(earliest, heapq.heappop(calendar))
    heapq.heappush(calendar, start + takes_s)
    return start

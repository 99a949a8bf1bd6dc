"""How long tasks took: counts by kind, lane, outcome, week and run time.

Kept up in the background from tasks that have ended, so that an end costs nothing more and a page
costs the same with a thousand tasks and with a million. Run times are counted in buckets that are
9 % wide, so a median is known to half of that.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from mppcqa.queue.models import State, Task, TaskTally

BATCH = 2000
BUCKETS_AN_OCTAVE = 8
SHORTEST_S = 1e-3
NAMES = ("name", "topic", "lane", "state", "week", "bucket")


def bucket_of(seconds: float) -> int:
    """Number of the bucket that a run time falls into."""
    return math.floor(BUCKETS_AN_OCTAVE * math.log2(max(seconds, SHORTEST_S)))


def middle_of(bucket: float) -> float:
    """Run time [s] in the (geometric) middle of a bucket."""
    return float(2 ** ((bucket + 0.5) / BUCKETS_AN_OCTAVE))


def monday(day: dt.date) -> dt.date:
    return day - dt.timedelta(days=day.weekday())


def tally() -> int:
    """Count what has ended since the last time; each task once, whoever calls."""
    with transaction.atomic():
        rows = Task.objects.select_for_update(skip_locked=True) if _can_skip() else Task.objects
        found = list(
            rows.filter(tallied=False)
            .order_by()
            .only("name", "topic", "lane", "state", "ended_at", "started_at", "run_s")[:BATCH]
        )
        if not found:
            return 0
        counts = Counter(_key(task) for task in found)
        _add(counts)
        Task.objects.filter(pk__in=[task.pk for task in found]).update(tallied=True)
    return len(found)


def take_back(task: Task) -> None:
    """Count a task no more whose end did not hold."""
    if task.tallied:
        which = dict(zip(NAMES, _key(task), strict=True))
        TaskTally.objects.filter(**which, n__gt=0).update(n=F("n") - 1)


def _can_skip() -> bool:
    from django.db import connection

    return connection.features.has_select_for_update_skip_locked


def _key(task: Task) -> tuple[str, str, str, str, dt.date, int]:
    ended = (task.ended_at or timezone.now()).date()
    bucket = bucket_of(task.seconds or 0.0)
    return (task.name, task.topic, task.lane, task.state, monday(ended), bucket)


def _add(counts: Counter[tuple[str, str, str, str, dt.date, int]]) -> None:
    for key, number in sorted(counts.items()):
        which = dict(zip(NAMES, key, strict=True))
        if not TaskTally.objects.filter(**which).update(n=F("n") + number):
            row, made = TaskTally.objects.get_or_create(**which, defaults={"n": number})
            if not made:
                TaskTally.objects.filter(pk=row.pk).update(n=F("n") + number)


@dataclass
class Durations:
    """Run times of one kind of task."""

    name: str
    topic: str
    lane: str
    outcomes: Counter[str] = field(default_factory=Counter)
    buckets: Counter[int] = field(default_factory=Counter)
    """Of those that succeeded: a kill or a crash says nothing about how long it takes."""

    @property
    def n(self) -> int:
        return self.outcomes.total()

    def quantile(self, share: float) -> float | None:
        """Run time [s] that `share` of those that succeeded did not exceed."""
        total = self.buckets.total()
        if not total:
            return None
        passed = 0
        for bucket in sorted(self.buckets):
            if passed + self.buckets[bucket] >= share * total:
                inside = (share * total - passed) / self.buckets[bucket]
                return middle_of(bucket - 0.5 + inside)
            passed += self.buckets[bucket]
        return middle_of(max(self.buckets))

    @property
    def median_s(self) -> float | None:
        return self.quantile(0.5)

    @property
    def quartiles_s(self) -> tuple[float, float] | None:
        """Between them lies the middle half."""
        low, high = self.quantile(0.25), self.quantile(0.75)
        return None if low is None or high is None else (low, high)


def durations(since: dt.date | None = None, **chosen: str) -> list[Durations]:
    """Run times by routine, topic and lane; `chosen` are equal fields of the tally."""
    rows = TaskTally.objects.filter(**chosen)
    if since is not None:
        rows = rows.filter(week__gte=monday(since))
    found: dict[tuple[str, str, str], Durations] = {}
    summed = rows.values_list("name", "topic", "lane", "state", "bucket").annotate(total=Sum("n"))
    for name, topic, lane, state, bucket, total in summed.order_by():
        one = found.setdefault((name, topic, lane), Durations(name, topic, lane))
        one.outcomes[state] += total
        if state == State.SUCCEEDED:
            one.buckets[bucket] += total
    return sorted(found.values(), key=lambda one: (one.topic, one.name, one.lane))


def merged(parts: Iterable[Durations]) -> dict[str, Durations]:
    """By routine's name alone."""
    found: dict[str, Durations] = defaultdict(lambda: Durations("", "", ""))
    for part in parts:
        one = found[part.name]
        one.name = part.name
        one.outcomes += part.outcomes
        one.buckets += part.buckets
    return dict(found)

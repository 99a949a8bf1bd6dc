"""What the server's health is read from: one question each, bounded however large the campaign."""

from __future__ import annotations

import datetime as dt
import math
import platform
import shutil
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from django.conf import settings
from django.db.models import Count, Max, Min, Sum
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from mppcqa.exchange.rotation import default_folder, made_at, newest
from mppcqa.queue.models import OPEN_STATES, Lane, State, Task, TaskTally, Worker
from mppcqa.results.models import Analysis
from mppcqa.runs.models import Station
from mppcqa.runs.second_store import bytes_a_day, days_left
from mppcqa.store.models import StoredFault
from mppcqa.web.workers.listing import SILENT


class Gauges(Collector):
    """All gauges of an installation, read when they are asked for."""

    def collect(self) -> Iterator[Metric]:
        """One family after the other."""
        now = timezone.now()
        yield InfoMetricFamily(
            "mppcqa_build",
            "Versions",
            {"version": version("mppcqa"), "python": platform.python_version()},
        )
        yield from _queue(now)
        yield from _workers(now)
        yield _stations()
        yield from _work(now)
        yield from _disk()


def _queue(now: dt.datetime) -> Iterator[Metric]:
    rows = Task.objects.filter(state__in=OPEN_STATES).order_by().values_list("state")
    there = dict(rows.annotate(n=Count("pk")))
    tasks = GaugeMetricFamily("mppcqa_tasks_open", "Tasks that have not ended", labels=["state"])
    for state in OPEN_STATES:
        tasks.add_metric([state], there.get(state, 0))
    yield tasks
    first = Task.objects.filter(state=State.QUEUED).aggregate(first=Min("queued_at"))["first"]
    yield GaugeMetricFamily(
        "mppcqa_queue_wait_seconds",
        "How long the task that waits longest for a worker has waited",
        _age(now, first) or 0.0,
    )
    ended = CounterMetricFamily("mppcqa_tasks_ended", "Tasks that ended", labels=["state"])
    for state, n in TaskTally.objects.order_by().values_list("state").annotate(n=Sum("n")):
        ended.add_metric([state], n)
    yield ended
    last = PeriodicTask.objects.filter(enabled=True).aggregate(last=Max("last_run_at"))["last"]
    yield from _seconds_since(
        "mppcqa_scheduler", "When the scheduler last started something", now, last
    )


def _workers(now: dt.datetime) -> Iterator[Metric]:
    rows = Worker.objects.filter(stopped_at=None).values_list("heartbeat_at", "drain", "leaving")
    standing = Counter(
        "silent" if now - heard > SILENT else "ending" if drain or leaving else "taking"
        for heard, drain, leaving in rows
    )
    workers = GaugeMetricFamily(
        "mppcqa_workers", "Workers that have not said that they stop", labels=["standing"]
    )
    for one in ("taking", "ending", "silent"):
        workers.add_metric([one], standing[one])
    yield workers


def _stations() -> Metric:
    lanes = {lane.name: lane for lane in Lane.objects.filter(exclusive=True)}
    standing: Counter[str] = Counter()
    for station in Station.objects.only("name"):
        lane = lanes.get(station.lane)
        if lane is not None and lane.maintenance:
            standing["maintenance"] += 1
        else:
            standing["busy" if lane is not None and lane.holder_id else "free"] += 1
    stations = GaugeMetricFamily("mppcqa_stations", "Test stations", labels=["standing"])
    for one in ("free", "busy", "maintenance"):
        stations.add_metric([one], standing[one])
    return stations


def _work(now: dt.datetime) -> Iterator[Metric]:
    # The number of the newest row: a count would read the whole table.
    newest_one = Analysis.objects.order_by("-pk").values_list("pk", "made_at").first()
    number, last = newest_one or (0, None)
    yield CounterMetricFamily("mppcqa_analyses", "Analyses whose values were stored", number)
    yield from _seconds_since("mppcqa_ingest", "When values were last stored", now, last)
    faults = GaugeMetricFamily(
        "mppcqa_stored_faults", "Stored files that are missing or damaged", labels=["what"]
    )
    found = dict(StoredFault.objects.order_by().values_list("what").annotate(n=Count("pk")))
    for what in StoredFault.What.values:
        faults.add_metric([what], found.get(what, 0))
    yield faults
    last_backup = newest(default_folder())
    yield from _seconds_since(
        "mppcqa_backup",
        "When the newest whole backup was begun",
        now,
        made_at(last_backup) if last_backup is not None else None,
    )


def _disk() -> Iterator[Metric]:
    free = GaugeMetricFamily("mppcqa_disk_free_bytes", "Free space", labels=["of"], unit="")
    size = GaugeMetricFamily("mppcqa_disk_size_bytes", "Size of the disk", labels=["of"], unit="")
    for name, folder in (("home", Path(settings.MPPCQA_HOME)), ("backups", default_folder())):
        there = next((one for one in (folder, *folder.parents) if one.is_dir()), None)
        if there is not None:
            usage = shutil.disk_usage(there)
            free.add_metric([name], usage.free)
            size.add_metric([name], usage.total)
    yield free
    yield size
    yield GaugeMetricFamily(
        "mppcqa_run_files_growth_bytes_per_day", "Run files, of the last 90 days", bytes_a_day()
    )
    left = days_left()
    yield GaugeMetricFamily(
        "mppcqa_disk_full_in_days",
        "Until no new run is begun, if run files grow so",
        math.inf if left is None else left,
    )


def _seconds_since(
    name: str, words: str, now: dt.datetime, when: dt.datetime | None
) -> Iterator[Metric]:
    """Nothing where it never was: 0 would look like just now."""
    age = _age(now, when)
    if age is not None:
        yield GaugeMetricFamily(f"{name}_age_seconds", f"{words}, in seconds ago", age)


def _age(now: dt.datetime, when: dt.datetime | None) -> float | None:
    return None if when is None else max(0.0, (now - when).total_seconds())

"""How a station stands, in one word and one colour: its console and the board of all show this."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _

from mppcqa.queue.models import OPEN_STATES, Message, State, Task, group_state
from mppcqa.results.models import Standing
from mppcqa.runs.models import Run, Station
from mppcqa.runs.seats import MEASURE
from mppcqa.web.stations.listing import described, listed
from mppcqa.web.stations.watched import Contact

TROUBLE = (State.FAILED, State.LOST, State.TIMED_OUT)


@dataclass
class Bench:
    """A station now."""

    station: Any
    """As `described` gives it."""
    kind: str
    """``good``, ``busy``, ``warn``, ``bad``, ``calm``: its colour."""
    word: str
    run: Run | None = None
    task: Task | None = None
    """What runs there, or waits."""
    left_s: float | None = None
    messages: list[Message] = field(default_factory=list)
    runs: bool = False
    """Whether there is something that could be stopped."""

    @property
    def dead(self) -> dict[str, str]:
        """Buttons that would do nothing now, by their code, and why."""
        found = {} if self.runs else {".STOP": _("Nothing runs here.")}
        lane = self.station.lane_row
        if not self.station.n_loaded:
            empty = _("Nothing is loaded: scan a device.")
            found |= dict.fromkeys((".START", ".AGAIN", ".UNLOAD"), empty)
        elif lane is not None and lane.maintenance:
            found |= dict.fromkeys((".START", ".AGAIN"), _("out of service"))
        elif self.run is None:
            found[".AGAIN"] = _("Nothing was measured here yet.")
        return dict(sorted(found.items()))

    @property
    def key(self) -> str:
        """Tells one state from the next: what changes is heard."""
        return f"{self.kind} {self.run.pk if self.run else 0}"

    @property
    def why(self) -> str:
        """What went wrong, in a line."""
        if self.kind != "bad" or self.task is None:
            return ""
        return (self.task.error_text.strip().splitlines() or [""])[-1][:300]


def benches(stations: Iterable[Station], viewer: Any) -> list[Bench]:
    """Stations as they stand, with few queries for however many."""
    rows = described(stations)
    last = dict(
        Run.objects.visible_to(viewer)
        .filter(station__in=[row.pk for row in rows])
        .order_by()
        .values_list("station")
        .annotate(Max("pk"))
    )
    runs = {
        run.station_id: run for run in Run.objects.visible_to(viewer).filter(pk__in=last.values())
    }
    groups = [run.task_group_id for run in runs.values() if run.task_group_id]
    tasks: dict[int | None, list[Task]] = {}
    for task in Task.objects.filter(group__in=groups).order_by("pk"):
        tasks.setdefault(task.group_id, []).append(task)
    messages: dict[int | None, list[Message]] = {}
    told = Message.objects.filter(task__group__in=groups).exclude(level=Message.Level.INFO)
    for one in told.select_related("task").order_by("-pk")[:200]:
        messages.setdefault(one.task.group_id, []).append(one)
    found = []
    for row in rows:
        run = runs.get(row.pk)
        group = None if run is None else run.task_group_id
        bench = _bench(row, run, tasks.get(group, []) if group else [])
        waits = any(one.state in OPEN_STATES for one in tasks.get(group, ())) if group else False
        lane = bench.station.lane_row
        bench.runs = waits or (lane is not None and lane.holder_id is not None)
        bench.messages = messages.get(group, [])[:5] if group else []
        found.append(bench)
    return found


def bench_of(station: Station, viewer: Any) -> Bench:
    """One station as it stands."""
    return benches(listed(Station.objects.filter(pk=station.pk)), viewer)[0]


def _bench(station: Any, run: Run | None, tasks: Sequence[Task]) -> Bench:
    lane = station.lane_row
    state = group_state([task.state for task in tasks]) if tasks else None
    measuring = next(
        (one for one in tasks if one.name == MEASURE and one.state in OPEN_STATES), None
    )
    if measuring is not None:
        stopping = measuring.kill_requested_at is not None
        started = measuring.state == State.RUNNING
        word = _("stopping") if stopping else _("measuring") if started else _("waiting")
        kind = "warn" if stopping else "busy"
        return Bench(station, kind, word, run, measuring, _left(measuring))
    if lane is not None and lane.holder_id:
        return Bench(station, "busy", _("busy"), run, lane.holder)
    if lane is not None and lane.maintenance:
        return Bench(station, "warn", _("out of service"), run)
    if not station.n_loaded:
        return Bench(station, "calm", _("empty"), run)
    wrong = next((one for one in tasks if one.state in TROUBLE), None)
    if state in TROUBLE:
        return Bench(station, "bad", _("trouble"), run, wrong)
    if state == State.KILLED:
        return Bench(station, "warn", _("stopped"), run)
    if state in (State.RUNNING, State.QUEUED):
        return Bench(station, "busy", _("analysing"), run)
    there = set(station.loaded.values_list("device", flat=True)) if run else set()
    if run is not None and there and there == set(run.slots.values_list("device", flat=True)):
        return Bench(station, "good", _("done"), run)
    return Bench(station, "good", _("ready"), run)


def _left(task: Task) -> float | None:
    """Seconds that it will take still, if the rest goes as fast as what is done."""
    seconds = task.seconds
    if not seconds or not task.progress_done or not task.progress_total:
        return None
    return seconds * (task.progress_total - task.progress_done) / task.progress_done


def fixture(
    station: Station, run: Run | None, viewer: Any, contacts: Mapping[int, Contact]
) -> list[dict[str, Any]]:
    """What lies in which slot, with the verdict that this run gave and its contact.

    A verdict of before is none: who reads it from three metres takes the device for measured.
    """
    loaded = {
        row.slot: row.device for row in station.loaded.visible_to(viewer).select_related("device")
    }
    outcomes = dict(
        Standing.objects.visible_to(viewer)
        .filter(
            stage=station.stage,
            device__in=[one.pk for one in loaded.values()],
            analysis__run_file__run=run,
        )
        .values_list("device", "outcome")
        if run
        else ()
    )
    return [
        {
            "number": slot,
            "contact": contacts.get(slot),
            "serial": loaded[slot].serial if slot in loaded else "",
            "outcome": outcomes.get(loaded[slot].pk, "") if slot in loaded else "",
        }
        for slot in range(1, station.slots + 1)
    ]

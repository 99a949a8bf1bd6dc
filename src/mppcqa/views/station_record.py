"""What a station has done: its runs by week, how long they took, and its reference device."""

from __future__ import annotations

import datetime as dt
import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext as _

from mppcqa.charts.counted import Course, CourseLine, Moment
from mppcqa.charts.plots import Scale
from mppcqa.queue.models import State, Task, group_state, without_repeated
from mppcqa.results.models import Analysis
from mppcqa.results.reading import read_values
from mppcqa.runs.models import Run, Station
from mppcqa.stages import all_stages
from mppcqa.statistics.outcomes import monday
from mppcqa.views.group import BEGINNING
from mppcqa.views.robust import measured_samples, told
from mppcqa.views.texts import NONE, measured, moment

RUNS = 2000
"""The latest runs that are looked at."""
PIECE = 500
REFERENCES = 300
FAILURES = 30
QUANTITIES = 8
MOVING = 1.128
"""Mean difference of two values after each other, in standard deviations (W. A. Shewhart's d2)."""


@dataclass(frozen=True)
class Done:
    """A run at the station."""

    pk: int
    at: dt.datetime
    state: State
    seconds: float
    """Of its tasks together; NaN where none was counted."""
    why: str
    """The error of the task that ended it; empty for none."""


@dataclass(frozen=True)
class Week:
    """The runs of a week (its Monday, UTC)."""

    week: dt.date
    runs: int
    failed: int
    median: str
    """Duration."""


@dataclass(frozen=True)
class StationView:
    """All that the report of a station says."""

    name: str
    stage: str
    as_of: dt.datetime
    facts: tuple[tuple[str, str], ...]
    states: tuple[tuple[str, int], ...]
    """Runs by how they ended, in words."""
    weeks: tuple[Week, ...]
    durations: Course | None
    failures: tuple[Done, ...]
    references: tuple[Course, ...]
    reference: str


def station_view(station: Station) -> StationView:
    """A station's record: of its latest runs."""
    stage = next((one for one in all_stages() if one.key == station.stage), None)
    runs = list(Run.objects.visible_to(None).filter(station=station).order_by("-pk")[:RUNS][::-1])
    done = _done(runs)
    ended = [one for one in done if one.state not in (State.RUNNING, State.QUEUED, State.WAITING)]
    failed = [one for one in ended if one.state != State.SUCCEEDED]
    counts: dict[str, int] = defaultdict(int)
    for one in done:
        counts[str(one.state.label)] += 1
    return StationView(
        name=station.name,
        stage=_(stage.title) if stage else station.stage,
        as_of=max((one.at for one in done), default=BEGINNING),
        facts=tuple(_facts(station, done, failed)),
        states=tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))),
        weeks=tuple(_weeks(ended)),
        durations=_durations(ended),
        failures=tuple(failed[: -FAILURES - 1 : -1]),
        references=tuple(_references(station)),
        reference=str(station.reference_device or ""),
    )


def _done(runs: Sequence[Run]) -> list[Done]:
    found = []
    for start in range(0, len(runs), PIECE):
        some = runs[start : start + PIECE]
        groups = [one.task_group_id for one in some if one.task_group_id is not None]
        tasks: dict[int, list[Task]] = defaultdict(list)
        columns = ("group", "state", "run_s", "error_text", "repeat_of", "name")
        for task in Task.objects.filter(group__in=groups).only(*columns).order_by("pk"):
            tasks[task.group_id or 0].append(task)
        for run in some:
            own = without_repeated(tasks.get(run.task_group_id or 0, []))
            times = [one.run_s for one in own if one.run_s is not None]
            why = next((one.error_text for one in own if one.error_text), "")
            seconds = sum(times) if times else math.nan
            state = group_state([one.state for one in own])
            found.append(Done(run.pk, run.created_at, state, seconds, why))
    return found


def _facts(station: Station, done: Sequence[Done], failed: Sequence[Done]) -> list[tuple[str, str]]:
    facts = [(_("Institute"), str(station.institute))] if station.institute else []
    facts.append((_("Slots"), str(station.slots)))
    until = station.calibrated_until
    facts.append((_("Calibrated until"), until.isoformat() if until else NONE))
    facts.append((_("Reference device"), str(station.reference_device or NONE)))
    facts.append((_("Runs"), str(len(done))))
    facts.append((_("Failed"), str(len(failed))))
    if done:
        facts.append((_("Latest run"), f"{moment(done[-1].at)} UTC"))
    if len(done) == RUNS:
        facts.append((_("Looked at"), _("the latest %d runs") % RUNS))
    return facts


def _weeks(ended: Sequence[Done]) -> list[Week]:
    by_week: dict[dt.date, list[Done]] = defaultdict(list)
    for one in ended:
        by_week[monday(one.at)].append(one)
    found = []
    for week, runs in sorted(by_week.items(), reverse=True):
        times = [one.seconds for one in runs if math.isfinite(one.seconds)]
        median = measured(statistics.median(times), None, "s") if times else NONE
        wrong = sum(one.state != State.SUCCEEDED for one in runs)
        found.append(Week(week, len(runs), wrong, median))
    return found


def _durations(ended: Sequence[Done]) -> Course | None:
    good = [one for one in ended if one.state == State.SUCCEEDED and math.isfinite(one.seconds)]
    if not good:
        return None
    moments = [Moment(one.at.date(), one.seconds) for one in good]
    line = CourseLine(_("duration"), moments)
    return Course((line,), Scale(_("Duration of a run"), "s"), joined=False)


def _references(station: Station) -> list[Course]:
    """Control charts of the reference device: its means over the channels, run by run."""
    device = station.reference_device_id
    if device is None:
        return []
    analyses = Analysis.objects.visible_to(None).filter(
        run_file__run__station=station, run_file__run__slots__device=device, counts=True
    )
    rows = list(
        analyses.order_by("-pk").values_list("pk", "run_file__run__created_at")[:REFERENCES]
    )
    if not rows:
        return []
    when = dict(rows)
    values = read_values([device], analyses=list(when))
    found: dict[tuple[int, str], list[tuple[dt.datetime, float, float]]] = defaultdict(list)
    named = {}
    for pk in sorted(when):
        mine = values.take(values.analysis == pk)
        for sample in measured_samples(mine):
            words = told(sample)
            key = sample.quantity.pk, words.condition
            named[key] = words
            of_it = mine.take((mine.quantity == sample.quantity.pk) & np.isfinite(mine.value))
            error = float(np.nanmean(of_it.total)) / math.sqrt(
                max(1, len(np.unique(of_it.channel)))
            )
            found[key].append(
                (when[pk], float(sample.values[0]) * words.scale, error * abs(words.scale))
            )
    # The conditions that were measured most often, the headlines first.
    keys = sorted(found, key=lambda key: (not named[key].headline, -len(found[key]), key))
    return [_control(named[key].whole, named[key].unit, found[key]) for key in keys[:QUANTITIES]]


def _control(title: str, unit: str, points: Sequence[tuple[dt.datetime, float, float]]) -> Course:
    moments = [
        Moment(at.date(), value, value - error, value + error) for at, value, error in points
    ]
    values = [value for _at, value, _error in points]
    levels: tuple[tuple[str, float], ...] = ()
    if len(values) > 2:
        mean = statistics.fmean(values)
        sigma = statistics.fmean(map(abs, np.diff(values).tolist())) / MOVING
        levels = ((_("mean"), mean), ("+3σ", mean + 3 * sigma), ("−3σ", mean - 3 * sigma))
        levels = levels if sigma > 0 else levels[:1]
    return Course(
        (CourseLine(title, moments),), Scale(title.partition(": ")[2], unit), title, levels
    )

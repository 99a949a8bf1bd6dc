"""Devices that were measured more than once: by several stations, people, or on several days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mppcqa.results.conditions import compared, distance
from mppcqa.results.models import Analysis, QuantityRow
from mppcqa.results.reading import read_values
from mppcqa.results.sums import points_at
from mppcqa.runs.models import Run, RunSlot
from mppcqa.stages import Condition, get_stage
from mppcqa.statistics.gauge import MOST

RUNS = 2000
"""The latest runs of a stage that are looked at."""
DEVICES = 400


@dataclass(frozen=True)
class Repeat:
    """A device's mean over its channels, as one run has it."""

    device: int
    station: int
    operator: int
    """0 where nobody is named."""
    run: int
    value: float
    error: float
    """Standard uncertainty without what the run's values share; NaN where unknown."""


@dataclass(frozen=True)
class Repeats:
    """Measurements of devices that were measured at least twice at one condition."""

    at: Condition
    rows: list[Repeat]


def repeats(stage: str, quantity: QuantityRow) -> Repeats:
    """Of the latest runs of a stage; at the condition that most of them have, of equal ones the
    one nearest to where the stage is shown."""
    runs = {
        pk: (station, operator or 0)
        for pk, station, operator in Run.objects.visible_to(None)
        .filter(stage=stage)
        .exclude(station=None)
        .order_by("-pk")
        .values_list("pk", "station", "operator")[:RUNS]
    }
    measured: dict[int, list[int]] = defaultdict(list)
    slots = RunSlot.objects.visible_to(None).filter(run__in=list(runs)).order_by("-run", "device")
    for run, device in slots.values_list("run", "device"):
        measured[device].append(run)
    devices = [device for device, mine in measured.items() if len(mine) > 1][:DEVICES]
    wanted = {run for device in devices for run in measured[device]}
    rows = Analysis.objects.visible_to(None).filter(run_file__run__in=wanted, counts=True)
    of_run = dict(rows.order_by("pk").values_list("pk", "run_file__run"))
    values = read_values(devices, analyses=list(of_run), quantities=[quantity.pk]).measured
    values = values.take(np.isfinite(values.value))
    points = {pk: compared(at) for pk, at in points_at(values.condition).items()}
    cells: dict[Condition, dict[tuple[int, int], list[int]]] = defaultdict(dict)
    for place, (device, analysis, condition) in enumerate(
        zip(
            values.device.tolist(),
            values.analysis.tolist(),
            values.condition.tolist(),
            strict=True,
        )
    ):
        cells[points[condition]].setdefault((device, of_run[analysis]), []).append(place)
    typical = get_stage(stage).typical
    found = Repeats(Condition(), [])
    best = (1, 0.0)
    for at, mine in cells.items():
        several = _several(mine)
        rank = (-len(several), distance(at, typical))
        if several and rank < best:
            best = rank
            found = Repeats(at, [
                Repeat(device, *runs[run], run, float(values.value[places].mean()),
                       float(np.sqrt(np.sum(values.statistical[places] ** 2))) / len(places))
                for (device, run), places in sorted(mine.items()) if device in several
            ])  # fmt: skip
    return found


def _several(cells: dict[tuple[int, int], list[int]]) -> set[int]:
    """Devices of more than one run."""
    counts: dict[int, int] = defaultdict(int)
    for device, _run in cells:
        counts[device] += 1
    return {device for device, n in counts.items() if n > 1}


def for_gauge(rows: Sequence[Repeat]) -> list[Repeat]:
    """As many whole devices as a gauge study takes, those that were measured most often."""
    by_device: dict[int, list[Repeat]] = defaultdict(list)
    for one in rows:
        by_device[one.device].append(one)
    taken: list[Repeat] = []
    for mine in sorted(by_device.values(), key=lambda some: (-len(some), some[0].device)):
        if len(taken) + len(mine) <= MOST:
            taken += mine
    return taken


def paired(
    rows: Sequence[Repeat], first: int, second: int
) -> list[tuple[int, float, float, float, float]]:
    """Devices that both stations measured: id, value and uncertainty at the first, the second; of
    several runs their mean."""
    by_device: dict[int, dict[int, list[Repeat]]] = defaultdict(lambda: defaultdict(list))
    for one in rows:
        by_device[one.device][one.station].append(one)
    found = []
    for device, mine in sorted(by_device.items()):
        if first in mine and second in mine:
            ends = [
                (
                    float(np.mean([one.value for one in mine[station]])),
                    float(np.sqrt(np.sum([one.error**2 for one in mine[station]])))
                    / len(mine[station]),
                )
                for station in (first, second)
            ]
            found.append((device, *ends[0], *ends[1]))
    return found

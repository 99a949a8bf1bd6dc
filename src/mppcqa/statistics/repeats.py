"""Devices that were measured more than once: by several stations, people, or on several days."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mppcqa.results.conditions import compared, distance
from mppcqa.results.means import ChannelSums, channel_sums
from mppcqa.results.models import Analysis, QuantityRow
from mppcqa.results.sums import points_at
from mppcqa.runs.models import Run, RunSlot
from mppcqa.stages import Condition, get_stage
from mppcqa.stages.numbers import shared_uncertainty
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
    shared: Mapping[str, float] = field(default_factory=dict)
    """What they share, by name, in the value's unit."""


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
    counting = Analysis.objects.visible_to(None).filter(run_file__run__in=wanted, counts=True)
    told = counting.order_by("pk").values_list("pk", "run_file__run", "shared")
    of_run = {pk: run for pk, run, _parts in told}
    parts_of = {run: parts for _pk, run, parts in told}
    sums = list(channel_sums(devices, of_run.keys(), [quantity.pk]))
    points = {pk: compared(at) for pk, at in points_at([one.condition for one in sums]).items()}
    cells: dict[Condition, dict[tuple[int, int], list[ChannelSums]]] = defaultdict(dict)
    for one in sums:
        key = one.device, of_run[one.analysis]
        cells[points[one.condition]].setdefault(key, []).append(one)
    typical = get_stage(stage).typical
    several = {at: _several(mine) for at, mine in cells.items()}
    there = [at for at, some in several.items() if some]
    if not there:
        return Repeats(Condition(), [])
    at = min(there, key=lambda one: (-len(several[one]), distance(one, typical)))
    rows = [
        _repeat((device, *runs[run], run), some, parts_of[run], quantity.key)
        for (device, run), some in sorted(cells[at].items())
        if device in several[at]
    ]
    return Repeats(at, rows)


def _repeat(
    of: tuple[int, int, int, int],
    sums: Sequence[ChannelSums],
    parts: Mapping[str, Mapping[str, Any]],
    quantity: str,
) -> Repeat:
    """Mean of a device's values of a run; `parts` is what its analysis says that they share."""
    n = sum(one.n for one in sums)
    mean = sum(one.value for one in sums) / n
    error = math.sqrt(sum(one.statistical for one in sums)) / n
    shared = {
        _whose(name, part, of[1]): abs(mean) * part["relative"]
        if "relative" in part
        else part["absolute"]
        for name, part in parts.items()
        if quantity in part["quantities"]
    }
    return Repeat(*of, mean, error, shared)


def _whose(name: str, part: Mapping[str, Any], station: int) -> str:
    """The name of a shared part; of one that does not say whose it is, no other station's."""
    return name if part.get("of") else f"{name} (station {station})"


def _several(cells: Mapping[tuple[int, int], Any]) -> set[int]:
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


def shared_of_difference(rows: Sequence[Repeat], first: int, second: int) -> float:
    """Uncertainty of the mean difference of two stations, of devices that both measured, for what
    the values of each share: one reference detector used by both moves nothing."""
    of = {one.device for one in rows if one.station == first}
    of &= {one.device for one in rows if one.station == second}
    times: dict[tuple[int, int], int] = defaultdict(int)
    for one in rows:
        times[one.device, one.station] += 1
    signs = {first: -1.0, second: 1.0}
    return shared_uncertainty(
        (signs[one.station] / len(of) / times[one.device, one.station], one.shared)
        for one in rows
        if one.device in of and one.station in signs
    )


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

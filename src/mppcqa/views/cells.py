"""What lies in a run file at one device, channel and point: spectrum, waveforms, currents.

Only the entries that are asked for are read, so that it takes no longer in a file of 2 GB.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from mppcqa.results.conditions import condition_text, setting, sort_key, without_sources
from mppcqa.results.models import ConditionPoint
from mppcqa.runfile import RunFile as OpenRunFile
from mppcqa.runfile import RunFileError
from mppcqa.runs.models import Run, RunFile
from mppcqa.stages import Condition
from mppcqa.store.reading import FileFault, whole_path


def run_file_of(run: Run) -> RunFile | None:
    """The newest run file of a run; None where it has none (yet)."""
    return run.files.filter(kind=RunFile.Kind.RUN).order_by("-id").first()


@contextmanager
def open_run(row: RunFile) -> Iterator[OpenRunFile]:
    """The run file, open for a page; `RunFileError` where it is damaged or can't be read.

    Of a large file only what is asked for is read, and held against the checksums inside it.
    """
    with ExitStack() as stack:
        try:
            path = stack.enter_context(whole_path(row, in_haste=True))
        except FileFault as fault:
            raise RunFileError(str(fault)) from fault
        yield stack.enter_context(OpenRunFile(path))


@dataclass(frozen=True)
class Point:
    """A measuring point of a file."""

    number: int
    at: Condition

    @property
    def text(self) -> str:
        return condition_text(self.at)


def points_of(run: OpenRunFile) -> list[Point]:
    """All points, sorted by their axes."""
    found = [Point(number, Condition(at).rounded()) for number, at in run.points().items()]
    return sorted(found, key=lambda one: sort_key(one.at))


def point_at(points: list[Point], condition: ConditionPoint) -> Point | None:
    """The point of a condition; of a condition of fewer axes the first that agrees in them."""
    wanted = setting(condition.at)
    return next((one for one in points if agrees(one.at, wanted)), None)


def agrees(at: Condition, wanted: Condition) -> bool:
    """Whether a point has the wanted value on each axis that it has at all."""
    return all(
        math.isclose(at[key], value, rel_tol=1e-5, abs_tol=1e-6)
        for key, value in wanted.items()
        if key in at
    )


def columns_of(slot: dict[str, Any]) -> list[int]:
    """The device's channel of each column of a slot's charges."""
    return list(slot.get("channel_numbers") or range(slot["channels"]))


@dataclass(frozen=True)
class Waveforms:
    """Waveforms (n, samples) of a channel at a point in volts, `sample_s` apart."""

    total: int
    sample_s: float
    samples: Any
    unit: str = "V"


MOST_WAVEFORMS = 5_000
MOST_SAMPLES = 5_000_000


def persistence(waveforms: Waveforms, columns: int = 160, rows: int = 80) -> tuple[Any, Any, Any]:
    """Density of all samples: counts (columns, rows), edges in ns and in the signal's unit."""
    samples = waveforms.samples
    n = samples.shape[1]
    columns = min(columns, n)
    edge = np.linspace(0, n, columns + 1).astype(int)
    low, high = float(samples.min()), float(samples.max())
    signal = np.linspace(low, high if high > low else low + 1, rows + 1)
    counts = np.stack([np.histogram(samples[:, a:b], signal)[0] for a, b in pairwise(edge)])
    return counts, edge * waveforms.sample_s * 1e9, signal


def waveforms(
    run: OpenRunFile, slot: int, column: int, point: Point, first: int = 0, count: int = 1
) -> Waveforms | None:
    """`count` waveforms of a channel from the `first`; None where there are none."""
    total = run.waveform_count(point.number, slot, column)
    if not total:
        return None
    found = run.waveforms(point.number, slot, column, first, count)
    return Waveforms(total, found.sampling_s, found.volts())


def many_waveforms(run: OpenRunFile, slot: int, column: int, point: Point) -> Waveforms | None:
    """As many of a channel's waveforms as a density needs, from the first."""
    width = max(int(run.meta.get("waveform", {}).get("samples", 1)), 1)
    return waveforms(
        run, slot, column, point, 0, max(1, min(MOST_WAVEFORMS, MOST_SAMPLES // width))
    )


@dataclass(frozen=True)
class Current:
    """An IV curve: voltages [V] and currents [A], positive in reverse."""

    name: str
    voltage_v: Any
    current_a: Any


def currents(run: OpenRunFile, slot: int, column: int, point: Point) -> list[Current]:
    """IV curves that belong to a channel at a point, and those of the whole device."""
    from mppcqa.stages.cell import curves_near

    return [
        Current(f"#{curve.curve} {curve.temperature_c:.3g} °C", curve.voltage_v, curve.current_a)
        for curve in curves_near(run, slot, column, point.number)
    ]


def without_source(points: list[Point], point: Point) -> list[Point]:
    """The point, then those that differ from it only in a source that can be off (the light)."""
    same = [one for one in points if without_sources(one.at) == without_sources(point.at)]
    return [point, *(one for one in same if one is not point)]


@dataclass(frozen=True)
class Sensor:
    """Readings over time: seconds since the run's beginning, and values in `unit`."""

    name: str
    unit: str
    time_s: Any
    value: Any


MOST_READINGS = 400


def monitored(run: OpenRunFile) -> list[Sensor]:
    """Every sensor of a run, thinned evenly to what a chart can show."""
    found = []
    for row in run.sensors:
        times, values = run.monitor(row["sensor"])
        step = max(1, len(times) // MOST_READINGS)
        if len(times):
            found.append(Sensor(row["name"], row["unit"], times[::step], values[::step]))
    return found

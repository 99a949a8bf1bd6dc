"""What lies in a run file at one device, channel and point: spectrum, waveforms, currents.

Only the entries that are asked for are read, so that it takes no longer in a file of 2 GB.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from mppcqa.runfile import WHOLE_DEVICE, RunFileError
from mppcqa.runfile import RunFile as OpenRunFile
from mppcqa.testing.models import ConditionPoint, Run, RunFile


def run_file_of(run: Run) -> RunFile | None:
    """The newest run file of a run; None where it has none (yet)."""
    return run.files.filter(kind=RunFile.Kind.RUN).order_by("-id").first()


def open_run(row: RunFile) -> OpenRunFile:
    """The run file, open; `RunFileError` where it can't be read."""
    path = Path(row.file.path)
    if not path.is_file():
        raise RunFileError(f"{row.original_name} is not in the store")
    return OpenRunFile(path)


@dataclass(frozen=True)
class Point:
    """A measuring point of a file."""

    number: int
    bias_v: float
    temperature_c: float
    light: float

    @property
    def text(self) -> str:
        from mppcqa.testing.models import condition_text

        return condition_text(
            {"bias_v": self.bias_v, "temperature_c": self.temperature_c, "light": self.light}
        )


def points_of(run: OpenRunFile) -> list[Point]:
    """All points, by temperature, light and bias."""
    rows = run.conditions
    found = [
        Point(int(p), float(b), float(t), float(light))
        for p, b, t, light in zip(
            rows["point"], rows["bias_v"], rows["temperature_c"], rows["light"], strict=True
        )
    ]
    return sorted(found, key=lambda one: (one.temperature_c, one.light, one.bias_v))


def point_at(points: list[Point], condition: ConditionPoint) -> Point | None:
    """The point of a condition; of a condition without bias the first at its temperature."""

    def near(value: float, wanted: float | None) -> bool:
        return wanted is None or math.isclose(value, wanted, rel_tol=1e-5, abs_tol=1e-6)

    for one in points:
        if (
            near(one.bias_v, condition.bias_v)
            and near(one.temperature_c, condition.temperature_c)
            and near(one.light, condition.light)
        ):
            return one
    return None


def columns_of(slot: dict[str, Any]) -> list[int]:
    """The device's channel of each column of a slot's charges."""
    return list(slot.get("channel_numbers") or range(slot["channels"]))


@dataclass(frozen=True)
class Spectrum:
    """Charge spectra of one channel, with light and in the dark, and their fit."""

    centres: Any
    counts: dict[str, Any]
    """``light`` and ``dark`` -> counts a bin."""
    expected: dict[str, Any] = field(default_factory=dict)
    """The same from the fit; empty where it failed."""
    values: list[tuple[str, float, float]] = field(default_factory=list)
    """Fitted parameter, value, standard uncertainty."""
    chi2: float = math.nan
    ndf: int = 0
    fault: str = ""
    not_finite: int = 0


def spectrum(run: OpenRunFile, slot: int, column: int, point: Point) -> Spectrum | None:
    """Spectrum and fit of a channel at a point, light and dark together where both are there."""
    from mppcqa.stages.cell import fit_cell

    found = fit_cell(run, slot, column, point.bias_v, point.temperature_c, point.light)
    return None if found is None else Spectrum(**found)


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


def currents(run: OpenRunFile, slot: int, column: int, temperature_c: float) -> list[Current]:
    """A channel's IV curves near a temperature, and those of the whole device."""
    found = []
    for curve in (*run.iv_curves(slot, column), *run.iv_curves(slot, WHOLE_DEVICE)):
        if abs(curve.temperature_c - temperature_c) < 0.5:
            name = f"#{curve.curve} {curve.temperature_c:.3g} °C"
            found.append(Current(name, curve.voltage_v, curve.current_a))
    return found


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

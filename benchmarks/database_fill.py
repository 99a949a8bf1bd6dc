"""A made-up campaign of any size, taken in by the real ingest: arrays, runs, values, verdicts.

Each array of 4 x 4 channels passes the PDE and the Dark Box stage, four arrays a run, six bias
voltages: 310 values an array and stage. Values scatter as those of a good production do, with a few
percent outside the limits.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import numpy as np
from django.utils import timezone

from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Device, DeviceType, Institute, Maker, Tray
from mppcqa.limits.judging import active_limits, judge_again
from mppcqa.results.columns import ValueColumns
from mppcqa.results.ingest import NewAnalysis, store_analyses
from mppcqa.runs.models import Run, RunFile, RunSlot, Station
from mppcqa.stages import Condition, Result, get_stage

DEVICES = 60_000
"""Registered from the start, as on delivery: the thousandth page of 50 exists at every size."""
TRAY = 12
SLOTS = 4
CHANNELS = 16
OVERVOLTAGES = (1.0, 1.2, 1.4, 1.6, 1.8, 2.0)
BATCH = 32
"""Analyses a transaction."""
WEEKS = 120
FEW = 1000
BAD = 0.03
"""Part of the devices that lies six standard deviations off."""
BY_CHANNEL = {
    "pde": ("pde", "gain_adc", "crosstalk_probability"),
    "darkbox": ("dark_rate_hz", "gain_adc", "crosstalk_probability"),
}
MEANS = {
    "pde": (0.21, 0.006),
    "gain_adc": (48.0, 1.5),
    "crosstalk_probability": (0.10, 0.008),
    "dark_rate_hz": (1.1e6, 2e5),
    "breakdown_voltage_v": (70.0, 0.15),
    "gain_spread": (0.04, 0.004),
}
VALUES_A_DEVICE = 2 * (CHANNELS * (3 * len(OVERVOLTAGES) + 1) + len(OVERVOLTAGES))


@dataclass
class Spent:
    """Seconds and values, for rates."""

    store_s: float = 0.0
    judge_s: float = 0.0
    values: int = 0
    analyses: int = field(default=0)


def prepare(devices: int = DEVICES) -> list[int]:
    """Register the devices in trays, make stations; ids of the devices in order."""
    maker = Maker.objects.create(name="Hamamatsu")
    place = Institute.objects.create(name="Jefferson Lab")
    kind = DeviceType.objects.create(name="S12045(X)", maker=maker, nominal_breakdown_v=70.0)
    size = TRAY * TRAY
    trays = [
        Tray(name=f"T-{n:04d}", rows=TRAY, columns=TRAY) for n in range((devices - 1) // size + 1)
    ]
    Tray.objects.bulk_create(trays, batch_size=1000)
    for start in range(0, devices, 10_000):
        register_devices(
            [
                {
                    "serial": f"GX-{n:06d}",
                    "device_type": kind.name,
                    "location": place.name,
                    "tray": trays[n // size].name,
                    "tray_row": n % size // TRAY,
                    "tray_column": n % TRAY,
                }
                for n in range(start, min(start + 10_000, devices))
            ]
        )
    for stage in BY_CHANNEL:
        Station.objects.create(name=f"{stage}-1", stage=stage, slots=SLOTS, institute=place)
    return list(Device.objects.order_by("pk").values_list("pk", flat=True))


def stage_values(stage: str, devices: list[int], rng: np.random.Generator) -> ValueColumns:
    """Values of some devices at a stage, random."""
    keys = (*BY_CHANNEL[stage], "breakdown_voltage_v", "gain_spread")
    light = 1.0 if stage == "pde" else None
    conditions = (Condition(), *(
        Condition(bias_v=70 + dv, overvoltage_v=dv, temperature_c=20.0, light=light)
        for dv in OVERVOLTAGES
    ))  # fmt: skip
    n = len(OVERVOLTAGES)
    channel, condition, quantity = (one.ravel() for one in np.mgrid[0:CHANNELS, 1 : n + 1, 0:3])
    channel = np.concatenate([channel, np.arange(CHANNELS), np.full(n, -1)])
    condition = np.concatenate([condition, np.zeros(CHANNELS, int), np.arange(1, n + 1)])
    quantity = np.concatenate([quantity, np.full(CHANNELS, 3), np.full(n, 4)])
    rows, count = len(channel), len(devices)
    quantity = np.tile(quantity, count)
    mean, sigma = np.array([MEANS[key] for key in keys]).T
    of_device = 0.7 * rng.normal(size=count)
    of_device[rng.random(count) < BAD] += 6
    scatter = rng.normal(size=rows * count) + np.repeat(of_device, rows)
    return ValueColumns(
        device=np.repeat(np.array(devices, "i4"), rows),
        quantities=keys,
        quantity=quantity,
        conditions=conditions,
        condition=np.tile(condition, count),
        channel=np.tile(channel, count),
        value=np.abs(mean[quantity] + sigma[quantity] * scatter),
        statistical=sigma[quantity] / 3 * rng.uniform(0.8, 1.2, rows * count),
        systematic=0.03 * np.abs(mean[quantity]),
        methods=dict.fromkeys(keys, "generated"),
    )


def as_results(values: ValueColumns, devices: list[int]) -> list[Result]:
    """The same values as a stage's analysis gives them, slots from 1."""
    slots = {device: slot for slot, device in enumerate(devices, 1)}
    cells = zip(
        values.device.tolist(),
        values.channel.tolist(),
        values.quantity.tolist(),
        values.condition.tolist(),
        values.value.tolist(),
        values.statistical.tolist(),
        values.systematic.tolist(),
        strict=True,
    )
    return [
        Result(
            slot=slots[device],
            channel=None if channel < 0 else channel,
            quantity=values.quantities[quantity],
            value=value,
            uncertainty=statistical,
            systematic=systematic,
            condition=values.conditions[condition],
            method="generated",
        )
        for device, channel, quantity, condition, value, statistical, systematic in cells
    ]


def new_runs(stage: str, groups: list[list[int]]) -> list[RunFile]:
    """A run and its file for each group of devices."""
    station = Station.objects.get(name=f"{stage}-1")
    runs = Run.objects.bulk_create([Run(stage=stage, station=station) for _group in groups])
    RunSlot.objects.bulk_create(
        [
            RunSlot(run=run, slot=slot, device_id=device)
            for run, group in zip(runs, groups, strict=True)
            for slot, device in enumerate(group, 1)
        ]
    )
    return RunFile.objects.bulk_create(
        [
            RunFile(
                sha256=f"{stage:>10}{run.pk:054d}",
                file=f"runs/{run.pk}.root",
                size=1,
                original_name=f"run-{run.pk}.root",
                run=run,
            )
            for run in runs
        ]
    )


def fill(devices: list[int], rng: np.random.Generator) -> Spent:
    """Take devices through both stages, some weeks apart, and judge them."""
    spent = Spent()
    groups = [devices[start : start + SLOTS] for start in range(0, len(devices), SLOTS)]
    for start in range(0, len(groups), BATCH):
        some = groups[start : start + BATCH]
        for shift, name in enumerate(BY_CHANNEL):
            stage = get_stage(name)
            batch = [
                NewAnalysis(
                    stage=stage,
                    run_file=file,
                    values=stage_values(name, group, rng),
                    devices=group,
                )
                for file, group in zip(new_runs(name, some), some, strict=True)
            ]
            began = time.perf_counter()
            store_analyses(batch)
            spent.store_s += time.perf_counter() - began
            spent.values += sum(len(new.values) for new in batch)
            spent.analyses += len(batch)
            began = time.perf_counter()
            members = [one for group in some for one in group]
            # Few devices are judged one by one: even a small campaign has values of every week.
            step = 1 if len(devices) < FEW else len(members)
            for first in range(0, len(members), step):
                week = (start * SLOTS + first) // step
                with at_week(week % WEEKS + shift):
                    judge_again(stage, active_limits(stage), members[first : first + step])
            spent.judge_s += time.perf_counter() - began
    return spent


def at_week(number: int) -> Any:
    """As if it were some weeks after the campaign began."""
    moment = dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC) + dt.timedelta(weeks=number)
    return mock.patch.object(timezone, "now", return_value=moment)


def sizes_of(text: str) -> Iterator[int]:
    """``100000,1e6`` as numbers of values."""
    for part in text.split(","):
        yield int(float(part))

"""A station that measures its reference device day after day, and others that measure the same."""

from __future__ import annotations

import datetime as dt
from io import BytesIO

import numpy as np
from django.contrib.auth.models import User

from mppcqa.inventory.models import Device
from mppcqa.results.ingest import store_analysis
from mppcqa.runs.models import Run, RunFile, RunSlot, Station
from mppcqa.stages import Condition, Result, get_stage
from mppcqa.store.keeping import keeping

FIRST = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
AT = Condition(bias_v=73.0, overvoltage_v=3.0, temperature_c=20.0, light=1.0)


def measured(
    station: Station,
    devices: list[Device],
    when: dt.datetime,
    gain: list[float],
    operator: User | None = None,
) -> Run:
    """A run of four channels a device, taken in by the real ingest; not judged."""
    stage = get_stage("pde")
    run = Run.objects.create(
        stage="pde",
        station=station,
        parameters=stage.clean({}),
        operator=operator,
        created_at=when,
        measured_at=when,
    )
    slots = dict(enumerate(devices, 1))
    RunSlot.objects.bulk_create(
        RunSlot(run=run, slot=slot, device=device) for slot, device in slots.items()
    )
    with keeping(BytesIO(b"drifting %d" % run.pk), "runs", ".root") as kept:
        file = RunFile.objects.create(
            file=kept.name, sha256=kept.sha256, size=kept.size,
            original_name=f"run-{run.pk}.root", run=run,
        )  # fmt: skip
    results = [
        Result(
            slot=slot, channel=channel, quantity=quantity, value=value, uncertainty=0.02 * value,
            condition=at,
        )
        for slot in slots
        for channel in range(4)
        for quantity, value, at in (
            ("gain_adc", gain[slot - 1] + channel, AT),
            ("breakdown_voltage_v", 70.0 + channel / 100, Condition()),
        )
    ]  # fmt: skip
    store_analysis(stage, file, {slot: one.pk for slot, one in slots.items()}, results, [])
    return run


def days_of(
    station: Station, device: Device, values: list[float], operator: User | None = None
) -> list[Run]:
    """A measurement a day."""
    return [
        measured(station, [device], FIRST + dt.timedelta(days=n), [value], operator)
        for n, value in enumerate(values)
    ]


def steady(n: int, seed: int = 1) -> list[float]:
    """Gains around 60 with a scatter of 1."""
    return np.random.default_rng(seed).normal(60, 1, n).tolist()

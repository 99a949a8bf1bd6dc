"""The demonstration campaign: simulated arrays through both stages, by the real queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction

from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Device, DeviceType, Institute, Maker
from mppcqa.testing.actions import load_station, start_run, station_lane, unload_station
from mppcqa.testing.models import Run, Station

STATIONS = {"pde-1": "pde", "darkbox-1": "darkbox"}
SLOTS = 4
EVENTS = 8000
OPERATOR = "demonstration"
ALONE = {"stage2": ("stage2-1", "stage2-2")}
"""Stations of a stage that is demonstrated by itself; they work side by side."""


@dataclass(frozen=True)
class Campaign:
    """What a demonstration works with."""

    devices: list[Device]
    stations: list[Station]
    operator: Any
    """User in whose name the runs are made; nobody can log in as this one."""


@transaction.atomic
def prepare(arrays: int, stage: str = "") -> Campaign:
    """Register new arrays and make the stations if they are not there yet.

    The two stations of the usual chain, or those of one `stage` alone.
    """
    wanted = STATIONS if not stage else dict.fromkeys(ALONE.get(stage, (f"{stage}-1",)), stage)
    maker, _ = Maker.objects.get_or_create(name="Hamamatsu")
    kind, _ = DeviceType.objects.get_or_create(
        name="S12045",
        defaults={"maker": maker, "rows": 4, "columns": 4, "nominal_breakdown_v": 70.0},
    )
    institute, _ = Institute.objects.get_or_create(name="Demonstration laboratory")
    stations = []
    for name, key in wanted.items():
        station, _ = Station.objects.get_or_create(
            name=name, defaults={"stage": key, "institute": institute, "slots": SLOTS}
        )
        station_lane(station)
        stations.append(station)
    operator, made = get_user_model().objects.get_or_create(username=OPERATOR)
    if made:
        operator.set_unusable_password()
        operator.save()
    taken = Device.objects.filter(serial__startswith="DEMO-").count()
    rows = [
        {
            "serial": f"DEMO-{taken + number + 1:04d}",
            "device_type": kind.name,
            "lot": "DEMO",
            "location": institute.name,
        }
        for number in range(arrays)
    ]
    return Campaign(register_devices(rows, by=operator), stations, operator)


def measure_all(
    campaign: Campaign, wait: Callable[[list[Run]], None], *, events: int = EVENTS
) -> list[Run]:
    """Take every array through both stations, which work side by side on different arrays.

    `wait` is given the runs of a round and returns when they have ended. Stations of one stage
    share the arrays instead.
    """
    if len({station.stage for station in campaign.stations}) < len(campaign.stations):
        return measure_shared(campaign, wait, {"events": events})
    batches = [
        campaign.devices[start : start + SLOTS] for start in range(0, len(campaign.devices), SLOTS)
    ]
    runs: list[Run] = []
    for turn in range(len(batches) + 1):
        plan = [
            (station, batches[turn - shift])
            for shift, station in enumerate(campaign.stations)
            if 0 <= turn - shift < len(batches)
        ]
        round_runs = []
        for station, devices in plan:
            serials = {slot: device.serial for slot, device in enumerate(devices, 1)}
            load_station(station, serials, by=campaign.operator)
            parameters = {"events": events}
            round_runs.append(start_run(station, parameters=parameters, by=campaign.operator))
        wait(round_runs)
        runs += round_runs
        for station in campaign.stations:
            unload_station(station)
    return runs


def measure_shared(
    campaign: Campaign, wait: Callable[[list[Run]], None], parameters: dict[str, Any]
) -> list[Run]:
    """Every array through one of the stations, all of which are of one stage."""
    waiting = list(campaign.devices)
    runs: list[Run] = []
    while waiting:
        round_runs = []
        for station in campaign.stations:
            batch, waiting = waiting[: station.slots], waiting[station.slots :]
            if batch:
                serials = {slot: device.serial for slot, device in enumerate(batch, 1)}
                load_station(station, serials, by=campaign.operator)
                run = start_run(station, parameters=parameters, by=campaign.operator)
                round_runs.append(run)
        wait(round_runs)
        runs += round_runs
        for station in campaign.stations:
            unload_station(station)
    return runs

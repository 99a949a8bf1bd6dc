"""The demonstration campaign: simulated arrays through the stages, by the real queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction

from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Device, DeviceType, Institute, Maker
from mppcqa.refused import Refused
from mppcqa.runs.actions import load_station, start_run, unload_station
from mppcqa.runs.lane import station_lane
from mppcqa.runs.models import Run, Station
from mppcqa.stages import all_stages, get_stage

SLOTS = 4
OPERATOR = "demonstration"


@dataclass(frozen=True)
class Demonstration:
    """What a demonstration works with."""

    devices: list[Device]
    stations: list[Station]
    operator: Any
    """User in whose name the runs are made; nobody can log in as this one."""


def stations_for(stage: str = "") -> dict[str, str]:
    """Stage by name of station: one for each stage of the chain, or all of one `stage` alone.

    `UnknownStage` names the stages that there are; `ValueError` where it can't be demonstrated.
    """
    if not stage:
        return {f"{one.key}-1": one.key for one in all_stages() if one.demonstration.in_chain}
    shown = get_stage(stage)
    if not shown.program():
        raise Refused(f"the stage {stage} has no test program that could be shown")
    return {f"{stage}-{i}": stage for i in range(1, shown.demonstration.stations + 1)}


@transaction.atomic
def prepare(arrays: int, stage: str = "") -> Demonstration:
    """Register new arrays and make the stations if they are not there yet; see `stations_for`."""
    wanted = stations_for(stage)
    maker, _ = Maker.objects.get_or_create(name="Hamamatsu")
    kind, _ = DeviceType.objects.get_or_create(
        name="S12045",
        defaults={"maker": maker, "rows": 4, "columns": 4, "nominal_breakdown_v": 70.0},
    )
    institute, _ = Institute.objects.get_or_create(name="Demonstration laboratory")
    together, made = Campaign.objects.get_or_create(
        name="Demonstration", defaults={"stages": list(stations_for().values())}
    )
    if made:
        together.device_types.add(kind)
        together.institutes.add(institute)
    stations = []
    for name, key in wanted.items():
        station, _ = Station.objects.get_or_create(
            name=name, defaults={"stage": key, "institute": institute, "slots": SLOTS}
        )
        station_lane(station)
        stations.append(station)
    least = SLOTS if len(set(wanted.values())) == len(wanted) else 1
    if faults := [fault for one in stations for fault in _unfit(one, wanted[one.name], least)]:
        raise Refused(faults)
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
            "campaign": together.name,
            "owner": institute.name,
        }
        for number in range(arrays)
    ]
    return Demonstration(register_devices(rows, by=operator), stations, operator)


def _unfit(station: Station, stage: str, least: int) -> list[str]:
    """Why a station that was there before can't be the demonstration's."""
    if station.stage != stage:
        return [f"the station {station.name} is of the stage {station.stage}, not {stage}"]
    if station.slots < least:
        return [f"the station {station.name} has {station.slots} slots; {least} are needed"]
    loaded = station.loaded.select_related("device").order_by("slot")
    if there := ", ".join(f"{one.device.serial} in slot {one.slot}" for one in loaded):
        return [f"the station {station.name} holds {there}: take them out first"]
    return []


def measure_all(campaign: Demonstration, wait: Callable[[list[Run]], None]) -> list[Run]:
    """Take every array through the stations, which work side by side on different arrays.

    `wait` is given the runs of a round and returns when they have ended. Stations of one stage
    share the arrays instead.
    """
    if len({station.stage for station in campaign.stations}) < len(campaign.stations):
        return measure_shared(campaign, wait, shown_with(campaign.stations[0]))
    batches = [
        campaign.devices[start : start + SLOTS] for start in range(0, len(campaign.devices), SLOTS)
    ]
    runs: list[Run] = []
    for turn in range(len(batches) + len(campaign.stations) - 1):
        plan = [
            (station, batches[turn - shift])
            for shift, station in enumerate(campaign.stations)
            if 0 <= turn - shift < len(batches)
        ]
        round_runs = []
        for station, devices in plan:
            serials = {slot: device.serial for slot, device in enumerate(devices, 1)}
            load_station(station, serials, by=campaign.operator)
            run = start_run(station, parameters=shown_with(station), by=campaign.operator)
            round_runs.append(run)
        wait(round_runs)
        runs += round_runs
        for station in campaign.stations:
            unload_station(station, by=campaign.operator)
    return runs


def shown_with(station: Station) -> dict[str, Any]:
    """Parameters of a demonstration's runs at a station."""
    return dict(get_stage(station.stage).demonstration.parameters)


def measure_shared(
    campaign: Demonstration, wait: Callable[[list[Run]], None], parameters: dict[str, Any]
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
            unload_station(station, by=campaign.operator)
    return runs

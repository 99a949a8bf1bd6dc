"""Loading a station: all or nothing, and every refusal says what to do."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mppcqa.inventory.models import DeviceType, SerialAlias
from mppcqa.runs.actions import (
    RunRefused,
    SlotFaults,
    find_device,
    load_station,
    start_run,
    unload_station,
)
from mppcqa.runs.models import LoadedDevice, Run


def test_faults_are_told_for_every_slot_and_nothing_is_loaded(campaign: SimpleNamespace) -> None:
    pde, darkbox = campaign.stations
    load_station(darkbox, {1: "GX-000"})
    load_station(pde, {1: "GX-001"})
    with pytest.raises(SlotFaults) as caught:
        load_station(pde, {1: "GX-002", 2: "GX-000", 3: "NOBODY", 4: "GX-003", 9: "GX-002"})
    faults = {one.row: one for one in caught.value.faults}
    assert set(faults) == {1, 2, 3, 9}
    assert "holds GX-001 already" in faults[1]
    assert "sits in darkbox-1, slot 1" in faults[2]
    assert "register it first" in faults[3]
    assert "has 1 to 4" in faults[9]
    assert LoadedDevice.objects.count() == 2


def test_one_device_in_two_slots_is_refused(campaign: SimpleNamespace) -> None:
    with pytest.raises(SlotFaults, match="scanned into two slots"):
        load_station(campaign.stations[0], {1: "GX-000", 2: " gx-000"})


def test_only_the_type_that_fits(campaign: SimpleNamespace) -> None:
    station = campaign.stations[0]
    station.device_type = DeviceType.objects.create(name="S13360", rows=1, columns=1)
    station.save()
    with pytest.raises(SlotFaults, match="only S13360 fits"):
        load_station(station, {1: "GX-000"})


def test_a_former_serial_finds_the_device(campaign: SimpleNamespace) -> None:
    SerialAlias.objects.create(serial="OLD-7", device=campaign.devices[0])
    assert find_device("old-7") == campaign.devices[0]
    assert find_device("old-8") is None


def test_an_empty_station_measures_nothing(campaign: SimpleNamespace) -> None:
    before = Run.objects.count()
    with pytest.raises(RunRefused, match="load devices first"):
        start_run(campaign.stations[0])
    assert Run.objects.count() == before


def test_wrong_parameters_start_nothing(campaign: SimpleNamespace) -> None:
    load_station(campaign.stations[0], {1: "GX-000"})
    before = Run.objects.count()
    with pytest.raises(RunRefused, match="Triggers"):
        start_run(campaign.stations[0], parameters={"events": -1})
    assert Run.objects.count() == before


def test_a_station_that_measures_is_neither_loaded_nor_emptied(campaign: SimpleNamespace) -> None:
    from mppcqa.queue.models import Lane

    station = campaign.stations[0]
    load_station(station, {1: "GX-000"})
    run = start_run(station)
    Lane.objects.filter(name=station.lane).update(holder=run.task_group.tasks.earliest("id"))
    with pytest.raises(RunRefused, match="is measuring"):
        unload_station(station)
    with pytest.raises(RunRefused, match="is measuring"):
        load_station(station, {2: "GX-001"})
    assert station.loaded.count() == 1

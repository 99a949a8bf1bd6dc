"""What a demonstration shows is what stages say of themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner

from mppcqa.cli.demo import demo
from mppcqa.cli.demonstration import prepare, shown_with, stations_for
from mppcqa.inventory.models import Device
from mppcqa.refused import Refused
from mppcqa.runs.actions import load_station
from mppcqa.runs.models import Station
from mppcqa.stages import Demonstration, Stage, UnknownStage, get_stage
from mppcqa.stages.validation import stage_faults


def test_a_stage_says_how_many_stations_show_it_alone() -> None:
    assert stations_for() == {"pde-1": "pde", "darkbox-1": "darkbox"}
    assert stations_for("stage2") == {"stage2-1": "stage2", "stage2-2": "stage2"}
    assert stations_for("iv") == {"iv-1": "iv"}


def test_what_can_not_be_shown_is_refused_in_words() -> None:
    with pytest.raises(Refused, match="no test program"):
        stations_for("tray_survey")
    with pytest.raises(UnknownStage, match="there are pde"):
        stations_for("nothing")


@pytest.mark.django_db
def test_runs_of_a_demonstration_take_what_their_stage_declares() -> None:
    for key, events in (("pde", 8000), ("stage2", 8000), ("iv", None)):
        station = prepare(1, key).stations[0]
        given = shown_with(station)
        assert given.get("events") == events
        assert get_stage(key).clean(given)


def test_a_stage_whose_demonstration_it_does_not_take_itself_is_switched_off() -> None:
    stage: Stage = get_stage("pde")
    wrong = replace(stage, demonstration=Demonstration(parameters={"events": -1}))
    (fault,) = stage_faults(wrong)
    assert "parameters of its demonstration" in fault


@pytest.mark.django_db
def test_a_station_in_use_is_named_before_anything_is_registered() -> None:
    """It was a traceback, and left a registered device."""
    first = prepare(1, "iv")
    (station,) = first.stations
    load_station(station, {2: first.devices[0].serial}, by=first.operator)
    with pytest.raises(Refused, match="the station iv-1 holds DEMO-0001 in slot 2: take them out"):
        prepare(1, "iv")
    assert Device.objects.count() == 1
    told = CliRunner().invoke(demo, ["--arrays", "1", "--stage", "iv"])
    assert told.exit_code == 2
    assert "the station iv-1 holds DEMO-0001" in told.output
    Station.objects.filter(pk=station.pk).update(stage="pde")
    with pytest.raises(Refused, match="is of the stage pde, not iv"):
        prepare(1, "iv")

"""What a demonstration shows is what stages say of themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mppcqa.cli.demonstration import prepare, shown_with, stations_for
from mppcqa.refused import Refused
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

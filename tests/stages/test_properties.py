"""What `mppcqa.testing` asks of every stage, asked of ours; and that it finds what is wrong."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mppcqa.stages import AnalysisResult, Condition, LimitDefault, Quantity, get_stage
from mppcqa.stages.numbers import BELOW
from mppcqa.stages.validation import stage_faults
from mppcqa.testing import ProgramFailed, SimulatedStation, StageProperties


class TestPde(StageProperties):
    stage = get_stage("pde")


class TestDarkbox(StageProperties):
    stage = get_stage("darkbox")


class TestStage2(StageProperties):
    stage = get_stage("stage2")


class TestIV(StageProperties):
    stage = get_stage("iv")


class TestTraySurvey(StageProperties):
    stage = get_stage("tray_survey")


class TestInspection(StageProperties):
    stage = get_stage("inspection")


IV: Any = get_stage("iv")


def asked(stage: Any) -> StageProperties:
    return type("Asked", (StageProperties,), {"stage": stage})()


def test_a_value_that_is_not_declared_or_not_possible_is_told(tmp_path: Path) -> None:
    def analysis(path: Path, settings: object) -> AnalysisResult:
        found = IV.analysis(path, settings)
        first, second, *rest = found.results
        wrong = [replace(first, quantity="width_mm"), replace(second, value=float("inf"))]
        return AnalysisResult(results=[*wrong, *rest])

    with pytest.raises(AssertionError) as told:
        asked(replace(IV, analysis=analysis)).test_the_analysis_gives_what_is_declared_and_possible(
            tmp_path
        )
    assert "width_mm is no quantity that it declares" in str(told.value)
    assert "is inf; what can't be measured is a Problem" in str(told.value)


def test_an_analysis_that_takes_half_a_file_is_told(tmp_path: Path) -> None:
    stage = replace(IV, analysis=lambda path, settings: AnalysisResult(results=[]))
    with pytest.raises(AssertionError, match="taken for a whole one"):
        asked(stage).test_a_file_that_was_cut_off_is_refused_as_one(tmp_path)


def test_a_program_that_ends_badly_is_told_with_what_it_said(tmp_path: Path) -> None:
    station = SimulatedStation(
        IV, tmp_path, program=[sys.executable, "-c", "raise SystemExit('no bias supply')"]
    )
    with pytest.raises(ProgramFailed, match="no bias supply"):
        station.measure({"A-1": 4})
    silent = SimulatedStation(IV, tmp_path, program=[sys.executable, "-c", "pass"])
    with pytest.raises(ProgramFailed, match=r"run-1\.root"):
        silent.measure({"A-1": 4})
    slow = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(ProgramFailed, match=r"no end within 0\.5 s"):
        SimulatedStation(IV, tmp_path, program=slow, time_limit_s=0.5).measure({"A-1": 4})


def test_a_limit_where_its_program_measures_nothing_is_told(tmp_path: Path) -> None:
    limit = LimitDefault(quantity="dark_current_a", pass_high=1, at=Condition(bias_v=20.0))
    stage = replace(IV, limits=(*IV.limits, limit))
    with pytest.raises(AssertionError, match=r"dark_current_a judges at bias_v=20, but the"):
        asked(stage).test_each_limit_judges_a_value_of_its_own_program(tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"uncertainty": 0.1}, "is a bound with the uncertainty 0.1"),
        ({"uncertainty": math.nan, "bound": 2}, "the bound 2, which is neither"),
    ],
)
def test_a_bound_has_a_side_and_no_uncertainty(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    def analysis(path: Path, settings: object) -> AnalysisResult:
        first, *rest = IV.analysis(path, settings).results
        return AnalysisResult(results=[replace(first, **({"bound": BELOW} | changes)), *rest])

    with pytest.raises(AssertionError, match=words):
        asked(replace(IV, analysis=analysis)).test_the_analysis_gives_what_is_declared_and_possible(
            tmp_path
        )


RATE = Quantity(key="rate_hz", title="Rate", symbol="R", unit="Hz")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"display_unit": "kHz", "display_scale": 1000.0}, "but 1 Hz is 0.001 kHz"),
        ({"display_unit": "kHz"}, "display_scale=0.001"),
        ({"unit": "", "display_unit": "%", "display_scale": 0.01}, "(a pure number) is 100 %"),
        ({"unit": "px", "display_unit": "kpx", "display_scale": 1e3}, "1 px is 0.001 kpx"),
        ({"unit": "V/°C", "display_unit": "mV/°C", "display_scale": 1e-3}, "is 1000 mV/°C"),
        ({"display_scale": 1e-3}, "no display unit"),
        ({"display_unit": "kHz", "display_scale": -1e-3}, "the display scale -0.001"),
    ],
)
def test_a_display_scale_the_wrong_way_round_is_told(changes: dict[str, Any], words: str) -> None:
    stage = replace(IV, quantities=(*IV.quantities, replace(RATE, **changes)))
    assert any(words in fault for fault in stage_faults(stage)), stage_faults(stage)


@pytest.mark.parametrize(
    ("unit", "shown", "scale"),
    [("Hz", "kHz", 1e-3), ("Hz", "", 1.0), ("ADC", "p.e.", 0.02), ("C", "pC", 1e12)],
)
def test_a_display_scale_that_is_right_or_of_other_units_is_taken(
    unit: str, shown: str, scale: float
) -> None:
    one = replace(RATE, unit=unit, display_unit=shown, display_scale=scale)
    assert stage_faults(replace(IV, quantities=(*IV.quantities, one))) == []


def test_a_place_on_an_axis_that_there_is_not_is_told() -> None:
    limit = LimitDefault(quantity="dark_current_a", pass_high=1, at=Condition(threshold_mv=10.0))
    faults = stage_faults(replace(IV, limits=(limit,), typical=Condition(treshold_mv=10.0)))
    assert len(faults) == 2
    assert "limit on 'dark_current_a' judges at 'threshold_mv', which is none of its" in faults[0]
    assert "its typical condition is at 'treshold_mv', which is none of its axes" in faults[1]

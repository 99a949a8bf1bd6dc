"""What `mppcqa.testing` asks of every stage, asked of ours; and that it finds what is wrong."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mppcqa.stages import AnalysisResult, get_stage
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

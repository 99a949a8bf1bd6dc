"""What every stage must hold, and that what the simulated program put in comes out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mppcqa_stage_linearity import STAGE
from mppcqa_stage_linearity.program import DETECTED, true_pixels

from mppcqa.stages import AnalysisResult, Stage
from mppcqa.testing import SimulatedStation, StageProperties

SERIAL, CHANNELS = "LIN-7", 16


class TestProperties(StageProperties):
    """What `mppcqa.testing` asks of every stage."""

    stage = STAGE


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> AnalysisResult:
    folder: Path = tmp_path_factory.mktemp("run")
    measured = SimulatedStation(STAGE, folder).measure({SERIAL: CHANNELS})
    return STAGE.analyse(measured.path, {})


def test_it_keeps_the_protocol() -> None:
    assert isinstance(STAGE, Stage)


def test_every_channel_has_its_pixels_within_its_uncertainty(found: AnalysisResult) -> None:
    """32 pulls of true normal values: their rms is outside 0.7 to 1.3 once in 60 runs; the seed
    is fixed."""
    assert found.problems == []
    rows = [one for one in found.results if one.quantity == "pixels_answering"]
    assert len(rows) == CHANNELS * len(DETECTED)
    pulls = [(one.value - true_pixels(SERIAL, one.channel or 0)) / one.uncertainty for one in rows]
    assert 0.7 < float(np.sqrt(np.mean(np.square(pulls)))) < 1.3


def test_a_value_knows_the_wavelength_it_was_had_at(found: AnalysisResult) -> None:
    rows = [one for one in found.results if one.quantity == "response_pe"]
    assert {one.condition["wavelength_nm"] for one in rows} == set(DETECTED)
    at = {one.condition["light"]: one.value for one in rows if one.channel == 0}
    assert at[10.0] < at[100.0] < at[1000.0]

"""What the simulated program put in comes out of the analysis."""

from __future__ import annotations

import json
import subprocess

import numpy as np
import pytest
from mppcqa_stage_linearity import STAGE
from mppcqa_stage_linearity.program import DETECTED, true_pixels

from mppcqa.runfile import check
from mppcqa.stages import AnalysisResult, Stage, get_stage

SERIAL, CHANNELS = "LIN-7", 16


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> AnalysisResult:
    folder = tmp_path_factory.mktemp("run")
    config, output = folder / "run.json", folder / "run.root"
    slots = [{"slot": 1, "serial": SERIAL, "channels": CHANNELS}]
    asked = {"run": 5, "stage": "linearity", "station": "s", "operator": "ana", "slots": slots}
    config.write_text(json.dumps({**asked, "parameters": STAGE.clean({})}))
    command = [*STAGE.program(), "--config", str(config), "--output", str(output)]
    subprocess.run(command, check=True, timeout=60)
    assert check(output) == []
    return STAGE.analyse(output, {})


def test_mppcqa_finds_the_stage_by_its_entry_point() -> None:
    assert get_stage("linearity") is STAGE
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

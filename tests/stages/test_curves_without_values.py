"""Every curve of a run file ends in a value or in a problem that says why not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mppcqa.runfile import RunWriter
from mppcqa.stages import get_stage

META = {
    "run": 1,
    "stage": "stage2",
    "station": "",
    "operator": "",
    "program": "test",
    "started": "2026-01-01T00:00:00Z",
    "slots": [{"slot": 1, "serial": "A-1", "channels": 1}],
}


@pytest.mark.parametrize(
    ("volts", "words"),
    [(np.linspace(50, 52, 4), "too few points"), (np.linspace(-0.9, 0, 20), "number of pixels")],
)
def test_a_curve_without_a_value_has_a_problem(
    tmp_path: Path, volts: np.ndarray, words: str
) -> None:
    path = tmp_path / "run.root"
    with RunWriter(path, META) as writer:
        writer.point(0, bias_v=0.0, temperature_c=20.0, light=0.0)
        writer.iv(1, 0, volts, volts * 1e-9, temperature_c=20.0, light=0.0)
    found = get_stage("stage2").analyse(path, {})
    assert found.results == []
    assert [problem for problem in found.problems if words in problem.what]

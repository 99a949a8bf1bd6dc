"""A run file whose axes are in other units than stages declare is refused, and nothing is taken."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mppcqa.runfile import RunWriter, check
from mppcqa.stages import Axis, get_stage
from mppcqa.stages.axes import BIAS_AXIS
from mppcqa.stages.filed_axes import axis_faults
from mppcqa.testing import ProgramFailed, SimulatedStation

THRESHOLD = Axis(key="threshold_mv", title="Threshold", unit="mV")
STAGE: Any = replace(get_stage("iv"), key="threshold", axes=(BIAS_AXIS, THRESHOLD), limits=())
PROGRAM = """
import json, sys
from pathlib import Path
import numpy as np
from mppcqa.runfile import RunWriter
config = json.loads(Path(sys.argv[2]).read_text())
meta = {key: config[key] for key in ("run", "stage", "station", "operator", "slots")}
meta |= {"parameters": {}, "program": "x", "started": "2027-01-01T00:00:00+00:00",
         "axes": [{"key": "threshold_mv", "title": "Threshold", "unit": UNIT}]}
with RunWriter(Path(sys.argv[4]), meta) as writer:
    writer.point(0, threshold_mv=5.0)
    writer.charges(0, 1, np.ones((10, 4)))
"""


def axes(**units: str) -> dict[str, Any]:
    return {"axes": [{"key": key, "title": key, "unit": unit} for key, unit in units.items()]}


def test_a_unit_that_is_not_the_declared_one_is_named() -> None:
    assert axis_faults(axes(threshold_mv="V"), STAGE) == [
        "meta/axes: threshold_mv is in V here, and declared in mV: write its values in mV"
    ]
    assert axis_faults(axes(bias_v="mV", temperature_c="K", dose_gy="krad")) != []
    for fine in (
        axes(threshold_mv="mV", bias_v="V", temperature_c="degC"),
        axes(threshold_mv="", light="", other_x="furlong"),
        {},
    ):
        assert axis_faults(fine, STAGE) == []


def test_a_stages_author_is_told_by_the_simulated_station(tmp_path: Path) -> None:
    def station(unit: str) -> SimulatedStation:
        program = [sys.executable, "-c", PROGRAM.replace("UNIT", repr(unit))]
        return SimulatedStation(STAGE, tmp_path / unit, program=program)

    assert station("mV").measure({"A-1": 4}).path.is_file()
    with pytest.raises(ProgramFailed, match="threshold_mv is in V here, and declared in mV"):
        station("V").measure({"A-1": 4})


def written(path: Path, **more: Any) -> Path:
    slots = [{"slot": 1, "serial": "A-1", "channels": 4}]
    meta = {"run": 1, "stage": "iv", "station": "s", "operator": "o", "slots": slots}
    meta |= {"parameters": {}, "program": "x", "started": "2027-01-01T00:00:00+00:00"}
    with RunWriter(path, meta | more) as writer:
        writer.point(0, bias_v=71.0, temperature_c=20.0, light=0.0)
        writer.charges(0, 1, np.ones((10, 4)))
    return path


def test_the_command_names_it(tmp_path: Path) -> None:
    rows = axes(bias_v="mV", temperature_c="°C", light="")
    path = written(tmp_path / "wrong.root", **rows)
    done = subprocess.run(
        [sys.executable, "-m", "mppcqa.cli", "check", "--json", str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    (fault,) = json.loads(done.stdout)["faults"]
    assert "bias_v is in mV here, and declared in V" in fault["what"]


@pytest.mark.parametrize(("unit", "taken"), [("mV", True), ("p.e.", True), ("kHz", False)])
def test_a_threshold_is_in_a_unit_of_thresholds(tmp_path: Path, unit: str, taken: bool) -> None:
    faults = check(written(tmp_path / "it.root", threshold_unit=unit))
    assert (not faults) is taken
    assert taken or "none of V, mV, DAC, p.e." in str(faults[0])

"""The program against an instrument that is not there."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from mppcqa.runfile import RunFile
from mppcqa.stages import get_stage
from mppcqa.stages.iv.program import sweep_v
from mppcqa.testing import ProgramFailed, SimulatedStation

HERE = Path(__file__).resolve().parents[1]


def station(folder: Path, resource: str = "TCPIP0::smu::inst0::INSTR") -> SimulatedStation:
    told = ["--visa", f"{HERE / 'simulated.yaml'}@sim", "--resource", resource]
    program = [sys.executable, str(HERE / "iv_visa.py"), *told]
    return SimulatedStation(get_stage("iv"), folder, program=program)


def test_each_voltage_of_the_sweep_has_the_current_that_was_read(tmp_path: Path) -> None:
    stage = get_stage("iv")
    measured = station(tmp_path).measure({"A-1": 1}, {"sweep_to_v": 75.0})
    assert "SIMULATED,MODEL 2450" in measured.log
    with RunFile(measured.path) as opened:
        [curve] = list(opened.iv_curves())
    assert np.allclose(curve.voltage_v, sweep_v(stage.clean({"sweep_to_v": 75.0}), 0.0))
    assert np.allclose(curve.current_a, 2.5e-9)
    assert measured.progress[-1] == (len(curve.voltage_v), len(curve.voltage_v))


def test_more_than_the_bench_allows_and_an_instrument_that_is_away_are_refused(
    tmp_path: Path,
) -> None:
    with pytest.raises(ProgramFailed, match="more than the 80"):
        station(tmp_path).measure({"A-1": 1}, {"sweep_to_v": 85.0})
    with pytest.raises(ProgramFailed, match=r"nothing answers at .*nowhere"):
        station(tmp_path, "TCPIP0::nowhere::inst0::INSTR").measure({"A-1": 1}, {})

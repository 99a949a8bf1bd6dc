"""The IV stage: program, file and analysis from end to end; curves that give no value."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mppcqa.runfile import RunFileError, RunWriter, check
from mppcqa.stages import get_stage
from mppcqa.stages.iv.analysis import current_at
from mppcqa.stages.simulated import device_truth

STAGE = get_stage("iv")
META = {
    "run": 1,
    "stage": "iv",
    "station": "s",
    "operator": "ana",
    "program": "test 1",
    "started": "2026-01-01T00:00:00Z",
}


def run_program(tmp_path: Path, devices: int = 2, **parameters: Any) -> subprocess.CompletedProcess:
    config = {
        "run": 11,
        "stage": "iv",
        "station": "test",
        "operator": "ana",
        "parameters": STAGE.clean(parameters),
        "slots": [
            {"slot": 2 * i, "serial": f"T-{i}", "rows": 4, "columns": 4, "channels": 16}
            for i in range(devices)
        ],
        "truth": str(tmp_path / "truth.json"),
    }
    path = tmp_path / "run.json"
    path.write_text(json.dumps(config))
    command = [*STAGE.program(), "--config", str(path), "--output", str(tmp_path / "run.root")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_values_agree_with_the_simulated_devices(tmp_path: Path) -> None:
    """Breakdown within 0.1 V of the truth, which is how far the method lies from it, the same for
    all to 10 mV; quenching resistance and temperature coefficient within 4.5 sigma each: 64 values,
    once in 2,300 runs; the range of an array within 4 sigma."""
    done = run_program(tmp_path, temperatures_c=[15.0, 25.0])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "@progress 8/8" in done.stdout
    path = tmp_path / "run.root"
    assert check(path) == []
    analysed = STAGE.analyse(path, {})
    assert analysed.problems == []
    declared = {quantity.key for quantity in STAGE.quantities}
    values = defaultdict(dict)
    for result in analysed.results:
        assert result.quantity in declared
        assert result.uncertainty > 0
        key = (result.slot, result.channel, result.condition.get("temperature_c"))
        values[result.quantity][key] = result
    breakdown = values["breakdown_voltage_v"]
    assert len(breakdown) == 2 * 16 * 2
    devices = {0: device_truth("T-0", 16), 2: device_truth("T-1", 16)}
    off = np.array(
        [
            result.value - devices[slot][channel].at(71, temperature)["breakdown_voltage_v"]
            for (slot, channel, temperature), result in breakdown.items()
        ]
    )
    assert np.all(np.abs(off) < 0.1)
    assert off.std() < 0.01
    for (slot, channel, _), result in values["quenching_ohm"].items():
        pull = (result.value - devices[slot][channel].quenching_ohm) / result.uncertainty
        assert abs(pull) < 4.5
    coefficients = list(values["breakdown_coefficient_v_per_c"].values())
    assert len(coefficients) == 32
    # 7 to 15 mV at each of two temperatures 10 degC apart: 1 to 2 mV/degC a channel.
    assert np.mean([one.value for one in coefficients]) == pytest.approx(0.056, abs=0.001)
    assert all(abs(one.value - 0.056) < 4.5 * one.uncertainty for one in coefficients)
    dark = values["dark_current_a"]
    assert len(dark) == 64
    assert all(one.condition["overvoltage_v"] == 1.5 for one in dark.values())
    assert dark[0, 3, 25.0].value > dark[0, 3, 15.0].value
    ranges = values["breakdown_range_v"]
    assert len(ranges) == 4
    for (slot, _channel, _temperature), one in ranges.items():
        true = [channel.breakdown_voltage_v for channel in devices[slot]]
        assert abs(one.value - (max(true) - min(true))) < 4 * one.uncertainty


def test_the_method_is_the_runs_and_is_said(tmp_path: Path) -> None:
    done = run_program(tmp_path, devices=1, method="square_root", light=0.0, forward=False)
    assert done.returncode == 0, done.stderr
    results = STAGE.analyse(tmp_path / "run.root", {}).results
    methods = {one.method for one in results if one.quantity == "breakdown_voltage_v"}
    assert methods == {"IV in the dark: square root"}
    assert not [one for one in results if one.quantity == "quenching_ohm"]


@pytest.mark.parametrize("fault", ["exit", "half_file", "no_file"])
def test_simulated_faults_leave_no_file_that_passes(fault: str, tmp_path: Path) -> None:
    done = run_program(tmp_path, simulate_fault=fault)
    assert done.returncode == (1 if fault == "exit" else 0)
    assert check(tmp_path / "run.root")


def test_a_sweep_without_length_is_refused(tmp_path: Path) -> None:
    done = run_program(tmp_path, sweep_from_v=75.0, sweep_to_v=70.0)
    assert done.returncode == 1
    assert "no length" in done.stderr


def write(path: Path, *curves: tuple[int, Any, Any], channels: int = 4) -> Path:
    slots = [{"slot": 1, "serial": "A-1", "channels": channels}]
    with RunWriter(path, {**META, "slots": slots, "parameters": {"pixels": 3600}}) as writer:
        writer.point(0, bias_v=72.0, temperature_c=20.0, light=1.0)
        for channel, voltage, current in curves:
            writer.iv(1, channel, voltage, current, temperature_c=20.0, light=1.0)
    return path


def test_curves_that_give_no_value_are_problems_of_their_channel(tmp_path: Path) -> None:
    from mppcqa.physics import simulate_iv

    bias = np.arange(60.0, 73.0, 0.1)
    good = simulate_iv(np.random.default_rng(0), bias, light_rate_hz=1e8)[0]
    short = bias < 69
    path = write(
        tmp_path / "a.root",
        (0, bias, good),
        (1, bias, np.full(len(bias), 1e-9)),
        (2, bias[short], good[short]),
        (3, bias[:4], good[:4]),
    )
    analysed = STAGE.analyse(path, {})
    assert [(one.channel, one.quantity) for one in analysed.results] == [(0, "breakdown_voltage_v")]
    assert sorted(one.channel for one in analysed.problems) == [1, 2, 3]
    assert all("no breakdown voltage" in one.what for one in analysed.problems)


def test_all_channels_in_parallel_are_a_value_of_the_device(tmp_path: Path) -> None:
    from mppcqa.physics import simulate_iv

    bias = np.arange(60.0, 73.0, 0.1)
    good = simulate_iv(np.random.default_rng(0), bias, light_rate_hz=1e8)[0]
    (result,) = STAGE.analyse(write(tmp_path / "a.root", (-1, bias, good)), {}).results
    assert result.channel is None
    assert result.value == pytest.approx(70.0, abs=0.1)


def test_a_file_without_curves_says_so(tmp_path: Path) -> None:
    with RunWriter(
        tmp_path / "a.root", {**META, "slots": [{"slot": 1, "serial": "A-1", "channels": 1}]}
    ) as writer:
        writer.point(0, bias_v=72.0, temperature_c=20.0, light=0.0)
        writer.charges(0, 1, [[1.0]])
    with pytest.raises(RunFileError, match="no IV curves"):
        STAGE.analyse(tmp_path / "a.root", {})


def test_the_program_of_the_documentation_measures(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "run-file.md").read_text(encoding="utf-8")
    part = text.partition("### A whole program: an IV curve")[2].partition("```python\n")[2]
    program = tmp_path / "sweep.py"
    program.write_text(part.partition("```")[0])
    config = {
        **{key: META[key] for key in ("run", "stage", "station", "operator")},
        "parameters": STAGE.clean({}),
        "slots": [{"slot": 1, "serial": "T-1", "rows": 1, "columns": 2, "channels": 2}],
    }
    (tmp_path / "run.json").write_text(json.dumps(config))
    path = tmp_path / "run.root"
    words = ["--config", str(tmp_path / "run.json"), "--output", str(path)]
    subprocess.run([sys.executable, str(program), *words], check=True)
    assert check(path) == []
    done = STAGE.analyse(path, {})
    assert done.problems == []
    found = {one.quantity for one in done.results}
    assert found >= {"breakdown_voltage_v", "breakdown_range_v", "dark_current_a", "quenching_ohm"}
    values = [one.value for one in done.results if one.quantity == "breakdown_voltage_v"]
    assert values == pytest.approx([53.0, 53.01], abs=0.2)


def test_a_current_is_within_its_uncertainty_as_often_as_it_says() -> None:
    """Five points scatter by what they are off; 2,000 draws, so 3.5 sigmas of 0.0104 (1 in 2,000).

    The uncertainty took the scatter about the fitted line for that of the points: half were within.
    """
    rng = np.random.default_rng(20261130)
    voltage, truth = np.array([53.8, 53.9, 54.0, 54.1, 54.2]), 2e-9
    within = 0
    for _draw in range(2000):
        current = truth * np.exp(1.7 * (voltage - 54.03) + 0.02 * rng.standard_normal(5))
        value, sigma = current_at(54.03, voltage, current)
        within += abs(value - truth) < sigma
    assert abs(within / 2000 - 0.6827) < 3.5 * 0.0104

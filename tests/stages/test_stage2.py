"""Stage 2 finds what was simulated: from spectra, waveforms and IV curves of one file."""

from __future__ import annotations

import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from mppcqa.runfile import RunFile, RunWriter, check
from mppcqa.stages import Result, get_stage
from mppcqa.stages.simulated import device_truth
from tests.stages.test_stages import config, start


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Result]]:
    folder = tmp_path_factory.mktemp("stage2")
    values = config(
        folder, "stage2", 1, events=4000, bias_v=[71.6, 72.0, 72.4], light=[0.5, 1.0], waveforms=60,
        thresholds=60,
    )  # fmt: skip
    process = start(folder, values)
    output = process.communicate()[0]
    assert process.returncode == 0, output
    path = folder / "run.root"
    assert check(path) == []
    found = get_stage("stage2").analyse(path, {})
    assert found.problems == []
    return path, found.results


def pulls_of(results: list[Result], quantity: str) -> np.ndarray:
    truth = device_truth("T-0", 16)
    key = {
        "dark_rate_waveforms_hz": "dark_rate_hz",
        "crosstalk_waveforms": "crosstalk_probability",
        "breakdown_iv_v": "breakdown_voltage_v",
        "dark_rate_staircase_hz": "dark_rate_hz",
        "crosstalk_staircase": "crosstalk_probability",
    }.get(quantity, quantity)
    pulls = []
    for one in results:
        if one.quantity == quantity and one.channel is not None:
            at = one.condition
            true = truth[one.channel].at(at.get("bias_v", 72.0), at.get("temperature_c", 20.0))
            # An upper limit is twice the uncertainty of what ended at none.
            value, error = (0.0, one.value / 2) if one.bound else (one.value, one.uncertainty)
            pulls.append((value - true[key]) / math.hypot(error, one.systematic))
    return np.array(pulls)


@pytest.mark.parametrize(
    ("quantity", "n"),
    [
        ("gain_adc", 192),
        ("crosstalk_probability", 192),
        ("dark_rate_hz", 96),
        ("dark_rate_waveforms_hz", 96),
        ("breakdown_voltage_v", 32),
    ],
)
def test_values_agree_with_the_truth(
    measured: tuple[Path, list[Result]], quantity: str, n: int
) -> None:
    """Mean pull within 0.5 and width within 0.6 to 1.5 for n values; the seed is fixed, and the
    chance of a false alarm for an unbiased estimate below 1 in 1,000 (0.5 is 2.8 standard errors
    of the mean of the smallest set)."""
    pulls = pulls_of(measured[1], quantity)
    assert len(pulls) == n
    assert abs(pulls.mean()) < 0.5
    assert 0.6 < pulls.std() < 1.5
    assert np.abs(pulls).max() < 5


@pytest.mark.parametrize("quantity", ["dark_rate_staircase_hz", "crosstalk_staircase"])
def test_scans_of_the_threshold_agree_with_the_truth(
    measured: tuple[Path, list[Result]], quantity: str
) -> None:
    """All 16 within 4 sigma and their mean within 1: the seed is fixed, and for an unbiased
    estimate the chance of a false alarm below 1 in 900."""
    pulls = pulls_of(measured[1], quantity)
    assert len(pulls) == 16
    assert np.abs(pulls).max() < 4
    assert abs(pulls.mean()) < 1


def test_every_quantity_of_the_stage_is_measured(
    measured: tuple[Path, list[Result]],
) -> None:
    found = {one.quantity for one in measured[1]}
    assert found == {quantity.key for quantity in get_stage("stage2").quantities}
    keys = defaultdict(int)
    for one in measured[1]:
        keys[one.slot, one.channel, one.quantity, one.condition] += 1
    assert set(keys.values()) == {1}


def test_currents_and_coefficients(measured: tuple[Path, list[Result]]) -> None:
    """IV: within 0.15 V of the truth, which is what separates the methods; R_q within 15 %."""
    truth = device_truth("T-0", 16)
    for one in measured[1]:
        if one.quantity == "breakdown_iv_v":
            true = truth[one.channel or 0].at(72, one.condition.get("temperature_c", 0))
            assert abs(one.value - true["breakdown_voltage_v"]) < 0.15
        if one.quantity == "quenching_ohm":
            true_ohm = truth[one.channel or 0].quenching_ohm
            assert abs(one.value / true_ohm - 1) < 0.15
        if one.quantity == "breakdown_coefficient_v_per_c":
            assert abs(one.value - 0.056) < 5 * one.uncertainty


def test_a_file_that_holds_little_gives_what_it_can(tmp_path: Path) -> None:
    """Light alone, of channels 2 and 5: gain, light and breakdown voltage, no fault, no PDE."""
    from mppcqa.physics import simulate_charges

    rng = np.random.default_rng(3)
    path = tmp_path / "few.root"
    slots = [{"slot": 1, "serial": "A", "channels": 2, "channel_numbers": [2, 5]}]
    about = {"run": 1, "stage": "stage2", "station": "", "operator": "", "program": "t",
             "started": "2026-01-01T00:00:00Z", "slots": slots}  # fmt: skip
    with RunWriter(path, about) as writer:
        for point, bias in enumerate((71.0, 72.0)):
            writer.point(point, bias_v=bias, temperature_c=20.0, light=1.0)
            gain = 30.0 * (bias - 70)
            charges = [
                simulate_charges(rng, 6000, mean_light_pe=2.0, gain=gain, pedestal=50.0)
                for _ in range(2)
            ]
            writer.charges(point, 1, np.stack(charges, axis=1))
    with RunFile(path) as run:
        assert run.meta["slots"] == slots
    found = get_stage("stage2").analyse(path, {})
    assert found.problems == []
    assert {one.channel for one in found.results if one.channel is not None} == {2, 5}
    keys = {one.quantity for one in found.results}
    assert {"gain_adc", "mean_light_pe", "breakdown_voltage_v"} <= keys
    assert not keys & {"pde", "dark_rate_hz", "quenching_ohm"}
    for one in found.results:
        if one.quantity == "breakdown_voltage_v":
            assert abs(one.value - 70) < 5 * one.uncertainty


def test_other_settings_give_other_values_and_wrong_ones_are_named(
    measured: tuple[Path, list[Result]],
) -> None:
    path, _results = measured
    stage = get_stage("stage2")
    asked = {"bias_from_v": 72.0, "iv_method": "second_derivative", "waveforms": False}
    found = stage.analyse(path, asked).results
    assert {one.condition.get("bias_v") for one in found} == {None, 72.0, 72.4}
    assert "afterpulse_probability" not in {one.quantity for one in found}
    assert any(one.method == "IV, second derivative" for one in found)
    for wrong, named in (
        ({"moon": 1}, "moon"),
        ({"iv_method": "guess"}, "guess"),
        ({"bias_to_v": "high"}, "Bias voltages to: 'high'"),
    ):
        with pytest.raises(ValueError, match=named):
            stage.analyse(path, wrong)

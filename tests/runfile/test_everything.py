"""All kinds of data: written, checked and read back, in both forms of tree."""

from pathlib import Path

import numpy as np
import pytest

from mppcqa.runfile import WHOLE_DEVICE, RunFile, RunFileError, RunWriter, check
from tests.runfile.make import (
    META,
    POINTS,
    SLOTS,
    charges,
    curve,
    shapes,
    write_everything,
)

FROZEN = Path(__file__).parent / "frozen"


@pytest.mark.parametrize("form", ["ttree", "rntuple"])
def test_everything_comes_back(tmp_path: Path, form: str) -> None:
    path = write_everything(tmp_path / "run.root", format=form)
    assert check(path) == []
    with RunFile(path) as run:
        np.testing.assert_array_equal(run.conditions["point"], POINTS)
        np.testing.assert_array_equal(run.conditions["bias_read_v"], [70.01, 71.01, 74.01])
        assert np.isnan(run.conditions["overvoltage_v"]).all()
        assert [key[:2] for key, _ in run.cells()] == [(p, s) for p in POINTS for s in SLOTS]
        for point in POINTS:
            for slot in SLOTS:
                np.testing.assert_array_equal(run.charges(point, slot), charges(point, slot))
                some = run.charges(point, slot, channels=[3, 1])
                np.testing.assert_array_equal(some, charges(point, slot)[:, [3, 1]])
                assert run.event_times(point, slot)[-1] == pytest.approx(point * 60 + 0.299)
                for channel in (0, 2):
                    found = run.waveforms(point, slot, channel)
                    expected = shapes(point, slot, channel)
                    np.testing.assert_array_equal(found.adc, expected)
                    volts = 0.01 + 1e-4 * (point + 1) * expected
                    np.testing.assert_allclose(found.volts(), volts, rtol=1e-12)
                    np.testing.assert_array_equal(found.event, np.arange(7) * 3)
                    some = run.waveforms(point, slot, channel, first=2, count=3)
                    np.testing.assert_array_equal(some.adc, expected[2:5])
        assert run.waveforms(0, 1, 1).adc.shape == (0, 50)
        pieces = [part.adc for part in run.iter_waveforms(1, 3, 2, at_once=3)]
        np.testing.assert_array_equal(np.concatenate(pieces), shapes(1, 3, 2))
        curves = run.iv_curves()
        assert [(c.slot, c.channel) for c in curves] == [
            (s, c) for s in SLOTS for c in (WHOLE_DEVICE, 0, 3)
        ]
        (one,) = run.iv_curves(slot=3, channel=0)
        np.testing.assert_array_equal(one.voltage_v, curve(3, 0)[0])
        np.testing.assert_array_equal(one.current_a, curve(3, 0)[1])
        times, values = run.monitor(5)
        np.testing.assert_array_equal(times, [1, 2, 61, 62, 241, 242])
        assert values[1] == 70.1


def test_version_1_is_read_for_ever() -> None:
    path = FROZEN / "layout-1.root"
    assert check(path) == []
    with RunFile(path) as run:
        assert run.meta["layout"] == 1
        np.testing.assert_array_equal(run.conditions["bias_v"], [71.0, 71.5])
        assert np.isnan(run.conditions["bias_read_v"]).all()
        for point in range(2):
            for slot in (1, 3):
                expected = 100 * point + 10 * slot + np.arange(6).reshape(3, 2) / 4
                np.testing.assert_array_equal(run.charges(point, slot), expected)
        assert run.iv_curves() == []
        assert run.waveform_count(0, 1, 0) == 0


@pytest.mark.parametrize("form", ["ttree", "rntuple"])
def test_version_2_is_read_for_ever(form: str) -> None:
    path = FROZEN / f"layout-2-{form}.root"
    assert check(path) == []
    with RunFile(path) as run:
        assert run.meta["layout"] == 2
        assert run.meta["instruments"][0]["calibration"][0]["value"] == 0.2
        conditions = {name: values.tolist() for name, values in run.conditions.items()}
        assert conditions == {
            "point": [0, 1],
            "bias_v": [71.0, 71.5],
            "overvoltage_v": [1.0, 1.5],
            "temperature_c": [20.0, 20.0],
            "light": [0.0, 1.0],
            "bias_read_v": [71.01, 71.51],
            "temperature_set_c": [20.5, 20.5],
            "time_s": [0.0, 60.0],
        }
        for point in range(2):
            for slot in (1, 3):
                expected = 100 * point + 10 * slot + np.arange(6).reshape(3, 2) / 4
                np.testing.assert_array_equal(run.charges(point, slot), expected)
                times = 60 * point + np.arange(3) / 8
                np.testing.assert_array_equal(run.event_times(point, slot), times)
                shapes_there = run.waveforms(point, slot, 1)
                volts = 0.5 * (np.arange(10).reshape(2, 5) - slot) - 1
                np.testing.assert_array_equal(shapes_there.volts(), volts)
                assert shapes_there.event.tolist() == [0, 2]
                assert shapes_there.times_s()[0] == -4e-9
        (curve_there,) = run.iv_curves(channel=0)
        assert curve_there.slot == 3
        assert curve_there.current_a.tolist() == [1e-9, 2e-9, 8e-9]
        assert curve_there.current_uncertainty_a.tolist() == [1e-11] * 3
        np.testing.assert_array_equal(run.monitor(4), [[0, 60], [20.0, 20.25]])


def test_wrong_use_is_refused_with_its_reason(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "run.root", META) as writer:
        writer.point(0, bias_v=70.0, temperature_c=20.0, light=0.0)
        writer.charges(0, 1, charges(0, 1))
        for wrong, call in {
            "declared before": lambda: writer.point(0, bias_v=1, temperature_c=1, light=0),
            "every call or with none": lambda: writer.charges(0, 1, charges(0, 1), np.zeros(300)),
            "expected \\(waveforms, 50\\)": lambda: writer.waveforms(
                0, 1, 0, np.zeros((2, 49), np.int16), scale_v=1.0
            ),
            "16-bit integers": lambda: writer.waveforms(
                0, 1, 0, np.full((2, 50), 0.5), scale_v=1.0
            ),
            "sensor 9": lambda: writer.monitor(9, 0.0, 1.0),
            "current_a has the shape": lambda: writer.iv(
                1, 0, [1, 2], [1], temperature_c=20, light=0
            ),
        }.items():
            with pytest.raises(RunFileError, match=wrong):
                call()

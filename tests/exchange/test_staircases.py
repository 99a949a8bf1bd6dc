"""Rate against threshold: from somebody's table to values of a device, or a reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mppcqa.exchange.foreign.convert import meta_of
from mppcqa.exchange.foreign.files import ForeignRefused, import_foreign, imported_parts
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Device, DeviceType
from mppcqa.runfile import RunFile, RunWriter, check
from mppcqa.runfile.imported import write_parts
from mppcqa.stages.stage2.analysis import analyse
from mppcqa.tables import TableError
from mppcqa.tables.propose import propose
from mppcqa.tables.reading import read_foreign
from tests.physics.test_staircase import scan

TRUTH = {"rate": 2e5, "crosstalk": 0.2, "height": 12.0, "offset": 0.0}
SETTINGS = {"bias_from_v": None, "bias_to_v": None, "iv_method": "relative_derivative",
            "waveforms": True}  # fmt: skip


@pytest.fixture
def device(db: None) -> Device:
    DeviceType.objects.create(name="pair", rows=1, columns=2)
    register_devices([{"serial": "P-1", "device_type": "pair"}])
    return Device.objects.get(serial="P-1")


def table(path: Path, heads: str, *, scale: float = 1.0, rates: float = 1.0) -> Path:
    """Two channels side by side, the second with twice the dark rate."""
    rng = np.random.default_rng(8)
    t, one, _error = scan(rng, **TRUTH)
    _t, two, _error = scan(rng, **TRUTH | {"rate": 4e5})
    rows = [f"{a * scale:.6g},{b * rates:.8g},{c * rates:.8g}"
            for a, b, c in zip(t, one, two, strict=True)]  # fmt: skip
    path.write_text("\n".join([heads, *rows]) + "\n")
    return path


def values_of(
    path: Path, device: Device, folder: Path
) -> tuple[RunFile, list[str], dict[str, float]]:
    found = propose(path)
    assert found.mapping is not None
    assert found.certain, found.doubts
    run = import_foreign([path], found.mapping, device)
    parts = imported_parts(run)
    meta = meta_of(run, parts)
    target = folder / "run.root"
    with RunWriter(target, meta) as writer:
        write_parts(writer, parts, meta["slots"][0].get("channel_numbers"))
    assert check(target) == []
    done = analyse(target, SETTINGS)
    values = {f"{one.quantity} {one.channel}": one.value for one in done.results}
    return RunFile(target), [one.what for one in done.problems], values


@pytest.mark.parametrize(
    ("heads", "scale", "rates", "unit"),
    [
        ("Threshold (mV),Rate 1 (Hz),Rate 2 (Hz)", 1.0, 1.0, "V"),
        ("Threshold DAC,Rate 1 (kHz),Rate 2 (kHz)", 10.0, 1e-3, ""),
        ("Thr [V],DCR1 [cps],DCR2 [cps]", 1e-3, 1.0, "V"),
    ],
)
def test_a_scan_gives_dark_rate_and_crosstalk(
    device: Device, tmp_path: Path, heads: str, scale: float, rates: float, unit: str
) -> None:
    path = table(tmp_path / "P-1_54V_20C.csv", heads, scale=scale, rates=rates)
    file, problems, values = values_of(path, device, tmp_path)
    with file:
        assert file.meta["threshold_unit"] == unit
        assert [one.channel for one in file.staircases(1)] == [0, 1]
        assert file.staircases(1)[0].rate_hz.max() > 1e6
    assert problems == []
    assert values["dark_rate_staircase_hz 0"] == pytest.approx(2e5, rel=0.05)
    assert values["dark_rate_staircase_hz 1"] == pytest.approx(4e5, rel=0.05)
    assert values["crosstalk_staircase 0"] == pytest.approx(0.2, rel=0.15)


def test_one_step_gives_its_reason(device: Device, tmp_path: Path) -> None:
    t = np.linspace(2, 14, 40)
    rates = 1e5 / (1 + np.exp((t - 10) * 3))
    path = tmp_path / "P-1_54V_20C.csv"
    rows = [f"{a:g},{b:g}" for a, b in zip(t, rates, strict=True)]
    path.write_text("\n".join(["Threshold (mV),Rate (Hz)", *rows]) + "\n")
    file, problems, values = values_of(path, device, tmp_path)
    file.__exit__(None, None, None)
    assert values == {}
    assert len(problems) == 1
    assert problems[0].startswith("nothing from thresholds: ")


def test_rates_without_unit_are_asked_and_nonsense_is_refused(
    device: Device, tmp_path: Path
) -> None:
    path = table(tmp_path / "P-1_54V_20C.csv", "Threshold (mV),Rate 1,Rate 2")
    found = propose(path)
    assert [doubt.unit for doubt in found.doubts] == ["Hz", "Hz"]
    path = table(tmp_path / "P-1_54V_21C.csv", "Threshold (V),Rate 1 (Hz),Rate 2 (Hz)")
    found = propose(path)
    assert found.mapping is not None
    with pytest.raises(TableError, match="steps of a DAC"):
        read_foreign(path, found.mapping)
    path = table(tmp_path / "P-1.csv", "Threshold (mV),Rate 1 (Hz),Rate 2 (Hz)")
    found = propose(path)
    assert found.mapping is not None
    with pytest.raises(ForeignRefused, match="bias_v, temperature_c is not known"):
        import_foreign([path], found.mapping, device)

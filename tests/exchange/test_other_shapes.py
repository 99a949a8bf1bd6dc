"""Devices that are not arrays of 4 x 4: the same files and run files, by their type alone."""

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
from mppcqa.tables.mapping import Given
from mppcqa.tables.propose import propose
from tests.tables.instruments import INSTRUMENTS

BIAS = np.arange(25, 35, 0.25)


@pytest.fixture
def devices(db: None) -> dict[str, Device]:
    """A single SiPM, a tile of 24, arrays of 64 and 128 channels, and a photomultiplier."""
    shapes = {"single": (1, 1), "tile": (4, 6), "array64": (8, 8), "array128": (8, 16)}
    for name, (rows, columns) in {**shapes, "pmt": (1, 1)}.items():
        DeviceType.objects.create(name=name, rows=rows, columns=columns)
        register_devices([{"serial": f"{name}-1", "device_type": name}])
    return {one.device_type.name: one for one in Device.objects.select_related("device_type")}


def converted(path: Path, device: Device, folder: Path, more: dict[str, Given]) -> RunFile:
    """A file taken in for a device, as the run file that is made of it."""
    from dataclasses import replace

    found = propose(path)
    assert found.mapping is not None
    assert found.certain, found.doubts
    mapping = replace(found.mapping, conditions={**found.mapping.conditions, **more})
    run = import_foreign([path], mapping, device)
    parts = imported_parts(run)
    meta = meta_of(run, parts)
    target = folder / f"{run.pk}.root"
    with RunWriter(target, meta) as writer:
        write_parts(writer, parts, meta["slots"][0].get("channel_numbers"))
    assert not check(target)
    return RunFile(target)


def test_a_tile_of_24_in_columns(devices: dict[str, Device], tmp_path: Path) -> None:
    path = tmp_path / "tile_20C.csv"
    heads = ["Voltage (V)", *(f"I{n} (nA)" for n in range(1, 25))]
    rows = [[v, *((v - 20) * (n + 1) for n in range(24))] for v in BIAS]
    path.write_text("\n".join(",".join(map(str, row)) for row in [heads, *rows]) + "\n")
    with converted(path, devices["tile"], tmp_path, {}) as file:
        curves = {curve.channel: curve for curve in file.iv_curves(1)}
        assert sorted(curves) == list(range(24))
        np.testing.assert_allclose(curves[23].current_a, (BIAS - 20) * 24e-9)
    with pytest.raises(ForeignRefused, match="channels 0 to 0"):
        converted(path, devices["single"], tmp_path, {})


@pytest.mark.parametrize(("name", "fits"), [("array128", True), ("array64", False)])
def test_two_boards_of_janus_are_128_channels(
    devices: dict[str, Device], tmp_path: Path, name: str, fits: bool
) -> None:
    path, truth = INSTRUMENTS[2].path(tmp_path)
    if not fits:
        with pytest.raises(ForeignRefused, match="channel 64, but ARRAY64-1 has channels 0 to 63"):
            converted(path, devices[name], tmp_path, {})
        return
    with converted(path, devices[name], tmp_path, {}) as file:
        charges = file.charges(0, 1)
        for place, channel in enumerate(sorted(truth)):
            np.testing.assert_array_equal(charges[:, place], truth[channel])


def test_a_photomultiplier_at_900_volts(devices: dict[str, Device], tmp_path: Path) -> None:
    one = INSTRUMENTS[0]
    path, truth = one.path(tmp_path)
    path = path.rename(tmp_path / "wave3_900V_20C.dat")
    with converted(path, devices["pmt"], tmp_path, one.conditions) as file:
        assert file.conditions["bias_v"].tolist() == [900.0]
        np.testing.assert_array_equal(file.waveforms(0, 1, 0).adc, truth[3])

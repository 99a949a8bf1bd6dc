"""Single SiPMs in a tray, a tile of 24, arrays of 64 and 128 and a photomultiplier, as data."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from django.test import Client

from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import DeviceType, Tray
from mppcqa.results.models import Analysis, Measurement
from mppcqa.runs.models import Run
from tests.exchange.test_format_cases import command, work_off

EXAMPLES = Path(__file__).parents[2] / "examples" / "devices"
TRUTH = json.loads((EXAMPLES / "breakdown_voltages.json").read_text())
SHAPES = {
    "S14160-3050": (1, 1),
    "TILE24": (4, 6),
    "ARRAY64": (8, 8),
    "ARRAY128": (8, 16),
    "PMT": (1, 1),
}
CLOSE_V, MEAN_V = 0.35, 0.2
"""How far breakdown voltages by the derivative may lie from those the curves were made with: one
channel's, and the mean over the device."""


@pytest.fixture
def types(db: None) -> None:
    for name, (rows, columns) in SHAPES.items():
        DeviceType.objects.create(name=name, rows=rows, columns=columns)


def breakdown_voltages(serial: str) -> dict[int, float]:
    rows = Measurement.objects.filter(
        analysis__run_file__run__slots__device__serial=serial, quantity__key="breakdown_iv_v"
    )
    return dict(rows.values_list("channel", "value"))


def is_right(serial: str) -> None:
    found, truth = breakdown_voltages(serial), TRUTH[serial]
    analyses = Analysis.objects.filter(run_file__run__slots__device__serial=serial)
    problems = [one.problems for one in analyses]
    # Each channel ends in a value or a problem with its reason; one of 128 may be a problem.
    without = {one["channel"] for some in problems for one in some}
    assert set(found) | without == set(range(len(truth)))
    assert len(without - set(found)) <= len(truth) // 100
    off = [value - truth[channel] for channel, value in found.items()]
    assert max(map(abs, off)) < CLOSE_V
    assert abs(np.mean(off)) < MEAN_V


@pytest.mark.parametrize(
    ("name", "serial", "kind"),
    [
        ("tile_24_-50C.csv", "TILE-24", "TILE24"),
        ("array_64_20C.csv", "A64-1", "ARRAY64"),
        ("array_128_20C.txt", "A128-1", "ARRAY128"),
    ],
)
def test_an_arrays_file_gives_each_channel_its_value(
    types: None, admin_client: Client, name: str, serial: str, kind: str
) -> None:
    register_devices([{"serial": serial, "device_type": kind}])
    said = command("import", "foreign", EXAMPLES / name, "--device", serial, "--no-wait", "--yes")
    assert said.exit_code == 0, said.output
    assert work_off(Run.objects.get()) == ""
    is_right(serial)
    page = admin_client.get(f"/devices/{serial}/").content.decode()
    assert "Breakdown voltage from IV" in page
    rows = re.findall(r'<th scope="row"[^>]*>\s*(?:<a[^>]*>)?\s*(\d+)\s*<', page)
    assert {int(row) for row in rows} >= set(breakdown_voltages(serial))


def test_a_tray_of_single_devices(types: None, admin_client: Client, tmp_path: Path) -> None:
    Tray.objects.create(name="TRAY-7", rows=4, columns=5)
    said = command("import", "table", EXAMPLES / "tray_devices.csv")
    assert said.exit_code == 0, said.output
    shutil.copy(EXAMPLES / "tray_iv_25C.csv", tmp_path)
    said = command("import", "foreign", tmp_path, "--no-wait")
    assert said.exit_code == 0, said.output
    runs = Run.objects.order_by("pk")
    assert len(runs) == 12
    assert [work_off(run) for run in runs] == [""] * 12
    serials = [serial for serial in TRUTH if serial.startswith("TS-")]
    for serial in serials:
        is_right(serial)
    page = admin_client.get("/trays/TRAY-7/").content.decode()
    assert all(serial in page for serial in serials)
    device = admin_client.get("/devices/TS-001/").content.decode()
    assert "Breakdown voltage, Stage 2" in device  # the maker's beside ours


def test_a_photomultiplier_gives_values_or_says_why_not(types: None, admin_client: Client) -> None:
    register_devices([{"serial": "PMT-1", "device_type": "PMT"}])
    path = EXAMPLES / "pmt_light_900V_22C.csv"
    said = command("import", "foreign", path, "--device", "PMT-1", "--no-wait", "--yes")
    assert said.exit_code == 0, said.output
    assert work_off(Run.objects.get()) == ""
    analysis = Analysis.objects.get()
    assert analysis.problems or Measurement.objects.filter(analysis=analysis).exists()
    assert admin_client.get("/devices/PMT-1/").status_code == 200

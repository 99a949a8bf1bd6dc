"""The measured trays in the database: the files' own values, once, judged."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from mppcqa.cli.import_ import import_
from mppcqa.exchange.foreign.surveys import SurveyRefused, import_surveys
from mppcqa.inventory.models import Device, Tray
from mppcqa.results.models import Analysis, Measurement, Outcome, Standing
from mppcqa.runs.models import RunFile
from mppcqa.stages import Survey, SurveyedDevice, SurveyedTray, get_stage, registry


@pytest.fixture
def two_trays(shared_data: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "trays"
    for tray in ("250717-1304", "250821-1303"):
        shutil.copytree(shared_data / "lfhcal_trays" / tray, folder / tray)
    shutil.copyfile(
        shared_data / "lfhcal_trays" / "tray_nominal_data.txt", folder / "tray_nominal_data.txt"
    )
    return folder


def rows_of(path: Path) -> list[list[str]]:
    return [line.split() for line in path.read_text().splitlines()]


def values_of(serial: str) -> dict[str, tuple[float, float | None]]:
    rows = Measurement.objects.filter(device__serial=serial).select_related("quantity")
    return {row.quantity.key: (row.value, row.statistical) for row in rows}


@pytest.mark.django_db
def test_twenty_devices_have_the_values_of_their_files(two_trays: Path) -> None:
    done = import_surveys("lfhcal", two_trays)
    assert (done.trays, done.devices) == (2, 920)
    assert (Device.objects.count(), Tray.objects.count()) == (920, 2)
    rng = np.random.default_rng(7)
    for tray in ("250717-1304", "250821-1303"):
        iv = rows_of(two_trays / tray / "IV_result.txt")
        sps = {row[0]: row for row in rows_of(two_trays / tray / "SPS_result_onlynumbers.txt")}
        # The long lines are the set-up of the measurement, one before a device's result.
        results = {row[1]: row for row in iv if len(row) == 10}
        for serial in rng.choice(sorted(results), 10, replace=False):
            stored = values_of(serial)
            row = results[serial]
            for column, quantity in (
                (2, "temperature_c"),
                (5, "breakdown_voltage_iv_v"),
                (6, "dark_current_below_na"),
                (7, "dark_current_above_na"),
                (9, "forward_resistance_ohm"),
            ):
                assert stored[quantity][0] == float(row[column]), (serial, quantity)
            assert stored["breakdown_voltage_sps_v"] == (
                float(sps[serial][6]),
                float(sps[serial][7]),
            )
            device = Device.objects.get(serial=serial)
            place = tuple(int(part) for part in serial.split("_")[1:])
            assert (device.tray_row, device.tray_column) == place


@pytest.mark.django_db
def test_every_device_is_judged_and_a_second_import_changes_nothing(two_trays: Path) -> None:
    import_surveys("lfhcal", two_trays)
    outcomes = Counter(Standing.objects.values_list("outcome", flat=True))
    assert sum(outcomes.values()) == 920
    assert outcomes[Outcome.PASS] > 850
    tables = (Device, Measurement, Analysis, RunFile, Standing)
    before = [table.objects.count() for table in tables]
    again = import_surveys("lfhcal", two_trays)
    assert (again.trays, again.unchanged) == (0, 2)
    assert [table.objects.count() for table in tables] == before


@pytest.mark.django_db
def test_a_broken_line_stops_all_or_is_left_out(two_trays: Path) -> None:
    path = two_trays / "250717-1304" / "IV_result.txt"
    lines = path.read_text().splitlines()
    lines[1] = lines[1].replace("38.3798", "38,3798")
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(SurveyRefused, match=r"IV_result\.txt:2"):
        import_surveys("lfhcal", two_trays)
    assert Device.objects.count() == 0
    done = import_surveys("lfhcal", two_trays, on_error="skip")
    assert done.devices == 920
    assert len(done.faults) == 1
    assert "breakdown_voltage_iv_v" not in values_of("250717-1304_0_0")
    assert "breakdown_voltage_sps_v" in values_of("250717-1304_0_0")


def _two_devices(folder: Path) -> list[SurveyedTray]:
    """What a package may read: a serial number and a value a line."""
    path = folder / "tray.txt"
    devices = {}
    for column, line in enumerate(path.read_text().splitlines()):
        serial, value = line.split()
        devices[serial] = SurveyedDevice(serial, "T-1", 0, column)
        devices[serial].values["quenching_ohm"] = (float(value), 10.0, "as printed")
    return [
        SurveyedTray(
            tray="T-1",
            rows=1,
            columns=2,
            device_type="Single 1 mm",
            maker="Another maker",
            maker_values={"bias": 30.5},
            devices=devices,
            files=(path,),
        )
    ]


@pytest.mark.django_db
def test_a_stage_of_a_package_brings_a_survey_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tray.txt").write_text("X-1 150000\nX-2 151000\n")
    survey = Survey(key="own-trays", title="Trays of ours.", read=_two_devices)
    own = replace(get_stage("iv"), key="own", survey=survey)
    monkeypatch.setitem(registry._found().stages, "own", own)
    done = import_surveys("own-trays", tmp_path)
    assert (done.trays, done.devices, done.values) == (1, 2, 2)
    tray = Tray.objects.get()
    assert (tray.rows, tray.columns, tray.maker_values) == (1, 2, {"bias": 30.5})
    device = Device.objects.get(serial="X-2")
    assert str(device.device_type) == "Single 1 mm"
    assert device.tray_column == 1
    assert values_of("X-2")["quenching_ohm"] == (151000.0, 10.0)
    assert Standing.objects.filter(device=device, stage="own").exclude(outcome="").exists()
    assert import_surveys("own-trays", tmp_path).unchanged == 1
    with pytest.raises(SurveyRefused, match="there are lfhcal, own-trays"):
        import_surveys("no-trays", tmp_path)
    helped = CliRunner().invoke(import_, ["--help"]).output
    assert "own-trays" in helped
    assert "Trays of ours." in helped

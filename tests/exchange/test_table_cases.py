"""Small tables that once came in wrong or were refused, from the command to the database."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Device, DeviceType
from mppcqa.results.models import Measurement
from mppcqa.runs.models import Run
from mppcqa.stages.numbers import BELOW
from tests.exchange.test_format_cases import command


@pytest.fixture
def inputs(shared_data: Path, tmp_path: Path, db: None) -> Any:
    """Copies the input of a case that is no run, beside registered devices."""
    DeviceType.objects.get_or_create(name="S1", defaults={"rows": 4, "columns": 4})
    DeviceType.objects.create(name="single", rows=1, columns=1)
    register_devices([{"serial": f"K-{n:03d}", "device_type": "single"} for n in range(1, 10)])
    cases = shared_data.parent / "cases" / "formats"
    if not cases.is_dir():
        pytest.skip(f"no shared data at {cases}")

    def copy(case: str) -> list[Path]:
        paths = [p for p in sorted((cases / case).iterdir()) if p.name != "expected.txt"]
        return [Path(shutil.copyfile(path, tmp_path / path.name)) for path in paths]

    return copy


def test_implausible_breakdown_and_zero_error(inputs: Any) -> None:
    said = command("import", "table", *inputs("implausible_breakdown_and_zero_error"),
                   "--stage", "darkbox")  # fmt: skip
    assert said.exit_code != 0
    assert "5231 V lies outside" in said.output
    assert not Measurement.objects.exists()
    path = inputs("implausible_breakdown_and_zero_error")[0]
    path.write_text(path.read_text().replace("5231", "52.31"))
    said = command("import", "table", path, "--stage", "darkbox")
    assert "never zero" in said.output
    assert not Measurement.objects.exists()


def test_maker_sheet_with_title_rows(inputs: Any) -> None:
    said = command("import", "table", *inputs("maker_sheet_with_title_rows"))
    assert said.exit_code == 0, said.output
    device = Device.objects.get(serial="M-0011")
    assert device.maker_values == {"Vbr (V)": 52.11, "Vop (V)": 55.11, "Id (uA)": 0.21}
    assert Device.objects.filter(serial__startswith="M-").count() == 3


def test_same_file_imported_twice(inputs: Any) -> None:
    (path,) = inputs("same_file_imported_twice")
    how = ("import", "foreign", path, "--no-wait", "--device")
    said = command(*how, "K-008")
    assert said.exit_code != 0
    assert "K-009, not K-008" in said.output
    assert command(*how, "K-009").exit_code == 0
    again = command(*how, "K-009")
    assert again.exit_code != 0
    assert f"run {Run.objects.get().pk} of K-009" in again.output
    assert command(*how, "K-009", "--allow", "twice").exit_code == 0
    assert Run.objects.count() == 2


def test_serial_headings_of_makers(inputs: Any) -> None:
    for path in inputs("serial_headings_of_makers"):
        said = command("import", "table", path)
        assert said.exit_code == 0, said.output
    found = Device.objects.filter(serial__startswith="M-0", device_type__name="S1")
    assert sorted(found.values_list("serial", flat=True)) == [f"M-000{n}" for n in range(1, 5)]


def test_serial_leading_zeros_by_number_format(inputs: Any) -> None:
    said = command("import", "table", *inputs("serial_leading_zeros_by_number_format"))
    assert said.exit_code == 0, said.output
    assert Device.objects.filter(serial__in=["00071", "00072"]).count() == 2


def test_temperature_given_in_kelvin(inputs: Any) -> None:
    (path,) = inputs("temperature_given_in_kelvin")
    how = ("import", "foreign", path, "--device", "K-001", "--no-wait", "--set")
    said = command(*how, "temperature_c=293.15")
    assert said.exit_code != 0
    assert "kelvin" in said.output
    assert not Run.objects.exists()
    assert command(*how, "temperature_c=293.15K").exit_code == 0
    assert Run.objects.get().parameters["import"]["given"] == {"temperature_c": 20.0}


def test_unmapped_columns_in_silence(inputs: Any) -> None:
    said = command("import", "table", *inputs("unmapped_columns_in_silence"), "--stage", "iv")
    assert said.exit_code == 0, said.output
    assert "“Operator note”" in said.output
    found = dict(Measurement.objects.values_list("quantity__key", "value"))
    assert found == {"breakdown_voltage_v": 52.31, "dark_current_a": pytest.approx(1.3e-7)}


def test_words_for_not_measured(inputs: Any) -> None:
    said = command("import", "table", *inputs("words_for_not_measured"), "--stage", "darkbox")
    assert said.exit_code == 0, said.output
    assert "“N/A”" in said.output
    assert "“<1000” is a limit" in said.output
    found = Measurement.objects.values_list("device__serial", "quantity__key", "value")
    assert set(found) == {
        ("K-005", "breakdown_voltage_v", 52.31),
        ("K-006", "dark_rate_hz", 1000.0),
        ("K-007", "breakdown_voltage_v", 52.29),
    }
    assert Measurement.objects.get(value=1000).bound == BELOW

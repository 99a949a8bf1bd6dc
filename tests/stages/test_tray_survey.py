"""The measured trays: read as they are, broken lines named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mppcqa.stages.tray_survey import read_folder

TRAY = "250821-1301"


@pytest.fixture
def one_tray(shared_data: Path, tmp_path: Path) -> Path:
    source = shared_data / "lfhcal_trays"
    folder = tmp_path / "trays"
    (folder / TRAY).mkdir(parents=True)
    for path in (source / TRAY).iterdir():
        shutil.copyfile(path, folder / TRAY / path.name)
    shutil.copyfile(source / "tray_nominal_data.txt", folder / "tray_nominal_data.txt")
    return folder


def test_five_trays_of_460_devices(shared_data: Path) -> None:
    surveys = read_folder(shared_data / "lfhcal_trays")
    assert [len(survey.devices) for survey in surveys] == [460] * 5
    assert not any(survey.faults for survey in surveys)
    device = surveys[1].devices[f"{TRAY}_0_0"]
    assert (device.row, device.column) == (0, 0)
    assert device.values["breakdown_voltage_iv_v"][0] == 38.3469
    assert device.values["breakdown_voltage_sps_v"][:2] == (37.804, 0.0167039)
    assert device.values["dark_current_below_na"][0] == 0.5
    assert device.values["dark_current_above_na"][0] == 11.2
    assert device.values["forward_resistance_ohm"][0] == 118.16
    assert device.values["nominal_voltage_v"][0] == 42.0
    for survey in surveys:
        for one in survey.devices.values():
            assert all(error > 0 for _, error, _ in one.values.values())


def test_every_broken_line_is_named_with_file_and_line(one_tray: Path) -> None:
    path = one_tray / TRAY / "IV_result.txt"
    lines = path.read_text().splitlines()
    lines[1] = lines[1].replace("38.3469", "38,3469")
    lines[2] = " ".join(lines[2].split()[:7])
    lines[3] = lines[4]
    lines.append("note 250821-1301_23_0 " + " ".join(lines[10].split()[2:]))
    path.write_text("\n".join(lines))
    survey = read_folder(one_tray)[0]
    texts = [str(fault) for fault in survey.faults]
    assert [text.split(": ", 1)[0] for text in texts] == [
        f"{TRAY}/IV_result.txt:{line}" for line in (2, 3, 5, 462)
    ]
    for text, expected in zip(
        texts, ("'38,3469' is no number", "7 columns", "twice", "23 x 20"), strict=True
    ):
        assert expected in text
    assert len(survey.devices) == 460


def test_a_folder_without_trays_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"IV_result\.txt"):
        read_folder(tmp_path)


@pytest.mark.parametrize(("end", "whole"), [("", False), (" ", True), ("\n", True)])
def test_a_line_alone_without_an_end_may_lack_digits(tmp_path: Path, end: str, whole: bool) -> None:
    folder = tmp_path / "250821-1301"
    folder.mkdir()
    line = "250821-1301 250821-1301_0_0 24.710 0.0221 38.4343 38.4543 0.1 11.5 23.98 113.8"
    (folder / "IV_result.txt").write_text(line + end)
    (survey,) = read_folder(tmp_path)
    assert bool(survey.devices) is whole
    assert any("cut off" in str(fault) for fault in survey.faults) is not whole


def test_columns_of_2026_are_read_and_kept(shared_data: Path, tmp_path: Path) -> None:
    """Twelve columns: the known ones as before, two more kept as they stand."""
    tray = "250821-1301"
    was = shared_data / "lfhcal_trays" / tray
    now = tmp_path / f"{tray}-results"
    now.mkdir()
    for name in ("IV_result.txt", "SPS_result_onlynumbers.txt"):
        lines = (was / name).read_text().splitlines()
        rows = [line if len(line.split()) == 20 else f"{line} 0.031 A7" for line in lines]
        (now / name).write_text("\n".join(rows) + "\n")
    (old,) = [one for one in read_folder(was.parent) if one.tray == tray]
    (new,) = read_folder(tmp_path)
    assert new.tray == tray
    assert new.devices.keys() == old.devices.keys()
    for serial, device in new.devices.items():
        assert {k: v[0] for k, v in device.values.items()} == {
            k: v[0] for k, v in old.devices[serial].values.items() if k != "nominal_voltage_v"
        }
        assert device.kept["IV_result.txt"] == ["0.031", "A7"]
    lines = (now / "IV_result.txt").read_text().splitlines()
    moved = [line.split() for line in lines]
    moved = [row if len(row) == 20 else [*row[:2], *row[10:], *row[2:10]] for row in moved]
    (now / "IV_result.txt").write_text("\n".join(" ".join(row) for row in moved) + "\n")
    (wrong,) = read_folder(tmp_path)
    assert len(wrong.faults) >= 400  # columns in another order are no values of these
    head = (
        "NOTE, SIPMID, EXTRA, BIN, AVERAGE_TEMPERATURE, TEMPERATURE_DEVIATION, RAW_VBD, VBD@25C, "
    )
    head += "IDARK@-3V[nA], IDARK@+4V[nA], TEMERATURE_BEFORE_IDARK_MEASUREMENT, FORWARD_RESISTANCE"
    (now / "IV_result.txt").write_text("\n".join([head, *(" ".join(row) for row in moved)]) + "\n")
    (right,) = read_folder(tmp_path)
    some = next(iter(old.devices))
    assert not right.faults
    assert (
        right.devices[some].values["dark_current_above_na"][0]
        == (old.devices[some].values["dark_current_above_na"][0])
    )

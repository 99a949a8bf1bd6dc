"""Run files: what is written is read back; what is wrong is named."""

from __future__ import annotations

import doctest
import json
from pathlib import Path

import numpy as np
import pytest
import uproot
from click.testing import CliRunner

import mppcqa.runfile.write
from mppcqa.cli.check import check as check_command
from mppcqa.runfile import RunFile, RunFileError, RunWriter, check

META = {
    "run": 7,
    "stage": "pde",
    "station": "pde-1",
    "operator": "ana",
    "program": "test 1",
    "started": "2026-11-23T00:00:00Z",
    "slots": [
        {"slot": 0, "serial": "A-1", "channels": 4},
        {"slot": 2, "serial": "A-2", "channels": 4},
    ],
}


def charges(point: int, slot: int) -> np.ndarray:
    return np.random.default_rng([point, slot]).normal(slot, 1, (500, 4)).astype(np.float32)


def tree(file, name: str, columns: dict[str, np.ndarray]) -> None:
    types = {key: (values.dtype, values.shape[1:]) for key, values in columns.items()}
    file.mktree(name, types).extend(columns)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "run.root"
    with RunWriter(path, META) as writer:
        for point in range(3):
            writer.point(point, bias_v=70.0 + point, temperature_c=20.0, light=float(point > 0))
            for slot in (0, 2):
                writer.charges(point, slot, charges(point, slot))
    return path


def test_what_is_written_is_read_back(good: Path) -> None:
    assert check(good) == []
    with RunFile(good) as run:
        assert run.meta["run"] == 7
        assert [slot["serial"] for slot in run.slots] == ["A-1", "A-2"]
        np.testing.assert_array_equal(run.conditions["bias_v"], [70, 71, 72])
        for point in range(3):
            for slot in (0, 2):
                np.testing.assert_array_equal(run.charges(point, slot), charges(point, slot))
        assert run.charges(9, 0).size == 0


def test_a_program_that_stops_half_way_leaves_no_run_file(tmp_path: Path) -> None:
    path = tmp_path / "run.root"

    def stopped_program() -> None:
        with RunWriter(path, META) as writer:
            writer.point(0, bias_v=70.0, temperature_c=20.0, light=0.0)
            writer.charges(0, 0, charges(0, 0))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped_program()
    assert not path.exists()
    part = tmp_path / "run.root.part"
    assert any(fault.tree == "meta" and "did not end" in fault.what for fault in check(part))


def test_a_file_without_a_measuring_point_is_refused_where_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "run.root"
    with pytest.raises(RunFileError, match="no measuring point"), RunWriter(path, META) as writer:
        writer.iv(0, 0, [50.0, 51.0], [1e-9, 2e-9], temperature_c=20.0, light=0.0)
    assert not path.exists()


def test_charges_of_the_wrong_shape_are_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(RunFileError, match=r"\(events, 4\)"),
        RunWriter(tmp_path / "run.root", META) as writer,
    ):
        writer.charges(0, 0, np.zeros((3, 5)))


@pytest.mark.parametrize("keep", [0, 3, 100, 0.3, 0.7, 0.98])
def test_cut_off_files_are_named_and_never_crash(good: Path, keep: float) -> None:
    data = good.read_bytes()
    cut = data[: int(keep if keep >= 1 or keep == 0 else keep * len(data))]
    good.write_bytes(cut)
    assert check(good)


def test_a_foreign_file_is_named(tmp_path: Path) -> None:
    text = tmp_path / "notes.root"
    text.write_text("this is my shopping list\n")
    assert [str(fault) for fault in check(text)] == ["this is no ROOT file"]
    with pytest.raises(RunFileError, match="can't be opened"):
        RunFile(text)
    other = tmp_path / "other.root"
    with uproot.recreate(other) as file:
        file.mktree("events", {"x": "float64"})
    names = [str(fault) for fault in check(other)]
    assert len(names) == 3
    with pytest.raises(RunFileError, match="Is it a run file"):
        RunFile(other)


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bad.root"
    meta = {**META, "layout": 1, "entries": {"charge": 4, "condition": 2}}
    del meta["operator"]
    with uproot.recreate(path) as file:
        tree(
            file,
            "condition",
            {
                "point": np.array([0, 0], np.int32),
                "bias_v": np.array([70.0, np.nan]),
                "overvoltage_v": np.array([np.nan, np.nan]),
                "temperature_c": np.array([20.0, 20.0], np.float32),
                "light": np.zeros(2),
            },
        )
        tree(
            file,
            "charge",
            {
                "point": np.array([0, 5], np.int32),
                "slot": np.array([0, 1], np.int32),
                "charge": np.zeros((2, 3), np.float32),
            },
        )
        file["meta"] = json.dumps(meta)
    text = "\n".join(str(fault) for fault in check(path))
    for expected in (
        "meta/operator: is missing",
        "condition/temperature_c: is float32, must be float64",
        "charge/charge: 3 channels, slot 0 has 4",
        "charge/slot entry 1: slot 1 is not in meta",
        "charge: has 2 entries, meta says 4",
    ):
        assert expected in text


def test_the_command_says_it_in_both_ways(good: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    fine = runner.invoke(check_command, [str(good)])
    assert (fine.exit_code, fine.output.strip()) == (0, f"{good}: ok")
    missing = runner.invoke(check_command, ["--json", str(good), str(tmp_path / "none.root")])
    assert missing.exit_code == 1
    rows = [json.loads(line) for line in missing.output.splitlines()]
    assert [row["ok"] for row in rows] == [True, False]


def test_the_example_runs() -> None:
    assert doctest.testmod(mppcqa.runfile.write).failed == 0

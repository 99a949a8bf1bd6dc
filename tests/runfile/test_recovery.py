"""A program that is killed leaves a file that is named, and what it had written comes back."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from mppcqa.cli.check import check as check_command
from mppcqa.runfile import RunFile, RunFileError, check, recover
from tests.runfile.make import charges, shapes, write_everything

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize(("seconds", "form"), [(0.05, "ttree"), (0.9, "ttree"), (0.4, "rntuple")])
def test_what_was_written_before_a_kill_comes_back(
    tmp_path: Path, seconds: float, form: str
) -> None:
    path = tmp_path / "run.root"
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.runfile.dying_program", path, form],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    first = program.stdout.readline()
    time.sleep(seconds)
    program.send_signal(signal.SIGKILL)
    said, _ = program.communicate()
    on_disk = int([first, *said.split()][-1])
    assert not path.exists()
    part = path.with_name("run.root.part")
    faults = check(part)
    assert any(f.tree == "meta" and "did not end" in f.what for f in faults)
    with pytest.raises(RunFileError):
        RunFile(part)
    made = CliRunner().invoke(check_command, [str(part), "--recover", str(path)])
    assert made.exit_code == 0, made.output
    with RunFile(path) as run:
        assert run.meta["recovered"] is True
        for point in range(on_disk + 1):
            for slot in (1, 3):
                np.testing.assert_array_equal(run.charges(point, slot), charges(point, slot))
                found = run.waveforms(point, slot, 0)
                np.testing.assert_array_equal(found.adc, shapes(point, slot, 0))
        for (point, slot, _), events in run.cells():
            expected = charges(point, slot)[:events]
            np.testing.assert_array_equal(run.charges(point, slot), expected)


def test_a_whole_file_is_not_recovered(tmp_path: Path) -> None:
    path = write_everything(tmp_path / "run.root")
    with pytest.raises(RunFileError, match="nothing to recover"):
        recover(path, tmp_path / "other.root")

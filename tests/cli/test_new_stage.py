"""``mppcqa new-stage`` makes a package that installs, is found, and passes its own tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mppcqa.cli import main
from tests.workers import SOURCE


def made(folder: Path, *arguments: str) -> Path:
    done = CliRunner().invoke(main, ["new-stage", *arguments, "--folder", str(folder)])
    assert done.exit_code == 0, done.output
    [package] = folder.iterdir()
    return package


def environment(target: Path, home: Path) -> dict[str, str]:
    path = os.pathsep.join([str(target), str(SOURCE)])
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MPPCQA_")}
    return {**kept, "PYTHONPATH": path, "MPPCQA_HOME": str(home)}


def installed(package: Path, target: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(target), str(package)], check=True, timeout=120)


@pytest.mark.parametrize("arguments", [("led-scan",), ("dose_1", "--title", "Dose in Ñandú's lab")])
def test_what_is_made_installs_and_passes(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    package = made(tmp_path / "made", *arguments)
    target = tmp_path / "site"
    installed(package, target)
    here = environment(target, tmp_path / "home")
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"],
        cwd=package,
        env=here,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert tests.returncode == 0, tests.stdout + tests.stderr
    assert "10 passed" in tests.stdout
    listed = subprocess.run(
        [sys.executable, "-m", "mppcqa.cli", "plugins", "--json"],
        env=here,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found = json.loads(listed.stdout)
    assert arguments[0] in {one["key"] for one in found["used"]}
    assert found["switched_off"] == []
    files = [path for path in package.rglob("*") if path.suffix in (".py", ".toml", ".md")]
    assert len([path for path in files if "build" not in path.parts]) == 6
    lint = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--line-length",
        "100",
        str(package),
    ]
    assert subprocess.run(lint, check=False).returncode == 0


@pytest.mark.parametrize("name", ["Led", "1st", "a b", "../up", "pde", "class", "x" * 41, "a--b"])
def test_a_name_that_none_is_is_refused(tmp_path: Path, name: str) -> None:
    done = CliRunner().invoke(main, ["new-stage", name, "--folder", str(tmp_path)])
    assert done.exit_code == 2
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    package = made(tmp_path, "led-scan")
    (package / "README.md").write_text("mine")
    again = CliRunner().invoke(main, ["new-stage", "led-scan", "--folder", str(tmp_path)])
    assert again.exit_code == 2
    assert "exists; nothing was written" in again.output
    assert (package / "README.md").read_text() == "mine"
    title = ["new-stage", "other", "--title", 'a"b', "--folder", str(tmp_path)]
    assert CliRunner().invoke(main, title).exit_code == 2

"""Nobody but its owner reads what the program writes."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.waiting import PATIENCE_S, free_port, stop, wait_for_server

pytestmark = pytest.mark.timeout(400)


def open_to_others(home: Path) -> list[str]:
    return sorted(
        str(path.relative_to(home))
        for path in (home, *home.rglob("*"))
        if not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) & 0o077
    )


def test_all_of_a_running_installation(tmp_path: Path) -> None:
    """With a generous umask, in a folder that others could read: told, mended, and kept so."""
    home = tmp_path / "home"
    (home / "files" / "runs").mkdir(parents=True)
    (home / "files" / "runs" / "old.root").write_text("measured")
    for path in (home, *home.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    port = free_port()
    environment = {**os.environ, "MPPCQA_HOME": str(home)}
    environment |= {"MPPCQA_DATABASE": f"sqlite:///{home}/mppcqa.sqlite3"}
    environment["MPPCQA_BROKER"] = "filesystem://localhost"
    command = [sys.executable, "-m", "mppcqa.cli", "run", "--no-demo", "--port", str(port)]
    with (tmp_path / "said").open("wb") as said:
        program = subprocess.Popen(
            command, env=environment, stdout=said, stderr=said, preexec_fn=lambda: os.umask(0o022)
        )
    try:
        wait_for_server(program, port, tmp_path / "said")
        urllib.request.urlopen(f"http://127.0.0.1:{port}/login/", timeout=PATIENCE_S).read()
        found = open_to_others(home)
        there = {path.name for path in home.rglob("*")}
    finally:
        stop(program)
    assert found == []
    assert there >= {"mppcqa.sqlite3", "mppcqa.sqlite3-wal", "web.log", "worker.log", "old.root"}
    assert f"other users of this computer had rights on {home}" in (tmp_path / "said").read_text()


def test_a_database_elsewhere_that_others_could_read(tmp_path: Path) -> None:
    database = tmp_path / "elsewhere.sqlite3"
    database.touch()
    database.chmod(0o644)
    environment = {**os.environ, "MPPCQA_HOME": str(tmp_path / "home")}
    environment["MPPCQA_DATABASE"] = f"sqlite:///{database}"
    done = subprocess.run(
        [sys.executable, "-m", "mppcqa.cli", "django", "migrate", "-v0"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert open_to_others(database) == []
    assert str(database) in done.stderr

"""`mppcqa run` says clearly why it can't start."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path


def _run(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mppcqa.cli", *arguments],
        env={**os.environ, "MPPCQA_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_taken_port_names_the_option_that_changes_it(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = _run("run", "--port", str(port), home=tmp_path)
    assert done.returncode == 1
    assert str(port) in done.stderr
    assert "--port" in done.stderr


def test_the_secret_is_made_once_and_belongs_to_its_owner(tmp_path: Path) -> None:
    from mppcqa.home import secret_key

    first = secret_key(tmp_path)
    assert len(first) >= 50
    assert secret_key(tmp_path) == first
    assert (tmp_path / "secret-key").stat().st_mode & 0o077 == 0


def test_help_lists_every_command_without_loading_them(tmp_path: Path) -> None:
    done = _run("--help", home=tmp_path)
    assert done.returncode == 0
    for name in ("run", "worker", "demo", "check", "import"):
        assert name in done.stdout


def test_every_command_in_the_list_is_there() -> None:
    import click

    from mppcqa.cli import COMMANDS, main

    context = click.Context(main)
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        assert command.name in {name, "import_"}

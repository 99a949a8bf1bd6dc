"""`mppcqa run` says clearly why it can't start."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest


def _run(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mppcqa.cli", *arguments],
        env={
            **os.environ,
            "MPPCQA_HOME": str(home),
            "MPPCQA_DATABASE": f"sqlite:///{home}/mppcqa.sqlite3",
        },
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


def test_links_have_the_port_at_which_the_home_is_served(tmp_path: Path) -> None:
    from mppcqa.cli.run import _only_one
    from mppcqa.home import served_at

    assert served_at(tmp_path) == "http://127.0.0.1:8000"
    assert _run("django", "migrate", "-v0", home=tmp_path).returncode == 0
    with _only_one(tmp_path, "http://127.0.0.1:8123"):
        second = _run("run", "--port", "8124", home=tmp_path)
        assert "runs already" in second.stderr
        made = _run("user", "add", "eva", "--role", "viewer", home=tmp_path)
    assert made.stdout.startswith("http://127.0.0.1:8123/welcome/")
    token = _run("token", "make", "--user", "eva", "--to", str(tmp_path / "token"), home=tmp_path)
    assert "WARNING" not in made.stderr + token.stderr
    (tmp_path / "run.lock").write_bytes(b"\xff\x00")
    assert served_at(tmp_path) == "http://127.0.0.1:8000"


def test_it_is_said_by_which_names_other_computers_reach_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mppcqa.cli.run import _tell_others

    monkeypatch.delenv("MPPCQA_URL", raising=False)
    monkeypatch.delenv("MPPCQA_HOSTS", raising=False)
    _tell_others("127.0.0.1", 8000)
    assert capsys.readouterr().out == ""
    _tell_others("::", 8000)
    assert "MPPCQA_HOSTS=" in capsys.readouterr().out
    monkeypatch.setenv("MPPCQA_HOSTS", "qa.local, 10.0.0.7")
    _tell_others("::", 8000)
    assert "http://qa.local:8000, http://10.0.0.7:8000" in capsys.readouterr().out


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


def test_a_home_without_a_database_is_told_how_it_gets_one(tmp_path: Path) -> None:
    for words in (("list", "devices"), ("user", "list"), ("tasks",), ("workers",)):
        done = _run(*words, home=tmp_path)
        assert done.returncode == 1
        assert "there is no database yet" in done.stderr
        assert "mppcqa run" in done.stderr
        assert "Traceback" not in done.stderr
    assert _run("django", "migrate", "-v0", home=tmp_path).returncode == 0
    assert _run("user", "list", home=tmp_path).returncode == 0
    with sqlite3.connect(tmp_path / "mppcqa.sqlite3") as database:
        database.execute("DROP TABLE queue_worker")
        database.execute("DELETE FROM django_migrations WHERE app = 'queue'")
    old = _run("workers", home=tmp_path)
    assert (old.returncode, "older version" in old.stderr) == (1, True)

"""Commands find the tables as the program wants them, and pay for that once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db.migrations.recorder import MigrationRecorder

from mppcqa.database import ready

MARKED = pytest.mark.django_db


@MARKED
def test_tables_that_are_there_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def migrate(*_: object, **__: object) -> None:
        raise AssertionError("it migrates although all is there")

    monkeypatch.setattr(ready, "call_command", migrate)
    ready.make_ready()


@MARKED
@pytest.mark.parametrize("app", ["auth", "inventory", "results"])
def test_one_that_is_missing_is_seen(app: str) -> None:
    last = MigrationRecorder.Migration.objects.filter(app=app).order_by("-pk").first()
    assert last is not None
    last.delete()
    assert not ready.is_ready()


def test_a_command_makes_the_tables_of_an_empty_home(tmp_path: Path) -> None:
    table = tmp_path / "devices.csv"
    table.write_text("serial,type\nGX-1,no-such\n")
    environment = {**os.environ, "MPPCQA_HOME": str(tmp_path / "home")}
    environment.pop("MPPCQA_DATABASE", None)
    command = [sys.executable, "-m", "mppcqa.cli", "import", "table", "--check", str(table)]
    for _ in range(2):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert "no device type called “no-such”" in done.stderr

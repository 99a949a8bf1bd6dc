"""What a worker runs at a station: what its own computer's list says, and no typed command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mppcqa.queue.errors import TaskError
from mppcqa.queue.programs import make_safe
from mppcqa.runs import tasks
from mppcqa.runs.models import Station


def write(path: Path, text: str) -> None:
    path.write_text("[station]\nrun_as_root = true\n" + text)
    path.chmod(0o600)


def test_a_list_says_what_is_run_and_nothing_else_is(settings: Any, tmp_path: Path) -> None:
    settings.MPPCQA_PROGRAMS = tmp_path / "programs.toml"
    station = Station(name="dark-1", stage="darkbox", program=["/bin/sh", "-c", "touch /tmp/owned"])
    assert tasks.listed_program(station, "darkbox") is None
    write(settings.MPPCQA_PROGRAMS, '[programs.a]\ncommand = ["/bin/true"]\nstages = ["darkbox"]')
    found = tasks.listed_program(station, "darkbox")
    assert found is not None
    assert found.command == ("/bin/true",)
    with pytest.raises(TaskError, match="but none"):
        tasks.listed_program(station, "iv")
    station.program_name = "b"
    with pytest.raises(TaskError, match="but none"):
        tasks.listed_program(station, "darkbox")
    write(settings.MPPCQA_PROGRAMS, "[programs.a]\ncommand = 3")
    with pytest.raises(TaskError, match="can't be used"):
        tasks.listed_program(station, "darkbox")


def test_a_typed_command_is_run_only_where_an_administrator_allows_it(
    settings: Any, tmp_path: Path
) -> None:
    mark = tmp_path / "owned"
    station = Station(name="dark-1", stage="darkbox", program=["/usr/bin/touch", str(mark)])
    settings.MPPCQA_TYPED_COMMANDS = False
    with pytest.raises(TaskError, match="typed on a page"):
        tasks.typed_program(station)
    assert "typed on a page" in make_safe(station.program, print)
    assert not mark.exists()
    settings.MPPCQA_TYPED_COMMANDS = True
    assert tasks.typed_program(station) == station.program
    assert make_safe(station.program, print) == ""
    assert mark.exists()
    station.program = []
    settings.MPPCQA_TYPED_COMMANDS = False
    assert tasks.typed_program(station) == []

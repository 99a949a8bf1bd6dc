"""The list of programs: everything that is wrong with it is named at once."""

from __future__ import annotations

import os
import queue
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from mppcqa.station.agent import Agent
from mppcqa.station.link import Link, now
from mppcqa.station.programs import ListFault, read_list
from mppcqa.station.spool import Spool, SpoolInUse

ROOT = "[station]\nrun_as_root = true\n"


def listed(folder: Path, text: str, rights: int = 0o600) -> Path:
    path = folder / "programs.toml"
    path.write_text(text)
    path.chmod(rights)
    return path


def faults(folder: Path, text: str, rights: int = 0o600) -> str:
    with pytest.raises(ListFault) as caught:
        read_list(listed(folder, text, rights))
    return "\n".join(caught.value.faults)


def test_a_list_is_read(tmp_path: Path) -> None:
    text = f"""{ROOT}make_safe = ["/bin/true"]
[programs.dark]
command = ["{{python}}", "-V"]
stages = ["darkbox"]
time_limit_s = 60
environment = {{ A = "b" }}
pass = ["HOME"]
"""
    found = read_list(listed(tmp_path, text))
    program = found.programs["dark"]
    assert program.command == (sys.executable, "-V")
    assert found.make_safe == ("/bin/true",)
    assert program.surroundings() == {"HOME": os.environ["HOME"], "A": "b"}
    assert "command" not in program.said()


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    text = f"""{ROOT}least_fre_mb = 3
[programs.one]
comand = ["/bin/true"]
[programs.two]
command = "/bin/true --shell"
[programs.three]
command = ["/nowhere/program"]
folder = "/nowhere"
time_limit_s = -1
stages = [3]
environment = {{ A = 3 }}
[programs."a b"]
command = ["/bin/true"]
[other]
"""
    said = faults(tmp_path, text)
    for part in (
        "least_fre_mb is not known; least_free_mb?",
        "program one: comand is not known; command?",
        "program one: no command",
        "program two: command is of the wrong kind",
        "/nowhere/program is not there",
        "the folder /nowhere is not there",
        "time_limit_s is more than 0",
        "stages is a list of texts",
        "environment.A is a text",
        "program 'a b'",
        "[other] is not known",
    ):
        assert part in said, said


@pytest.mark.parametrize("text", ["", "x = [", "programs = 3", ROOT, "station = 3", "\x00"])
def test_what_is_no_list_is_refused(tmp_path: Path, text: str) -> None:
    assert faults(tmp_path, text)
    with pytest.raises(ListFault, match="can't be read"):
        read_list(tmp_path / "nowhere")


def test_what_others_may_write_is_not_run(tmp_path: Path) -> None:
    text = f'{ROOT}[programs.a]\ncommand = ["/bin/true"]'
    assert "others may write" in faults(tmp_path, text, 0o666)
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o777)
    said = faults(tmp_path, f'{ROOT}[programs.a]\ncommand = ["{program}"]')
    assert f"chmod go-w {program}" in said


def test_root_runs_nothing_unless_it_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = listed(tmp_path, '[programs.a]\ncommand = ["/bin/true"]')
    owner = path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(ListFault, match="runs as root"):
        read_list(path)
    monkeypatch.setattr(os, "geteuid", lambda: owner or 1000)
    assert read_list(path).programs


def test_one_spool_serves_one_station(tmp_path: Path) -> None:
    first, second = Spool(tmp_path), Spool(tmp_path)
    with first.only_here(), pytest.raises(SpoolInUse), second.only_here():
        pass
    with second.only_here():
        assert second.agent() == first.agent()
        assert second.kept() == []
        (tmp_path / "attempts" / "1-1").mkdir()  # killed before its order was whole
        assert second.kept() == []


class Server(Link):
    """Answers a greeting, has no work, and would not be asked again for a minute."""

    def __init__(self) -> None:
        self.server, self.heard = "http://nowhere", queue.Queue[list[str]]()

    def post(self, path: str, **more: Any) -> dict[str, Any]:
        if path != "hello":
            return {"order": None}
        self.heard.put([one["name"] for one in more["programs"]])
        return {"now": now(), "station": "dark-1", "bell": "", "poll_s": 60, "bell_poll_s": 60}


def test_a_list_that_changes_is_told_at_once_by_a_station_that_rests(tmp_path: Path) -> None:
    one = f'{ROOT}least_free_mb = 0\n[programs.one]\ncommand = ["{{python}}", "-V"]\n'
    path, server = listed(tmp_path, one), Server()
    spool = Spool(tmp_path / "spool")
    with spool.only_here():
        agent = Agent(server, spool, path)
        thread = threading.Thread(target=agent.serve)
        thread.start()
        try:
            assert server.heard.get(timeout=30) == ["one"]
            listed(tmp_path, f'{one}[programs.two]\ncommand = ["{{python}}", "-V"]\n')
            assert server.heard.get(timeout=30) == ["one", "two"]
        finally:
            agent.end()
            thread.join(30)

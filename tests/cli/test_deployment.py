"""The files for a server: whole, private where passwords stand, what the program itself asks."""

from __future__ import annotations

import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mppcqa.cli import main

WORD = re.compile(r"(?:mppcqa:|BY '|PASS(?:WORD)?='|mppcqa ')([\w-]{32})")


def written(folder: Path, url: str = "https://qa.example.org", *more: str) -> Result:
    return CliRunner().invoke(main, ["deployment", str(folder), "--url", url, *more])


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "server"
    result = written(folder)
    assert result.exit_code == 0, result.output
    return folder


def settings_of(file: Path) -> dict[str, str]:
    lines = [one for one in file.read_text().splitlines() if one and not one.startswith("#")]
    return dict(shlex.split(one)[0].split("=", 1) for one in lines)


def test_what_holds_a_password_is_for_root_alone(files: Path) -> None:
    words = set()
    for file in (one for one in files.rglob("*") if one.is_file()):
        found = re.findall(
            r"(?:mppcqa:|BY '|PASS(?:WORD)?='|mppcqa ')([\w-]{32})", file.read_text()
        )
        words |= set(found)
        if found:
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
    assert len(words) == 5, "two accounts here, two and the database's root in containers"
    assert stat.S_IMODE(files.stat().st_mode) == 0o700


def test_two_servers_have_different_passwords(files: Path, tmp_path: Path) -> None:
    assert written(tmp_path / "other").exit_code == 0
    names = ("MPPCQA_DATABASE", "MPPCQA_BROKER")
    one, other = settings_of(files / "mppcqa.env"), settings_of(tmp_path / "other/mppcqa.env")
    assert all(one[name] != other[name] for name in names)


def test_files_that_are_there_stay(files: Path) -> None:
    before = (files / "mppcqa.env").read_text()
    result = written(files)
    assert result.exit_code == 1
    assert "exists" in result.output
    assert (files / "mppcqa.env").read_text() == before


@pytest.mark.parametrize(
    "url",
    ["http://qa.example.org", "qa.example.org", "https://a@b.c", "https://b.c/x", "https://b:1"],
)
def test_an_address_that_tls_can_not_serve_is_refused(url: str, tmp_path: Path) -> None:
    result = written(tmp_path / "x", url)
    assert result.exit_code == 2
    assert not (tmp_path / "x").exists()


def test_a_server_with_these_settings_passes_djangos_own_check(files: Path, tmp_path: Path) -> None:
    told = settings_of(files / "mppcqa.env")
    told |= {"MPPCQA_HOME": str(tmp_path), "MPPCQA_HSTS_S": "31536000", "MPPCQA_REDIRECT": "1"}
    check = ["django", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(
        [sys.executable, "-m", "mppcqa.cli", *check],
        env={"PATH": os.environ["PATH"], **told}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout + done.stderr


def test_containers_run_each_service_that_systemd_does(files: Path) -> None:
    composed = (files / "compose/compose.yaml").read_text()
    units = sorted(files.glob("*.service"))
    assert len(units) == 4
    for unit in units:
        [line] = re.findall(r"^ExecStart=\S+ (\S+)", unit.read_text(), re.M)
        assert f"command: [mppcqa, {line}" in composed


def test_no_place_to_fill_in_is_left(files: Path) -> None:
    for file in (one for one in files.rglob("*") if one.is_file()):
        left = re.findall(r"\$(?!@|host|request_uri|proxy_add|scheme|1)\w+", file.read_text())
        assert not left, file.name

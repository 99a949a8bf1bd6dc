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
import yaml
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
    assert len(units) == 5
    for unit in units:
        [line] = re.findall(r"^ExecStart=\S+ (\S+)", unit.read_text(), re.M)
        assert f"command: [mppcqa, {line}" in composed


def compose_faults(file: Path) -> str:
    """What the compose specification's own schema says of a file; empty where it holds."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, file], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_the_compose_file_is_one_by_the_specification(files: Path, tmp_path: Path) -> None:
    file = files / "compose/compose.yaml"
    assert compose_faults(file) == ""
    for good, bad in (
        ("restart: on-failure", "restart: [1]"),
        ("stop_grace_period", "stop_graceperiod"),
        ("condition: service_healthy", "condition: service_is_well"),
    ):
        spoilt = tmp_path / "compose.yaml"
        spoilt.write_text(file.read_text().replace(good, bad))
        assert compose_faults(spoilt), bad


def test_what_the_compose_file_names_is_there(files: Path) -> None:
    """The schema knows nothing of one part naming another."""
    told = yaml.safe_load((files / "compose/compose.yaml").read_text())
    services, volumes = told["services"], set(told["volumes"])
    used = set()
    for name, one in services.items():
        for other, how in one.get("depends_on", {}).items():
            assert ("healthcheck" in services[other]) or how["condition"] != "service_healthy"
            assert how["condition"] in ("service_healthy", "service_completed_successfully"), name
        used |= {volume.partition(":")[0] for volume in one.get("volumes", [])}
        assert (files / "compose" / one["env_file"]).is_file()
        # All that runs our program runs it without rights and on a disk that it can't write.
        if one["image"].startswith("mppcqa"):
            assert (one["read_only"], one["cap_drop"]) == (True, ["ALL"])
            assert "\nUSER mppcqa\n" in one["build"]["dockerfile_inline"]
            # Nobody from elsewhere comes to its ports past what speaks TLS.
            assert all(port.startswith("127.0.0.1:") for port in one.get("ports", []))
        else:
            assert "ports" not in one
    assert used == volumes


def test_only_the_worker_may_become_the_user_of_programs_and_only_where_one_is_named(
    files: Path, tmp_path: Path
) -> None:
    named = tmp_path / "named"
    assert written(named, "https://qa.example.org", "--program-user", "bench").exit_code == 0
    assert settings_of(named / "mppcqa.env")["MPPCQA_PROGRAM_USER"] == "bench"
    assert "MPPCQA_PROGRAM_USER" not in settings_of(named / "compose/mppcqa.env")
    assert "MPPCQA_PROGRAM_USER" not in settings_of(files / "mppcqa.env")
    rights = re.compile(r"^(?:Ambient|.*Bounding).*=(.*)$", re.M)
    for unit in (*files.glob("*.service"), *named.glob("*.service")):
        becomes = unit.parent == named and unit.name == "mppcqa-worker.service"
        wanted = "CAP_SETUID CAP_SETGID CAP_KILL" if becomes else ""
        assert rights.findall(unit.read_text()) == [wanted] * 2, unit
        assert ("/var/lib/bench" in unit.read_text()) == becomes
        # Who may be any user must not get on from there.
        for door in ("/run/dbus", "/run/systemd/private", "/etc/ssh", "/root", "/run/mysqld"):
            assert (f" -{door}" in unit.read_text()) == becomes
    for bad in ("root", "mppcqa", "a b", "$(x)"):
        assert written(tmp_path / "x", "https://b.c", "--program-user", bad).exit_code == 2


def test_no_place_to_fill_in_is_left(files: Path) -> None:
    for file in (one for one in files.rglob("*") if one.is_file()):
        ours = r"\$(?!@|host|request_uri|request_id|proxy_add|scheme|1)\w+"
        left = re.findall(ours, file.read_text())
        assert not left, file.name

"""Test programs as a user of their own: what it sees and writes, and how it ends."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import settings as configured

from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import DeviceType
from mppcqa.queue.actions import kill_group
from mppcqa.queue.logs import log_path
from mppcqa.queue.models import State, Task
from mppcqa.queue.program_user import ProgramUserFault, program_user
from mppcqa.runs.actions import load_station, resume_run, start_run
from mppcqa.runs.models import Run, Station
from tests.other_user import NOBODY, UID, folder_of_nobody, only_root, python_of_nobody
from tests.workers import child_environment, running_worker, wait_until

QUICK = {"events": 2000, "bias_v": [71.0, 71.6, 72.2]}

SPY = """
import json, os, pathlib, subprocess, sys
config = json.loads(pathlib.Path(sys.argv[sys.argv.index("--config") + 1]).read_text())
output = pathlib.Path(sys.argv[sys.argv.index("--output") + 1])
def attempt(what):
    try:
        what()
    except OSError as error:
        return type(error).__name__
    return "done"
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
seen = {
    "uids": os.getresuid(), "gids": os.getresgid(), "groups": os.getgroups(),
    "rights": [status[name].strip() for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")],
    "root": attempt(lambda: os.setuid(0)),
    "home": os.environ["HOME"], "names": sorted(os.environ),
    "supervisor": attempt(lambda: os.kill(os.getppid(), 9)),
    "reads": {path: attempt(lambda path=path: open(path).read(1)) for path in PATHS},
    "lists": attempt(lambda: os.listdir(OUR_HOME)),
}
(output.parent / "seen.json").write_text(json.dumps(seen))
(output.parent / "secret.txt").symlink_to(PATHS[0])
print("spied", flush=True)
REST
"""


@pytest.fixture
def work() -> Iterator[Path]:
    with folder_of_nobody() as folder:
        yield folder


@pytest.fixture
def station(transactional_db: None) -> Station:
    DeviceType.objects.create(name="S12045(X)", nominal_breakdown_v=70.0)
    register_devices([{"serial": "GX-001", "device_type": "S12045(X)"}])
    simulated = [*python_of_nobody(), "-m", "mppcqa.stages.darkbox.program"]
    found = Station.objects.create(name="dark-1", stage="darkbox", slots=2, program=simulated)
    load_station(found, {1: "GX-001"})
    return found


@contextmanager
def worker(monkeypatch: pytest.MonkeyPatch, work: Path, **more: str) -> Iterator[Any]:
    for name, value in {
        "MPPCQA_PROGRAM_USER": NOBODY, "MPPCQA_PROGRAM_FOLDER": str(work),
        "MPPCQA_TYPED_COMMANDS": "1", **more,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    with running_worker("--concurrency", "1") as process:
        yield process


def spying(station: Station, folder: Path, rest: str = "") -> list[str]:
    """Let the station run a program that looks around; the secrets that it tries to read."""
    secrets = [str(configured.MPPCQA_HOME / "secret-key"), str(configured.MPPCQA_HOME / "w.sqlite")]
    for path in secrets:
        Path(path).touch(0o600)
    home = repr(str(configured.MPPCQA_HOME))
    text = SPY.replace("PATHS", repr(secrets)).replace("OUR_HOME", home)
    program = folder / "spy.py"
    program.write_text(text.replace("REST", rest))
    program.chmod(0o644)
    station.program = [*python_of_nobody(), str(program)]
    station.save()
    return secrets


def ended(run: Run) -> Task:
    """The measurement of a run, once nothing of it is open."""
    wait_until(lambda: not any(t.is_open for t in run.task_group.tasks.all()), what=f"{run} ended")
    return run.task_group.tasks.order_by("id")[0]


@only_root
def test_a_run_is_measured_as_the_other_user_and_ends_in_values(
    station: Station, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with worker(monkeypatch, work):
        run = start_run(station, parameters=QUICK)
        assert ended(run).state == State.SUCCEEDED, ended(run).error_text
        assert {one.state for one in run.task_group.tasks.all()} == {State.SUCCEEDED}
    [kept] = run.files.all()
    assert kept.size > 1000
    assert f"(as {NOBODY})" in log_path(ended(run).pk, 1).read_text()
    [folder] = run.folders.all()
    assert all(path.stat().st_uid == os.geteuid() for path in folder.path.rglob("*"))
    # Nothing is left in the other user's folder.
    assert list(work.iterdir()) == []


@only_root
def test_the_program_has_no_right_but_its_users_and_reads_no_secret(
    station: Station, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = spying(station, work, "sys.exit(3)")
    with worker(monkeypatch, work):
        run = start_run(station, parameters=QUICK)
        assert ended(run).state == State.FAILED
    assert "exit status 3" in ended(run).error_text, ended(run).error_text
    [folder] = run.folders.all()
    seen = json.loads((folder.path / "seen.json").read_text())
    assert seen["uids"] == [UID] * 3
    assert 0 not in seen["gids"] + seen["groups"]
    assert {int(right, 16) for right in seen["rights"]} == {0}
    assert (seen["root"], seen["supervisor"]) == ("PermissionError", "PermissionError")
    assert seen["reads"] == dict.fromkeys(secrets, "PermissionError")
    assert seen["lists"] == "PermissionError"
    assert not [
        name for name in seen["names"] if name.startswith("MPPCQA_") and "KEEPER" not in name
    ]
    # A link that it made leads nowhere: what it can't read is not read for it.
    assert not (folder.path / "secret.txt").exists()


@only_root
def test_a_stop_ends_the_whole_tree_of_the_other_user_and_brings_what_it_wrote(
    station: Station, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = (
        "output.write_bytes(b'half of it')\n"
        "stay = ['sh', '-c', 'trap \"\" TERM; sleep 600 & setsid sleep 600 & wait']\n"
        "subprocess.Popen(stay, start_new_session=True); subprocess.run(['sleep', '600'])"
    )
    mark = work / "safe"
    # It lists what is not taken over yet: that may take minutes, and comes after.
    station.make_safe = ["/bin/sh", "-c", f"ls {work}/*/run.root > {mark}"]
    spying(station, work, family)
    with worker(monkeypatch, work):
        run = start_run(station, parameters=QUICK)
        wait_until(lambda: len(of_the_user("sleep")) == 3, what="all of it runs")
        assert run.task_group is not None
        kill_group(run.task_group, reason="enough")
        assert ended(run).state == State.KILLED
        assert of_the_user("sleep", "sh", "python3") == []
    [folder] = run.folders.all()
    assert (folder.path / "run.root").read_bytes() == b"half of it"
    folder.refresh_from_db()
    assert folder.size == len(b"half of it")
    assert mark.stat().st_uid == UID
    assert "/run.root" in mark.read_text()


@only_root
def test_a_stop_while_files_are_taken_over_makes_safe_at_once_and_takes_all_over(
    station: Station, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = "output.write_bytes(b'all')\nfor n in range(200): (output.parent / f'{n}.bin').touch()"
    mark = work / "safe"
    station.make_safe = ["/bin/sh", "-c", f"ls {work}/*/199.bin > {mark}"]
    spying(station, work, many)
    with worker(monkeypatch, work):
        run = start_run(station, parameters=QUICK)
        wait_until(lambda: run.folders.exists(), what="it begins")
        [folder] = run.folders.all()
        wait_until((folder.path / "run.root").exists, what="the first file came")
        assert run.task_group is not None
        kill_group(run.task_group, reason="enough")
        assert ended(run).state == State.KILLED
    assert "199.bin" in mark.read_text()
    assert len(list(folder.path.glob("*.bin"))) == 200
    assert [one for one in work.iterdir() if one.is_dir()] == []


@only_root
def test_what_can_not_be_read_is_told_and_stops_no_attempt(
    station: Station, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = "output.write_bytes(b'measured'); lock = output.parent / 'lock'\n"
    spying(station, work, f"{lock}lock.touch(0); sys.exit(3)")
    with worker(monkeypatch, work):
        run = start_run(station, parameters=QUICK)
        assert "exit status 3" in ended(run).error_text, ended(run).error_text
        told = ended(run).messages.get().text
        assert "'lock': Permission denied" in told
        again = Run.objects.get(pk=run.pk)
        resume_run(again)
        wait_until(lambda: again.folders.count() == 2, what="it is tried again")
        wait_until(lambda: not any(t.is_open for t in again.task_group.tasks.all()), what="ended")
    for folder in again.folders.all():
        assert (folder.path / "run.root").read_bytes() == b"measured"
        assert (folder.path / "seen.json").exists()


def of_the_user(*names: str) -> list[psutil.Process]:
    found = psutil.process_iter(["uids", "name", "status"])
    return [
        one for one in found
        if one.info["uids"].real == UID and one.info["name"] in names
        and one.info["status"] != psutil.STATUS_ZOMBIE
    ]  # fmt: skip


@only_root
def test_a_killed_worker_leaves_nothing_running_and_its_file_comes_with_the_next_attempt(
    station: Station, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spying(station, work, "output.write_bytes(b'measured'); subprocess.run(['sleep', '600'])")
    with worker(monkeypatch, work, MPPCQA_LEASE_S="3") as process:
        run = start_run(station, parameters=QUICK)
        wait_until(lambda: len(of_the_user("sleep")) == 1, what="it runs")
        for one in (
            *psutil.Process(process.pid).children(recursive=True),
            psutil.Process(process.pid),
        ):
            if UID not in one.uids():
                one.kill()
        wait_until(lambda: not of_the_user("sleep", "python3"), what="its program is gone")
    [left] = work.glob("*-*")
    assert (left / "run.root").read_bytes() == b"measured"
    [former] = run.folders.all()
    assert not (former.path / "run.root").exists()
    with worker(monkeypatch, work):
        again = Run.objects.get(pk=run.pk)
        wait_until(lambda: again.task_group.tasks.filter(state=State.LOST).exists(), what="lost")
        spying(station, work, "sys.exit(3)")
        resume_run(again)
        wait_until(lambda: again.folders.count() == 2, what="it is tried again")
        wait_until((former.path / "run.root").exists, what="it is brought")
    assert (former.path / "run.root").read_bytes() == b"measured"
    former.refresh_from_db()
    assert former.size == len(b"measured")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no-such-user", "is no user of this computer"),
        ("root", "test programs never run as root"),
        (pwd.getpwuid(os.geteuid()).pw_name, "root: test programs|runs this process itself"),
        (NOBODY, "has no folder"),
    ],
)
def test_a_user_that_can_not_be_taken_is_refused_with_words(name: str, words: str) -> None:
    with pytest.raises(ProgramUserFault, match=words):
        program_user(name)


@pytest.mark.parametrize("command", [["check"], ["worker"], ["django", "check"]])
def test_check_and_start_refuse_a_user_that_is_not_there(
    transactional_db: None, command: list[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mppcqa.cli", *command],
        env=child_environment(MPPCQA_PROGRAM_USER="no-such-user"),
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert "'no-such-user', which is no user of this computer" in said, said
    assert done.returncode == (0 if command[0] == "django" else 1)


@only_root
def test_without_the_right_to_become_it_a_worker_does_not_start(
    transactional_db: None, work: Path
) -> None:
    """As a service without capabilities; with these three and no other it does."""
    around = child_environment(MPPCQA_PROGRAM_USER=NOBODY, MPPCQA_PROGRAM_FOLDER=str(work))
    code = (
        "from pathlib import Path; import sys\n"
        "from mppcqa.queue.program_user import *\n"
        "user = program_user(*sys.argv[1:3])\n"
        "refuse_unable(user, [Path(sys.argv[3])])\n"
        "place = user.work / 'one'\n"
        "user.ask('make', str(place)); user.ask('put', str(place), 'x', given=b'y')\n"
        "print(place.stat().st_uid, user.ask('give', str(place), 'x'))"
    )
    place = Path(tempfile.mkdtemp())
    (place / "secret").touch(0o600)
    os.chown(place, 1, 1)
    os.chown(place / "secret", 1, 1)
    ask = [*python_of_nobody(), "-c", code, NOBODY, str(work), str(place / "secret")]
    three = "+setuid,+setgid,+kill"
    for rights, status in (("-all", 1), (three, 0)):
        limits = ["--inh-caps", f"-all,{three}" if rights == three else rights]
        limits += ["--ambient-caps", rights, "--bounding-set", f"-all,{three}"]
        done = subprocess.run(
            ["setpriv", "--reuid", "1", "--regid", "1", "--clear-groups", *limits, *ask],
            env=around, cwd="/", capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        assert (
            f"{UID} b'y'" in done.stdout or "it lacks CAP_KILL CAP_SETGID CAP_SETUID" in done.stderr
        )
    shutil.rmtree(place)

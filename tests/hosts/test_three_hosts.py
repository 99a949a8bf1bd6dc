"""Workers on three hosts: network namespaces, one of which is cut off and comes back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest
from benchmarks.broker import PROGRAMS, OwnRabbit

from tests.hosts.namespaces import Host, hosts, why_not
from tests.waiting import PATIENCE_S, stop

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "print('begun', flush=True); time.sleep(300)"


def why_skipped() -> str:
    if "MPPCQA_DATABASE" in os.environ:
        return "has servers of its own: it runs in the suite without servers"
    if shutil.which("mariadbd") is None or shutil.which("mariadb-install-db") is None:
        return "needs MariaDB's server"
    if not (PROGRAMS / "rabbitmq-server").exists():
        return "needs RabbitMQ's server"
    return why_not()


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        stop(process)


@contextmanager
def database(host: Host, folder: Path) -> Iterator[str]:
    """A MariaDB of this test on a host; its address."""
    data, socket = folder / "data", folder / "socket"
    make = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--user=root"]
    make += ["--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run(make, check=True, capture_output=True)
    command = ["mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={socket}"]
    command += ["--user=root", f"--bind-address={host.address}", "--port=3306"]
    command += [f"--pid-file={folder / 'pid'}", "--innodb-flush-log-at-trx-commit=2"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([*host.prefix, *command], stdout=log, stderr=log)
    client = ["mariadb", "--no-defaults", f"--socket={socket}", "-e"]
    with ended(server):
        deadline = time.monotonic() + PATIENCE_S
        while subprocess.run([*client, "SELECT 1"], capture_output=True).returncode:
            assert time.monotonic() < deadline, (folder / "log").read_text()[-2000:]
            time.sleep(0.2)
        rights = "CREATE DATABASE q; CREATE USER q IDENTIFIED BY 'q'; GRANT ALL ON q.* TO q"
        subprocess.run([*client, rights], check=True)
        yield f"mysql://q:q@{host.address}:3306/q"


@pytest.mark.timeout(400)
def test_a_host_is_cut_off_and_comes_back(tmp_path: Path) -> None:
    if reason := why_skipped():
        pytest.skip(reason)
    with ExitStack() as stack:
        first, near, far = stack.enter_context(hosts(3))
        for name in ("database", "home", "near", "far"):
            (tmp_path / name).mkdir()
        url = stack.enter_context(database(first, tmp_path / "database"))
        broker = stack.enter_context(
            OwnRabbit(tmp_path / "rabbit", first.address, 5672, first.prefix)
        )
        stack.callback(subprocess.run, [*first.prefix, "epmd", "-kill"], capture_output=True)
        common = {
            **os.environ,
            "MPPCQA_DATABASE": url,
            "MPPCQA_BROKER": broker.url,
            "MPPCQA_QUEUE_PREFIX": "three",
            "MPPCQA_LEASE_S": "5",
            "MPPCQA_KILL_GRACE_S": "0.5",
            "DJANGO_SETTINGS_MODULE": "mppcqa.project.settings",
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
        }
        driver = subprocess.Popen(
            [*first.prefix, sys.executable, "-m", "tests.hosts.drive", far.name],
            env={**common, "MPPCQA_HOME": str(tmp_path / "home")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        stack.enter_context(ended(driver))
        assert driver.stdout is not None
        assert driver.stdin is not None
        stack.enter_context(driver.stdout)
        stack.enter_context(driver.stdin)
        done = []
        for line in iter(driver.stdout.readline, b""):
            word = line.decode().strip()
            done.append(word)
            if word == "start workers":
                for host, lanes in ((near, ["work"]), (far, ["work", "far"])):
                    stack.enter_context(ended(worker(host, lanes, common, tmp_path / host.name)))
            elif word == "cut off":
                far.cut_off()
            elif word == "connect":
                far.connect()
            driver.stdin.write(b"\n")
            driver.stdin.flush()
        assert driver.wait() == 0, done
        assert done == ["start workers", "cut off", "connect", "done"]
        # The program that was killed after its host came back is gone.
        left = [one for one in psutil.process_iter(["cmdline"]) if ours(one)]
        assert not left, left


def ours(process: psutil.Process) -> bool:
    command = process.info["cmdline"] or []
    return "-c" in command and any(PROGRAM in part for part in command)


def worker(
    host: Host, lanes: list[str], common: dict[str, str], home: Path
) -> subprocess.Popen[bytes]:
    code = "import django; django.setup(); import tests.queue.routines; "
    code += "from mppcqa.cli import main; main()"
    options = [part for lane in lanes for part in ("--lane", lane)]
    home.mkdir()
    with (home / "log").open("wb") as log:
        return subprocess.Popen(
            [*host.prefix, sys.executable, "-c", code, "worker", "--concurrency", "3", *options],
            env={**common, "MPPCQA_HOME": str(home)},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )

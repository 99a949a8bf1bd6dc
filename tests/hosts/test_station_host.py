"""Runs on a host that has the package, a token and the address, while everything happens to it.

The host is a network namespace; its cable is pulled (also while a file goes out), its agent killed,
its disk filled. For a release twenty runs, with the package as others install it.
"""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.db import connection

from mppcqa.queue.models import State
from mppcqa.runs.models import StationContact
from tests.hosts.namespaces import Host, hosts, why_not
from tests.station.bench import Bench, Web
from tests.station.disks import small_disk
from tests.thoroughness import THOROUGH, tries
from tests.workers import SOURCE, wait_until

MB = 1 << 20
DISK_MB, FILE_MB = 24, 3
PROGRAM = """
import hashlib
data = os.urandom(SIZE)
with (here / "sums").open("a") as file:
    file.write(f"{config['run']} {hashlib.sha256(data).hexdigest()}\\n")
for n in range(10):
    print(f"@progress {n}/10 step"); print("@message info step", n); time.sleep(0.1)
while (here / "wait").exists(): time.sleep(0.05)
output.write_bytes(data)
sys.exit()
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the station's package is imported from: for a release, the wheel's."""
    if not THOROUGH:
        return SOURCE
    wheels = list((SOURCE.parent / "dist").glob("mppcqa-*.whl"))
    assert wheels, "there is no wheel in dist; make it first with: make wheel"
    target = tmp_path_factory.mktemp("package") / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    subprocess.run([*pip, str(target), str(wheels[0])], check=True)
    return target


class Fates:
    """What may happen to a run on this host; each is counted."""

    def __init__(self, bench: Bench, far: Host, package: Path, seed: int) -> None:
        self.bench, self.far, self.package = bench, far, package
        self.random = random.Random(seed)  # noqa: S311
        self.done: dict[str, int] = {}

    def start(self) -> None:
        self.bench.start(prefix=self.far.prefix, package=self.package)

    def kinds(self) -> tuple[Callable[[], None], ...]:
        return (self.cut_while_sending, self.fill, self.kill_cut_off, self.cut, self.kill)

    def cut(self) -> None:
        self.far.cut_off()
        time.sleep(self.random.uniform(0.5, 4))
        self.far.connect()

    def cut_while_sending(self) -> None:
        spool = self.bench.folder / "spool" / "attempts"
        (self.bench.folder / "wait").unlink(missing_ok=True)
        wait_until(lambda: any(spool.glob("*/end.json")), what="the program has ended")
        self.cut()

    def kill(self) -> None:
        self.bench.kill()
        time.sleep(self.random.uniform(0, 2))
        self.start()

    def kill_cut_off(self) -> None:
        self.far.cut_off()
        self.kill()
        time.sleep(self.random.uniform(0, 2))
        self.far.connect()

    def fill(self) -> None:
        """The disk has no room for the file that is written now."""
        ballast = self.bench.folder / "spool" / "ballast"
        with ballast.open("wb") as file:
            try:
                while True:
                    file.write(bytes(MB // 4))
                    file.flush()
            except OSError:
                pass


@pytest.mark.timeout(1500)
@pytest.mark.django_db(transaction=True)
def test_whatever_happens_to_a_host_a_run_counts_once(tmp_path: Path, package: Path) -> None:
    if reason := why_not():
        pytest.skip(reason)
    if connection.vendor != "sqlite":
        pytest.skip("the database server listens on the loopback, which each host has for itself")
    with ExitStack() as stack:
        server, far = stack.enter_context(hosts(2))
        web = Web(server.address, server.prefix)
        web.start()
        stack.callback(web.stop)
        bench = Bench(tmp_path / "bench", f"http://{server.address}:{web.port}")
        stack.enter_context(small_disk(bench.folder / "spool", f"{DISK_MB}m"))
        bench.program(PROGRAM, size=FILE_MB * MB)
        fates = Fates(bench, far, package, seed=1)
        fates.start()
        stack.callback(bench.stop)
        wait_until(StationContact.objects.exists, what=f"it says hello\n{bench.said()}")
        good = []
        for n in range(tries(3, 20)):
            fate = fates.kinds()[n % len(fates.kinds())]
            good.append(one_run(bench, fates, fate))
        begun = bench.begun()
        assert len(begun) == len(set(begun)), "a run was begun twice"
        assert set(good) <= set(begun)
        print(fates.done)


def one_run(bench: Bench, fates: Fates, fate: Callable[[], None]) -> str:
    """A run to which this happens; the number of the one that counts at the end."""
    wait = bench.folder / "wait"
    wait.touch()
    before = len(bench.begun())
    run, task = bench.run()
    wait_until(lambda: len(bench.begun()) > before, what=f"it begins\n{bench.said()[-2000:]}")
    fate()
    fates.done[fate.__name__] = fates.done.get(fate.__name__, 0) + 1
    wait.unlink(missing_ok=True)
    bench.until(task, State.SUCCEEDED, State.FAILED, State.LOST)
    if fate == fates.fill:
        # Nothing could be written; that is said, and the same is measured again.
        assert task.state == State.FAILED
        assert "disk of the station's computer is full" in task.error_text
        (bench.folder / "spool" / "ballast").unlink()
        run, task = bench.run()
        bench.until(task, State.SUCCEEDED, State.FAILED, State.LOST)
    assert task.state == State.SUCCEEDED, task.error_text
    assert task.attempts.count() == 1
    assert task.messages.count() == 10
    sums = [line.split() for line in (bench.folder / "sums").read_text().splitlines()]
    (sha256,) = [one for number, one in sums if number == str(run.pk)]
    data = (run.folders.get().path / "run.root").read_bytes()
    assert hashlib.sha256(data).hexdigest() == sha256
    return str(run.pk)

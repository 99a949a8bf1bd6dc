"""The parent of `mppcqa run`: what it starts it watches, and it leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import psutil
import pytest

from mppcqa.cli.processes import Crew
from tests.waiting import until

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


def _alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_leaving_the_crew_stops_every_child(tmp_path: Path) -> None:
    with Crew(tmp_path) as crew:
        crew.start("one", SLEEP)
        crew.start("two", SLEEP)
        pids = [child.process.pid for child in crew.children]
        assert all(_alive(pid) for pid in pids)
    assert not any(_alive(pid) for pid in pids)


def test_a_child_that_ends_is_started_again(tmp_path: Path) -> None:
    with Crew(tmp_path) as crew:
        crew.start("one", SLEEP)
        first = crew.children[0].process
        first.kill()
        first.wait()
        crew.check()
        assert crew.children[0].process.pid != first.pid
        assert _alive(crew.children[0].process.pid)


def test_a_child_that_was_asked_to_end_is_left_so_but_not_one_that_failed(tmp_path: Path) -> None:
    ending = "import sys; sys.exit(int(sys.argv[1]))"
    for status, left in (("0", 0), ("1", 1)):
        with Crew(tmp_path) as crew:
            crew.start("worker", [sys.executable, "-c", ending, status], may_end=True)
            crew.children[0].process.wait()
            crew.check()
            assert len(crew.children) == left


def test_a_child_that_cannot_run_is_given_up_with_the_end_of_its_log(tmp_path: Path) -> None:
    def look_after() -> None:
        with Crew(tmp_path) as crew:
            crew.start("broken", [sys.executable, "-c", "raise SystemExit('no such setting')"])
            while True:
                crew.check()

    with pytest.raises(click.ClickException, match="no such setting"):
        look_after()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_children_do_not_outlive_their_parent(tmp_path: Path, how: signal.Signals) -> None:
    program = (
        "import sys; from pathlib import Path; from mppcqa.cli.processes import Crew\n"
        f"with Crew(Path({str(tmp_path)!r})) as crew:\n"
        f"    crew.start('one', {SLEEP!r})\n"
        "    print(crew.children[0].process.pid, flush=True)\n"
        "    crew.watch()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert _alive(child)
    os.kill(parent.pid, how)
    parent.wait()
    parent.stdout.close()
    until(lambda: not _alive(child))


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_the_middle_of_anything_ends_the_parent(
    tmp_path: Path, how: signal.Signals
) -> None:
    """An exception from a finalizer is dropped; many a module that is being loaded catches it."""
    program = (
        "import sys, time; from pathlib import Path; from mppcqa.cli.processes import Crew\n"
        "class Finalized:\n"
        "    def __del__(self):\n"
        "        print('now', flush=True)\n"
        "        time.sleep(1)\n"
        "try:\n"
        f"    with Crew(Path({str(tmp_path)!r})) as crew:\n"
        "        crew.start('one', [sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "        print(crew.children[0].process.pid, flush=True)\n"
        "        one = Finalized()\n"
        "        del one\n"
        "        print('went on', flush=True)\n"
        "        crew.watch()\n"
        "except KeyboardInterrupt:\n"
        "    print('stopped')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert parent.stdout.readline() == "now\n"
        parent.send_signal(how)
        assert parent.stdout.readline() == "went on\n"
        said, errors = parent.communicate()
    assert said == "stopped\n", errors
    assert parent.returncode == 0
    until(lambda: not _alive(child))

"""A new pool process is never a copy of a lock that nobody frees."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mppcqa.queue import forks, tasks

FORKS = 150
BUSY = """
import os, sqlite3, sys, threading, time
from mppcqa.queue import forks

def ask():
    sqlite3.connect(sys.argv[1]).close()

def work():
    while True:
        with forks.held_back():
            ask()
        time.sleep(0)

threading.Thread(target=work, daemon=True).start()
stuck = 0
for _ in range(int(sys.argv[2])):
    child = os.fork()
    if child == 0:
        ask()
        os._exit(0)
    end = time.monotonic() + 20
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        if time.monotonic() > end:
            os.kill(child, 9)
            sys.exit("a child waits for ever")
        time.sleep(0.001)
"""
"""Without `held_back` one child in seven waits for ever: SQLite's mutex was held as it began."""


def test_children_forked_while_a_thread_asks_the_database_ask_it_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BUSY, str(tmp_path / "one.sqlite3"), str(FORKS)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def forked_within(wait_s: float) -> bool:
    """Whether another thread comes to fork; it is given what `os.fork` takes first."""
    came = threading.Event()

    def fork() -> None:
        with forks.held_back():
            came.set()

    thread = threading.Thread(target=fork, daemon=True)
    thread.start()
    found = came.wait(wait_s)
    if found:
        thread.join()
    return found


def test_a_program_that_takes_a_minute_keeps_no_pool_process_from_starting() -> None:
    with forks.held_back(), forks.held_back():
        assert not forked_within(0.1)
        with forks.let():
            assert forked_within(20)
        assert not forked_within(0.1)
    assert forked_within(20)


@pytest.mark.parametrize("thread", ["_beat", "_tidy"])
def test_both_threads_of_a_worker_keep_forks_back(
    thread: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    ended = threading.Event()

    def look(*_: object, **__: object) -> bool:
        seen.append(forked_within(0.1))
        ended.set()
        return False

    monkeypatch.setattr(tasks, "_gone", ended)
    for name in ("_enter", "_report", "reap", "remove_own_logs"):
        monkeypatch.setattr(tasks, name, look)
    run: Callable[..., None] = getattr(tasks, thread)
    run(*([{}] if thread == "_beat" else []))
    assert seen
    assert not any(seen)

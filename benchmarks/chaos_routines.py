"""What the fault test runs: short tasks with real child processes."""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path

from django.db import connection

from mppcqa.queue import Context, TaskError, routine

PYTHON = [sys.executable, "-S", "-E", "-c"]
LINES = 400

STATION = """
import fcntl, os, sys, time
lock = open(sys.argv[1], "w")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    open(sys.argv[1] + ".overlap", "a").write("two programs at once\\n")
time.sleep(float(sys.argv[2]))
"""
FAMILY = """
import os, signal, sys, time
if sys.argv[2] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(2):
    if os.fork() == 0:
        time.sleep(float(sys.argv[1]) * 3)
        os._exit(0)
time.sleep(float(sys.argv[1]))
"""
CHATTY = """
import os, sys, time
count = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
for n in range(int(sys.argv[2])):
    os.write(1, b"line %d.\\n" % n)
    os.pwrite(count, b"%d" % (n + 1), 0)
    time.sleep(0.002)
"""


def folder() -> Path:
    return Path(os.environ["MPPCQA_HOME"])


def effect(context: Context) -> None:
    """What a repeatable routine leaves behind: one row, whichever attempt gets there."""
    with context.owning(), connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM chaos_effect WHERE task = %s", [context.task.pk])
        if cursor.fetchone()[0] == 0:
            cursor.execute("INSERT INTO chaos_effect (task) VALUES (%s)", [context.task.pk])


def _must(status: int) -> None:
    if status:
        raise TaskError(f"the program ended with exit status {status}")


@routine("chaos.work", title="Work", repeatable=True, max_attempts=60)
def work(context: Context, *, seconds: float) -> None:
    _must(context.run_program(["sleep", f"{seconds}"]))
    effect(context)


@routine("chaos.compute", title="Compute", repeatable=True, max_attempts=60)
def compute(context: Context, *, seconds: float) -> None:
    end = time.monotonic() + seconds
    rng = random.Random(1)  # noqa: S311
    while time.monotonic() < end:
        context.progress(1, 2)
        context.check_stopped()
        time.sleep(0.01 * rng.random())
    effect(context)


@routine("chaos.family", title="Family", repeatable=True, max_attempts=60)
def family(context: Context, *, seconds: float, kind: str) -> None:
    _must(context.run_program([*PYTHON, FAMILY, f"{seconds}", kind]))
    effect(context)


@routine("chaos.chatty", title="Chatty", repeatable=True, max_attempts=60)
def chatty(context: Context) -> None:
    count = folder() / "counts" / f"{context.task.pk}-{context.task.attempt}"
    _must(context.run_program([*PYTHON, CHATTY, str(count), str(LINES)]))
    effect(context)


@routine("chaos.station", title="Station")
def station(context: Context, *, seconds: float) -> None:
    lock = folder() / context.task.lane.replace(":", "-")
    _must(context.run_program([*PYTHON, STATION, str(lock), f"{seconds}"]))


@routine("chaos.fail", title="Fail")
def fail(context: Context) -> None:
    raise TaskError("as asked")

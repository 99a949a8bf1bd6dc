"""Processes that leave the attempt that started them in every way there is.

The fault test and the tests of the queue start them.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from mppcqa.queue import Context, TaskError
from mppcqa.queue.offspring import Process, look

STAY = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(f"{sys.argv[1]}/{os.getpid()}", "w").close()
time.sleep(600)
"""
PROGRAM = f"""
import os, signal, sys, time
folder, stay = sys.argv[1], {STAY!r}
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def be_there():
    open(f"{{folder}}/{{os.getpid()}}", "w").close()
def stays():
    be_there()
    time.sleep(600)
    os._exit(0)
be_there()
if os.fork() == 0:
    stays()
if os.fork() == 0:  # leaves the session
    os.setsid()
    stays()
if os.fork() == 0:  # a daemon
    os.setsid()
    if os.fork():
        os._exit(0)
    stays()
if os.fork() == 0:  # a daemon that is another program, without a variable
    os.setsid()
    if os.fork():
        os._exit(0)
    os.execve(sys.executable, [sys.executable, "-S", "-E", "-c", stay, folder], {{}})
while len(os.listdir(folder)) < 5:
    time.sleep(0.01)
print("all there", flush=True)
time.sleep(float(sys.argv[2]))
os._exit(0)
"""
MEMBERS = 5
CAP_KILL = 5


def start_family(context: Context, kind: str, folder: str, seconds: float) -> None:
    """Run `PROGRAM` as a program of the queue, or by hand in one of two ways.

    ``program`` is what test programs are; ``popen`` starts it past the queue; ``fork`` starts no
    program at all.
    """
    if kind == "program":
        status = context.run_program([sys.executable, "-S", "-c", PROGRAM, folder, f"{seconds}"])
        if status:
            raise TaskError(f"the program ended with exit status {status}")
        return
    if kind == "popen":
        subprocess.Popen([sys.executable, "-S", "-c", PROGRAM, folder, f"{seconds}"])
    else:
        for _ in range(MEMBERS):
            _fork_daemon(folder)
    while len(members(folder)) < MEMBERS:
        time.sleep(0.02)
    context.log("all there")
    time.sleep(seconds)


def _fork_daemon(folder: str) -> None:
    first = os.fork()
    if first:
        os.waitpid(first, 0)
        return
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        (Path(folder) / str(os.getpid())).touch()
        time.sleep(600)
    os._exit(0)


def members(folder: str | Path) -> list[int]:
    """Numbers of all processes of a family that have ever been there."""
    return [int(path.name) for path in Path(folder).iterdir()]


def alive(folder: str | Path) -> list[Process]:
    """Those that still run."""
    return [one for one in map(look, members(folder)) if one is not None]


def give_up_right_to_kill() -> None:
    """Take from this process, which is root's, the right to signal what is another user's."""
    libc = ctypes.CDLL(None, use_errno=True)
    head = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()
    assert libc.capget(head, sets) == 0
    sets[0] &= ~(1 << CAP_KILL)  # the effective ones
    assert libc.capset(head, sets) == 0

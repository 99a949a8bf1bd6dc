"""What a process loads before it does anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import mppcqa

SAY = "import django, sys; django.setup(); print(*sorted(sys.modules))"


def test_a_command_or_a_worker_loads_neither_api_nor_pages_nor_fits() -> None:
    """Each costs tenths of a second, of every command, worker and test program's start."""
    done = subprocess.run([sys.executable, "-c", SAY], capture_output=True, text=True, check=True)
    there = set(done.stdout.split())
    assert "mppcqa.runs.tasks" in there
    assert not there & {"ninja", "mppcqa.api.runs", "mppcqa.web.urls", "scipy.optimize", "numba"}


def test_what_starts_a_program_loads_little_before_it() -> None:
    """It stands between each run and its program, on every transport."""
    folder = Path(mppcqa.__file__).with_name("queue")
    say = "import sys; sys.path.insert(0, sys.argv[1]); import supervisor; print(*sys.modules)"
    command = [sys.executable, "-S", "-E", "-c", say, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    there = set(done.stdout.split())
    assert "offspring" in there
    assert not there & {"typing", "logging", "json", "re", "untrusted"}

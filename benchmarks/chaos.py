"""The fault test: ``make chaos SEED=n``. Exit status 0 only if nothing was lost.

300 mixed tasks with real child processes on two workers, while a seeded script kills pool
processes and whole workers with KILL, stops and starts the broker, doubles messages and kills
tasks by request. Afterwards every task must be in a final state, every repeatable one have had its
effect exactly once, no station be locked, and every log be complete. No process may be left, and
none outlive its attempt, in whatever way it was started (`chaos_processes`).
The parent of the workers is this script: it starts again what was killed, as `mppcqa run` does.
Before that, processes that store, export and back up are killed (`chaos_files`): 25 of them, or as
many as `--kills` says; 200 is the full run. On each transport a station with an address and a token
measures while its cable is cut and the broker and its processes are killed (`chaos_stations`): 3
runs, 20 for all.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.broker import OwnRabbit

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Both transports, one after the other, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tasks", type=int, default=300)
    choices = ["filesystem", "rabbitmq", "both", "none"]
    parser.add_argument("--transport", choices=choices, default="both")
    parser.add_argument("--kills", type=int, default=25, help="while files are stored; 200 for all")
    parser.add_argument("--runs", type=int, default=3, help="on a station; 20 for all, 0 for none")
    parser.add_argument("--limit", type=float, default=270, help="seconds a transport")
    options = parser.parse_args()
    chosen = ["filesystem", "rabbitmq"] if options.transport == "both" else [options.transport]
    chosen = [] if options.transport == "none" else chosen
    worst = files(Path(tempfile.mkdtemp(prefix="mppcqa-chaos-")), options) if options.kills else 0
    for transport in chosen:
        home = Path(tempfile.mkdtemp(prefix="mppcqa-chaos-"))
        if transport == "filesystem":
            status = whole(home, "filesystem://localhost", "", options)
        else:
            # A node of our own: it is stopped and started, and others may use the computer's.
            with OwnRabbit(home / "rabbit") as rabbit:
                status = whole(home, rabbit.url, rabbit.node, options)
        worst = max(worst, status)
    return worst


def whole(home: Path, broker: str, node: str, options: argparse.Namespace) -> int:
    """Stations, then tasks, on one transport; 0 if all holds."""
    status = 0
    if options.runs:
        # A home of its own: what its tasks leave is not the other's.
        bench = Path(tempfile.mkdtemp(prefix="mppcqa-chaos-"))
        status = stations(bench, broker, home / "rabbit" if node else None, node, options)
    return max(status, run(home, broker, node, options))


def run(home: Path, broker: str, node: str, options: argparse.Namespace) -> int:
    """One transport; 0 if all holds."""
    command = [sys.executable, "-m", "benchmarks.chaos_run", node]
    command += [str(options.seed), str(options.tasks), str(options.limit)]
    limit_s = options.limit + 180  # stopping the workers takes its own time
    about = {"transport": "rabbitmq" if node else "filesystem", "seed": options.seed}
    return _run(home, command, broker, limit_s, about)


def files(home: Path, options: argparse.Namespace) -> int:
    """Kills while files are stored; 0 if all holds."""
    command = [sys.executable, "-m", "benchmarks.chaos_files"]
    command += [str(options.seed), str(options.kills)]
    limit_s = 120 + 10 * options.kills
    return _run(home, command, "filesystem://localhost", limit_s, {"seed": options.seed})


def stations(
    home: Path, broker: str, folder: Path | None, node: str, options: argparse.Namespace
) -> int:
    """Cuts and kills while a station with a token measures; 0 if all holds.

    `folder` is that of the broker's `node`, where there is one.
    """
    command = [sys.executable, "-m", "benchmarks.chaos_stations"]
    command += [str(options.seed), str(options.runs), str(folder or ""), node]
    limit_s = 240 + 60 * options.runs
    about = {"stations": "rabbitmq" if node else "filesystem", "seed": options.seed}
    return _run(home, command, broker, limit_s, about)


def _run(home: Path, command: list[str], broker: str, limit_s: float, about: dict[str, Any]) -> int:
    environment = {
        **os.environ,
        "MPPCQA_HOME": str(home),
        "MPPCQA_BROKER": broker,
        "DJANGO_SETTINGS_MODULE": "mppcqa.project.settings",
        "MPPCQA_QUEUE_PREFIX": home.name,
        "MPPCQA_KILL_GRACE_S": "0.5",
        "MPPCQA_TYPED_COMMANDS": "1",
        "PYTHONPATH": os.pathsep.join(
            [str(ROOT / "src"), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        ),
    }
    environment.setdefault("MPPCQA_DATABASE", f"sqlite:///{home}/mppcqa.sqlite3")
    started = time.monotonic()
    try:
        done = subprocess.run(
            command,
            env=environment,
            timeout=limit_s,
            stdout=subprocess.PIPE,
            check=False,
        )
        lines = done.stdout.decode().splitlines()
        report: dict[str, Any] = json.loads(lines[-1]) if lines else {"faults": ["no report"]}
        status = done.returncode
    except subprocess.TimeoutExpired:
        report, status = {"faults": ["did not end in time"]}, 1
    report |= about
    report["seconds"] = round(time.monotonic() - started, 1)
    print(json.dumps(report), flush=True)
    if status == 0:
        shutil.rmtree(home, ignore_errors=True)
    else:
        print(f"left for a look: {home}", file=sys.stderr)
    return 1 if status else 0


if __name__ == "__main__":
    sys.exit(main())

"""``make bench BENCH=queue``: what the queue costs and how quickly it answers.

=======================  =========================================================================
``overhead_ratio``       time of 1,000 empty tasks through our queue over bare Celery with its own
                         result backend in the same database, same transport, two pool processes
                         each; the larger of both transports. ``…_filesystem`` and ``…_rabbitmq``
                         are medians of three pairs in this run, in turns ours and bare first;
                         ``…_low`` and ``…_high`` the extreme pairs
``…_filesystem_kombu``   the same against bare Celery on kombu's own file system transport, which
                         loses messages that a worker reads half written; ``bare_lost`` and
                         ``bare_restarts`` say how many, and how often its worker ended of it. A
                         pair in which that happened does not count
``latency_ms``           median from request to start, file system transport
``kill_ms``              median from request to no process left; the program ignores TERM, 0.5 s
                         grace
``log_tail_ms``          opening the tail of a 100 MB log
``queue_page_ms``        slowest page of the queue with 1,000,000 ended tasks, server time
``queue_page_queries``   most queries of such a page; ``…_thousand`` with 1,000 ended tasks
``station_latency_ms``   median from a run's commit to its program's start on a station that has an
                         address and a token; ``…_high`` the largest
``station_log_behind_s``, ``station_bar_behind_s``  how far log and bar on the server are behind the
                         program, at worst; ``station_kill_s`` from a kill to its end
``idle_stations_core_percent``  of a core, taken by web server and bell for a hundred that wait
=======================  =========================================================================

``MPPCQA_DATABASE`` names another database than an SQLite file of this run; it must be empty.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.broker import OwnRabbit

ROOT = Path(__file__).resolve().parents[1]
WORKER = (
    "import django; django.setup(); import benchmarks.queue_ours; "
    "from mppcqa.cli import main; main()"
)
PROCESSES = "2"
TASKS = 1000
PAIRS = 3
BARE_LIMIT_S = 300


def environment(home: Path, broker: str) -> dict[str, str]:
    for name in ("messages", "control"):
        (home / "broker" / name).mkdir(parents=True, exist_ok=True)
    return {
        **os.environ,
        "MPPCQA_HOME": str(home),
        "MPPCQA_BROKER": broker,
        "MPPCQA_QUEUE_PREFIX": home.name,
        "MPPCQA_DATABASE": os.environ.get("MPPCQA_DATABASE", f"sqlite:///{home}/mppcqa.sqlite3"),
        "MPPCQA_KILL_GRACE_S": "0.5",
        "DJANGO_SETTINGS_MODULE": "mppcqa.project.settings",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
    }


def call(
    module: str, *arguments: str, env: dict[str, str], limit_s: float = 900
) -> dict[str, float]:
    """Run a module of this folder; the JSON object on its last line."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True, timeout=limit_s)
    return dict(json.loads(done.stdout.decode().splitlines()[-1]))


@contextmanager
def worker(command: list[str], env: dict[str, str]) -> Iterator[None]:
    with (Path(env["MPPCQA_HOME"]) / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *command], env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ours(env: dict[str, str]) -> list[str]:
    return ["-c", WORKER, "worker", "--concurrency", PROCESSES]


def one_of_ours(env: dict[str, str]) -> float:
    with worker(ours(env), env):
        return call("queue_ours", "overhead", str(TASKS), env=env)["seconds"]


def one_bare(env: dict[str, str], transport: str) -> dict[str, float]:
    return call("queue_bare", str(TASKS), PROCESSES, transport, env=env, limit_s=BARE_LIMIT_S)


def pairs(env: dict[str, str], name: str) -> dict[str, float]:
    """Ours and bare Celery in turns; the ratio is the median of the pairs."""
    call("queue_ours", "migrate", env=env)
    seconds: list[tuple[float, float]] = []
    for number in range(PAIRS):
        first = one_bare(env, "ours") if number % 2 else {}
        mine = one_of_ours(env)
        theirs = first or one_bare(env, "ours")
        if theirs["lost"] or theirs["restarts"]:
            raise RuntimeError(
                f"bare Celery lost messages on a transport that loses none: {theirs}"
            )
        seconds.append((mine, theirs["seconds"]))
    ratios = [mine / theirs for mine, theirs in seconds]
    return {
        f"seconds_{name}": statistics.median(mine for mine, _ in seconds),
        f"seconds_{name}_bare": statistics.median(theirs for _, theirs in seconds),
        f"overhead_ratio_{name}": statistics.median(ratios),
        f"overhead_ratio_{name}_low": min(ratios),
        f"overhead_ratio_{name}_high": max(ratios),
    }


def kombu_pair(env: dict[str, str]) -> dict[str, float]:
    """One pair against kombu's own transport; tried again where that lost something."""
    found: dict[str, float] = {"bare_lost": 0, "bare_restarts": 0}
    for _ in range(PAIRS):
        theirs = one_bare(env, "kombu")
        found["bare_lost"] += theirs["lost"]
        found["bare_restarts"] += theirs["restarts"]
        if not theirs["lost"] and not theirs["restarts"]:
            found["overhead_ratio_filesystem_kombu"] = one_of_ours(env) / theirs["seconds"]
            break
    return found


def measure(scratch: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    env = environment(scratch / "filesystem", "filesystem://localhost")
    found |= pairs(env, "filesystem")
    found |= kombu_pair(env)
    with worker(ours(env), env):
        found |= call("queue_ours", "latency", env=env)
        found |= call("queue_ours", "kill", env=env)
    found |= call("queue_ours", "log_tail", env=env)
    found |= call("queue_ours", "queue_page", env=env)
    if "MPPCQA_DATABASE" not in os.environ:
        found |= call("queue_stations", env=environment(scratch / "stations", env["MPPCQA_BROKER"]))
    with OwnRabbit(scratch / "rabbit") as rabbit:
        env = environment(scratch / "rabbitmq", rabbit.url)
        if "MPPCQA_DATABASE" in os.environ:
            flush = [sys.executable, "-m", "mppcqa.cli", "django", "flush", "--no-input"]
            subprocess.run(flush, env=env, check=True, stdout=subprocess.DEVNULL)
        found |= pairs(env, "rabbitmq")
    found["overhead_ratio"] = max(
        found["overhead_ratio_filesystem"], found["overhead_ratio_rabbitmq"]
    )
    return found


def main() -> None:
    scratch = Path(tempfile.mkdtemp(prefix="mppcqa-bench-"))
    try:
        found = measure(scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print(json.dumps({key: round(value, 3) for key, value in found.items()}), flush=True)


if __name__ == "__main__":
    main()

"""``make bench BENCH=queue``: what the queue costs and how quickly it answers.

=======================  =========================================================================
``overhead_ratio``       time of 1,000 empty tasks through our queue over bare Celery with its own
                         result backend in the same database, same transport, two pool processes
                         each, one after the other in this run; the larger of both transports
``latency_ms``           median from request to start, file system transport
``kill_ms``              median from request to no process left; the program ignores TERM, 0.5 s
                         grace
``log_tail_ms``          opening the tail of a 100 MB log
``queue_page_ms``        slowest page of the queue with 1,000,000 ended tasks, server time
``queue_page_queries``   most queries of such a page; ``…_thousand`` with 1,000 ended tasks
=======================  =========================================================================

``MPPCQA_DATABASE`` names another database than an SQLite file of this run; it must be empty.
"""

from __future__ import annotations

import json
import os
import shutil
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


def bare(env: dict[str, str]) -> list[str]:
    return [
        *("-m", "celery", "-A", "benchmarks.queue_bare", "worker", "--loglevel", "WARNING"),
        *("--concurrency", PROCESSES, "--without-gossip", "--without-mingle"),
    ]


def overhead(env: dict[str, str]) -> tuple[float, float]:
    """Seconds of ours and of bare Celery."""
    call("queue_ours", "migrate", env=env)
    with worker(ours(env), env):
        mine = call("queue_ours", "overhead", env=env)["seconds"]
    for last in (False, False, True):
        try:
            with worker(bare(env), env):
                return mine, call("queue_bare", str(TASKS), env=env, limit_s=150)["seconds"]
        except subprocess.TimeoutExpired:
            # A message that was read half written ends the consumer of bare Celery.
            if last:
                raise
    raise AssertionError


def measure(scratch: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    env = environment(scratch / "filesystem", "filesystem://localhost")
    mine, theirs = overhead(env)
    found |= {"seconds_filesystem": mine, "seconds_filesystem_bare": theirs}
    found["overhead_ratio_filesystem"] = mine / theirs
    with worker(ours(env), env):
        found |= call("queue_ours", "latency", env=env)
        found |= call("queue_ours", "kill", env=env)
    found |= call("queue_ours", "log_tail", env=env)
    found |= call("queue_ours", "queue_page", env=env)
    with OwnRabbit(scratch / "rabbit") as rabbit:
        env = environment(scratch / "rabbitmq", rabbit.url)
        if "MPPCQA_DATABASE" in os.environ:
            subprocess.run(
                [sys.executable, "-m", "mppcqa.cli", "django", "flush", "--no-input"],
                env=env,
                check=True,
            )
        mine, theirs = overhead(env)
    found |= {"seconds_rabbitmq": mine, "seconds_rabbitmq_bare": theirs}
    found["overhead_ratio_rabbitmq"] = mine / theirs
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
    print(json.dumps({key: round(value, 3) for key, value in found.items()}))


if __name__ == "__main__":
    main()

"""What our queue is compared with: Celery alone, its result backend in the same database.

Called with a number of tasks, a number of pool processes and a transport. ``ours`` is the transport
that our queue uses; ``kombu`` is, for the file system, the one that comes with Celery. There a
worker can read a message half written: the message is lost and the worker ends. So the worker is
started again here, and a run ends when nothing has come for a while; what is missing is counted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from celery import Celery
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from mppcqa.queue.folder import use_for_filesystem

HOME = Path(os.environ["MPPCQA_HOME"])
TRANSPORT = "MPPCQA_BENCH_TRANSPORT"
START_S = 60.0
STALL_S = 15.0


def database_url() -> str:
    """``MPPCQA_DATABASE`` as SQLAlchemy writes it."""
    given = os.environ["MPPCQA_DATABASE"]
    if urlsplit(given).scheme == "mysql":
        return given.replace("mysql://", "mysql+pymysql://", 1)
    return given


if os.environ.get(TRANSPORT, "ours") == "ours":
    use_for_filesystem()
app = Celery("bare", broker=os.environ["MPPCQA_BROKER"], backend="db+" + database_url())
app.conf.task_serializer = "json"
app.conf.accept_content = ["json"]
app.conf.task_default_queue = f"bare-{HOME.name}"
app.conf.worker_prefetch_multiplier = 1
app.conf.broker_connection_retry_on_startup = True
if database_url().startswith("sqlite"):
    app.conf.database_engine_options = {"connect_args": {"timeout": 20}}
if app.conf.broker_url.startswith("filesystem"):
    app.conf.broker_transport_options = {
        "data_folder_in": f"{HOME}/broker/messages",
        "data_folder_out": f"{HOME}/broker/messages",
        "control_folder": f"{HOME}/broker/control",
        "polling_interval": 0.05,
    }
engine = create_engine(database_url())


@app.task(name="bare.nothing")
def nothing() -> None:
    return None


def ended() -> int:
    with engine.connect() as connection:
        try:
            found = connection.execute(
                text("SELECT COUNT(*) FROM celery_taskmeta WHERE status = 'SUCCESS'")
            )
        except (OperationalError, ProgrammingError):
            return 0  # the table is made with the first result
        return int(found.scalar_one())


class Worker:
    """A worker of bare Celery, started again when it ends."""

    def __init__(self, processes: str) -> None:
        self.processes = processes
        self.restarts = 0

    def _start(self) -> subprocess.Popen[bytes]:
        command = [
            *(sys.executable, "-m", "celery", "-A", "benchmarks.queue_bare", "worker"),
            *("--loglevel", "WARNING", "--concurrency", self.processes),
            *("--without-gossip", "--without-mingle"),
        ]
        with (HOME / "bare.log").open("ab") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def __enter__(self) -> Self:
        self.process = self._start()
        return self

    def look_after(self) -> None:
        if self.process.poll() is not None:
            self.restarts += 1
            self.process = self._start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def follow(worker: Worker, there: int, number: int, patience_s: float) -> tuple[int, float]:
    """Wait for `number` more results; how many came, and when the last of them did."""
    came, last = 0, time.perf_counter()
    while came < number and time.perf_counter() - last < patience_s:
        time.sleep(0.05)
        worker.look_after()
        now = ended() - there
        if now > came:
            came, last = now, time.perf_counter()
    return came, last


def main(number: int, processes: str, transport: str) -> None:
    """Send `number` empty tasks and wait for their results; seconds and losses as JSON."""
    os.environ[TRANSPORT] = transport
    with Worker(processes) as worker:
        for _ in range(3):
            there = ended()
            nothing.delay()
            if follow(worker, there, 1, START_S)[0]:
                break
        else:
            raise SystemExit(f"bare Celery's worker does not work; see {HOME / 'bare.log'}")
        there = ended()
        started = time.perf_counter()
        for _ in range(number):
            nothing.delay()
        came, last = follow(worker, there, number, STALL_S)
    found = {"seconds": last - started, "lost": number - came, "restarts": worker.restarts}
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])

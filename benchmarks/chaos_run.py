"""One run of the fault test, on the transport that the environment names; see `chaos`."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

django.setup()

import psutil  # noqa: E402
from celery import current_app  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from kombu.exceptions import OperationalError  # noqa: E402

from benchmarks.broker import OwnRabbit  # noqa: E402
from benchmarks.chaos_processes import (  # noqa: E402
    KINDS,
    Families,
    main_processes,
    pool_processes,
    supervisors,
)
from benchmarks.chaos_routines import LINES  # noqa: E402
from mppcqa.queue import Call, kill, submit, submit_chain  # noqa: E402
from mppcqa.queue.dispatch import CELERY_NAME, send  # noqa: E402
from mppcqa.queue.logs import log_path  # noqa: E402
from mppcqa.queue.models import (  # noqa: E402
    DEFAULT_LANE,
    FINAL_STATES,
    OPEN_STATES,
    Lane,
    State,
    Task,
)

HOME = Path(os.environ["MPPCQA_HOME"])
WORKER = (
    "from mppcqa.queue.keeper import be_kept; be_kept(); "
    "import django; django.setup(); import benchmarks.chaos_routines, benchmarks.chaos_processes; "
    "from mppcqa.cli import main; main()"
)
STOP_S = 60
LAST = 10_000
"""Characters of the workers' output that are shown if something went wrong."""
REPEATABLE = {"chaos.work", "chaos.compute", "chaos.family", "chaos.chatty", "chaos.leaving"}


class Run:
    """The parent of two workers, and the hand that breaks things."""

    def __init__(self, node: str, seed: int) -> None:
        self.rabbit = OwnRabbit(HOME / "rabbit", node=node) if node else None
        self.rng = random.Random(seed)  # noqa: S311
        self.workers: list[subprocess.Popen[bytes]] = []
        self.did: Counter[str] = Counter()
        self.faults: list[str] = []
        self.broker_back: float | None = None
        self.stop_s = 0.0
        self.families = Families()

    def start_worker(self) -> subprocess.Popen[bytes]:
        with (HOME / "worker.log").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-c", WORKER, "worker", "--concurrency", "4"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def look_after(self) -> None:
        for number, worker in enumerate(self.workers):
            if worker.poll() is not None:
                self.did["workers started again"] += 1
                self.workers[number] = self.start_worker()

    def submit_one(self) -> None:
        rng = self.rng
        what = rng.choices(
            ["work", "compute", "family", "leaving", "chatty", "station", "fail", "chain"],
            [26, 12, 12, 14, 12, 12, 4, 8],
        )[0]
        seconds = round(rng.uniform(0.1, 1.2), 2)
        if what == "chain":
            submit_chain(
                [Call("chaos.work", {"seconds": 0.1}), Call("chaos.compute", {"seconds": 0.1})]
            )
        elif what == "family":
            kind = rng.choice(["deaf", "plain"])
            submit("chaos.family", {"seconds": seconds, "kind": kind})
        elif what == "leaving":
            submit("chaos.leaving", {"seconds": seconds, "kind": rng.choice(KINDS)})
        elif what == "station":
            lane = f"station:{rng.choice('ab')}"
            submit("chaos.station", {"seconds": seconds / 3}, lane=lane)
        elif what in ("chatty", "fail"):
            submit(f"chaos.{what}")
        else:
            submit(f"chaos.{what}", {"seconds": seconds}, priority=rng.randint(0, 9))

    def break_something(self) -> None:
        what = self.rng.choices(
            ["pool process", "supervisor", "worker", "task", "message", "broker"],
            [25, 10, 10, 40, 15, 7],
        )[0]
        getattr(self, "hit_" + what.replace(" ", "_"))()
        self.did[what] += 1

    def hit_pool_process(self) -> None:
        self.hit_one(pool_processes)

    def hit_supervisor(self) -> None:
        self.hit_one(supervisors)

    def hit_one(self, among: Callable[[int], list[psutil.Process]]) -> None:
        """KILL one of a worker's processes; they may be gone by then."""
        try:
            found = among(self.rng.choice(self.workers).pid)
            if found:
                self.rng.choice(found).kill()
        except psutil.NoSuchProcess:
            return

    def hit_worker(self) -> None:
        """Its main process, or that which answers for it; the other goes along."""
        worker = self.rng.choice(self.workers)
        if self.rng.random() < 0.5:
            worker.kill()
        else:
            self.hit_one(main_processes)

    def hit_task(self) -> None:
        # Most waits: of a kill of those alone little could go wrong.
        states = [State.RUNNING] if self.rng.random() < 0.7 else OPEN_STATES
        opened = list(Task.objects.filter(state__in=states).order_by("id")[:40])
        if opened:
            kill(self.rng.choice(opened), reason="chaos")

    def hit_message(self) -> None:
        """Doubled, and forged: a message is no more than a call to look."""
        queue = Lane(name=DEFAULT_LANE).broker_queue
        for _ in range(3):
            send(queue)
        try:
            current_app.send_task(
                CELERY_NAME, kwargs={"task": -1, "x": "y"}, queue=queue, retry=False
            )
        except (OperationalError, OSError):
            return

    def hit_broker(self) -> None:
        if self.broker_back is not None:
            return
        self.broker_back = time.monotonic() + self.rng.uniform(1, 3)
        if self.rabbit is not None:
            assert self.rabbit.control("stop_app") == 0
        else:
            (HOME / "broker/messages").rename(HOME / "broker/away")

    def mend_broker(self, *, now: bool = False) -> None:
        if self.broker_back is None or (not now and time.monotonic() < self.broker_back):
            return
        self.broker_back = None
        if self.rabbit is not None:
            assert self.rabbit.control("start_app") == 0
            return
        here = HOME / "broker/messages"
        here.mkdir(exist_ok=True)
        for path in (HOME / "broker/away").iterdir():
            path.rename(here / path.name)
        (HOME / "broker/away").rmdir()

    def drive(self, number: int, limit_s: float) -> None:
        deadline = time.monotonic() + limit_s
        self.workers = [self.start_worker() for _ in range(2)]
        submitted = 0
        next_hit = time.monotonic() + 3
        while time.monotonic() < deadline:
            self.look_after()
            self.mend_broker()
            self.faults += self.families.outliving()
            if submitted < number:
                for _ in range(min(self.rng.randint(1, 4), number - submitted)):
                    self.submit_one()
                    submitted += 1
            elif not Task.objects.filter(state__in=OPEN_STATES).exists():
                return
            busy = submitted < number or Task.objects.filter(state__in=OPEN_STATES).count() > 15
            if busy and time.monotonic() > next_hit:
                self.break_something()
                next_hit = time.monotonic() + self.rng.uniform(0.2, 1.0)
            time.sleep(0.1)

    def stop(self) -> None:
        self.mend_broker(now=True)
        asked = time.monotonic()
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            try:
                worker.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.faults.append(f"worker {worker.pid} did not stop on TERM in {STOP_S} s")
                worker.kill()
                worker.wait()
        self.stop_s = time.monotonic() - asked

    def judge(self) -> None:
        for task in Task.objects.exclude(state__in=FINAL_STATES):
            self.faults.append(f"{task} is {task.state}, attempt {task.attempt}")
        with connection.cursor() as cursor:
            cursor.execute("SELECT task, COUNT(*) FROM chaos_effect GROUP BY task")
            effects = dict(cursor.fetchall())
        for task in Task.objects.filter(name__in=REPEATABLE):
            count = effects.get(task.pk, 0)
            if task.state == State.SUCCEEDED and count != 1:
                self.faults.append(f"{task} succeeded with {count} effects")
            if task.state not in (State.SUCCEEDED, State.KILLED) or count > 1:
                self.faults.append(f"{task} is {task.state} ({task.error_text}), {count} effects")
        for lane in Lane.objects.exclude(holder=None):
            self.faults.append(f"{lane} is held by {lane.holder}")
        self.faults += [f"overlap at {path.name}" for path in HOME.glob("station-*.overlap")]
        self.judge_processes()
        self.judge_logs()

    def judge_processes(self) -> None:
        """Whatever carries our home folder in its environment and is not this process."""
        for process in psutil.process_iter(["pid", "cmdline"]):
            if process.pid in (os.getpid(), os.getppid()):
                continue
            try:
                ours = process.environ().get("MPPCQA_HOME") == str(HOME)
            except (psutil.Error, OSError):
                continue
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                self.faults.append(f"left: {process.pid} {process.info['cmdline']}")
        self.faults += self.families.left()

    def judge_logs(self) -> None:
        """Every line that a chatty program had written is in its attempt's log, once.

        The last ones may be missing only where the log itself says so.
        """
        for count in (HOME / "counts").iterdir():
            task, attempt = (int(part) for part in count.name.split("-"))
            written = int(count.read_text() or 0)
            text = log_path(task, attempt).read_text()
            seen = [int(number) for number in re.findall(r"Z line (\d+)\.$", text, re.MULTILINE)]
            whole = len(seen) >= written or "may be missing in the log" in text
            if seen != list(range(len(seen))) or not whole:
                self.faults.append(f"log {count.name}: {len(seen)} lines, {written} written")
        for task in Task.objects.filter(state=State.SUCCEEDED):
            text = log_path(task.pk, task.attempt).read_text()
            if "ended: succeeded" not in text:
                self.faults.append(f"log of {task} has no end")
            if task.name == "chaos.chatty" and f"line {LINES - 1}." not in text:
                self.faults.append(f"log of {task} lacks its last line")


def main(node: str, seed: int, number: int, limit_s: float) -> int:
    (HOME / "counts").mkdir()
    (HOME / "families").mkdir()
    call_command("migrate", verbosity=0, interactive=False)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE chaos_effect (task BIGINT)")
    for name in "ab":
        Lane.objects.create(name=f"station:{name}", exclusive=True, make_safe=["true"])
    run = Run(node, seed)
    started = time.monotonic()
    try:
        run.drive(number, limit_s)
    finally:
        run.stop()
    took = time.monotonic() - started
    run.judge()
    states: dict[str, Any] = dict(Counter(Task.objects.values_list("state", flat=True)))
    report = {"states": states, "did": dict(run.did), "took_s": round(took, 1)}
    report["stop_s"] = round(run.stop_s, 1)
    attempts = Task.objects.values_list("attempt", flat=True)
    report["families"] = run.families.met
    report |= {"tasks": len(attempts), "attempts": sum(attempts), "faults": run.faults[:20]}
    if run.faults:
        # Where the home is gone by the time that somebody looks.
        print((HOME / "worker.log").read_text(errors="replace")[-LAST:], file=sys.stderr)
    print(json.dumps(report))
    return 1 if run.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))

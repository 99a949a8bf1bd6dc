"""Measurements of our queue, in a process whose settings the environment names; see `queue`."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

django.setup()

import psutil  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from mppcqa.queue import Context, kill, routine, submit  # noqa: E402
from mppcqa.queue.logs import log_path, read_tail  # noqa: E402
from mppcqa.queue.models import OPEN_STATES, State, Task, Worker  # noqa: E402

DEAF = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('up', flush=True); time.sleep(60)"
)


@routine("bench.nothing", title="Nothing")
def nothing(context: Context) -> None:
    return None


@routine("bench.deaf", title="Ignores TERM")
def deaf(context: Context) -> None:
    context.run_program([sys.executable, "-S", "-E", "-c", DEAF])


def until(condition: Any, seconds: float = 120, every: float = 0.05) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(str(condition))
        time.sleep(every)


def migrate() -> dict[str, float]:
    call_command("migrate", verbosity=0, interactive=False)
    return {}


def overhead(number: int = 1000) -> dict[str, float]:
    """Seconds for `number` empty tasks, asked for one by one."""
    first = submit("bench.nothing")
    until(lambda: Task.objects.get(pk=first.pk).state == State.SUCCEEDED)
    there = Task.objects.filter(state=State.SUCCEEDED).count()
    started = time.perf_counter()
    for _ in range(number):
        submit("bench.nothing")
    until(lambda: Task.objects.filter(state=State.SUCCEEDED).count() >= there + number)
    return {"seconds": time.perf_counter() - started}


def latency(number: int = 40) -> dict[str, float]:
    """Median time from the request to the start, a task at a time."""
    times = []
    for _ in range(number):
        task = submit("bench.nothing")
        until(lambda task=task: Task.objects.get(pk=task.pk).state == State.SUCCEEDED)
        task.refresh_from_db()
        assert task.started_at is not None
        times.append((task.started_at - task.created_at).total_seconds() * 1000)
        time.sleep(0.013)
    return {"latency_ms": statistics.median(times)}


def kill_time(number: int = 7) -> dict[str, float]:
    """Median time from the request to stop until no process of the program is left."""
    times = []
    for _ in range(number):
        task = submit("bench.deaf")
        path = log_path(task.pk, 1)
        until(lambda path=path: path.exists() and b"Z up" in path.read_bytes())
        task.refresh_from_db()
        group = [
            one.info["pid"]
            for one in psutil.process_iter(["pid", "cmdline"])
            if DEAF in (one.info["cmdline"] or [])
        ]
        assert len(group) == 2, group  # the program and its supervisor
        started = time.perf_counter()
        kill(task, reason="measured")
        until(lambda group=group: not any(psutil.pid_exists(one) for one in group), every=0.002)
        times.append((time.perf_counter() - started) * 1000)
    return {"kill_ms": statistics.median(times), "kill_ms_worst": max(times)}


def log_tail() -> dict[str, float]:
    """Time to open the tail of a 100 MB log."""
    path = log_path(10**9, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    line = b"2026-01-01T00:00:00.000Z point 12/64, 8192 triggers, 31.2 C, 52.85 V\n"
    with path.open("wb") as file:
        for _ in range(100):
            file.write(line * (1_000_000 // len(line) + 1))
    times = []
    for _ in range(20):
        started = time.perf_counter()
        piece = read_tail(path)
        times.append((time.perf_counter() - started) * 1000)
        assert piece.size >= 100_000_000
    path.unlink()
    return {"log_tail_ms": statistics.median(times)}


def fill(number: int) -> None:
    """Bring the table to `number` finished tasks by doubling what is there."""
    table = Task._meta.db_table
    columns = [field.column for field in Task._meta.concrete_fields if field.column != "id"]
    quoted = ", ".join(connection.ops.quote_name(column) for column in columns)
    if not Task.objects.filter(state=State.SUCCEEDED).exists():
        now = django.utils.timezone.now()
        Task.objects.create(
            name="bench.nothing", state=State.SUCCEEDED, attempt=1, started_at=now, ended_at=now
        )
    while (there := Task.objects.count()) < number:
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} ({quoted}) SELECT {quoted} FROM {table} "  # noqa: S608
                f"WHERE state = 'succeeded' ORDER BY id LIMIT {number - there}"
            )


def queue_page() -> dict[str, float]:
    """Server time and queries of the queue's page, with a thousand and a million ended tasks."""
    person = User.objects.create_superuser("bench", password="not-a-secret")  # noqa: S106
    import mppcqa.project.wsgi  # noqa: F401 (what gunicorn loads)

    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(person)
    pages = ("/queue/", "/queue/?state=open", "/queue/?state=succeeded", "/queue/history/")
    found: dict[str, float] = {}
    for number, suffix in ((1000, "_thousand"), (1_000_000, "")):
        fill(number)
        if suffix == "":
            # Something must wait and run as well.
            Task.objects.bulk_create(
                Task(name="bench.nothing", state=State.WAITING, lane="nowhere") for _ in range(200)
            )
        times: dict[str, float] = {}
        queries: dict[str, int] = {}
        for page in pages:
            one = []
            for _ in range(15):
                started = time.perf_counter()
                answer = client.get(page)
                one.append((time.perf_counter() - started) * 1000)
                assert answer.status_code == 200, (page, answer.status_code)
            times[page] = statistics.median(one)
            with CaptureQueriesContext(connection) as caught:
                client.get(page)
            queries[page] = len(caught)
        found[f"queue_page_ms{suffix}"] = max(times.values())
        found[f"queue_page_queries{suffix}"] = max(queries.values())
    return found


def main(what: str, *numbers: str) -> None:
    if what not in ("migrate", "log_tail", "queue_page"):
        until(lambda: Worker.objects.filter(stopped_at=None).exists())
    steps: dict[str, Callable[..., dict[str, float]]] = {
        "migrate": migrate,
        "overhead": overhead,
        "latency": latency,
        "kill": kill_time,
        "log_tail": log_tail,
        "queue_page": queue_page,
    }
    found = steps[what](*map(int, numbers))
    left = Task.objects.filter(state__in=OPEN_STATES).exclude(lane="nowhere")
    until(lambda: not left.exists())
    print(json.dumps(found))


if __name__ == "__main__":
    os.chdir(Path(os.environ["MPPCQA_HOME"]))
    main(*sys.argv[1:])

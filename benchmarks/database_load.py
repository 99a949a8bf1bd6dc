"""Readers and twenty operators on gunicorn, and how long each of their requests takes.

Readers ask one page after the other without a pause. An operator registers a device, scans it into
a station of his own, starts a run, kills it, writes a comment and unloads, with a pause after each
step, as a person does. The generator runs on the same two cores as the server and the database. All
of it on 127.0.0.1, bounded in time and number.
"""

from __future__ import annotations

import http.client
import os
import random
import socket
import subprocess
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
from django.conf import settings
from django.contrib.auth.models import User
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client

from mppcqa.cli.run import web_server
from mppcqa.inventory.models import DeviceType
from mppcqa.runs.actions import station_lane
from mppcqa.runs.models import Station
from mppcqa.stages import get_stage
from mppcqa.statistics.models import Series

OPERATORS = 20
READERS = int(os.environ.get("MPPCQA_BENCH_READERS", "3"))
SECONDS = float(os.environ.get("MPPCQA_BENCH_LOAD_S", "20"))
PAUSE_S = 2.0
MOST_REQUESTS = 50_000


@dataclass
class Log:
    """What came back, gathered over all threads."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    times: dict[str, list[float]] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, seconds: float, status: int) -> None:
        with self.lock:
            self.times.setdefault(kind, []).append(seconds)
            if status not in (200, 302):
                self.errors[f"{kind}: {status}"] += 1


class Visitor:
    """One person's browser: a session, a connection that is kept."""

    def __init__(self, port: int, user: User, log: Log) -> None:
        client = Client()
        client.force_login(user)
        self.token = _get_new_csrf_string()
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        self.cookie = f"{settings.SESSION_COOKIE_NAME}={session}; csrftoken={self.token}"
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.log = log
        self.sent_to = ""
        """Where the last answer led."""

    def ask(self, kind: str, path: str, data: dict[str, str] | None = None) -> bytes:
        """One request; what goes wrong is counted as an error."""
        headers = {"Cookie": self.cookie, "X-CSRFToken": self.token}
        body = None
        if data is not None:
            body = urlencode(data)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began = time.perf_counter()
        try:
            self.connection.request("GET" if data is None else "POST", path, body, headers)
            response = self.connection.getresponse()
            content = response.read()
            status, self.sent_to = response.status, response.getheader("Location") or ""
        except (OSError, http.client.HTTPException):
            self.connection.close()
            content, status = b"", 0
        self.log.add(kind, time.perf_counter() - began, status)
        if data is not None:
            # An operator pauses for longer than the server keeps an idle connection.
            self.connection.close()
        return content


def measure_load(measured: int) -> dict[str, Any]:
    """Requests a second and their times; `measured` devices have values."""
    port = _free_port()
    stations = _prepare()
    log_file = Path(tempfile.gettempdir()) / f"mppcqa-bench-gunicorn-{port}.log"
    with log_file.open("wb") as output:
        server = subprocess.Popen(web_server("127.0.0.1", port), stdout=output, stderr=output)
    try:
        _wait_for(port)
        log = _run(port, stations, measured)
    finally:
        server.terminate()
        server.wait(20)
    report = _report(log)
    if not report["load"]["errors"]:
        log_file.unlink()
    return report


def _prepare() -> list[str]:
    stage = get_stage("pde")
    for number in range(OPERATORS):
        station, _made = Station.objects.get_or_create(
            name=f"load-{number}", defaults={"stage": stage.key, "slots": 4}
        )
        station_lane(station)
    User.objects.get_or_create(username="bench", is_superuser=True)
    return [f"load-{number}" for number in range(OPERATORS)]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    for _attempt in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError("gunicorn did not come up within 30 s")


def _run(port: int, stations: list[str], measured: int) -> Log:
    user = User.objects.get(username="bench")
    series = list(Series.objects.values_list("pk", flat=True))
    kind = str(DeviceType.objects.values_list("pk", flat=True)[0])
    # Every worker has parsed its templates before it counts: a connection stays with its worker.
    warm = Visitor(port, user, Log())
    for number in range(80):
        warm.ask("warm", _page(random.Random(number), measured, series)[1])  # noqa: S311
        warm.connection.close()
    log, ends = Log(), time.monotonic() + SECONDS
    threads = [
        threading.Thread(
            target=_read, args=(Visitor(port, user, log), number, measured, series, ends)
        )
        for number in range(READERS)
    ]
    threads += [
        threading.Thread(target=_operate, args=(Visitor(port, user, log), station, kind, ends))
        for station in stations
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS + 60)
    return log


def _page(rng: random.Random, measured: int, series: list[int]) -> tuple[str, str]:
    """What people look at, in the proportion in which they do."""
    serial = f"GX-{rng.randrange(measured):06d}"
    pages = [
        (3, "home", "/"),
        (4, "device", f"/devices/{serial}/"),
        (3, "list", "/devices/"),
        (2, "list", f"/devices/?after={serial}"),
        (3, "search", f"/find/?q={serial}"),
        (1, "tray", f"/trays/T-{rng.randrange(max(1, measured // 144)):04d}/"),
        (1, "distribution", f"/distributions/?series={rng.choice(series)}"),
        (1, "yields", "/statistics/yield/"),
        (3, "stations", "/stations/"),
        (3, "runs", "/runs/"),
        (2, "queue", "/queue/"),
    ]
    weights = [weight for weight, _kind, _path in pages]
    _weight, kind, path = rng.choices(pages, weights)[0]
    return kind, path


def _read(visitor: Visitor, seed: int, measured: int, series: list[int], ends: float) -> None:
    rng = random.Random(seed)  # noqa: S311
    for _request in range(MOST_REQUESTS):
        if time.monotonic() > ends:
            return
        visitor.ask(*_page(rng, measured, series))


def _operate(visitor: Visitor, station: str, kind: str, ends: float) -> None:
    rng = random.Random(station)  # noqa: S311
    steps = 0
    time.sleep(rng.uniform(0, PAUSE_S))
    while time.monotonic() < ends:
        steps += 1
        serial = f"OP-{station}-{time.time_ns() % 10**9}-{steps}".upper()
        page = f"/stations/{station}/"
        for name, path, data in (
            ("register", "/devices/register/", {"serial": serial, "device_type": kind, "show": ""}),
            ("load", f"{page}load/", {"slot-1": serial}),
            ("start", f"{page}start/", _parameters()),
            # No worker takes the run, and a station that has one can't be unloaded.
            ("kill", "{run}kill/", {"reason": "wrong bias"}),
            ("comment", f"/devices/{serial}/comment/", {"text": "loaded by hand"}),
            ("unload", f"{page}unload/", {}),
        ):
            visitor.ask(f"write {name}", path.format(run=visitor.sent_to), data)
            time.sleep(rng.uniform(0.5, 1.5) * PAUSE_S)
            if time.monotonic() > ends:
                return


def _parameters() -> dict[str, str]:
    cleaned = get_stage("pde").clean({})
    return {
        f"p-{key}": " ".join(map(str, value)) if isinstance(value, list) else str(value)
        for key, value in cleaned.items()
    }


def _report(log: Log) -> dict[str, Any]:
    everything = np.array([one for times in log.times.values() for one in times]) * 1e3
    rate = round(len(everything) / SECONDS, 1)
    load = {
        "requests_per_second": rate,
        "p95_ms": round(float(np.percentile(everything, 95)), 1),
        "median_ms": round(float(np.median(everything)), 1),
        "errors": sum(log.errors.values()),
        "error_kinds": dict(log.errors),
        "writes": sum(len(times) for kind, times in log.times.items() if kind.startswith("write")),
        "readers": READERS,
        "operators": OPERATORS,
        "p95_by_kind_ms": {
            kind: round(float(np.percentile(times, 95)) * 1e3, 1)
            for kind, times in sorted(log.times.items())
        },
        "note": "generator, gunicorn (as `mppcqa run` starts it) and database share the cores",
    }
    return {"requests_per_second": rate, "load": load}

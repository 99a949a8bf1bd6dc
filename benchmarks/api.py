"""The API beside what it stands on: ``make bench BENCH=api ARGS="--devices 1e6 --measured 16200"``.

Fills an empty installation (SQLite, or MariaDB by ``MPPCQA_DATABASE``), asks the ten commonest
calls in turns, registers devices by the API and the same rows by Django's ``bulk_create`` in
alternated pairs, and writes all values as Arrow and as Parquet. The last line is one JSON object.
A measured device has 620 values: 16200 have 10^7. Beside the time of the clock stands that of the
processor, which other programs do not spoil.
``--home FOLDER`` keeps the installation, or measures the one that is there.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import re
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

SEED = 22
BOUND_MS = 75.0


def main() -> int:
    """One empty installation, measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=float, default=1e5)
    parser.add_argument("--measured", type=float, default=200, help="devices with values")
    parser.add_argument("--rounds", type=int, default=40, help="how often each call is asked")
    parser.add_argument("--pairs", type=int, default=3, help="how often each export is written")
    parser.add_argument("--home", help="where the installation lies, or is made and kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mppcqa-bench-api-") as made:
        home = options.home or made
        os.environ |= {"MPPCQA_HOME": home, "DJANGO_SETTINGS_MODULE": "mppcqa.project.settings"}
        os.environ |= {"MPPCQA_HOSTS": "testserver"}
        found = measure(int(options.devices), int(options.measured), options.rounds, options.pairs)
    print(json.dumps(found), flush=True)
    return 0


def measure(devices: int, measured: int, rounds: int, pairs: int) -> dict[str, Any]:
    """All figures of one installation."""
    import django

    from mppcqa.database import local_files

    local_files.allowed = True
    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    # What a web server does before it takes a request: without it the first call that is asked
    # imports pages and stages, for seconds.
    import mppcqa.project.wsgi  # noqa: F401
    from benchmarks import database_fill as made_up
    from mppcqa.people.person_tokens import make_token
    from mppcqa.results.models import Measurement

    if not User.objects.filter(username="bench").exists():
        ids = made_up.prepare(devices)
        made_up.fill(ids[:measured], np.random.default_rng(SEED))
        User.objects.create_superuser("bench")
    person = User.objects.get(username="bench")
    program = Program(make_token(person, 1, writes=True)[1])
    asking = asked(devices)
    first_ms = {name: once_ms(program, next(addresses)) for name, addresses in asking.items()}
    calls = {name: p95_ms(program, addresses, rounds) for name, addresses in asking.items()}
    return {
        "devices": devices,
        "values": Measurement.objects.count(),
        "p95_ms": {name: clock for name, (clock, _processor) in calls.items()},
        "worst_p95_ms": max(clock for clock, _processor in calls.values()),
        "p95_processor_ms": {name: processor for name, (_clock, processor) in calls.items()},
        "first_ms": first_ms,
        "load": os.getloadavg()[0],
        "bound_ms": BOUND_MS,
        "bulk": against_bulk_create(program),
        "export": against_parquet(pairs),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


class Program:
    """Asks in this process, through all of Django's and the API's layers."""

    def __init__(self, token: str) -> None:
        from django.test import Client

        self.client, self.headers = Client(), {"Authorization": f"Bearer {token}"}
        self.client.handler.load_middleware()  # a server has done it

    def get(self, path: str) -> Any:
        answer = self.client.get(f"/api/v1/{path}", headers=self.headers)
        assert answer.status_code == 200, (path, answer.content[:300])
        return answer

    def register(self, rows: list[dict[str, Any]]) -> None:
        answer = self.client.post(
            "/api/v1/devices",
            json.dumps({"devices": rows}),
            content_type="application/json",
            headers=self.headers,
        )
        assert answer.status_code == 200, answer.content[:300]


def asked(devices: int) -> dict[str, Iterator[str]]:
    """The ten commonest calls, each with other things every time."""
    draw = np.random.default_rng(SEED)

    def serial() -> str:
        return f"GX-{draw.integers(devices):06d}"

    def forever(make: Any) -> Iterator[str]:
        while True:
            yield make()

    return {
        "device": forever(lambda: f"devices/{serial()}"),
        "devices": forever(lambda: f"devices?after={serial()}"),
        "devices by prefix": forever(lambda: f"devices?q={serial()[:7]}"),
        "devices that failed": forever(lambda: "devices?stage=darkbox&outcome=fail"),
        "values": forever(lambda: f"devices/GX-{draw.integers(100):06d}/values"),
        "files": forever(lambda: f"devices/GX-{draw.integers(100):06d}/files"),
        "runs": forever(lambda: "runs"),
        "verdicts": forever(lambda: f"verdicts?after={draw.integers(300)}"),
        "tray": forever(lambda: f"trays/T-{draw.integers(max(1, devices // 144)):04d}"),
        "me": forever(lambda: "me"),
    }


def once_ms(program: Program, address: str) -> float:
    """How long a call takes that nobody asked before."""
    began = time.perf_counter()
    program.get(address)
    return round(1000 * (time.perf_counter() - began), 1)


def p95_ms(program: Program, addresses: Iterator[str], rounds: int) -> tuple[float, float]:
    """95th percentile of a call, of those after the first two, which make what is kept.

    By the clock, and by the processor.
    """
    from django.core.cache import caches

    times: list[tuple[float, float]] = []
    for number in range(rounds + 2):
        caches["process"].clear()  # the limit on requests a second is not what is measured
        address = next(addresses)
        began = time.perf_counter(), time.process_time()
        program.get(address)
        if number >= 2:
            times.append((time.perf_counter() - began[0], time.process_time() - began[1]))
    clock, processor = (
        round(1000 * statistics.quantiles(some, n=20)[-1], 1) for some in zip(*times, strict=True)
    )
    return clock, processor


def against_bulk_create(program: Program, rows: int = 5000, pairs: int = 3) -> dict[str, float]:
    """Rows a second by the API, and by Django's `bulk_create` of the same rows."""
    from mppcqa.inventory.models import Device, DeviceType

    kind, stamp = DeviceType.objects.get(), int(time.time())
    ours, django = [], []
    for pair in range(pairs):
        given = [
            {"serial": f"A{stamp}-{pair}-{n:05d}", "device_type": kind.name} for n in range(rows)
        ]
        began = time.perf_counter()
        program.register(given)
        ours.append(time.perf_counter() - began)
        made = [Device(serial=f"B{stamp}-{pair}-{n:05d}", device_type=kind) for n in range(rows)]
        began = time.perf_counter()
        Device.objects.bulk_create(made)
        django.append(time.perf_counter() - began)
    api, bare = statistics.median(ours), statistics.median(django)
    return {
        "api_rows_s": round(rows / api),
        "bulk_create_rows_s": round(rows / bare),
        "ratio": round(bare / api, 2),
    }


def peak_mb(*, anew: bool = False) -> float:
    """The most memory that this process had since it was last asked anew [MB]."""
    from pathlib import Path

    if anew:
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")
    told = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", told)[0]) / 1024


def against_parquet(pairs: int) -> dict[str, Any]:
    """All values that count as a stream of Arrow, as the Parquet file of an export, and as that was
    before the columnar copy was read for it: each from the database alone.

    `grown_mb` is by how much memory was larger at its peak than when each began.
    """
    from pathlib import Path

    from mppcqa.columnar.keeping import follow
    from mppcqa.exchange.exports import write_list
    from mppcqa.exchange.values_out import value_batches, value_schema
    from mppcqa.exchange.writers import pieces, write_file

    follow()
    rows = 0

    def arrow(_path: Path) -> None:
        for _piece in pieces("arrow", value_schema(), value_batches({}, None)):
            pass

    def parquet(path: Path) -> None:
        nonlocal rows
        rows = write_list("values", "parquet", path, {})

    def former(path: Path) -> None:
        write_file("parquet", path, value_schema(), value_batches({}, None, copied=False))

    ways = {"arrow": arrow, "parquet": parquet, "parquet_before": former}
    clock: dict[str, list[float]] = {name: [] for name in ways}
    processor: dict[str, list[float]] = {name: [] for name in ways}
    grown: dict[str, list[float]] = {name: [] for name in ways}
    for _pair in range(pairs):
        for name, way in ways.items():
            with tempfile.TemporaryDirectory() as folder:
                before = peak_mb(anew=True)
                began = time.perf_counter(), time.process_time()
                way(Path(folder) / "v")
                grown[name].append(peak_mb() - before)
                clock[name].append(time.perf_counter() - began[0])
                processor[name].append(time.process_time() - began[1])
    quick = {name: statistics.median(some) for name, some in clock.items()}
    busy = {name: statistics.median(some) for name, some in processor.items()}
    return {
        "rows": rows,
        "rows_s": {name: round(rows / some) for name, some in quick.items()},
        "processor_us_a_row": {name: round(1e6 * some / rows, 2) for name, some in busy.items()},
        "grown_mb": {name: [round(one) for one in some] for name, some in grown.items()},
        "ratio": round(quick["parquet_before"] / quick["arrow"], 2),
        "ratio_processor": round(busy["parquet_before"] / busy["arrow"], 2),
    }


if __name__ == "__main__":
    sys.exit(main())

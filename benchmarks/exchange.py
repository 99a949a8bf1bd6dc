"""Tables in and out, beside what the database does with the same rows.

``make bench BENCH=exchange ARGS="--values 1000000"`` on the database of ``MPPCQA_DATABASE``, which
must be empty: devices are imported, then values from CSV and from Parquet (checked, stored, made to
count, summarised, judged) beside LOAD DATA of the same rows (``executemany`` on SQLite), then
exported and backed up. Peak memory is that of a process which does nothing else. The last line is
one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

CHANNELS, POINTS = 16, 8
A_DEVICE = CHANNELS * POINTS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--values", type=float, default=1e6)
    parser.add_argument("--export-only", type=Path, help="(for its own child processes)")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mppcqa.project.settings")
    import django

    django.setup()
    if options.export_only:
        print(json.dumps(_export(options.export_only)))
        return 0
    from django.core.management import call_command

    from mppcqa.inventory.models import Device, DeviceType

    call_command("migrate", verbosity=0, interactive=False)
    if Device.objects.exists():
        print("the database is not empty; name another one", file=sys.stderr)
        return 1
    DeviceType.objects.create(name="bench", rows=4, columns=4)
    with tempfile.TemporaryDirectory() as folder:
        report = _measure(Path(folder), int(options.values) // A_DEVICE)
    print(json.dumps(report))
    return 0


def _measure(folder: Path, devices: int) -> dict[str, Any]:
    from mppcqa.exchange.backup import back_up, verify

    report: dict[str, Any] = {"devices": devices, "values": devices * A_DEVICE}
    report["device_rows_per_second"] = round(devices / _bring(_device_table(folder, devices)))
    for ending in ("csv", "parquet"):
        path = _value_table(folder, devices, ending, first=ending == "csv")
        spent = _bring(path, "darkbox")
        own = _own_way(folder)
        report[ending] = {
            "values_per_second": round(devices * A_DEVICE / spent),
            "database_values_per_second": round(devices * A_DEVICE / own),
            "bulk_ratio": round(own / spent, 2),
        }
    for ending in ("parquet", "csv", "root"):
        command = [sys.executable, "-m", "benchmarks.exchange"]
        child = subprocess.run(
            [*command, "--export-only", str(folder / f"out.{ending}")],
            check=True,
            capture_output=True,
            text=True,
        )
        report[f"export_{ending}"] = json.loads(child.stdout.splitlines()[-1])
    began = time.perf_counter()
    made = back_up(folder / "backups")
    report["backup_s"] = round(time.perf_counter() - began, 1)
    report["backup_faults"] = len(verify(made))
    return report


def _device_table(folder: Path, devices: int) -> Path:
    path = folder / "devices.csv"
    lines = (f"B{n:07d};bench;L{n // 1000};{70 + n % 100 / 1000:.3f}\n" for n in range(devices))
    path.write_text("serial;type;lot;Vop [V]\n" + "".join(lines))
    return path


def _value_table(folder: Path, devices: int, ending: str, *, first: bool) -> Path:
    import pyarrow as pa
    from pyarrow import csv, parquet

    rng = np.random.default_rng(20261124 + first)
    n = devices * A_DEVICE
    serials = pa.array([f"B{one:07d}" for one in range(devices)])
    table = pa.table(
        {
            "serial": serials.take(pa.array(np.repeat(np.arange(devices), A_DEVICE))),
            "channel": np.tile(np.repeat(np.arange(CHANNELS), POINTS), devices),
            "overvoltage [V]": np.tile(np.arange(POINTS) * 0.2 + 0.6, devices * CHANNELS),
            "gain": np.round(rng.normal(100, 5, n), 5),
            "gain error": np.round(rng.uniform(0.1, 0.5, n), 4),
        }
    )
    path = folder / f"values.{ending}"
    (csv.write_csv if ending == "csv" else parquet.write_table)(table, path)
    return path


def _bring(path: Path, stage: str = "") -> float:
    """Seconds from the file to values that count, by what page and command line call."""
    from mppcqa.exchange import imports

    began = time.perf_counter()
    with path.open("rb") as file:
        row = imports.take_in(
            iter(lambda: file.read(1 << 20), b""),
            path.name,
            kind="values" if stage else "devices",
            stage=stage,
        )
    row.existing = "update"
    imports.check(row)
    if row.faults:
        raise RuntimeError(row.faults_path.read_text()[:2000])
    imports.apply(row)
    return time.perf_counter() - began


def _own_way(folder: Path) -> float:
    """Seconds of LOAD DATA, or `executemany`, of the newest analysis's rows into an equal table."""
    import pyarrow as pa
    from django.db import connection
    from pyarrow import csv

    from mppcqa.testing.models import Analysis, Measurement

    table, clone = Measurement._meta.db_table, "bench_clone"
    names = ("device_id", "analysis_id", "quantity_id", "channel", "condition_id", "value")
    names = (*names, "uncertainty")
    newest = Analysis.objects.latest("pk").pk
    rows = list(Measurement.objects.filter(analysis=newest).order_by().values_list(*names))
    rows.sort()
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [table])
            cursor.execute(cursor.fetchone()[0].replace(table, clone, 1))
            marks = ", ".join(["%s"] * len(names))
            act: Callable[[], Any] = lambda: cursor.executemany(  # noqa: E731
                f"INSERT INTO {clone} ({', '.join(names)}) VALUES ({marks})",  # noqa: S608
                rows,
            )
        else:
            cursor.execute(f"CREATE TABLE {clone} LIKE {table}")
            path = folder / "rows.csv"
            columns = dict(zip(names, zip(*rows, strict=True), strict=True))
            csv.write_csv(pa.table(columns), path, csv.WriteOptions(include_header=False))
            act = lambda: cursor.execute(  # noqa: E731
                f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE {clone} "
                f"FIELDS TERMINATED BY ',' ({', '.join(names)})"
            )
        began = time.perf_counter()
        act()
        spent = time.perf_counter() - began
        cursor.execute(f"DROP TABLE {clone}")
    return spent


def _export(path: Path) -> dict[str, Any]:
    from mppcqa.exchange.exports import write_list

    began = time.perf_counter()
    rows = write_list("values", path.suffix[1:], path, {})
    return {
        "rows": rows,
        "rows_per_second": round(rows / (time.perf_counter() - began)),
        "peak_mb": _peak_mb(),
    }


def _peak_mb() -> int:
    """Most memory that this process has held; `getrusage` would count its parent's, too."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return round(int(line.split()[1]) / 1024)


if __name__ == "__main__":
    sys.exit(main())

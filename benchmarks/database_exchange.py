"""Tables of values in and out: from the file to verdicts beside LOAD DATA, and back to files."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.database_fill import CHANNELS, MEANS, OVERVOLTAGES

COLUMNS = {
    "gain_adc": "gain [ADC]",
    "crosstalk_probability": "crosstalk",
    "dark_rate_hz": "dark rate [Hz]",
}
VALUES_A_DEVICE = CHANNELS * len(OVERVOLTAGES) * len(COLUMNS)
FORMS = ("parquet", "csv", "root")


def measure_import(devices: list[int], rng: np.random.Generator) -> dict[str, Any]:
    """A CSV and a Parquet file, each of half of the devices, which have no values yet.

    `bulk_ratio` is that of CSV: from the file, through every check, to values that count, summaries
    and verdicts, against LOAD DATA (`executemany` on SQLite) of the same rows from a file that lies
    ready, into an empty table of the same layout.
    """
    half = len(devices) // 2
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for ending, some in (("csv", devices[:half]), ("parquet", devices[half:])):
            found[ending] = _beside(_table(Path(folder), some, ending, rng))
    return {"bulk_ratio": found["csv"]["ratio"], "bulk": found}


def _beside(path: Path) -> dict[str, Any]:
    from benchmarks.database_ingest import execute_many, load_data, mariadb, rates
    from mppcqa.results.models import Analysis
    from mppcqa.results.reading import read_values

    phases = _bring(path)
    newest = Analysis.objects.latest("pk")
    devices = list(newest.run_file.run.slots.values_list("device", flat=True))  # type: ignore[union-attr]
    values = read_values(sorted(devices), analyses=[newest.pk])
    own = load_data(values) if mariadb() else execute_many(values)
    spent = sum(phases.values())
    return rates(len(values), spent, own) | {
        f"{name}_s": round(seconds, 2) for name, seconds in phases.items()
    }


def _table(folder: Path, devices: list[int], ending: str, rng: np.random.Generator) -> Path:
    import pyarrow as pa
    from pyarrow import csv, parquet

    from mppcqa.inventory.models import Device

    rows = CHANNELS * len(OVERVOLTAGES)
    names = Device.objects.filter(pk__gte=devices[0], pk__lte=devices[-1]).order_by("pk")
    serials = pa.array(names.values_list("serial", flat=True))
    columns: dict[str, Any] = {
        "serial": serials.take(pa.array(np.repeat(np.arange(len(devices)), rows))),
        "channel": np.tile(np.repeat(np.arange(CHANNELS), len(OVERVOLTAGES)), len(devices)),
        "overvoltage [V]": np.tile(OVERVOLTAGES, len(devices) * CHANNELS),
        "temperature [degC]": np.full(rows * len(devices), 20.0),
    }
    for key, head in COLUMNS.items():
        mean, sigma = MEANS[key]
        value = np.abs(rng.normal(mean, sigma, rows * len(devices)))
        columns[head] = np.array([float(f"{one:.6g}") for one in value])
        columns[f"{head.split(' [')[0]} error"] = np.round(
            sigma / 3 * rng.uniform(0.8, 1.2, len(value)), 5
        )
    path = folder / f"values.{ending}"
    (csv.write_csv if ending == "csv" else parquet.write_table)(pa.table(columns), path)
    return path


def _bring(path: Path) -> dict[str, float]:
    """Seconds from the file to values that count, by what page and command line call."""
    from mppcqa.exchange import imports

    began = time.perf_counter()
    with path.open("rb") as file:
        row = imports.take_in(
            iter(lambda: file.read(1 << 20), b""), path.name, kind="values", stage="darkbox"
        )
    row.existing = "update"
    imports.check(row)
    if row.faults:
        raise RuntimeError(row.faults_path.read_text()[:2000])
    checked = time.perf_counter()
    imports.apply(row)
    return {"check": checked - began, "apply": time.perf_counter() - checked}


def measure_export() -> dict[str, Any]:
    """All values that count in each format, each by a process that does nothing else."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for form in FORMS:
            path = Path(folder) / f"out.{form}"
            child = subprocess.run(
                [sys.executable, "-m", "benchmarks.database_export", str(path)],
                check=True,
                capture_output=True,
                text=True,
            )
            found[form] = json.loads(child.stdout.splitlines()[-1])
            path.unlink()
    return {
        "export_peak_mb": max(one["peak_mb"] for one in found.values()),
        "export_rows_per_second": found["parquet"]["rows_per_second"],
        "export": found,
    }

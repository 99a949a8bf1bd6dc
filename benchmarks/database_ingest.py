"""How fast values come in, side by side with the database's own ways, and what they occupy."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import numpy as np
from django.db import connection, transaction
from pyarrow import csv as arrow_csv
from pyarrow import table as arrow_table

from benchmarks import database_fill as made_up
from mppcqa.results.bulk_values import MeasurementColumns
from mppcqa.results.ingest import NewAnalysis, store_analyses, store_analysis
from mppcqa.results.models import Measurement, QuantityRow
from mppcqa.results.reading import read_values
from mppcqa.stages import get_stage

COLUMNS = (
    "device_id",
    "analysis_id",
    "quantity_id",
    "channel",
    "condition_id",
    "value",
    "statistical",
    "systematic",
)
TABLE = Measurement._meta.db_table
CLONE = "bench_measurement"


def measure_ingest(devices: list[int], rng: np.random.Generator) -> dict[str, Any]:
    """Rates of two ways in, each beside bare `executemany` of the same rows, with as many commits.

    The two take turns, so that both have the same share of a machine that does other things too.

    `ingest_ratio` is that of one analysis a transaction, as a run's analysis is stored. `devices`
    (800) get values of their first stage.

    SQLite has no server, so there one analysis a transaction compares Python with a library of C:
    bare `executemany` of its 1,240 values takes 2 ms, and so do all statements of the ingest where
    they are executed without Django; what Django and NumPy do about them takes 6. Many analyses in
    one transaction, as imports do, take hardly longer than bare `executemany`: the ingest sends
    many rows a statement.
    """
    single = _single(devices[:160], rng)
    batched = _batched(devices[160:800], rng)
    return {
        "ingest_ratio": single["ratio"],
        "ingest_one_analysis_a_transaction": single,
        "ingest_many_analyses_a_transaction": batched,
    }


def _single(devices: list[int], rng: np.random.Generator) -> dict[str, Any]:
    """An analysis of four arrays a transaction, as `results.analyse` stores it."""
    groups = _groups(devices)
    files = made_up.new_runs("pde", groups)
    stage = get_stage("pde")
    ours, own, n = 0.0, 0.0, 0
    with _clone() as insert:
        for file, group in zip(files, groups, strict=True):
            results = made_up.as_results(made_up.stage_values("pde", group, rng), group)
            slots = dict(enumerate(group, 1))
            ours += _timed(lambda f=file, s=slots, r=results: store_analysis(stage, f, s, r))
            own += insert(_stored(group, len(results)))
            n += len(results)
    return rates(n, ours, own)


def _batched(devices: list[int], rng: np.random.Generator) -> dict[str, Any]:
    groups = _groups(devices)
    files = made_up.new_runs("pde", groups)
    stage = get_stage("pde")
    ours, own, n = 0.0, 0.0, 0
    with _clone() as insert:
        for start in range(0, len(groups), made_up.BATCH):
            some = groups[start : start + made_up.BATCH]
            batch = [
                NewAnalysis(
                    stage=stage,
                    run_file=file,
                    values=made_up.stage_values("pde", group, rng),
                    devices=group,
                )
                for file, group in zip(files[start:], some, strict=False)
            ]
            ours += _timed(lambda b=batch: store_analyses(b))
            count = sum(len(new.values) for new in batch)
            own += insert(_stored([device for group in some for device in group], count))
            n += count
    return rates(n, ours, own)


def _groups(devices: list[int]) -> list[list[int]]:
    return [devices[n : n + made_up.SLOTS] for n in range(0, len(devices), made_up.SLOTS)]


def _stored(devices: list[int], count: int) -> MeasurementColumns:
    """The `count` values that the ingest has just written of devices that had none."""
    quantities = QuantityRow.objects.filter(stage="pde").values_list("pk", flat=True)
    values = read_values(devices, quantities=list(quantities))
    assert len(values) == count, (len(values), count)
    return values


def rates(values: int, spent: float, own: float) -> dict[str, Any]:
    """Values a second of ours and of the database's own way, and their ratio."""
    return {
        "values": values,
        "values_per_second": round(values / spent),
        "database_values_per_second": round(values / own),
        "ratio": round(own / spent, 2),
    }


def _timed(action: Callable[[], Any]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def execute_many(values: MeasurementColumns) -> float:
    """Seconds of bare `executemany` of rows into an empty table of the same layout."""
    with _clone() as insert:
        return insert(values)


def _cells(values: MeasurementColumns) -> list[list[Any]]:
    statistical = [None if one != one else one for one in values.statistical.tolist()]
    columns = {one.name: getattr(values, one.name).tolist() for one in fields(values)}
    return list((columns | {"statistical": statistical}).values())


def load_data(values: MeasurementColumns) -> float:
    """Seconds of LOAD DATA of a file that lies ready."""
    descriptor, path = tempfile.mkstemp(suffix=".csv")
    os.close(descriptor)
    columns = dict(zip(COLUMNS, _cells(values), strict=True))
    options = arrow_csv.WriteOptions(include_header=False)
    arrow_csv.write_csv(arrow_table(columns), path, options)

    def load() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE {CLONE} "
                f"FIELDS TERMINATED BY ',' ({', '.join(COLUMNS)})"
            )

    try:
        with _clone():
            return _timed(load)
    finally:
        os.unlink(path)  # noqa: PTH108


@contextmanager
def _clone() -> Iterator[Callable[[MeasurementColumns], float]]:
    """A table as the big one lies, empty; and bare `executemany` into it, which tells its seconds.

    The rows are ready before the clock runs, and each call is a transaction.
    """
    places = ", ".join(["%s"] * len(COLUMNS))
    statement = f"INSERT INTO {CLONE} ({', '.join(COLUMNS)}) VALUES ({places})"  # noqa: S608

    def insert(values: MeasurementColumns) -> float:
        rows = list(zip(*_cells(values), strict=True))

        def write() -> None:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.executemany(statement, rows)

        return _timed(write)

    with connection.cursor() as cursor:
        if mariadb():
            cursor.execute(f"CREATE TABLE {CLONE} LIKE {TABLE}")
        else:
            cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [TABLE])
            cursor.execute(cursor.fetchone()[0].replace(TABLE, CLONE, 1))
    try:
        yield insert
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {CLONE}")


def mariadb() -> bool:
    return connection.vendor == "mysql"


def storage() -> dict[str, float]:
    """Bytes of the big table by value, and of the whole database."""
    values = Measurement.objects.count()
    with connection.cursor() as cursor:
        if mariadb():
            cursor.execute(f"ANALYZE TABLE {TABLE}")
            cursor.fetchall()
            cursor.execute(
                "SELECT table_name, data_length + index_length FROM information_schema.tables "
                "WHERE table_schema = DATABASE()"
            )
            sizes = {name: int(size or 0) for name, size in cursor.fetchall()}
            table, everything = sizes[TABLE], sum(sizes.values())
        else:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.execute("PRAGMA page_count")
            pages = cursor.fetchone()[0]
            cursor.execute("PRAGMA page_size")
            everything = pages * cursor.fetchone()[0]
            try:
                cursor.execute("SELECT SUM(pgsize) FROM dbstat WHERE name = %s", [TABLE])
                table = int(cursor.fetchone()[0])
            except Exception:  # dbstat is not compiled into every SQLite
                table = everything
    return {
        "values": values,
        "bytes_per_value": round(table / values, 1),
        "database_mb": round(everything / 1e6, 1),
    }

"""Measured values out of the big table as columns, as fast as the database gives them.

PyMySQL takes rows apart in Python, at 50,000 to 150,000 values a second; so MariaDB is asked for
one text an analysis and device, which Arrow parses.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
from django.db import connection
from django.db.models import Q

from mppcqa.results.bulk_values import MeasurementColumns
from mppcqa.results.models import Analysis, Measurement, Standing
from mppcqa.runs.models import RunFile, RunSlot

FETCH_VALUES = 20_000
READ_DEVICES = 500
BLOCK_VALUES = 40_000
FIRST_PAIRS, FEWEST_PAIRS, MOST_PAIRS = 50, 20, 250
"""Analyses and devices read at a time: one such pair may have a hundred values, or thousands."""
GROUP = ("m.analysis_id", "m.device_id")
NAMES = tuple(one.name for one in fields(MeasurementColumns))
KINDS = dict(zip(NAMES, ("i4", "i4", "i2", "i2", "i4", "f8", "f8", "f4", "i1"), strict=True))
PARSED = {name: pa.from_numpy_dtype(np.dtype(kind)) for name, kind in KINDS.items()}


def value_blocks(
    devices: Sequence[int],
    *,
    counting: bool = False,
    analyses: Collection[int] | None = None,
    quantities: Collection[int] | None = None,
) -> Iterator[MeasurementColumns]:
    """Values of devices (ids; as many as one statement bears), in blocks.

    All values, or those that count, or those of some analyses and quantities (ids).
    """
    if analyses is None and not counting:
        analyses = analyses_of(devices)
    if not len(devices) or any(some is not None and not some for some in (analyses, quantities)):
        return
    values, standing = Measurement._meta.db_table, Standing._meta.db_table
    # Groups in the order in which rows are found need no sorting.
    source, where, group = f"{values} m", f"m.device_id IN ({_marks(devices)})", GROUP
    if counting:
        # The standings lead, and each finds its values by the beginning of their key.
        join = "CROSS JOIN" if connection.vendor == "sqlite" else "STRAIGHT_JOIN"
        source, group = f"{standing} s {join} {values} m", GROUP[::-1]
        where = f"s.device_id IN ({_marks(devices)}) AND m.device_id = s.device_id "
        where += "AND m.analysis_id = s.analysis_id"
    parameters = list(devices)
    for column, some in (("analysis_id", analyses), ("quantity_id", quantities)):
        if some is not None:
            where += f" AND m.{column} IN ({_marks(some)})"
            parameters += some
    yield from _blocks(source, where, parameters, group)


def analyses_of(devices: Collection[int]) -> list[int]:
    """Ids of all analyses that may have values of some devices (ids); some have none."""
    mine = RunSlot.objects.filter(device__in=devices).values("run")
    # A run of very many devices, and a file that belongs to none, name them nowhere else.
    loose = Q(run_file__kind=RunFile.Kind.IMPORT) | Q(run_file__run=None)
    standing = Standing.objects.filter(device__in=devices).values_list("analysis", flat=True)
    ids = Analysis.objects.filter(loose | Q(run_file__run__in=mine)).values_list("pk", flat=True)
    return sorted({*ids, *standing})


def all_blocks(*, bounds: bool = True) -> Iterator[MeasurementColumns]:
    """Every value of the table in the order of its key, some ten thousand at a time.

    The table of a database that was not migrated yet may know no `bounds`.
    """
    last, n = (0, 0), FIRST_PAIRS
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT m.analysis_id, m.device_id "  # noqa: S608
                f"FROM {Measurement._meta.db_table} m "
                "WHERE m.analysis_id > %s OR (m.analysis_id = %s AND m.device_id > %s) "
                "ORDER BY m.analysis_id, m.device_id LIMIT %s",
                [last[0], *last, n],
            )
            pairs = cursor.fetchall()
        if not pairs:
            return
        found = 0
        where, parameters = _between(last, pairs[-1])
        for block in _blocks(f"{Measurement._meta.db_table} m", where, parameters, GROUP, bounds):
            found += len(block)
            yield block
        last = pairs[-1]
        wished = n * BLOCK_VALUES // max(1, found)
        n = min(max(wished, FEWEST_PAIRS), MOST_PAIRS, 4 * n)


def analysis_blocks(analyses: Sequence[int]) -> Iterator[MeasurementColumns]:
    """All values of some analyses (ids), some ten thousand at a time."""
    source, start, n = f"{Measurement._meta.db_table} m", 0, 8
    while start < len(analyses):
        some = analyses[start : start + n]
        found = 0
        for block in _blocks(source, f"m.analysis_id IN ({_marks(some)})", some, GROUP):
            found += len(block)
            yield block
        start += len(some)
        wished = n * BLOCK_VALUES // max(1, found)
        n = min(max(wished, 1), MOST_PAIRS, 4 * n)


def _between(last: tuple[int, int], until: tuple[int, int]) -> tuple[str, list[int]]:
    """After one (analysis, device), to the other and with it; a comparison of pairs would scan."""
    if last[0] == until[0]:
        where = "m.analysis_id = %s AND m.device_id > %s AND m.device_id <= %s"
        return where, [*last, until[1]]
    where = (
        "(m.analysis_id = %s AND m.device_id > %s) OR (m.analysis_id > %s AND m.analysis_id < %s) "
        "OR (m.analysis_id = %s AND m.device_id <= %s)"
    )
    return where, [*last, last[0], until[0], *until]


def _blocks(
    source: str,
    where: str,
    parameters: Sequence[int],
    group: Sequence[str],
    bounds: bool = True,
) -> Iterator[MeasurementColumns]:
    bound = "IFNULL(m.bound, 0)" if bounds else "0"
    numbers = "m.quantity_id, m.channel, m.condition_id, m.value"
    with connection.cursor() as cursor:
        if connection.vendor != "sqlite":
            cursor.execute(
                "SELECT m.device_id, m.analysis_id, COUNT(*), "  # noqa: S608
                # As a FLOAT it would be written with 6 digits.
                f"GROUP_CONCAT(CONCAT_WS(',', {numbers}, IFNULL(m.statistical, ''), "
                f"m.systematic + 0e0, {bound}) SEPARATOR '\\n') "
                f"FROM {source} WHERE {where} GROUP BY {', '.join(group)}",
                parameters,
            )
            if rows := cursor.fetchall():
                yield _parsed(rows)
            return
        cursor.execute(
            f"SELECT m.device_id, m.analysis_id, {numbers}, m.statistical, m.systematic, {bound} "  # noqa: S608
            f"FROM {source} WHERE {where}",
            parameters,
        )
        while rows := cursor.fetchmany(FETCH_VALUES):
            yield columns_of(rows)


def read_values(devices: Sequence[int], **chosen: Any) -> MeasurementColumns:
    """All that `value_blocks` gives, of any number of devices, in the order of the table's key."""
    parts = [
        block
        for start in range(0, len(devices), READ_DEVICES)
        for block in value_blocks(devices[start : start + READ_DEVICES], **chosen)
    ]
    found = MeasurementColumns.join(parts) if parts else columns_of([])
    return found.in_key_order()


def columns_of(rows: Sequence[Any]) -> MeasurementColumns:
    """Columns of rows whose cells are in the order of `NAMES`."""
    cells = list(zip(*rows, strict=True)) or [()] * len(NAMES)
    return MeasurementColumns(
        *(np.array(cell, dtype=KINDS[name]) for name, cell in zip(NAMES, cells, strict=True))
    )


def _marks(values: Collection[int]) -> str:
    return ", ".join(["%s"] * len(values))


def _parsed(rows: Sequence[tuple[int, int, int, Any]]) -> MeasurementColumns:
    # A text may arrive as bytes, which depends on the columns' collation.
    texts = [row[3] if isinstance(row[3], bytes) else row[3].encode() for row in rows]
    names = list(NAMES[2:])
    table = arrow_csv.read_csv(
        io.BytesIO(b"\n".join(texts)),
        arrow_csv.ReadOptions(column_names=names, use_threads=False),
        convert_options=arrow_csv.ConvertOptions(
            column_types={name: PARSED[name] for name in names}
        ),
    )
    counts = np.array([row[2] for row in rows])
    if len(table) != counts.sum():
        raise RuntimeError(
            "the server cut a text short: raise max_allowed_packet above the size of one analysis"
        )
    device, analysis = (
        np.repeat(np.array([row[at] for row in rows], np.int32), counts) for at in (0, 1)
    )
    numbers = (
        table[name].combine_chunks().to_numpy(zero_copy_only=False).astype(KINDS[name], copy=False)
        for name in names
    )
    return MeasurementColumns(device, analysis, *numbers)

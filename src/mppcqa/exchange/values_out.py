"""Measured values of chosen devices, as fast as the database gives them, in bounded memory.

Values are read in the order of the big table's key, some devices at a time. PyMySQL takes rows
apart in Python at 150,000 a second; so MariaDB is asked for one text an analysis and device, which
Arrow parses.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
from django.db import connection

from mppcqa.inventory.models import Device
from mppcqa.testing.models import ConditionPoint, QuantityRow
from mppcqa.testing.selection import chosen_devices

NAME = pa.dictionary(pa.int32(), pa.string())
VALUE_SCHEMA = pa.schema(
    [
        ("serial", NAME),
        ("stage", NAME),
        ("quantity", NAME),
        ("unit", NAME),
        ("channel", pa.int16()),
        ("bias_v", pa.float64()),
        ("overvoltage_v", pa.float64()),
        ("temperature_c", pa.float64()),
        ("light", pa.float64()),
        ("value", pa.float64()),
        ("uncertainty", pa.float64()),
        ("analysis", pa.int32()),
    ]
)
CHUNK_VALUES = 60_000
FEWEST_DEVICES, MOST_DEVICES = 20, 5000
NUMBERS = ("device", "analysis", "quantity", "channel", "condition", "value", "uncertainty")
PARSED = {"quantity": pa.int16(), "channel": pa.int16(), "condition": pa.int32()}


def value_batches(filters: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    """Values that count, of the devices that `filters` choose.

    ``stage`` and ``quantity`` (its key) narrow the values as well; ``every`` takes those of all
    analyses, not only of those that count.
    """
    quantities = _quantities(filters)
    names = _Names()
    last, n = 0, 200
    while True:
        rows = chosen_devices(filters).filter(pk__gt=last).order_by("pk")
        devices = dict(rows.values_list("pk", "serial")[:n])
        if not devices:
            return
        last = max(devices)
        found = 0
        for columns in _columns(list(devices), quantities, every=bool(filters.get("every"))):
            found += len(columns["value"])
            if len(columns["value"]):
                yield names.batch(columns, devices)
        wished = n * CHUNK_VALUES // max(1, found)
        n = min(max(wished, FEWEST_DEVICES), MOST_DEVICES, 4 * n)


def number_batches() -> Iterator[dict[str, Any]]:
    """All values of all analyses as arrays by name, in the order of the devices."""
    last, n = 0, 200
    while True:
        rows = Device.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)
        devices = list(rows[:n])
        if not devices:
            return
        last, found = devices[-1], 0
        for columns in _columns(devices, None, every=True):
            found += len(columns["value"])
            if len(columns["value"]):
                yield columns
        n = min(max(n * CHUNK_VALUES // max(1, found), FEWEST_DEVICES), MOST_DEVICES, 4 * n)


def _quantities(filters: Mapping[str, str]) -> list[int] | None:
    """Ids of the quantities that are wanted; None for all."""
    rows = QuantityRow.objects.all()
    if stage := filters.get("stage"):
        rows = rows.filter(stage=stage)
    if key := filters.get("quantity"):
        rows = rows.filter(key=key)
    wanted = filters.get("stage") or filters.get("quantity")
    return list(rows.values_list("pk", flat=True)) if wanted else None


def _columns(
    devices: Sequence[int], quantities: Sequence[int] | None, *, every: bool
) -> Iterator[dict[str, Any]]:
    """Numbers of some devices' values, arrays by name."""
    if quantities == []:
        return
    text = connection.vendor != "sqlite"
    fields = "m.quantity_id, m.channel, m.condition_id, m.value"
    if text:
        chosen = (
            f"m.device_id, m.analysis_id, COUNT(*), GROUP_CONCAT(CONCAT_WS(',', {fields}, "
            "IFNULL(m.uncertainty, '')) SEPARATOR '\\n')"
        )
    else:
        chosen = f"m.device_id, m.analysis_id, {fields}, m.uncertainty"
    marks = ", ".join(["%s"] * len(devices))
    where = f"m.device_id IN ({marks})"
    parameters = list(devices)
    source = "testing_measurement m"
    if not every:
        # The standings lead, and each finds its values by the beginning of their key.
        word = "STRAIGHT_JOIN" if text else "CROSS JOIN"
        source = f"testing_standing s {word} testing_measurement m"
        where = f"s.device_id IN ({marks}) AND m.device_id = s.device_id"
        where += " AND m.analysis_id = s.analysis_id"
    if quantities is not None:
        where += f" AND m.quantity_id IN ({', '.join(['%s'] * len(quantities))})"
        parameters += quantities
    query = f"SELECT {chosen} FROM {source} WHERE {where}"  # noqa: S608
    if text:
        query += " GROUP BY m.device_id, m.analysis_id"
    with connection.cursor() as cursor:
        if text:
            cursor.execute("SET SESSION group_concat_max_len = @@max_allowed_packet")
        cursor.execute(query, parameters)
        if text:
            yield _parsed(cursor.fetchall())
        else:
            while rows := cursor.fetchmany(CHUNK_VALUES):
                yield _transposed(rows)


def _parsed(rows: Sequence[tuple[int, int, int, str]]) -> dict[str, Any]:
    if not rows:
        return {name: np.empty(0) for name in NUMBERS}
    # A text may arrive as bytes, which depends on the columns' collation.
    texts = [row[3] if isinstance(row[3], bytes) else row[3].encode() for row in rows]
    names = list(NUMBERS[2:])
    table = arrow_csv.read_csv(
        io.BytesIO(b"\n".join(texts)),
        arrow_csv.ReadOptions(column_names=names, use_threads=False),
        convert_options=arrow_csv.ConvertOptions(
            column_types={name: PARSED.get(name, pa.float64()) for name in names}
        ),
    )
    counts = np.array([row[2] for row in rows])
    if len(table) != counts.sum():
        raise RuntimeError(
            "the server cut a text short: raise max_allowed_packet above the size of one analysis"
        )
    columns = {name: table[name].combine_chunks() for name in names}
    found = {name: columns[name].to_numpy(zero_copy_only=False) for name in names}
    found["device"] = np.repeat(np.array([row[0] for row in rows], np.int32), counts)
    found["analysis"] = np.repeat(np.array([row[1] for row in rows], np.int32), counts)
    return found


def _transposed(rows: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    kinds = ("i4", "i4", "i2", "i2", "i4", "f8", "f8")
    cells = zip(*rows, strict=True)
    return {
        name: np.array(cell, dtype=kind)
        for name, cell, kind in zip(NUMBERS, cells, kinds, strict=True)
    }


class _Names:
    """Texts and conditions that the numbers stand for; looked up once."""

    def __init__(self) -> None:
        rows = list(QuantityRow.objects.order_by("pk"))
        self._place = _places([row.pk for row in rows])
        self._texts = [
            pa.array([getattr(row, name) for row in rows], pa.string())
            for name in ("stage", "key", "unit")
        ]
        self._points: dict[int, tuple[float, ...]] = {}

    def batch(self, columns: dict[str, Any], devices: dict[int, str]) -> pa.RecordBatch:
        ids = np.array(list(devices), np.int32)
        serials = pa.array(list(devices.values()), pa.string())
        order = np.searchsorted(ids, columns["device"])
        place = self._place[columns["quantity"]]
        uncertainty = pa.array(columns["uncertainty"].astype(float), from_pandas=True)
        return pa.record_batch(
            [
                _dictionary(order, serials),
                *(_dictionary(place, text) for text in self._texts),
                pa.array(columns["channel"].astype(np.int16)),
                *self._conditions(columns["condition"]),
                pa.array(columns["value"].astype(float)),
                uncertainty,
                pa.array(columns["analysis"].astype(np.int32)),
            ],
            schema=VALUE_SCHEMA,
        )

    def _conditions(self, condition: Any) -> list[pa.Array]:
        ids, inverse = np.unique(condition, return_inverse=True)
        new = [one for one in ids.tolist() if one not in self._points]
        names = ("bias_v", "overvoltage_v", "temperature_c", "light")
        if new:
            rows = ConditionPoint.objects.filter(pk__in=new).values_list("pk", *names)
            self._points.update({row[0]: row[1:] for row in rows})
        points = [self._points[one] for one in ids.tolist()]
        taken = pa.array(inverse)
        return [
            pc.take(pa.array(column, pa.float64()), taken) for column in zip(*points, strict=True)
        ]


def _dictionary(indices: Any, texts: pa.Array) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(indices.astype(np.int32)), texts)


def _places(keys: list[int]) -> Any:
    places = np.zeros(max(keys, default=0) + 1, np.int32)
    places[keys] = np.arange(len(keys))
    return places

"""Measured values of chosen devices, as fast as the database gives them, in bounded memory.

Values come in the order of the devices, some devices at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mppcqa.testing.bulk_values import MeasurementColumns
from mppcqa.testing.models import ConditionPoint, QuantityRow
from mppcqa.testing.reading import value_blocks
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
CHUNK_VALUES = 40_000
FIRST_DEVICES, FEWEST_DEVICES, MOST_DEVICES = 50, 20, 120
"""Devices read at a time; more, after many without values, may have a million between them."""


def value_batches(filters: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    """Values that count, of the devices that `filters` choose.

    ``stage`` and ``quantity`` (its key) narrow the values as well; ``every`` takes those of all
    analyses, not only of those that count.
    """
    quantities = _quantities(filters)
    names = _Names()
    last, n = 0, FIRST_DEVICES
    while True:
        rows = chosen_devices(filters).filter(pk__gt=last).order_by("pk")
        devices = dict(rows.values_list("pk", "serial")[:n])
        if not devices:
            return
        last = max(devices)
        found = 0
        counting = not filters.get("every")
        for columns in value_blocks(list(devices), counting=counting, quantities=quantities):
            found += len(columns)
            if not counting:  # the table lies by analyses
                columns = columns.take(np.lexsort((columns.analysis, columns.device)))
            yield names.batch(columns, devices)
        wished = n * CHUNK_VALUES // max(1, found)
        n = min(max(wished, FEWEST_DEVICES), MOST_DEVICES, 4 * n)


def _quantities(filters: Mapping[str, str]) -> list[int] | None:
    """Ids of the quantities that are wanted; None for all."""
    rows = QuantityRow.objects.all()
    if stage := filters.get("stage"):
        rows = rows.filter(stage=stage)
    if key := filters.get("quantity"):
        rows = rows.filter(key=key)
    wanted = filters.get("stage") or filters.get("quantity")
    return list(rows.values_list("pk", flat=True)) if wanted else None


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

    def batch(self, columns: MeasurementColumns, devices: dict[int, str]) -> pa.RecordBatch:
        ids = np.array(list(devices), np.int32)
        serials = pa.array(list(devices.values()), pa.string())
        order = np.searchsorted(ids, columns.device)
        place = self._place[columns.quantity]
        uncertainty = pa.array(columns.uncertainty.astype(float), from_pandas=True)
        return pa.record_batch(
            [
                _dictionary(order, serials),
                *(_dictionary(place, text) for text in self._texts),
                pa.array(columns.channel.astype(np.int16)),
                *self._conditions(columns.condition),
                pa.array(columns.value.astype(float)),
                uncertainty,
                pa.array(columns.analysis.astype(np.int32)),
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

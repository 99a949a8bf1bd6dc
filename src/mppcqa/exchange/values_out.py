"""Measured values of chosen devices, as fast as the database gives them, in bounded memory.

Values come in the order of the devices, some devices at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db.models import Exists, OuterRef

from mppcqa.columnar.values import CopiedValues
from mppcqa.inventory.scope import Viewer
from mppcqa.results.bulk_values import MeasurementColumns
from mppcqa.results.models import Analysis, QuantityRow, Standing
from mppcqa.results.reading import value_blocks
from mppcqa.results.references import Meaning, stored_axes
from mppcqa.results.selection import chosen_devices
from mppcqa.stages.numbers import ABOVE, BELOW, SIGNS

NAME = pa.dictionary(pa.int32(), pa.string())


def value_schema() -> pa.Schema:
    """Columns of exported values, with one for each axis that there are conditions of."""
    return pa.schema(
        [
            ("serial", NAME),
            ("stage", NAME),
            ("quantity", NAME),
            ("unit", NAME),
            ("channel", pa.int16()),
            *((key, pa.float64()) for key in stored_axes()),
            ("value", pa.float64()),
            ("statistical", pa.float64()),
            ("systematic", pa.float64()),
            ("bound", NAME),
            ("analysis", pa.int32()),
            ("analysis_uuid", NAME),
        ]
    )


BOUNDS = pa.array([SIGNS[ABOVE], SIGNS[0], SIGNS[BELOW]])
FIRST_AXIS, AFTER_AXES = 5, 6
"""Columns before those of the axes, and after them."""
CHUNK_VALUES = 40_000
BY_DEVICES = ("device", "analysis", "quantity", "channel", "condition")
FIRST_DEVICES, FEWEST_DEVICES, MOST_DEVICES = 50, 20, 120
"""Devices read at a time; more, after many without values, may have a million between them."""
MANY_VALUES = 100_000
"""An export that had so many from the database goes on with the columnar copy, where there is one:
each question goes over all of that, so it is asked for many devices at once."""
COPIED_VALUES, COPIED_DEVICES = 400_000, 5000
BATCH_ROWS = 100_000
LEFT_PART = 0.1
"""Part of what counts that the copy may lack and still be asked."""


def value_batches(
    filters: Mapping[str, str], viewer: Viewer, *, copied: bool = True
) -> Iterator[pa.RecordBatch]:
    """Values that count, of the devices that `filters` choose and `viewer` sees, by device.

    ``stage`` and ``quantity`` (its key) narrow the values as well, ``of_stage`` those alone;
    ``every`` takes those of all analyses, not only of those that count. Without `copied` all comes
    from the database; what comes is the same.
    """
    quantities = _quantities(filters)
    names = _Names()
    last, n, total = 0, FIRST_DEVICES, 0
    counting = not filters.get("every")
    copy = CopiedValues() if copied and counting else None
    # Of a million devices few may be measured yet: the others are not gone through.
    measured = Standing.objects.visible_to(None).filter(device=OuterRef("pk"))
    while True:
        rows = chosen_devices(filters, viewer).filter(pk__gt=last).order_by("pk")
        if counting:
            rows = rows.filter(Exists(measured))
        from_copy = copy is not None and total >= MANY_VALUES
        devices = dict(rows.values_list("pk", "serial")[:n])
        if not devices:
            return
        found = 0
        blocks = _copied(copy, list(devices), quantities) if copy and from_copy else None
        if from_copy and blocks is None:
            copy, n = None, FIRST_DEVICES  # it lacks too much, or is not there
            continue
        last = max(devices)
        for columns in blocks or value_blocks(
            list(devices), counting=counting, quantities=quantities
        ):
            found += len(columns)
            # The table lies by analyses, and a database server gives rows as it likes.
            ordered = columns if from_copy else columns.in_order(BY_DEVICES)
            batch = names.batch(ordered, devices)
            for start in range(0, len(batch), BATCH_ROWS):
                yield batch.slice(start, BATCH_ROWS)
        total += found
        if copy is not None and total >= MANY_VALUES:
            wished = n * COPIED_VALUES // max(1, found)
            n = min(max(wished, FEWEST_DEVICES), COPIED_DEVICES)
        else:
            wished = n * CHUNK_VALUES // max(1, found)
            n = min(max(wished, FEWEST_DEVICES), MOST_DEVICES, 4 * n)


def _copied(
    copy: CopiedValues, devices: list[int], quantities: list[int] | None
) -> list[MeasurementColumns] | None:
    """Values of devices out of the copy, with what it lacks out of the database; None where that
    is much."""
    answer = copy.of(devices, quantities)
    if answer is None:
        return None
    found, left = answer
    if len(left) > LEFT_PART * len(devices):
        return None
    if left:
        rest = sorted({device for device, _analysis in left})
        analyses = sorted({analysis for _device, analysis in left})
        parts = [
            part
            for start in range(0, len(rest), MOST_DEVICES)
            for part in value_blocks(
                rest[start : start + MOST_DEVICES],
                counting=True,
                analyses=analyses,
                quantities=quantities,
            )
        ]
        found = MeasurementColumns.join([found, *parts]).in_order(BY_DEVICES)
    return [found]


def _quantities(filters: Mapping[str, str]) -> list[int] | None:
    """Ids of the quantities that are wanted; None for all."""
    rows = QuantityRow.objects.all()
    stage = filters.get("of_stage") or filters.get("stage")
    if stage:
        rows = rows.filter(stage=stage)
    if key := filters.get("quantity"):
        rows = rows.filter(key=key)
    wanted = stage or filters.get("quantity")
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
        self._schema = value_schema()
        self._meaning = Meaning()

    def batch(self, columns: MeasurementColumns, devices: dict[int, str]) -> pa.RecordBatch:
        ids = np.array(list(devices), np.int32)
        serials = pa.array(list(devices.values()), pa.string())
        order = np.searchsorted(ids, columns.device)
        place = self._place[columns.quantity]
        statistical = pa.array(columns.statistical.astype(float), from_pandas=True)
        return pa.record_batch(
            [
                _dictionary(order, serials),
                *(_dictionary(place, text) for text in self._texts),
                pa.array(columns.channel.astype(np.int16)),
                *self._conditions(columns.condition),
                pa.array(columns.value.astype(float)),
                statistical,
                pa.array(columns.systematic.astype(float)),
                _dictionary(columns.bound + 1, BOUNDS),
                pa.array(columns.analysis.astype(np.int32)),
                _analysis_names(columns.analysis),
            ],
            schema=self._schema,
        )

    def _conditions(self, condition: Any) -> list[pa.Array]:
        ids, inverse = np.unique(condition, return_inverse=True)
        self._meaning.learn(ids.tolist(), ())
        points = [self._meaning.points[one] for one in ids.tolist()]
        taken = pa.array(inverse)
        return [
            pc.take(pa.array([at.get(key) for at in points], pa.float64()), taken)
            for key in self._schema.names[FIRST_AXIS:-AFTER_AXES]
        ]


def _analysis_names(analysis: Any) -> pa.DictionaryArray:
    """UUIDs of the values' analyses."""
    ids, inverse = np.unique(analysis, return_inverse=True)
    named = dict(Analysis.objects.filter(pk__in=ids.tolist()).values_list("pk", "uuid"))
    return _dictionary(inverse, pa.array([str(named[pk]) for pk in ids.tolist()], pa.string()))


def _dictionary(indices: Any, texts: pa.Array) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(indices.astype(np.int32)), texts)


def _places(keys: list[int]) -> Any:
    places = np.zeros(max(keys, default=0) + 1, np.int32)
    places[keys] = np.arange(len(keys))
    return places

"""Values as rows of the copy: those of the database, with what their condition is compared by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import xxhash

from mppcqa.results.bulk_values import MeasurementColumns
from mppcqa.results.conditions import compared
from mppcqa.results.reading import analysis_blocks
from mppcqa.results.references import Meaning
from mppcqa.stages import Condition

SCHEMA = pa.schema(
    [
        ("quantity", pa.int16()),
        ("point", pa.int64()),
        ("device", pa.int32()),
        ("channel", pa.int16()),
        ("condition", pa.int32()),
        ("analysis", pa.int32()),
        ("value", pa.float64()),
        ("uncertainty", pa.float64()),
        ("bound", pa.int8()),
        ("statistical", pa.float64()),
        ("systematic", pa.float32()),
    ]
)
ORDER = ("quantity", "point", "device", "channel", "condition")


def point_of(at: Condition) -> int:
    """The number by which the copy knows a compared condition: the same in every database."""
    return xxhash.xxh3_64_intdigest(at.text.encode()) - (1 << 63)


def rows_of(values: MeasurementColumns, meaning: Meaning) -> pa.Table:
    """Rows of the copy, in no order."""
    conditions, place = np.unique(values.condition, return_inverse=True)
    meaning.learn(conditions.tolist(), ())
    points = [point_of(compared(meaning.points[one])) for one in conditions.tolist()]
    uncertainty = values.total
    bound = values.bound
    return pa.table(
        {
            "quantity": values.quantity,
            "point": np.array(points, "i8")[place] if points else np.zeros(0, "i8"),
            "device": values.device,
            "channel": values.channel,
            "condition": values.condition,
            "analysis": values.analysis,
            "value": values.value,
            "uncertainty": pa.array(uncertainty, mask=np.isnan(uncertainty)),
            "bound": np.zeros(len(values), "i1") if bound is None else bound.astype("i1"),
            # Of these the uncertainty is made; an export tells them apart.
            "statistical": values.statistical,
            "systematic": values.systematic,
        },
        schema=SCHEMA,
    )


def in_order(rows: pa.Table) -> pa.Table:
    """Rows as a file has them."""
    return rows.sort_by([(name, "ascending") for name in ORDER])


def read_rows(analyses: Sequence[int], meaning: Meaning) -> Iterator[pa.Table]:
    """Rows of all values of some analyses, read from the database."""
    for block in analysis_blocks(analyses):
        yield rows_of(block, meaning)

"""Lists as CSV; texts that a spreadsheet would run as formulas are disarmed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from mppcqa.exchange.faults import harmless
from mppcqa.exchange.writers.base import Writer, disarmed, plain_schema, whole


class _Disarming:
    """Takes batches of any texts and writes such as no spreadsheet runs."""

    def __init__(self, writer: Any, head: pa.Schema) -> None:
        self.writer, self.head = writer, head

    def write_batch(self, batch: pa.RecordBatch) -> None:
        columns = [disarmed(column) for column in batch.columns]
        self.writer.write_batch(pa.record_batch(columns, schema=self.head))


@contextmanager
def stream(sink: Any, schema: pa.Schema) -> Iterator[_Disarming]:
    import pyarrow.csv as arrow_csv

    plain = plain_schema(schema)
    head = pa.schema([pa.field(harmless(f.name), f.type) for f in plain])
    with arrow_csv.CSVWriter(sink, head) as writer:
        yield _Disarming(writer, head)


WRITER = Writer("csv", "CSV", "csv", whole(stream), "text/csv", 10, stream=stream)

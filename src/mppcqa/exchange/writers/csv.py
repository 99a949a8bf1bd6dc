"""Lists as CSV; texts that a spreadsheet would run as formulas are disarmed."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from mppcqa.exchange.faults import harmless
from mppcqa.exchange.writers.base import Batches, Writer, disarmed, plain_schema


def write(path: Path, schema: pa.Schema, batches: Batches) -> None:
    import pyarrow.csv as arrow_csv

    plain = plain_schema(schema)
    head = pa.schema([pa.field(harmless(f.name), f.type) for f in plain])
    with arrow_csv.CSVWriter(path, head) as writer:
        for batch in batches:
            columns = [disarmed(column) for column in batch.columns]
            writer.write_batch(pa.record_batch(columns, schema=head))


WRITER = Writer("csv", "CSV", "csv", write, "text/csv", 10)

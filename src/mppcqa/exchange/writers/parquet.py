"""Lists as Parquet."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from mppcqa.exchange.writers.base import Batches, Writer


def write(path: Path, schema: pa.Schema, batches: Batches) -> None:
    import pyarrow.parquet as pq

    with pq.ParquetWriter(path, schema, compression="zstd", compression_level=1) as writer:
        for batch in batches:
            writer.write_batch(batch)


WRITER = Writer("parquet", "Parquet", "parquet", write, "application/vnd.apache.parquet", 30)

"""Lists as Parquet."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from mppcqa.exchange.writers.base import Writer, whole


def stream(sink: Any, schema: pa.Schema) -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetWriter(sink, schema, compression="zstd", compression_level=1)


WRITER = Writer(
    "parquet",
    "Parquet",
    "parquet",
    whole(stream),
    "application/vnd.apache.parquet",
    30,
    stream=stream,
)

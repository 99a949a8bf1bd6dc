"""Lists as a stream of Arrow record batches, for programs: what is read is what was in memory."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from mppcqa.exchange.writers.base import Writer, whole


def stream(sink: Any, schema: pa.Schema) -> Any:
    return pa.ipc.new_stream(sink, schema)


WRITER = Writer(
    "arrow",
    "Arrow",
    "arrows",
    whole(stream),
    "application/vnd.apache.arrow.stream",
    35,
    stream=stream,
)

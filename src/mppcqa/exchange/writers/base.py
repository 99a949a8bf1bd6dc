"""What a format of exports is, and what their writers share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mppcqa.refused import Refused

FORMULA = "^[=+@\\t\\r-]"
Batches = Iterable[pa.RecordBatch]
Write = Callable[[Path, pa.Schema, Batches], None]
Stream = Callable[[Any, pa.Schema], AbstractContextManager[Any]]
BINARY = "application/octet-stream"


class ExportRefused(Refused):
    """The list does not fit the format; the message says what to do."""


@dataclass(frozen=True)
class Writer:
    """A format that lists are written in."""

    key: str
    title: str
    suffix: str
    """Ending of its files, without the point."""
    write: Write
    """Writes batches of a schema to a path, never more of them in memory than a few."""
    content_type: str = BINARY
    place: int = 50
    """Where it stands among the others, where people choose."""
    stream: Stream | None = None
    """Opens a path, or what bytes are written to one after the other: what it gives has
    `write_batch`. None for a format that has to go back in its file."""


def whole(stream: Stream) -> Write:
    """Writes a file by what writes a stream."""

    def write(path: Path, schema: pa.Schema, batches: Batches) -> None:
        with stream(path, schema) as writer:
            for batch in batches:
                writer.write_batch(batch)

    return write


def is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_dictionary(kind))


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """The schema with texts in place of dictionaries."""
    return pa.schema([pa.field(f.name, pa.string() if is_text(f.type) else f.type) for f in schema])


def disarmed(column: pa.Array) -> pa.Array:
    """Texts that a spreadsheet won't run as formulas; also dictionaries made plain."""
    if pa.types.is_dictionary(column.type):
        return pc.take(disarmed(column.dictionary), column.indices)
    if not pa.types.is_string(column.type):
        return column
    risky = pc.fill_null(pc.match_substring_regex(column, FORMULA), False)
    if not pc.any(risky).as_py():
        return column
    return pc.if_else(risky, pc.binary_join_element_wise("'", column, ""), column)

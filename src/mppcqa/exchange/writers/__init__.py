"""Record batches into files, whole or not at all, by one list of formats.

A format is a module of this package with a `WRITER`, or an entry point of the group
``mppcqa.writers`` that names one: page, command and download ask this list and nothing else.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa

from mppcqa.disk import whole_file
from mppcqa.exchange.writers.base import BINARY, Batches, ExportRefused, Stream, Writer
from mppcqa.plugins import gather, instance_of

GROUP = "mppcqa.writers"
PIECE_BYTES = 1 << 18


@cache
def writers() -> dict[str, Writer]:
    """All formats by key, in the order in which people choose."""
    names = [one.name for one in pkgutil.iter_modules(__path__) if one.name != "base"]
    found = [import_module(f"{__name__}.{name}").WRITER for name in names]
    found += gather(GROUP, instance_of(Writer), [one.key for one in found])
    return {one.key: one for one in sorted(found, key=lambda one: (one.place, one.key))}


def find_writer(form: str) -> Writer:
    """The format of a key. Raises `ExportRefused`, which names those that there are."""
    there = writers()
    if form not in there:
        raise ExportRefused(f"there is no format {form!r}; there are: {', '.join(there)}")
    return there[form]


def content_type(form: str) -> str:
    """What a download of a format is called; plain bytes for one that is no longer there."""
    found = writers().get(form)
    return BINARY if found is None else found.content_type


def by_suffix() -> dict[str, str]:
    """Keys of the formats by the endings of their files, with the point."""
    return {f".{one.suffix}": one.key for one in writers().values()}


def write_file(
    form: str,
    path: Path,
    schema: pa.Schema,
    batches: Batches,
    told: Callable[[int], None] = lambda rows: None,
) -> int:
    """Write a file, whole or not at all; returns the number of rows."""
    write = find_writer(form).write
    counter = _Counter(batches, told)
    with whole_file(path) as part:
        write(part, schema, iter(counter))
    return counter.rows


def pieces(form: str, schema: pa.Schema, batches: Batches) -> Iterator[bytes]:
    """The bytes of a file one after the other, never more of them in memory than a few batches.

    Raises `ExportRefused` at once for a format that has to go back in its file.
    """
    stream = find_writer(form).stream
    if stream is None:
        there = ", ".join(one.key for one in writers().values() if one.stream)
        raise ExportRefused(f"{form} can't be written while it is read; these can: {there}")
    return _streamed(stream, schema, batches)


def _streamed(stream: Stream, schema: pa.Schema, batches: Batches) -> Iterator[bytes]:
    sink = _Sink()
    with stream(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            if sink.waiting >= PIECE_BYTES:
                yield sink.taken()
    yield sink.taken()


class _Sink:
    """What is written to it waits to be taken."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._place = self.waiting = 0

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._place += len(part)
        self.waiting += len(part)
        return len(part)

    def taken(self) -> bytes:
        found, self._parts, self.waiting = b"".join(self._parts), [], 0
        return found

    def tell(self) -> int:
        return self._place

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False


class _Counter:
    """Passes batches on and counts their rows."""

    def __init__(self, batches: Batches, told: Callable[[int], None]) -> None:
        self.batches, self.told, self.rows = batches, told, 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self.batches:
            self.rows += batch.num_rows
            yield batch
            self.told(self.rows)


__all__ = [
    "Batches",
    "ExportRefused",
    "Writer",
    "by_suffix",
    "content_type",
    "find_writer",
    "pieces",
    "write_file",
    "writers",
]

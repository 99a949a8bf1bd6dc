"""Lists as ROOT files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mppcqa.exchange.writers.base import Batches, Writer, is_text


def write(path: Path, schema: pa.Schema, batches: Batches) -> None:
    """One TTree ``list``; texts are strings, times are seconds since 1970, NaN is no value."""
    import uproot

    with uproot.recreate(path, compression=uproot.ZSTD(1)) as file:
        kinds = {f.name: "string" if is_text(f.type) else _dtype(f.type) for f in schema}
        names = _branches(kinds)
        tree = file.mktree("list", {names[name]: kind for name, kind in kinds.items()})
        for batch in batches:
            if batch.num_rows:
                tree.extend({names[f.name]: _values(batch.column(f.name)) for f in batch.schema})


def _branch(name: str) -> str:
    """A name that ROOT's formulas take: letters, digits, underscores."""
    clean = "".join(one if one.isalnum() and one.isascii() else "_" for one in name)
    return clean.strip("_") or "column"


def _branches(names: Iterable[str]) -> dict[str, str]:
    """Names of branches, each once: ROOT's formulas take fewer letters than people do."""
    found: dict[str, str] = {}
    for name in names:
        branch, number = _branch(name), 2
        while branch in found.values():
            branch, number = f"{_branch(name)}_{number}", number + 1
        found[name] = branch
    return found


def _dtype(kind: pa.DataType) -> Any:
    if pa.types.is_timestamp(kind):
        return np.dtype("i8")
    if pa.types.is_integer(kind):
        return np.dtype(kind.to_pandas_dtype())
    return np.dtype("f8")


def _values(column: pa.Array) -> Any:
    import awkward as ak

    if is_text(column.type):
        texts = _undecoded(column)
        buffers = texts.buffers()
        offsets = np.frombuffer(buffers[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]
        data = np.frombuffer(buffers[2] or b"", np.uint8)
        content = ak.contents.NumpyArray(data, parameters={"__array__": "char"})
        layout = ak.contents.ListOffsetArray(
            ak.index.Index32(offsets), content, parameters={"__array__": "string"}
        )
        return ak.Array(layout)
    if pa.types.is_timestamp(column.type):
        return pc.fill_null(column.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    if pa.types.is_integer(column.type):
        return pc.fill_null(column, -1).to_numpy(zero_copy_only=False)
    return column.to_numpy(zero_copy_only=False).astype(float)


def _undecoded(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = pc.take(column.dictionary, column.indices)
    return pc.fill_null(column, "")


WRITER = Writer("root", "ROOT", "root", write, place=40)

"""Record batches into files: CSV, Excel, Parquet, ROOT. Never more in memory than a few batches."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.utils.translation import gettext as _

from mppcqa.exchange.faults import harmless

FORMATS = {"csv": "csv", "excel": "xlsx", "parquet": "parquet", "root": "root"}
EXCEL_ROWS = 1_048_575
FORMULA = "^[=+@\\t\\r-]"
Batches = Iterable[pa.RecordBatch]


class ExportRefused(ValueError):
    """The list does not fit the format; the message says what to do."""


def write_file(
    form: str,
    path: Path,
    schema: pa.Schema,
    batches: Batches,
    told: Callable[[int], None] = lambda rows: None,
) -> int:
    """Write a file, whole or not at all; returns the number of rows."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    fresh = path.with_name(path.name + ".part")
    write = {"csv": _csv, "excel": _excel, "parquet": _parquet, "root": _root}[form]
    counter = _Counter(batches, told)
    try:
        write(fresh, schema, iter(counter))
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    return counter.rows


class _Counter:
    """Passes batches on and counts their rows."""

    def __init__(self, batches: Batches, told: Callable[[int], None]) -> None:
        self.batches, self.told, self.rows = batches, told, 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self.batches:
            self.rows += batch.num_rows
            yield batch
            self.told(self.rows)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_dictionary(kind)


def _plain(schema: pa.Schema) -> pa.Schema:
    """The schema with texts in place of dictionaries."""
    return pa.schema(
        [pa.field(f.name, pa.string() if _is_text(f.type) else f.type) for f in schema]
    )


def _disarmed(column: pa.Array) -> pa.Array:
    """Texts that a spreadsheet won't run as formulas; also dictionaries made plain."""
    if pa.types.is_dictionary(column.type):
        return pc.take(_disarmed(column.dictionary), column.indices)
    if not pa.types.is_string(column.type):
        return column
    risky = pc.fill_null(pc.match_substring_regex(column, FORMULA), False)
    if not pc.any(risky).as_py():
        return column
    return pc.if_else(risky, pc.binary_join_element_wise("'", column, ""), column)


def _csv(path: Path, schema: pa.Schema, batches: Batches) -> None:
    import pyarrow.csv as arrow_csv

    plain = _plain(schema)
    head = pa.schema([pa.field(harmless(f.name), f.type) for f in plain])
    with arrow_csv.CSVWriter(path, head) as writer:
        for batch in batches:
            columns = [_disarmed(column) for column in batch.columns]
            writer.write_batch(pa.record_batch(columns, schema=head))


def _parquet(path: Path, schema: pa.Schema, batches: Batches) -> None:
    import pyarrow.parquet as pq

    with pq.ParquetWriter(path, schema, compression="zstd", compression_level=1) as writer:
        for batch in batches:
            writer.write_batch(batch)


def _excel(path: Path, schema: pa.Schema, batches: Batches) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("mppcqa")
    sheet.append([harmless(name) for name in schema.names])
    rows = 0
    for batch in batches:
        rows += batch.num_rows
        if rows > EXCEL_ROWS:
            sheet.close()
            raise ExportRefused(
                _(
                    "The list has more rows than an Excel sheet can hold (%d). Filter it, or take "
                    "CSV or Parquet."
                )
                % EXCEL_ROWS
            )
        columns = [_cells(_disarmed(column)) for column in batch.columns]
        for row in zip(*columns, strict=True):
            sheet.append(row)
    book.save(path)


def _cells(column: pa.Array) -> list[Any]:
    cells = column.to_pylist()
    if pa.types.is_timestamp(column.type):
        # Excel knows no time zones; ours are UTC.
        return [one.replace(tzinfo=None) if isinstance(one, dt.datetime) else one for one in cells]
    return cells


def _root(path: Path, schema: pa.Schema, batches: Batches) -> None:
    """One TTree ``list``; texts are strings, times are seconds since 1970, NaN is no value."""
    import uproot

    with uproot.recreate(path, compression=uproot.ZSTD(1)) as file:
        kinds = {f.name: "string" if _is_text(f.type) else _dtype(f.type) for f in schema}
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

    if _is_text(column.type):
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

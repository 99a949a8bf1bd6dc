"""Rows of any table as Arrow columns and back, the same on every database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from django.db import connection, models

from mppcqa.results.reading import all_blocks

PIECE = 2000
WINDOW = 1000
MEASUREMENT = "results_measurement"


def schema_of(model: type[models.Model]) -> pa.Schema:
    """Columns of a table as a backup keeps them."""
    return pa.schema([(field.column, _kind(field)) for field in _fields(model)])


def _fields(model: type[models.Model]) -> list[Any]:
    return [field for field in model._meta.concrete_fields if field.column]


def _kind(field: Any) -> pa.DataType:
    while field.remote_field is not None:
        field = field.target_field
    if isinstance(field, models.JSONField):
        return pa.string()
    if isinstance(field, models.BooleanField):
        return pa.bool_()
    if isinstance(field, models.IntegerField | models.AutoField):
        return pa.int64()
    if isinstance(field, models.FloatField):
        return pa.float64()
    if isinstance(field, models.DateTimeField):
        return pa.timestamp("us", "UTC")
    if isinstance(field, models.DateField):
        return pa.date32()
    if isinstance(field, models.BinaryField):
        return pa.binary()
    return pa.string()


def read_table(model: type[models.Model]) -> Iterator[pa.RecordBatch]:
    """All rows in the order of the key, a bounded piece at a time."""
    schema = schema_of(model)
    if model._meta.db_table == MEASUREMENT:
        for block in all_blocks(bounds="bound" in schema.names):
            # By name: the tables of older migrations may have another order of columns.
            arrays = [
                pa.array(
                    getattr(block, one.name.removesuffix("_id")),
                    one.type,
                    mask=block.bound == 0 if one.name == "bound" else None,
                    from_pandas=one.name == "statistical",
                )
                for one in schema
            ]
            yield pa.record_batch(arrays, schema=schema)
        return
    fields = _fields(model)
    names = [field.attname for field in fields]
    for rows in _pieces(model, names):
        columns = zip(*rows, strict=True)
        arrays = [
            pa.array([_plain(field, cell, kind.type) for cell in column], kind.type)
            for column, field, kind in zip(columns, fields, schema, strict=True)
        ]
        yield pa.record_batch(arrays, schema=schema)


def _pieces(model: type[models.Model], names: list[str]) -> Iterator[list[Any]]:
    manager = model._base_manager
    key = model._meta.pk
    if isinstance(key, models.CompositePrimaryKey):
        # Whole windows of the first column, which the key is clustered by.
        first = key.field_names[0]
        top = manager.aggregate(top=models.Max(first))["top"] or 0
        low = manager.aggregate(low=models.Min(first))["low"] or 0
        for start in range(low, top + 1, WINDOW):
            window = {f"{first}__gte": start, f"{first}__lt": start + WINDOW}
            if part := list(manager.filter(**window).order_by().values_list(*names)):
                yield part
        return
    place = names.index(key.attname)
    last: Any = None
    while True:
        rows = manager.order_by("pk").values_list(*names)
        found = list((rows if last is None else rows.filter(pk__gt=last))[:PIECE])
        if not found:
            return
        last = found[-1][place]
        yield found


def _plain(field: Any, cell: Any, kind: pa.DataType) -> Any:
    """A cell as Arrow takes it; JSON, decimals, time zones and their like as text."""
    if isinstance(field, models.JSONField):
        return None if cell is None else json.dumps(cell, ensure_ascii=False)
    if cell is not None and pa.types.is_string(kind):
        return str(field.get_prep_value(cell))
    return cell


def write_rows(model: type[models.Model], batch: pa.RecordBatch) -> None:
    """Insert the rows of a batch; the caller holds the transaction."""
    from mppcqa.database.number_rows import insert_rows

    if model._meta.db_table == MEASUREMENT:
        insert_rows(
            model._meta.db_table,
            {
                name: batch.column(name).to_numpy(zero_copy_only=False)
                for name in batch.schema.names
            },
        )
        return
    fields = _fields(model)
    columns = []
    for field in fields:
        cells = batch.column(field.column).to_pylist()
        columns.append([_prepared(field, cell) for cell in cells])
    quote = connection.ops.quote_name
    names = ", ".join(quote(field.column) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {quote(model._meta.db_table)} ({names}) VALUES ({marks})",  # noqa: S608
            list(zip(*columns, strict=True)),
        )


def _prepared(field: Any, cell: Any) -> Any:
    if cell is None:
        return None
    if isinstance(field, models.JSONField):
        return cell
    return field.get_db_prep_save(cell, connection)

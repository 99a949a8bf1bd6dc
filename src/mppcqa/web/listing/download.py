"""A list as a file: the rows and columns that the page shows, of all its pages."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
from django.http import FileResponse
from django.template import engines

from mppcqa.exchange.writers import find_writer, write_file
from mppcqa.web.listing.cells import NONE
from mppcqa.web.listing.declare import Column
from mppcqa.web.listing.shown import MOST_COUNTED, Shown
from mppcqa.web.paging import first_keys, rows_of

PIECE = 500


def as_file(shown: Shown, form: str) -> FileResponse:
    """The first `MOST_COUNTED` rows in the list's order, each cell as it is read on the page."""
    # A page leaves out what none of its rows has; here those of all pages say.
    columns = [one for one in shown.wanted if not one.quiet]
    keys = first_keys(shown.rows, shown.order, MOST_COUNTED)
    cells: list[list[Any]] = [[] for _one in columns]
    for start in range(0, len(keys), PIECE):
        rows = rows_of(shown.rows.model, keys[start : start + PIECE], shown.listing.show)
        more = shown.listing.describe(rows)
        jinja: Any = engines["jinja2"]
        template = jinja.env.get_template(shown.listing.cells)
        drawn = template.make_module({"request": shown.request, **more})
        for values, column in zip(cells, columns, strict=True):
            macro = getattr(drawn, column.cell or column.key, None)
            values += [_value(row, column, macro) for row in rows]
    if not shown.chosen:
        pairs = zip(columns, cells, strict=True)
        told = [pair for pair in pairs if not _may_lack(pair[0]) or any(pair[1])]
        columns, cells = [one for one, _values in told], [values for _one, values in told]
    arrays = [_array(values) for values in cells]
    schema = pa.schema(
        [pa.field(str(one.title), array.type) for one, array in zip(columns, arrays, strict=True)]
    )
    with tempfile.TemporaryDirectory() as folder:
        name = f"{shown.listing.name}.{find_writer(form).suffix}"
        path = Path(folder) / name
        write_file(form, path, schema, [pa.record_batch(arrays, schema=schema)])
        # The file stays open when its name is gone.
        opened = path.open("rb")
    return FileResponse(opened, as_attachment=True, filename=name)


def _may_lack(column: Column) -> bool:
    return bool(column.if_any) or column.if_told is not None


def _value(row: Any, column: Column, macro: Any) -> Any:
    """A cell as a value: that of the row, or the words of what the page draws."""
    if macro is None:
        value = getattr(row, column.key)
        return value if value is None or isinstance(value, int | float | str) else str(value)
    text = (macro(row, column) if column.cell else macro(row)).striptags()
    return None if text == NONE else text


def _array(values: list[Any]) -> pa.Array:
    """A column of numbers where all are, else of texts."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} and kinds:
        return pa.array(values, pa.float64() if float in kinds else pa.int64())
    return pa.array([None if value is None else str(value) for value in values], pa.string())

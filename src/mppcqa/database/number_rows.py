"""Rows of numbers into a table, as fast as the database takes them.

The few tables that hold numbers alone (measured values, summaries) get them here as columns. On
MariaDB many rows go by LOAD DATA LOCAL where the process may hand files to the server (see
`mppcqa.database.local_files`), else by INSERTs of many rows; on SQLite by many such
INSERTs. All of it inside the caller's transaction.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from django.db import DataError, IntegrityError, OperationalError, connection
from numpy.typing import NDArray

OnConflict = Literal["fail", "replace", "add"]

LOAD_FROM = 1000
"""Rows from which LOAD DATA beats INSERT on MariaDB (measured: equal near 800)."""
INSERT_ROWS = 20_000
"""Rows of one INSERT: below 2 MB of text, and `max_allowed_packet` is 16 MB by default."""
EXECUTE_ROWS = 100_000
PARAMETERS = 999
"""Of one statement; newer SQLites take more, which is no faster."""
LOCAL_FILES_REFUSED = {1148, 3948, 4166}


def insert_rows(
    table: str,
    columns: Mapping[str, NDArray[Any]],
    *,
    keys: Sequence[str] = (),
    on_conflict: OnConflict = "fail",
) -> None:
    """Insert rows of numbers; `columns` are arrays of equal length, NaN is NULL.

    Where a row with the same `keys` is there already, its other columns are replaced or added to;
    with ``fail`` (the fastest) it is a `django.db.IntegrityError`.
    """
    n = len(next(iter(columns.values())))
    if not n:
        return
    if connection.vendor == "sqlite":
        _insert_many(table, columns, _conflict_sqlite(columns, keys, on_conflict))
        return
    if (
        on_conflict != "add"
        and n >= LOAD_FROM
        and connection.settings_dict["OPTIONS"].get("local_infile")
        and _load(table, columns, n, replace=on_conflict == "replace")
    ):
        return
    head = f"INSERT INTO {_quoted(table)} ({_names(columns)}) VALUES "  # noqa: S608
    tail = _conflict_mysql(columns, keys, on_conflict)
    with connection.cursor() as cursor:
        for text in _literals(columns, n):
            cursor.execute(head + text + tail)


def add_to_rows(table: str, key: str, columns: Mapping[str, NDArray[Any]]) -> None:
    """Add to the numbers of rows that are there, found by `key`, one of the `columns`."""
    n = len(columns[key])
    if not n:
        return
    others = [name for name in columns if name != key]
    if connection.vendor == "sqlite":
        sums = ", ".join(f"{_quoted(name)} = {_quoted(name)} + %s" for name in others)
        statement = f"UPDATE {_quoted(table)} SET {sums} WHERE {_quoted(key)} = %s"  # noqa: S608
        ordered = {name: columns[name] for name in [*others, key]}
        _execute_many(statement, _tuples(ordered, 0, n))
        return
    sums = ", ".join(
        f"t.{_quoted(name)} = t.{_quoted(name)} + d.{_quoted(name)}" for name in others
    )
    rows = " UNION ALL SELECT ".join(
        ", ".join(f"{cell} AS {_quoted(name)}" for name, cell in zip(columns, row, strict=True))
        for row in _text_rows(columns, 0, n)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {_quoted(table)} t JOIN (SELECT {rows}) d "  # noqa: S608
            f"ON t.{_quoted(key)} = d.{_quoted(key)} SET {sums}"
        )


def _insert_many(table: str, columns: Mapping[str, NDArray[Any]], tail: str) -> None:
    """Statements of many rows each, half again as fast as one executed for every row."""
    n, width = len(next(iter(columns.values()))), len(columns)
    row = f"({', '.join(['%s'] * width)})"
    head = f"INSERT INTO {_quoted(table)} ({_names(columns)}) VALUES "  # noqa: S608
    several = PARAMETERS // width
    with connection.cursor() as cursor:
        for start in range(0, n, EXECUTE_ROWS):
            cells: list[Any] = [None] * (min(EXECUTE_ROWS, n - start) * width)
            for place, column in enumerate(columns.values()):
                cells[place::width] = _cells(column[start : start + EXECUTE_ROWS], None)
            step = several * width
            rest = len(cells) % step
            _execute_many(
                head + ", ".join([row] * several) + tail,
                (cells[at : at + step] for at in range(0, len(cells) - rest, step)),
            )
            if rest:
                cursor.execute(head + ", ".join([row] * (rest // width)) + tail, cells[-rest:])


def _execute_many(statement: str, rows: Iterator[Any]) -> None:
    with connection.cursor() as cursor:
        many: Any = cursor.executemany  # takes rows one by one as well, whatever its stubs say
        many(statement, rows)


def _load(table: str, columns: Mapping[str, NDArray[Any]], n: int, *, replace: bool) -> bool:
    """LOAD DATA LOCAL of all rows; False where the server takes no files from clients.

    With `replace` the columns must be all that the table has.
    """
    descriptor, path = tempfile.mkstemp(prefix="mppcqa-rows-", suffix=".csv")
    try:
        with os.fdopen(descriptor, "wb") as file:
            _write_csv(columns, file, null="\\N")
        with connection.cursor() as cursor:
            # The path is our own; a statement that loads a file can't be given it as a parameter
            # by every driver.
            cursor.execute(
                f"LOAD DATA LOCAL INFILE '{path}' {'REPLACE' if replace else ''} "
                f"INTO TABLE {_quoted(table)} CHARACTER SET ascii "
                f"FIELDS TERMINATED BY ',' ({_names(columns)})"
            )
            taken = cursor.rowcount
            cursor.execute("SELECT @@warning_count")
            (warnings,) = cursor.fetchone()
    except OperationalError as error:
        if error.args and error.args[0] in LOCAL_FILES_REFUSED:
            return False
        raise
    finally:
        os.unlink(path)  # noqa: PTH108
    if taken != n and not replace:
        # With LOCAL the server skips rows whose key is there, where INSERT would stop.
        raise IntegrityError(f"{n - taken} of {n} rows of {table} are there already")
    if warnings:
        # With LOCAL it also cuts a number that does not fit, where INSERT would stop.
        raise DataError(f"{warnings} of the numbers do not fit the columns of {table}")
    return True


def _write_csv(columns: Mapping[str, NDArray[Any]], file: Any, *, null: str) -> None:
    """Rows of numbers as text; nothing else can be in them, so nothing needs quotes."""
    import pyarrow as pa
    from pyarrow import csv

    for name, column in columns.items():
        if column.dtype.kind not in "iuf":
            raise TypeError(f"column {name}, {column.dtype}, holds no numbers")
    arrays = {
        name: pa.array(np.ascontiguousarray(column), from_pandas=True)
        for name, column in columns.items()
    }
    csv.write_csv(
        pa.table(arrays),
        file,
        csv.WriteOptions(include_header=False, null_string=null, batch_size=8192),
    )


def _tuples(columns: Mapping[str, NDArray[Any]], start: int, stop: int) -> Iterator[Any]:
    return zip(*(_cells(column[start:stop], None) for column in columns.values()), strict=True)


def _text_rows(columns: Mapping[str, NDArray[Any]], start: int, stop: int) -> Iterator[Any]:
    return zip(*(_cells(column[start:stop], "NULL") for column in columns.values()), strict=True)


def _literals(columns: Mapping[str, NDArray[Any]], n: int) -> Iterator[str]:
    """Rows as the VALUES of INSERT statements."""
    for start in range(0, n, INSERT_ROWS):
        part = {name: column[start : start + INSERT_ROWS] for name, column in columns.items()}
        file = io.BytesIO()
        _write_csv(part, file, null="NULL")
        rows = file.getvalue().decode("ascii").removesuffix("\n")
        yield f"({rows.replace(chr(10), '),(')})"


def _cells(column: NDArray[Any], null: Any) -> list[Any]:
    """Python numbers, `null` in place of NaN."""
    if column.dtype.kind not in "iuf":
        raise TypeError(f"a column of {column.dtype} holds no numbers")
    cells: list[Any] = column.tolist()
    if _has_nan(column):
        for place in np.flatnonzero(np.isnan(column)):
            cells[place] = null
    return cells


def _has_nan(column: NDArray[Any]) -> bool:
    return column.dtype.kind == "f" and bool(np.isnan(column).any())


def _conflict_sqlite(columns: Mapping[str, Any], keys: Sequence[str], how: OnConflict) -> str:
    if how == "fail":
        return ""
    changes = ", ".join(
        f"{name} = excluded.{name}" + (f" + {name}" if how == "add" else "")
        for name in map(_quoted, columns.keys() - set(keys))
    )
    return f" ON CONFLICT ({_names(keys)}) DO UPDATE SET {changes}"


def _conflict_mysql(columns: Mapping[str, Any], keys: Sequence[str], how: OnConflict) -> str:
    if how == "fail":
        return ""
    changes = ", ".join(
        f"{_quoted(name)} = VALUES({_quoted(name)})"
        + (f" + {_quoted(name)}" if how == "add" else "")
        for name in columns
        if name not in keys
    )
    return f" ON DUPLICATE KEY UPDATE {changes}"


def _names(names: Any) -> str:
    return ", ".join(_quoted(name) for name in names)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)

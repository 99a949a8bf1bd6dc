"""A whole database as a list of statements, and back: on SQLite and on MariaDB.

Not the servers' own programs: a SQLite file depends on page sizes, and MariaDB's dump writes a
FLOAT with six digits, by which the seals of the values would break.
"""

from __future__ import annotations

import decimal
import json
import lzma
import re
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import connection

TOGETHER = 200
"""Rows of one INSERT."""
DEFINER = re.compile(r"DEFINER=`[^`]*`@`[^`]*` ?")


def statements() -> list[str]:
    """What makes the database of this process anew in an empty one; triggers come last."""
    return list(_sqlite() if connection.vendor == "sqlite" else _mariadb())


def _sqlite() -> Iterator[str]:
    plain = sqlite3.connect(f"file:{connection.settings_dict['NAME']}?mode=ro", uri=True)
    try:
        yield from (
            one
            for one in plain.iterdump()
            if one not in ("BEGIN TRANSACTION;", "COMMIT;") and "sqlite_stat" not in one
        )
    finally:
        plain.close()


def _mariadb() -> Iterator[str]:
    with connection.cursor() as cursor:
        yield "SET FOREIGN_KEY_CHECKS=0"
        tables = sorted(connection.introspection.table_names(cursor))
        for table in tables:
            cursor.execute(f"SHOW CREATE TABLE `{table}`")
            yield cursor.fetchone()[1]
            yield from _inserts(cursor, table)
        cursor.execute("SHOW TRIGGERS")
        for name in sorted(row[0] for row in cursor.fetchall()):
            cursor.execute(f"SHOW CREATE TRIGGER `{name}`")
            yield DEFINER.sub("", cursor.fetchone()[2])
        yield "SET FOREIGN_KEY_CHECKS=1"


def _inserts(cursor: Any, table: str) -> Iterator[str]:
    cursor.execute(f"SHOW COLUMNS FROM `{table}`")
    columns = {name: kind for name, kind, *_more in cursor.fetchall()}
    # A FLOAT is shown with six digits unless it is computed with as a DOUBLE.
    asked = (
        f"`{name}` + 0e0" if kind == "float" else f"`{name}`" for name, kind in columns.items()
    )
    cursor.execute(f"SELECT {', '.join(asked)} FROM `{table}`")  # noqa: S608 - our own names
    names = ", ".join(f"`{name}`" for name in columns)
    while rows := cursor.fetchmany(TOGETHER):
        values = ",\n".join(f"({', '.join(map(literal, row))})" for row in rows)
        yield f"INSERT INTO `{table}` ({names}) VALUES\n{values}"


def literal(value: Any) -> str:
    """A value as MariaDB reads it exactly."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, int | decimal.Decimal):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    text = str(value)
    for one, other in (("\\", "\\\\"), ("'", "\\'"), ("\0", "\\0")):
        text = text.replace(one, other)
    return f"'{text}'"


def write(file: Path, found: list[str]) -> None:
    """Keep statements, compressed."""
    file.write_bytes(lzma.compress(json.dumps(found, ensure_ascii=False).encode(), preset=9))


def fill(file: Path) -> None:
    """Execute what was kept in the empty database of this process."""
    found: list[str] = json.loads(lzma.decompress(file.read_bytes()))
    if connection.vendor == "sqlite":
        plain = sqlite3.connect(connection.settings_dict["NAME"])
        try:
            plain.executescript("BEGIN;\n" + "\n".join(found) + "\nCOMMIT;")
        finally:
            plain.close()
        return
    with connection.cursor() as cursor:
        for one in found:
            cursor.execute(one)


def all_rows() -> dict[str, Any]:
    """Table -> names of its columns, and its rows as they are read, each value as a text."""
    found = {}
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            columns = [one[0] for one in cursor.description]
            found[table] = [columns, [[repr(value) for value in row] for row in cursor.fetchall()]]
    return found


def main(what: str, *arguments: str) -> None:
    """``fill FILE`` or ``rows``, on the database of this process."""
    if what == "fill":
        fill(Path(*arguments))
    else:
        print(json.dumps(all_rows()))


if __name__ == "__main__":
    import django

    django.setup()
    main(*sys.argv[1:])

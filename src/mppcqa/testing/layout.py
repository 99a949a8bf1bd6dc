"""How tables of composite keys lie on disk, for migrations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any


def cluster_on_sqlite(schema_editor: Any, table: str) -> None:
    """Keep a table's rows in the order of its key, as InnoDB does for every table.

    SQLite otherwise keeps rows by a number of their own and each key a second time in an index.
    Copies the table inside the migration's transaction. A later migration by which Django remakes
    the table on SQLite (it does so for nearly every change of a column) must call this again.
    """
    if schema_editor.connection.vendor != "sqlite":
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = %s", [table])
        (definition,) = cursor.fetchone()
        if definition.rstrip().upper().endswith("WITHOUT ROWID"):
            return
        head, columns = definition.split("(", 1)
        if table not in head:
            raise ValueError(f"no definition of {table}: {definition}")
        cursor.execute(f'CREATE TABLE "{table}__clustered" ({columns} WITHOUT ROWID')
        names = ", ".join(f'"{name}"' for name in _columns(cursor, table))
        cursor.execute(
            f'INSERT INTO "{table}__clustered" ({names}) SELECT {names} FROM "{table}"'  # noqa: S608
        )
        cursor.execute(f'DROP TABLE "{table}"')
        cursor.execute(f'ALTER TABLE "{table}__clustered" RENAME TO "{table}"')


def key_by(schema_editor: Any, table: str, key: Sequence[str]) -> None:
    """Lay a table out by another order of its primary key's columns.

    MariaDB lets others read and write meanwhile, and needs the table's size in free space; SQLite
    copies the table inside the migration's transaction. Nothing happens if it lies so already.
    """
    quoted = ", ".join(map(schema_editor.quote_name, key))
    with schema_editor.connection.cursor() as cursor:
        if schema_editor.connection.vendor != "sqlite":
            cursor.execute(
                "SELECT column_name FROM information_schema.statistics "
                "WHERE table_schema = DATABASE() AND table_name = %s AND index_name = 'PRIMARY' "
                "ORDER BY seq_in_index",
                [table],
            )
            if [name for (name,) in cursor.fetchall()] != list(key):
                cursor.execute(
                    f"ALTER TABLE {schema_editor.quote_name(table)} DROP PRIMARY KEY, "
                    f"ADD PRIMARY KEY ({quoted}), ALGORITHM=INPLACE, LOCK=NONE"
                )
            return
        cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = %s", [table])
        (definition,) = cursor.fetchone()
        changed, n = re.subn(r"PRIMARY KEY \([^)]*\)", f"PRIMARY KEY ({quoted})", definition)
        if n != 1:
            raise ValueError(f"no primary key in {definition}")
        if changed == definition:
            return
        _head, columns = changed.split("(", 1)
        cursor.execute(f'CREATE TABLE "{table}__keyed" ({columns}')
        names = ", ".join(f'"{name}"' for name in _columns(cursor, table))
        cursor.execute(
            f'INSERT INTO "{table}__keyed" ({names}) SELECT {names} FROM "{table}" '  # noqa: S608
            f"ORDER BY {quoted}"
        )
        cursor.execute(f'DROP TABLE "{table}"')
        cursor.execute(f'ALTER TABLE "{table}__keyed" RENAME TO "{table}"')


def _columns(cursor: Any, table: str) -> list[str]:
    cursor.execute(f'PRAGMA table_info("{table}")')
    return [row[1] for row in cursor.fetchall()]

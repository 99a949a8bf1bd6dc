"""How tables of composite keys lie on disk, for migrations."""

from __future__ import annotations

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


def _columns(cursor: Any, table: str) -> list[str]:
    cursor.execute(f'PRAGMA table_info("{table}")')
    return [row[1] for row in cursor.fetchall()]

"""Tests with transactions of their own leave the database as it was made.

Django's own way empties each of a hundred tables and then makes the rights, roles, schedules and
triggers again, a quarter of a second on SQLite and more on MariaDB for each such test. Here what
is empty already is left, and what a new database has in it is put back as it was.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.core.management.commands import flush
from django.db import connection, transaction

from mppcqa.audit.models import Entry, Waiting, Writer
from mppcqa.audit.telling import forget
from mppcqa.audit.triggers import NAME, make_triggers, triggers_there, wanted_triggers

ENTERED = {model._meta.db_table for model in (Entry, Waiting, Writer)}
"""What each other statement writes to: emptied last."""
GUARDS = [f"{NAME}{model._meta.db_table}_{verb}" for model in (Entry, Waiting) for verb in "ud"]

Rows = list[tuple[Any, ...]]
_made: dict[str, Rows] = {}
"""What a new database has in it, by table."""
_guards: list[str] = []
"""The statements that make what guards the audit."""
_triggers: dict[str, str] = {}
"""Each trigger of a new database, and what tells that it is as it was."""


def know_as_made() -> None:
    """Remember what a new database has in it, and let Django's command go back to that."""
    with connection.cursor() as cursor:
        _made.update({table: _rows(cursor, table) for table in _filled(cursor) - ENTERED})
    there = wanted_triggers()
    _guards.extend(there[name] for name in GUARDS)
    _triggers.update(triggers_there())
    flush.Command.handle = _back_as_made  # type: ignore[assignment,method-assign]


def _back_as_made(_command: Any, **_options: Any) -> None:
    with connection.cursor() as cursor:
        # Again: a worker that tests share may have counted, meanwhile, tasks that are gone now.
        for _again in range(5):
            if not (changed := _changed(cursor)):
                break
            _put_back(cursor, changed)
        _empty_audit(cursor)
    if triggers_there() != _triggers:
        make_triggers()
    forget()
    ContentType.objects.clear_cache()


def _changed(cursor: Any) -> set[str]:
    """The tables that are not as they were made."""
    return {table for table in _filled(cursor) - ENTERED | set(_made)
            if table not in _made or _rows(cursor, table) != _made[table]}  # fmt: skip


def _put_back(cursor: Any, tables: set[str]) -> None:
    ops = connection.ops
    # At once: what is as it was may refer to rows that are emptied here and filled again.
    with transaction.atomic(), connection.constraint_checks_disabled():
        ops.execute_sql_flush(ops.sql_flush(no_style(), sorted(tables & _filled(cursor, tables))))
        for table in sorted(tables & set(_made)):
            _fill(cursor, table, _made[table])


def _empty_audit(cursor: Any) -> None:
    """Last: what was emptied and filled was entered. Its guards let nobody else do this."""
    if connection.vendor == "mysql":
        # This asks no trigger.
        for table in sorted(ENTERED & _filled(cursor, ENTERED)):
            cursor.execute(f"TRUNCATE TABLE {table}")
        return
    for name in GUARDS:
        cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
    for table in sorted(ENTERED):
        cursor.execute(f"DELETE FROM {table}")  # noqa: S608
    for statement in _guards:
        cursor.execute(statement)


def _filled(cursor: Any, tables: Collection[str] = ()) -> set[str]:
    """Those of the tables, or of all tables of the product, with rows in them."""
    tables = tables or connection.introspection.django_table_names(only_existing=True)
    quoted = {table: connection.ops.quote_name(table) for table in tables}
    cursor.execute(
        " UNION ALL ".join(
            f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {name})"  # noqa: S608
            for table, name in quoted.items()
        )
    )
    return {table for (table,) in cursor.fetchall()}


def _rows(cursor: Any, table: str) -> Rows:
    cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
    return sorted(cursor.fetchall(), key=repr)


def _fill(cursor: Any, table: str, rows: Rows) -> None:
    name, values = connection.ops.quote_name(table), ", ".join(["%s"] * len(rows[0]))
    cursor.executemany(f"INSERT INTO {name} VALUES ({values})", rows)  # noqa: S608

"""Whether anything changed in some tables: one small question instead of reading them again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db import connection, models

from mppcqa.audit.models import Action, Entry, Waiting
from mppcqa.audit.triggers import trigger_name, triggers_there


@dataclass(frozen=True)
class Mark:
    """A moment of some tables' history."""

    tables: tuple[str, ...]
    entry: int
    """The last link of the chain."""
    changes: int
    """Changes that came after that link, sealed or waiting: each is once in one of the two tables,
    since what is sealed leaves `Waiting` in the same transaction. So it only ever grows."""

    def holds(self) -> bool:
        """Whether none of the tables changed since."""
        return _changes(self.tables, self.entry) == self.changes


def mark(tables: Sequence[type[models.Model]]) -> Mark:
    """This moment; inside a transaction the moment of that transaction's view."""
    names = tuple(one._meta.db_table for one in tables)
    entry = Entry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return Mark(names, entry, _changes(names, entry))


def is_entered(tables: Collection[type[models.Model]]) -> bool:
    """Whether each change of these tables is entered: a server may let nobody make triggers."""
    there = triggers_there()
    ways = (Action.INSERT, Action.UPDATE, Action.DELETE)
    return all(trigger_name(one._meta.db_table, way) in there for one in tables for way in ways)


def _changes(tables: tuple[str, ...], entry: int) -> int:
    q = connection.ops.quote_name
    among = f"{q('table')} IN ({', '.join(['%s'] * len(tables))})"
    with connection.cursor() as cursor:
        # One statement: what is sealed meanwhile is neither missed nor told twice.
        cursor.execute(
            f"SELECT (SELECT COUNT(*) FROM {q(Entry._meta.db_table)} WHERE id > %s AND {among}) + "  # noqa: S608
            f"(SELECT COUNT(*) FROM {q(Waiting._meta.db_table)} WHERE {among})",
            [entry, *tables, *tables],
        )
        return int(cursor.fetchone()[0])

"""Which kinds of rows an object has: one question, where most objects have few of many kinds."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.db import connection, models


def kinds_there(found: models.Model, names: tuple[str, ...]) -> set[str]:
    """Those of an object's relations (to-many or from-one, by name) that have any row."""
    with connection.cursor() as cursor:
        cursor.execute(_question(type(found), names, connection.vendor), [found.pk] * len(names))
        return {name for name, there in zip(names, cursor.fetchone(), strict=True) if there}


@lru_cache
def _question(model: type[models.Model], names: tuple[str, ...], _vendor: str) -> str:
    parts = (
        f"EXISTS(SELECT 1 FROM {_quoted(table)} WHERE {_quoted(column)} = %s)"  # noqa: S608
        for table, column in map(_place, map(model._meta.get_field, names))
    )
    return f"SELECT {', '.join(parts)}"


def _place(relation: Any) -> tuple[str, str]:
    """Table and column that name the object."""
    if isinstance(relation, models.ManyToManyField):
        return relation.m2m_db_table(), relation.m2m_column_name()
    if isinstance(relation, models.ManyToManyRel):
        return relation.field.m2m_db_table(), relation.field.m2m_reverse_name()
    return relation.related_model._meta.db_table, relation.field.column


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)

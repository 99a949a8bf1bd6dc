"""Rows of each table get numbers from a place of their own.

In an empty database the first task, run and device all have the number 1, so a test may mix two of
them up, or take for granted how few came before it, and pass until its place in the order changes.
"""

from __future__ import annotations

from django.apps import apps
from django.db import connection
from django.db.models import AutoField

FIRST, STEP = 2000, 137


def begin_numbers_apart() -> None:
    """Let each table's next row have a number that no other table is near."""
    models = [
        model for model in apps.get_models(include_auto_created=True) if _counts_itself(model)
    ]
    models.sort(key=lambda model: model._meta.db_table)
    with connection.cursor() as cursor:
        for place, model in enumerate(models):
            table, number = model._meta.db_table, FIRST + STEP * place
            if connection.vendor == "sqlite":
                cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
                cursor.execute(
                    "INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, number]
                )
            else:
                cursor.execute(f"ALTER TABLE `{table}` AUTO_INCREMENT = {number + 1}")


def _counts_itself(model: type) -> bool:
    meta = model._meta  # type: ignore[attr-defined]
    return meta.managed and not meta.proxy and isinstance(meta.pk, AutoField)

"""A SQLite database without tables gets them at once, not by one migration after the other.

``fresh.json`` holds what the migrations make, statement by statement, and their names: 0.5 s where
89 migrations take 8. Migrations that are younger than the file are applied after it as ever, so a
file that is behind costs time and nothing else; ``make fresh-database`` writes it anew, and a test
holds both ways against each other.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

FILE = files("mppcqa.database") / "fresh.json"


def begin() -> bool:
    """Make the tables of `FILE` where there are none; whether that was done.

    Only on SQLite, and only where all migrations of the file are those of the packages installed.
    """
    if connection.vendor != "sqlite" or connection.introspection.table_names():
        return False
    kept: dict[str, Any] = json.loads(FILE.read_text())
    made = [(app, name) for app, name in kept["migrations"]]
    if set(made) - set(MigrationLoader(None).disk_migrations or ()):
        return False
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.introspection.table_names(cursor):
            return False  # another process was quicker
        for statement in kept["schema"]:
            cursor.execute(statement)
        recorder = MigrationRecorder(connection)
        for app, name in made:
            recorder.record_applied(app, name)
    return True


def as_kept() -> str:
    """The text of `FILE` from the database as it stands: all migrations applied, no row entered."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' "
            "ORDER BY rowid"
        )
        schema = [sql for (sql,) in cursor.fetchall()]
    made = [list(key) for key in MigrationRecorder(connection).applied_migrations()]
    return json.dumps({"migrations": made, "schema": schema}, indent=0) + "\n"

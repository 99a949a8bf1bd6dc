"""Databases of before the first release: their tables had other names and are not migrated."""

from __future__ import annotations

TOO_OLD = (
    "This database was made by a version of mppcqa before 0.1.0, whose tables had other names; "
    "this version can use neither it nor a backup of it. Nothing was changed. With the version "
    "that made it, write out what you need (mppcqa export devices devices.csv, mppcqa export "
    "values values.csv); then start this version with an empty database (another MPPCQA_HOME, or "
    "MPPCQA_DATABASE) and bring it in (mppcqa import table)."
)
FORMER_APP = "testing"


def is_too_old() -> bool:
    """Whether the database is one of these; False for one that is empty or does not answer."""
    from django.db import DatabaseError, connection

    was_open = connection.connection is not None
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM django_migrations WHERE app = %s LIMIT 1", [FORMER_APP])
            return cursor.fetchone() is not None
    except DatabaseError:
        return False
    finally:
        if not was_open:  # whoever forks from here must not share it
            connection.close()

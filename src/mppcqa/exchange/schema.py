"""Tables of the database as its own migrations made them, also where the program is newer."""

from __future__ import annotations

from django.apps import apps
from django.core.management import call_command
from django.db import connection, models
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

LEFT_OUT = {"django_session", "django_migrations", "web_shared_cache"}
"""Sessions end with a restore; migrations are the target's own; a cache is kept for minutes."""

Migrations = set[tuple[str, str]]


def applied_migrations() -> Migrations:
    """(app, name) of every migration that the database has."""
    return set(MigrationRecorder(connection).applied_migrations())


def known_migrations() -> Migrations:
    """(app, name) of every migration that this program has."""
    return set(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)


def models_at(migrations: Migrations) -> list[type[models.Model]]:
    """Every table, also those between many-to-many relations, as some migrations leave them.

    Where these are all that the program knows, the program's own models.
    """
    if migrations >= known_migrations():
        found = apps.get_models(include_auto_created=True)
    else:
        loader = MigrationLoader(None, ignore_no_migrations=True)
        state = loader.project_state(_last(migrations))
        found = state.apps.get_models(include_auto_created=True)
    return [one for one in found if one._meta.managed and one._meta.db_table not in LEFT_OUT]


def _last(migrations: Migrations) -> list[tuple[str, str]]:
    """The last migration of each app."""
    nodes = MigrationLoader(None, ignore_no_migrations=True).graph.node_map
    return [
        (app, name)
        for app, name in sorted(migrations & set(nodes))
        if not any(
            child.key[0] == app and child.key in migrations for child in nodes[app, name].children
        )
    ]


def migrate_forward() -> None:
    """All migrations that the program has and the database has not."""
    call_command("migrate", verbosity=0, interactive=False)


def build_anew(migrations: Migrations) -> None:
    """Drop every table of the installation, and make those that some migrations make.

    What stands in the database is lost. Outside any transaction: MariaDB changes no tables in one.
    """
    there = set(connection.introspection.table_names())
    ours = {one._meta.db_table for one in models_at(applied_migrations())} | LEFT_OUT
    quote = connection.ops.quote_name
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        for table in sorted(ours & there):
            cursor.execute(f"DROP TABLE {quote(table)}")
    executor = MigrationExecutor(connection)
    executor.migrate(_last(migrations))

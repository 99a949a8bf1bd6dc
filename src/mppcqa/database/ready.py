"""Tables as the program wants them, made or brought up to date by whatever needs them first."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from importlib.util import find_spec

from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder


def make_ready() -> None:
    """Have all tables there; quick where they are, so that every command may ask for it."""
    if not is_ready():
        call_command("migrate", verbosity=0, interactive=False)


def is_ready() -> bool:
    """Whether the database has each migration that the installed packages bring."""
    applied = set(MigrationRecorder(connection).applied_migrations())
    return all(
        (app.label, name) in applied
        for app in apps.get_app_configs()
        for name in _brought(f"{app.name}.migrations")
    )


def _brought(package: str) -> list[str]:
    """Names of the migrations in a package, none of them loaded; none where there is no package."""
    if find_spec(package) is None:
        return []
    found = pkgutil.iter_modules(import_module(package).__path__)
    return [one.name for one in found if not one.ispkg and one.name[0] not in "_~"]

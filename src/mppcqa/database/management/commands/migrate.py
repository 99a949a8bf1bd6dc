"""Django's ``migrate``; a database without tables is made in one step first, see `fresh`."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS

from mppcqa.database import fresh

PARTIAL = (
    "app_label",
    "migration_name",
    "fake",
    "fake_initial",
    "plan",
    "check_unapplied",
    "prune",
)


class Command(migrate.Command):
    """As Django's, for the whole database of ours."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Make all tables, or bring them up to date."""
        whole = not any(options.get(name) for name in PARTIAL)
        if whole and options["database"] == DEFAULT_DB_ALIAS:
            fresh.begin()
        super().handle(*args, **options)

"""Writes ``fresh.json`` anew: what all migrations make of an empty SQLite database.

``make fresh-database``; `mppcqa.database.fresh` says what it is for.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

TARGET = Path(__file__).parents[1] / "src/mppcqa/database/fresh.json"


def main() -> int:
    """Apply every migration, one after the other, and keep what came of it."""
    with tempfile.TemporaryDirectory(prefix="mppcqa-fresh-") as home:
        os.environ.update(MPPCQA_HOME=home, MPPCQA_DATABASE=f"sqlite:///{home}/fresh.sqlite3")
        os.environ["DJANGO_SETTINGS_MODULE"] = "mppcqa.project.settings"
        import django

        django.setup()
        from django.db import connection
        from django.db.migrations.executor import MigrationExecutor

        from mppcqa.database.fresh import as_kept

        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())
        TARGET.write_text(as_kept())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

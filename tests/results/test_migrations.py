"""No migration rewrites the table of values while it holds a lock on it; see decision 9."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

TABLE, MODEL = "results_measurement", "measurement"
MADE_BY = "0001_initial"
"""It makes the table, and lays it out."""


def holds_it(operation: Operation) -> bool:
    """Whether an operation may copy the table of values, or keep others from it for long."""
    if isinstance(operation, migrations.SeparateDatabaseAndState):
        return any(map(holds_it, operation.database_operations))
    if isinstance(operation, migrations.RunSQL | migrations.RunPython):
        code = getattr(operation, "code", None)
        names = code.__code__.co_names + code.__code__.co_consts if code else [operation.sql]
        return any(word in str(name).lower() for name in names for word in (TABLE, MODEL))
    names = (getattr(operation, one, None) for one in ("model_name", "old_name", "name"))
    name = next(filter(None, names), "")
    if name.lower() != MODEL:
        return False
    if isinstance(operation, migrations.AddField):
        field = operation.field
        return not (field.null or field.has_db_default()) or field.db_index or field.unique
    instant = (
        migrations.RemoveField,
        migrations.AlterModelOptions,
        migrations.AlterModelManagers,
        migrations.AddIndex,
        migrations.RemoveIndex,
    )
    return not isinstance(operation, instant)


def test_no_migration_holds_the_table_of_values() -> None:
    found = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    bad = [
        f"{app}.{name}: {operation.describe()}"
        for (app, name), one in sorted(found.items())
        if (app, name) != ("results", MADE_BY)
        for operation in one.operations
        if (app == "results" or isinstance(operation, migrations.RunSQL | migrations.RunPython))
        and holds_it(operation)
    ]
    assert bad == []


def refill(apps: Any, schema_editor: Any) -> None:
    apps.get_model("results", "Measurement").objects.update(value=0)


@pytest.mark.parametrize(
    ("operation", "bad"),
    [
        (migrations.AddField(MODEL, "flag", models.SmallIntegerField(null=True)), False),
        (migrations.AddField(MODEL, "flag", models.SmallIntegerField(db_default=0)), False),
        (migrations.AddField(MODEL, "flag", models.SmallIntegerField(default=0)), True),
        (migrations.AlterField(MODEL, "value", models.TextField()), True),
        (migrations.AlterField("run", "note", models.TextField()), False),
        (migrations.RenameModel("Measurement", "Value"), True),
        (migrations.RunSQL(f"ALTER TABLE {TABLE} ENGINE=InnoDB"), True),
        (migrations.RunPython(refill), True),
        (migrations.RunSQL("SELECT 1"), False),
    ],
)
def test_what_would_hold_it_is_found(operation: Operation, bad: bool) -> None:
    assert holds_it(operation) is bad

"""A database of before the first release is named as such, and left as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from mppcqa.database.age import TOO_OLD
from tests.databases import command, empty_database
from tests.waiting import free_port

MAKE = (
    "from django.db import connection as c; k = c.cursor(); "
    "k.execute('CREATE TABLE django_migrations (id integer, app varchar(255), name varchar(255), "
    "applied datetime)'); "
    "k.execute(\"INSERT INTO django_migrations VALUES (1, 'testing', '0009_conditions', NULL)\")"
)
ALL = (
    "from django.core.management import call_command as c\n"
    "from django.core.management.commands.migrate import Command\n"
    "c(Command(), verbosity=0, interactive=False)"
)
SCHEMA = (
    "from django.db import connection as c; k = c.cursor(); "
    "k.execute('SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2'); "
    "print(k.fetchall()); "
    "k.execute('SELECT app, name FROM django_migrations ORDER BY 1, 2'); print(k.fetchall())"
)
LOOK = "from django.db import connection as c; print(sorted(c.introspection.table_names()))"


@pytest.mark.django_db(transaction=True)
def test_an_older_database_is_refused_in_words(tmp_path: Path) -> None:
    with empty_database(tmp_path / "old") as old:
        assert command(old, "tasks").returncode != 0  # no tables, so Django's own words
        made = command(old, "django", "shell", "-v0", "-c", MAKE)
        assert made.returncode == 0, made.stderr
        for arguments in (
            ["run", "--port", str(free_port())],
            ["tasks"],
            ["worker"],
            ["django", "migrate"],
        ):
            refused = command(old, *arguments)
            assert refused.returncode == 1, arguments
            assert refused.stderr.strip() == f"Error: {TOO_OLD}"
        shown = command(old, "django", "shell", "-v0", "-c", LOOK)
        assert shown.stdout.strip() == "['django_migrations']"


@pytest.mark.django_db(transaction=True)
def test_an_empty_database_is_made(tmp_path: Path) -> None:
    with empty_database(tmp_path / "new") as new:
        made = command(new, "django", "migrate", "-v0")
        assert made.returncode == 0, made.stderr
        assert command(new, "tasks").returncode == 0


def test_a_database_made_at_once_is_that_of_all_migrations(tmp_path: Path) -> None:
    told = []
    for name, way in (("one", ["migrate", "-v0"]), ("all", ["shell", "-v0", "-c", ALL])):
        with empty_database(tmp_path / name, kind="sqlite") as new:
            made = command(new, "django", *way)
            assert made.returncode == 0, made.stderr
            told.append(command(new, "django", "shell", "-v0", "-c", SCHEMA).stdout)
    assert told[0].count("CREATE TABLE") > 90
    assert told[0] == told[1]

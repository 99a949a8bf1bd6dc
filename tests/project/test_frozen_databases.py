"""The database of every released version comes forward whole, and nobody waits for it long."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.databases import command, empty_database

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "frozen"
VERSIONS = sorted(one.name for one in FOLDER.iterdir() if one.name[0].isdigit())
GONE: dict[str, str] = {}
"""Tables and columns (``table.column``) that a later version took away, and where that went."""
OWN = {
    "audit_writer": "who wrote last: the migration",
    "django_celery_beat_periodictasks": "when a schedule was last looked at",
}
"""Tables whose rows say what the program did, and change whenever it does something."""


def kept(version: str) -> Path:
    kind = "sqlite" if connection.vendor == "sqlite" else "mariadb"
    return FOLDER / version / f"{kind}.json.xz"


def child(environment: dict[str, str], *arguments: str, settings: str = "") -> Any:
    """What a module of ours says at the end, as JSON, and its exit status."""
    named = settings or "mppcqa.project.settings"
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        env={**environment, "DJANGO_SETTINGS_MODULE": named},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout or not done.returncode, done.stderr
    return json.loads(done.stdout.splitlines()[-1]) if done.stdout else None


@contextmanager
def brought_back(version: str, folder: Path) -> Iterator[dict[str, str]]:
    """The environment of a server that has this version's database and files."""
    with empty_database(folder) as environment:
        child(environment, "tests.frozen.keeping", "fill", str(kept(version)))
        file = kept(version).with_name(kept(version).name.replace(".json", "-files.tar"))
        with tarfile.open(file) as tar:
            tar.extractall(folder, filter="data")
        yield environment


@pytest.mark.parametrize("version", VERSIONS)
def test_every_record_of_a_released_version_is_there(version: str, tmp_path: Path) -> None:
    with brought_back(version, tmp_path / "frozen") as environment:
        before = child(environment, "tests.frozen.keeping", "rows")
        assert sum(len(rows) for _columns, rows in before.values()) > 2000
        done = command(environment, "django", "migrate", "-v0")
        assert done.returncode == 0, done.stderr
        after = child(environment, "tests.frozen.keeping", "rows")
        missing = {}
        for table, (columns, rows) in before.items():
            if table in OWN or table in GONE:
                continue
            new, found = after[table]
            left = [one for one in columns if f"{table}.{one}" not in GONE]
            lost = _only(columns, rows, left) - _only(new, found, left)
            if lost:
                missing[table] = next(iter(lost))
        assert missing == {}
        for check in (["audit", "verify"], ["fsck"], ["summaries", "check"], ["tasks"]):
            done = command(environment, *check)
            assert done.returncode == 0, (check, done.stdout[-2000:], done.stderr[-2000:])
        verified = json.loads(command(environment, "audit", "verify", "--json").stdout)
        assert verified["entries"] >= len(before["audit_entry"][1]) > 200


def _only(columns: list[str], rows: list[list[str]], wanted: list[str]) -> Counter[tuple[str, ...]]:
    places = [columns.index(one) for one in wanted]
    return Counter(tuple(row[at] for at in places) for row in rows)


@pytest.mark.skipif(connection.vendor != "mysql", reason="SQLite has one writer: nothing to lock")
@pytest.mark.parametrize("version", VERSIONS)
def test_no_migration_holds_a_large_table(version: str, tmp_path: Path) -> None:
    with brought_back(version, tmp_path / "frozen") as environment:
        assert child(environment, "tests.frozen.locks")["faults"] == []


@pytest.mark.skipif(connection.vendor != "mysql", reason="SQLite has one writer: nothing to lock")
def test_one_that_would_is_named_and_one_that_does_not_is_let_through(tmp_path: Path) -> None:
    for name, steps, faults in (("light", 5, 0), ("heavy", 2, 2)):
        with brought_back(VERSIONS[-1], tmp_path / name) as environment:
            settings = f"tests.frozen.later_{name}_settings"
            found = child(environment, "tests.frozen.locks", settings=settings)
            assert len(found["steps"]) >= steps, found
            assert len(found["faults"]) == faults, found
    assert "copies the table" in found["faults"][0]
    assert "changes rows" in found["faults"][1]


def test_each_released_version_is_frozen_and_small() -> None:
    headings = re.findall(r"^## (\d[\d.]*)(.*)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    released = {version for version, more in headings if "not released" not in more}
    assert headings
    assert released <= set(VERSIONS), "make freeze-database"
    for version in VERSIONS:
        files = sorted(FOLDER.joinpath(version).iterdir())
        assert [one.name for one in files] == [
            *("mariadb-files.tar.xz", "mariadb.json.xz", "sqlite-files.tar.xz", "sqlite.json.xz"),
        ]
        assert all(one.stat().st_size <= 400_000 for one in files)

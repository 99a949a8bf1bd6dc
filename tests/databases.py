"""Further databases beside that of the tests, for what moves from one into another."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from django.db import connection

from tests.workers import child_environment


@contextmanager
def empty_database(folder: Path, *, kind: str = "") -> Iterator[dict[str, str]]:
    """The environment of a child whose database, of the tests' kind or named, has no tables."""
    folder.mkdir(parents=True, exist_ok=True)
    home = {"MPPCQA_HOME": str(folder)}
    if (kind or connection.vendor) == "sqlite":
        yield child_environment(**home, MPPCQA_DATABASE=f"sqlite:///{folder / 'other.sqlite3'}")
        return
    values = connection.settings_dict
    name = f"{values['NAME']}_{folder.name}"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")
        cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
    login = f"{quote(values['USER'])}:{quote(values['PASSWORD'])}"
    address = f"mysql://{login}@{values['HOST']}:{values['PORT'] or 3306}/{name}"
    try:
        yield child_environment(**home, MPPCQA_DATABASE=address)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE `{name}`")


def command(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """``mppcqa ARGUMENTS`` in that environment."""
    return subprocess.run(
        [sys.executable, "-m", "mppcqa.cli", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

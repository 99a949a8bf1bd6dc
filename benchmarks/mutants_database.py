"""A plugin of pytest: the migrated test database is made once, not once a mutant."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

READY = "MPPCQA_MUTANTS_DATABASE"
"""The environment's name for the file in which it lies, or is to."""


def pytest_configure(config: pytest.Config) -> None:
    """Begin with the one that is there. (`tests.environment` has made the folder by now.)"""
    ready = Path(os.environ[READY])
    if ready.exists():
        shutil.copy(ready, _place())
        config.option.reuse_db = True


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: Any) -> Iterator[None]:
    """Keep it as it is before the first test."""
    result = yield
    ready = Path(os.environ[READY])
    if fixturedef.argname == "django_db_setup" and not ready.exists():
        with closing(sqlite3.connect(_place())) as made, closing(sqlite3.connect(ready)) as kept:
            made.backup(kept)
    return result


def _place() -> Path:
    return Path(os.environ["MPPCQA_HOME"]) / "test.sqlite3"

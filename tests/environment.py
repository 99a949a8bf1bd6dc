"""Loaded by pytest before Django's settings: the tests never touch a real installation.

Every test process gets a home folder of its own. `MPPCQA_DATABASE` and `MPPCQA_BROKER` are taken
from the environment, so the same suite runs on SQLite and on MariaDB with RabbitMQ.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

import pytest

from mppcqa.database import local_files

_home = tempfile.mkdtemp(prefix="mppcqa-test-")
os.environ["MPPCQA_HOME"] = _home
# Processes of one test run share the broker and must not take each other's messages.
os.environ["MPPCQA_QUEUE_PREFIX"] = f"test-{os.getpid()}"
# The tests take values in as workers and commands do.
local_files.allowed = True
# Programs of tests are commands of theirs.
os.environ["MPPCQA_TYPED_COMMANDS"] = "1"
# What a test before has left is no answer to this one.
os.environ["MPPCQA_COLUMNAR_KEEP_S"] = "0"
os.environ["DJANGO_SETTINGS_MODULE"] = "mppcqa.project.settings"
atexit.register(shutil.rmtree, _home, ignore_errors=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--only-servers",
        action="store_true",
        help="skip tests that touch neither database nor broker",
    )

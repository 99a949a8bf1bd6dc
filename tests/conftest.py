"""Fixtures for every room, and the rule about skipped tests."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, settings

from tests.servers import leave_out_others
from tests.thoroughness import THOROUGH

ROOT = Path(__file__).resolve().parents[1]
NO_DATA = "no shared data"

# How long an example takes says how busy the computer is, not whether the program is right.
settings.register_profile(
    "mppcqa",
    deadline=None,
    # The same examples each time, so that what passes here passes where it is merged; others with
    # `make release-check`.
    derandomize=not THOROUGH,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("mppcqa")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Before the first database: what tests pay for once."""
    from tests.quicker import find_static_files_once, hash_passwords_quickly

    hash_passwords_quickly()
    find_static_files_once()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """A database in which no two tables count from the same number, and how to go back to it."""
    from tests.flushing import know_as_made
    from tests.numbers import begin_numbers_apart

    with django_db_blocker.unblock():
        begin_numbers_apart()
        know_as_made()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of measured and independently simulated data; skips where it is absent."""
    named = os.environ.get("MPPCQA_SHARED_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"{NO_DATA} at {folder}; name its folder with MPPCQA_SHARED_DATA")
    return folder


@pytest.fixture(autouse=True)
def _no_anchors_of_before(request: pytest.FixtureRequest) -> None:
    """A database that begins anew has no chain that files outside of it could know."""
    if "django_db_setup" in request.fixturenames or "db" in request.fixturenames:
        from mppcqa.audit import anchors

        for path in anchors.places():
            path.unlink(missing_ok=True)
        anchors._days.clear()


@pytest.fixture
def operator(db: None) -> User:
    """A person with every right."""
    return User.objects.create_superuser("rosa", password="finger-spectrum-9")


@pytest.fixture
def campaign(operator: User) -> SimpleNamespace:
    """Four measured and judged arrays, two stations, a tray."""
    from tests.campaign import make_campaign

    return make_campaign(operator)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    leave_out_others(config, items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Whoever reads that a page waited in vain needs the words of the worker it waited for."""
    report = yield
    log = Path(os.environ["MPPCQA_HOME"]) / "worker.log"
    if report.failed and log.exists():
        words = "\n".join(log.read_text(errors="replace").splitlines()[-80:])
        report.sections.append(("the end of the worker's log", words))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Leave the names of skipped tests where `MPPCQA_SKIPPED` says.

    The suite runs once with SQLite and once with the servers; a test that was skipped in both
    was tested nowhere, and CI fails on it. Measured data that lie beside the checkout may be
    absent where it is tested; they are no part of the product.
    """
    ended = [one for some in terminalreporter.stats.values() for one in some]
    inputs = [value for one in ended for name, value in getattr(one, "user_properties", ())
              if name == "inputs"]  # fmt: skip
    if inputs:
        failed = terminalreporter.stats.get("failed", [])
        findings = sum("tests/attacks/" in one.nodeid for one in failed)
        counted = {"attacks": len(inputs), "inputs": sum(inputs), "findings": findings}
        terminalreporter.write_line(json.dumps(counted))
    target = os.environ.get("MPPCQA_SKIPPED")
    if target:
        reports = terminalreporter.stats.get("skipped", [])
        skipped = sorted({one.nodeid for one in reports if NO_DATA not in str(one.longrepr)})
        Path(target).write_text("".join(f"{name}\n" for name in skipped))

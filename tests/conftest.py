"""Fixtures for every room, and the rule about skipped tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of measured and independently simulated data; skips where it is absent."""
    named = os.environ.get("MPPCQA_SHARED_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no data at {folder}; name its folder with MPPCQA_SHARED_DATA")
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Leave the names of skipped tests where `MPPCQA_SKIPPED` says.

    The suite runs once with SQLite and once with the servers; a test that was skipped in both
    was tested nowhere, and CI fails on it.
    """
    target = os.environ.get("MPPCQA_SKIPPED")
    if target:
        skipped = sorted({report.nodeid for report in terminalreporter.stats.get("skipped", [])})
        Path(target).write_text("".join(f"{name}\n" for name in skipped))

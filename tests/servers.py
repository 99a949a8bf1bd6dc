"""Which tests touch a database or a broker: the others need not run again on other servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.thoroughness import THOROUGH

ROOT = Path(__file__).parent

DATABASE_FIXTURES = {"db", "transactional_db", "django_db_setup", "live_server"}
REACHES = {
    "child_environment",
    "command",
    "connection",
    "connections",
    "database_url",
    "empty_database",
    "on_mariadb",
    "running_worker",
}
"""Names through which a test's module reaches a server without such a fixture."""
ON_TOP = ("browser", "reports", "attacks", "stages", "charts")
"""Rooms that ask a database through those below alone: on a server these wait for a release."""
ALSO = ("test_whole_life.py", "test_two_people.py", "test_two_installations.py", "test_messages.py")
OPTION = "--only-servers"
REASON = "touches neither database nor broker, or through other rooms alone"


def touches_a_server(item: pytest.Item) -> bool:
    """Whether a test may do anything else on another database or broker."""
    if item.get_closest_marker("django_db") or DATABASE_FIXTURES & set(
        getattr(item, "fixturenames", ())
    ):
        return True
    return bool(REACHES & set(vars(getattr(item, "module", object))))


def waits_for_a_release(item: pytest.Item) -> bool:
    """Whether a test of a room on top is left to `make release-check`."""
    if THOROUGH or item.path.name in ALSO or not item.path.is_relative_to(ROOT):
        return False
    return item.path.relative_to(ROOT).parts[0] in ON_TOP


def leave_out_others(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With ``--only-servers``: skipped, not removed, so that what is skipped everywhere is told."""
    if config.getoption(OPTION):
        for item in items:
            if not touches_a_server(item) or waits_for_a_release(item):
                item.add_marker(pytest.mark.skip(reason=REASON))

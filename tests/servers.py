"""Which tests touch a database or a broker: the others need not run again on other servers."""

from __future__ import annotations

import pytest

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
OPTION = "--only-servers"
REASON = "touches neither database nor broker"


def touches_a_server(item: pytest.Item) -> bool:
    """Whether a test may do anything else on another database or broker."""
    if item.get_closest_marker("django_db") or DATABASE_FIXTURES & set(
        getattr(item, "fixturenames", ())
    ):
        return True
    return bool(REACHES & set(vars(getattr(item, "module", object))))


def leave_out_others(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With ``--only-servers``: skipped, not removed, so that what is skipped everywhere is told."""
    if config.getoption(OPTION):
        for item in items:
            if not touches_a_server(item):
                item.add_marker(pytest.mark.skip(reason=REASON))

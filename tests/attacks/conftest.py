"""What each attack counts: its inputs. `tests/conftest.py` adds them up at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.web.conftest import browser_client, loaded  # noqa: F401
from tests.web.test_typed import world  # noqa: F401


@pytest.fixture
def tried(record_property: Callable[[str, object], None]) -> Iterator[list[int]]:
    """Numbers of inputs, appended by the attack."""
    counts: list[int] = []
    yield counts
    record_property("inputs", sum(counts))

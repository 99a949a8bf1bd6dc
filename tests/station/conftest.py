"""One server for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.station.bench import Bench, Web, bell
from tests.station.proxy import Proxy
from tests.workers import running_worker


@pytest.fixture(scope="module")
def web(django_db_setup: None) -> Iterator[Web]:
    with ExitStack() as stack:
        found = Web()
        found.start()
        stack.callback(found.stop)
        stack.enter_context(running_worker("--concurrency", "1"))
        stack.enter_context(bell())
        found.wait()
        yield found


@pytest.fixture
def bench(web: Web, transactional_db: None, tmp_path: Path) -> Iterator[Bench]:
    found = Bench(tmp_path / "bench", f"http://127.0.0.1:{web.port}")
    yield found
    found.stop()


@pytest.fixture
def cable(web: Web, bench: Bench) -> Iterator[Proxy]:
    with Proxy(("127.0.0.1", web.port)) as found:
        bench.server = f"http://127.0.0.1:{found.port}"
        yield found

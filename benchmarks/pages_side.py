"""One side of ``make bench BENCH=pages``: run as a script, with the code of a commit as its path.

It must work with every commit that it is asked to measure, so it takes from the package only what
they all have: `benchmarks.database_fill` and `benchmarks.database_pages.addresses`.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

SEED = 20260101
SPARE = 50
"""Devices without values, as there are in a campaign."""


def main() -> None:
    """Answer ``PAGE TURN`` lines with the milliseconds of a request."""
    without_other_stages()
    import django

    django.setup()
    values = int(sys.argv[1])
    fill(values)
    client, pages = prepare(values)
    print(json.dumps(first_use(client, pages)), flush=True)
    for line in sys.stdin:
        page, turn = line.split()
        address = pages[page][int(turn) % len(pages[page])]
        began = time.perf_counter()
        client.get(address)
        print(json.dumps({"ms": 1e3 * (time.perf_counter() - began)}), flush=True)


def without_other_stages() -> None:
    """Stages of packages that are installed here may not fit an older commit."""
    found = importlib.metadata.entry_points

    def ours(**wanted: str) -> Any:
        return () if wanted.get("group") == "mppcqa.stages" else found(**wanted)

    importlib.metadata.entry_points = ours


def fill(values: int) -> None:
    """A campaign of so many values, unless it was made before."""
    from django.core.management import call_command

    from benchmarks import database_fill as made_up

    done = Path(os.environ["MPPCQA_HOME"]) / "filled"
    if done.exists():
        return
    began = time.perf_counter()
    call_command("migrate", verbosity=0)
    ids = made_up.prepare(made_up.DEVICES)
    made_up.fill(ids[: values // made_up.VALUES_A_DEVICE], np.random.default_rng(SEED))
    done.touch()
    print(f"filled with {values} values in {time.perf_counter() - began:.0f} s", flush=True)


def prepare(values: int) -> tuple[Any, dict[str, list[str]]]:
    """A browser that is logged in, and the addresses of each kind of page."""
    from django.contrib.auth.models import User
    from django.core.cache import cache
    from django.test import Client

    from benchmarks import database_fill as made_up
    from benchmarks.database_pages import addresses

    user, _made = User.objects.get_or_create(username="bench", is_superuser=True)
    import mppcqa.project.wsgi  # noqa: F401 (what gunicorn loads)

    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(user)
    cache.clear()
    measured = values // made_up.VALUES_A_DEVICE
    return client, addresses(measured, np.random.default_rng(SEED))


def first_use(client: Any, pages: dict[str, list[str]]) -> dict[str, dict[str, float]]:
    """Time of each page's first request [ms], and the largest number of queries of five others."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    first: dict[str, float] = {}
    queries: dict[str, float] = {}
    for page, some in pages.items():
        began = time.perf_counter()
        response = client.get(some[0])
        first[page] = 1e3 * (time.perf_counter() - began)
        assert response.status_code in (200, 302), (some[0], response.status_code)
        queries[page] = 0
        for address in some[1:6] or some:
            with CaptureQueriesContext(connection) as captured:
                client.get(address)
            queries[page] = max(queries[page], len(captured))
    return {"first_ms": first, "queries": queries}


if __name__ == "__main__":
    main()

"""Server time and number of queries of the pages, without the network."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

import numpy as np
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks import database_fill as made_up
from mppcqa.inventory.models import Device
from mppcqa.statistics.models import Series
from mppcqa.web.paging import SIZE

REQUESTS = 60
WARM = 5


def addresses(measured: int, rng: np.random.Generator) -> dict[str, list[str]]:
    """Addresses of each kind of page, of random devices among the measured ones."""
    serials = [f"GX-{n:06d}" for n in rng.integers(0, measured, REQUESTS)]
    trays = max(1, measured // made_up.TRAY**2)
    series = list(Series.objects.values_list("pk", flat=True))
    thousandth = Device.objects.order_by("serial").values_list("serial", flat=True)[999 * SIZE - 1]
    picked = rng.choice(series, REQUESTS)
    numbers = rng.integers(0, trays, REQUESTS)
    return {
        "home": ["/"],
        "device": [f"/devices/{serial}/" for serial in serials],
        "list_first": ["/devices/"],
        "list_1000th": [f"/devices/?after={quote(thousandth)}"],
        "list_filtered": ["/devices/?stage=pde&outcome=pass"],
        "search": [f"/find/?q={serial}" for serial in serials],
        "search_list": [f"/devices/?q={serial[:7]}" for serial in serials],
        "tray": [
            f"/trays/T-{tray:04d}/?quantity={one}"
            for tray, one in zip(numbers, picked, strict=True)
        ],
        "distribution": [f"/distributions/?series={one}" for one in picked],
        "yields": ["/statistics/yield/"],
    }


def measure_pages(measured: int, rng: np.random.Generator) -> dict[str, dict[str, Any]]:
    """p95 and median [ms], and the largest number of queries, of each kind of page."""
    user, _made = User.objects.get_or_create(username="bench", is_superuser=True)
    import mppcqa.project.wsgi  # noqa: F401 (what gunicorn loads)

    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(user)
    return {name: _measure(client, pages) for name, pages in addresses(measured, rng).items()}


def _measure(client: Client, pages: list[str]) -> dict[str, Any]:
    queries = 0
    for turn in range(WARM):
        with CaptureQueriesContext(connection) as captured:
            response = client.get(pages[turn % len(pages)])
        assert response.status_code in (200, 302), (pages[0], response.status_code)
        queries = max(queries, len(captured))
    times = []
    for turn in range(REQUESTS):
        began = time.perf_counter()
        client.get(pages[turn % len(pages)])
        times.append(1e3 * (time.perf_counter() - began))
    return {
        "p95_ms": round(float(np.percentile(times, 95)), 1),
        "median_ms": round(float(np.median(times)), 1),
        "queries": queries,
    }


def growth(small: dict[str, Any], large: dict[str, Any]) -> dict[str, float]:
    """How much each page's time grows: the ratio of the p95."""
    return {
        name: round(large[name]["p95_ms"] / small[name]["p95_ms"], 2)
        for name in small
        if name in large
    }

"""Server time and number of queries of the pages, without the network."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

import numpy as np
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks import database_fill as made_up
from mppcqa.inventory.models import Device
from mppcqa.statistics.models import Series
from mppcqa.web.paging import SIZE

REQUESTS = 60
ROUNDS = 4


def addresses(measured: int, rng: np.random.Generator) -> dict[str, list[str]]:
    """Addresses of each kind of page, of random devices among the measured ones."""
    serials = [f"GX-{n:06d}" for n in rng.integers(0, measured, REQUESTS)]
    trays = max(1, measured // made_up.TRAY**2)
    series = list(Series.objects.values_list("pk", flat=True))
    thousandth = Device.objects.order_by("serial").values_list("serial", flat=True)[999 * SIZE - 1]
    picked = rng.choice(series, REQUESTS)
    numbers = rng.integers(0, trays, REQUESTS)
    anywhere = rng.integers(0, Device.objects.count(), REQUESTS)
    return {
        "home": ["/"],
        "device": [f"/devices/{serial}/" for serial in serials],
        "list_first": ["/devices/"],
        "list_1000th": [f"/devices/?after={quote(thousandth)}"],
        "list_filtered": ["/devices/?stage=pde&outcome=pass"],
        "search": [f"/find/?q={serial}" for serial in serials],
        "search_list": [f"/devices/?q=GX-{n // 100:04d}" for n in anywhere],
        "tray": [
            f"/trays/T-{tray:04d}/?quantity={one}"
            for tray, one in zip(numbers, picked, strict=True)
        ],
        "distribution": [f"/distributions/?series={one}" for one in picked],
        "yields": ["/statistics/yield/"],
    }


def measure_pages(measured: int, rng: np.random.Generator) -> dict[str, dict[str, Any]]:
    """p95 and median [ms], and the largest number of queries, of each kind of page.

    Each page is asked for in several rounds, some time apart; the quietest round counts, as what
    else the machine does at a moment says nothing about the page.
    """
    user, _made = User.objects.get_or_create(username="bench", is_superuser=True)
    import mppcqa.project.wsgi  # noqa: F401 (what gunicorn loads)

    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(user)
    # What is remembered for a minute belongs to the campaign of before.
    cache.clear()
    pages = addresses(measured, rng)
    queries = {name: _queries(client, some) for name, some in pages.items()}
    rounds = [{name: _Round(client, some) for name, some in pages.items()} for _ in range(ROUNDS)]
    return {
        name: {
            "p95_ms": round(min(one[name].p95_ms for one in rounds), 1),
            "median_ms": round(min(one[name].median_ms for one in rounds), 1),
            "p95_in_paces": round(min(one[name].p95_in_paces for one in rounds), 2),
            "queries": queries[name],
        }
        for name in pages
    }


def _queries(client: Client, pages: list[str]) -> int:
    """The largest number of queries; the pages' templates and charts are made here."""
    most = 0
    for page in pages:
        with CaptureQueriesContext(connection) as captured:
            response = client.get(page)
        assert response.status_code in (200, 302), (page, response.status_code)
        most = max(most, len(captured))
    return most


class _Round:
    """Times of one kind of page, and how fast the machine was meanwhile."""

    def __init__(self, client: Client, pages: list[str]) -> None:
        pace_ms = _pace_ms()
        times = []
        for turn in range(REQUESTS):
            began = time.perf_counter()
            client.get(pages[turn % len(pages)])
            times.append(1e3 * (time.perf_counter() - began))
        self.p95_ms, self.median_ms = np.percentile(times, [95, 50]).tolist()
        self.p95_in_paces = self.p95_ms / ((pace_ms + _pace_ms()) / 2)


def _pace_ms() -> float:
    """How long a fixed piece of work takes at this moment, some 10 ms on an idle machine."""
    times = []
    for _turn in range(10):
        began = time.perf_counter()
        words: dict[str, int] = {}
        for number in range(50_000):
            word = str(number % 997)
            words[word] = words.get(word, 0) + 1
        times.append(1e3 * (time.perf_counter() - began))
    return float(np.median(times))


def growth(small: dict[str, Any], large: dict[str, Any]) -> dict[str, float]:
    """How much each page's time grows: the ratio of the p95.

    Minutes lie between the two sizes, in which a shared machine becomes faster or slower, so both
    are taken in paces: against a fixed piece of work at that moment.
    """
    return {
        name: round(large[name]["p95_in_paces"] / small[name]["p95_in_paces"], 2)
        for name in small
        if name in large
    }

"""One database engine of ``make bench BENCH=database``: fill, measure, say it as JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import django
import numpy as np

SEED = 20260101
FOR_INGEST = 800
FOR_IMPORT = 3400
"""Devices without values, kept for the comparisons of ingest and import."""


def main() -> int:
    """Sizes (numbers of values) and names of steps as arguments; works on the empty database."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mppcqa.project.settings")
    django.setup()
    from django.core.management import call_command

    from benchmarks import database_fill as made_up
    from benchmarks.database_exchange import measure_export, measure_import
    from benchmarks.database_ingest import measure_ingest
    from benchmarks.database_load import measure_load

    sizes = sorted(made_up.sizes_of(sys.argv[1]))
    call_command("migrate", verbosity=0)
    rng = np.random.default_rng(SEED)
    needed = max(sizes) // made_up.VALUES_A_DEVICE + 1
    spare = FOR_INGEST + FOR_IMPORT
    ids = made_up.prepare(max(made_up.DEVICES, needed + spare))
    report: dict[str, Any] = {"sizes": {}}
    taken = 0
    for size in sizes:
        wanted = size // made_up.VALUES_A_DEVICE
        report["sizes"][str(size)] = _grow(ids, taken, wanted, rng)
        taken = wanted
        say(f"{size} values: {json.dumps(report['sizes'][str(size)])}")
    steps = {
        "pages": lambda: compare_pages(*(report["sizes"][str(one)] for one in (sizes[0], size))),
        "storage": lambda: compacted(report["sizes"][str(size)]["storage"]),
        "ingest": lambda: measure_ingest(ids[-spare:], rng),
        "import": lambda: measure_import(ids[-FOR_IMPORT:], rng),
        "export": measure_export,
        "load": lambda: measure_load(taken),
        "summaries": _recount,
    }
    for name, step in steps.items():
        if sys.argv[2] and name not in sys.argv[2].split(","):
            continue
        began = time.perf_counter()
        found = step()
        report |= found
        say(f"{name}, {time.perf_counter() - began:.0f} s: {json.dumps(found)}")
    print(json.dumps(report), flush=True)
    return 1 if report.get("summaries", {}).get("differences") else 0


def _grow(ids: list[int], taken: int, wanted: int, rng: np.random.Generator) -> dict[str, Any]:
    """More values, by the real ingest, then what people ask of so many."""
    from benchmarks import database_fill as made_up
    from benchmarks.database_ingest import storage
    from benchmarks.database_pages import measure_pages

    spent = made_up.fill(ids[taken:wanted], rng)
    return {
        "storage": storage(),
        "fill_values_per_second": round(spent.values / spent.store_s),
        "judged_devices_per_second": round(spent.analyses * made_up.SLOTS / spent.judge_s),
        "pages": measure_pages(wanted, rng),
    }


def compare_pages(small: dict[str, Any], large: dict[str, Any]) -> dict[str, Any]:
    """Times and queries of the pages at the largest size, and their growth from the smallest."""
    from benchmarks.database_pages import growth

    growths = growth(small["pages"], large["pages"])
    queries = _queries(large)
    return {
        "page_p95_ms": max(page["p95_ms"] for page in large["pages"].values()),
        "page_growth": max(growths.values()),
        "page_growths": growths,
        "queries": queries,
        # Where fewer devices than a page holds fit a filter, they are looked for once more.
        "queries_constant": all(
            n <= small["pages"][name]["queries"] for name, n in queries.items()
        ),
    }


def _queries(measured: dict[str, Any]) -> dict[str, int]:
    return {name: page["queries"] for name, page in measured["pages"].items()}


def compacted(filled: dict[str, float]) -> dict[str, Any]:
    """Bytes a value as filled, and after the weekly rebuild where there is one."""
    from benchmarks.database_ingest import storage
    from mppcqa.results.upkeep import compact_measurements

    began = time.perf_counter()
    rebuilt = compact_measurements(always=True)
    return {
        "bytes_per_value": filled["bytes_per_value"],
        "bytes_per_value_rebuilt": storage()["bytes_per_value"] if rebuilt else None,
        "rebuild_s": round(time.perf_counter() - began, 1) if rebuilt else None,
    }


def _recount() -> dict[str, Any]:
    from mppcqa.statistics.check import check_summaries

    began = time.perf_counter()
    checked = check_summaries()
    return {
        "summaries": {
            "differences": len(checked.differences),
            "values_per_second": round(checked.values / (time.perf_counter() - began)),
        }
    }


def say(text: str) -> None:
    """A line for the person who waits."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

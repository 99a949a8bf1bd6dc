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


def main() -> int:
    """Sizes (numbers of values) as the only argument; works on the empty `MPPCQA_DATABASE`."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mppcqa.project.settings")
    django.setup()
    from django.core.management import call_command

    from benchmarks import database_fill as made_up
    from benchmarks.database_ingest import measure_ingest, storage
    from benchmarks.database_load import measure_load
    from benchmarks.database_pages import growth, measure_pages
    from mppcqa.statistics.check import check_summaries
    from mppcqa.testing.upkeep import compact_measurements

    sizes = sorted(made_up.sizes_of(sys.argv[1]))
    call_command("migrate", verbosity=0)
    rng = np.random.default_rng(SEED)
    needed = max(sizes) // made_up.VALUES_A_DEVICE + 1
    spare = 2000
    ids = made_up.prepare(max(made_up.DEVICES, needed + spare))
    report: dict[str, Any] = {"sizes": {}}
    taken = 0
    for size in sizes:
        wanted = size // made_up.VALUES_A_DEVICE
        spent = made_up.fill(ids[taken:wanted], rng)
        taken = wanted
        say(f"{size} values: stored in {spent.store_s:.1f} s, judged in {spent.judge_s:.1f} s")
        pages = measure_pages(wanted, rng)
        report["sizes"][str(size)] = {
            "storage": storage(),
            "fill_values_per_second": round(spent.values / spent.store_s),
            "judged_devices_per_second": round(spent.analyses * made_up.SLOTS / spent.judge_s),
            "pages": pages,
        }
        say(json.dumps(pages))
    small, large = (report["sizes"][str(size)] for size in (sizes[0], sizes[-1]))
    report["bytes_per_value_as_filled"] = large["storage"]["bytes_per_value"]
    began = time.perf_counter()
    if compact_measurements(always=True):
        report["compact_s"] = round(time.perf_counter() - began, 1)
    report["bytes_per_value"] = storage()["bytes_per_value"]
    report["page_p95_ms"] = max(page["p95_ms"] for page in large["pages"].values())
    report["page_growths"] = growth(small["pages"], large["pages"])
    report["page_growth"] = max(report["page_growths"].values())
    report["queries"] = {name: page["queries"] for name, page in large["pages"].items()}
    report["queries_constant"] = all(
        small["pages"][name]["queries"] == page["queries"] for name, page in large["pages"].items()
    )
    report |= measure_ingest(ids[-spare:], rng, bulk_values=300_000)
    say(json.dumps({key: report[key] for key in ("ingest_ratio", "bulk_ratio")}))
    report["load"] = measure_load(taken)
    report["requests_per_second"] = report["load"]["requests_per_second"]
    began = time.perf_counter()
    checked = check_summaries()
    report["summaries"] = {
        "differences": len(checked.differences),
        "values_per_second": round(checked.values / (time.perf_counter() - began)),
    }
    print(json.dumps(report), flush=True)
    return 1 if checked.differences else 0


def say(text: str) -> None:
    """A line for the person who waits."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
